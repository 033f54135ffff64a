"""Rules on what ingestion refused or took once, and on what was withheld since."""

from typing import Final

import polars as pl

from stocktrend.lake.withheld import REASON
from stocktrend.quality.findings import FOUND, Given, rule, spans
from stocktrend.sources.batch import PLAIN_RULES

IMPOSSIBLE: Final = tuple(
    PLAIN_RULES[name]
    for name in ("prices_are_positive", "high_is_not_below_low", "prices_are_finite")
)
LONGEST_EXAMPLE: Final = 160


@rule(
    table="quarantine",
    severity="error",
    remedy="Ingestion left them out already; history restarts after a price that is not above 0. "
    "Replace the file if you have a better one.",
)
def impossible_prices(quarantine: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Bars that ingestion refused since no such price can be."""
    return _by_subject(quarantine.filter(_impossible()))


@rule(
    table="quarantine",
    severity="warning",
    remedy="Ingestion left them out already. Mend the file, or the source's settings where all of "
    "it is refused.",
)
def refused_records(quarantine: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Records that ingestion refused for any other reason."""
    other = ~_impossible() & ~pl.col("reason").str.starts_with(REASON)
    return _by_subject(quarantine.filter(other))


@rule(
    table="quarantine",
    severity="note",
    remedy="To read them again: `stocktrend check --release TICKER`.",
)
def withheld_bars(quarantine: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Stored bars that are withheld."""
    held = quarantine.filter(pl.col("reason").str.starts_with(REASON))
    why = pl.col("reason").str.strip_prefix(REASON)
    return spans(held, "ticker", "session", why.unique().sort().str.join("; "))


@rule(
    table="quarantine",
    severity="note",
    remedy="Ingestion kept one of each; nothing has to be done.",
)
def duplicate_records(quarantine: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Records that a file holds more than once."""
    no_day = pl.lit(None, pl.Date)
    return given.duplicates.select(
        pl.col("path").alias("subject"),
        no_day.alias("first"),
        no_day.alias("last"),
        "rows",
        pl.format("of {}", "table").alias("detail"),
    )


def _impossible() -> pl.Expr:
    wrong = pl.any_horizontal(
        pl.col("reason").str.contains(words, literal=True) for words in IMPOSSIBLE
    )
    withheld = pl.col("reason").str.starts_with(REASON)
    return (pl.col("table") == "bars") & wrong & ~withheld


def _by_subject(rows: pl.DataFrame) -> pl.DataFrame:
    """One finding a table, ticker (or source where there is none) and reason, with an example."""
    subject = pl.coalesce("ticker", "source").alias("subject")
    plain = pl.col("reason").str.split(": ").list.first()
    example = pl.col("record").first().str.slice(0, LONGEST_EXAMPLE)
    return (
        rows.group_by("table", subject, plain.alias("reason"))
        .agg(
            pl.col("session").min().alias("first"),
            pl.col("session").max().alias("last"),
            pl.len().cast(pl.Int64).alias("rows"),
            example.alias("example"),
            pl.col("path").first(),
        )
        .sort("rows", "subject", "table", "reason", descending=[True, False, False, False])
        .with_columns(
            pl.format("{}: {}; such as {} of {}", "table", "reason", "example", "path").alias(
                "detail"
            )
        )
        .select(list(FOUND))
    )
