"""Rules on dated series of macro and policy: missing periods, withdrawals, revisions, age."""

from typing import Final

import polars as pl

from stocktrend.quality.findings import FOUND, Given, rule, spans

MISSING: Final = 1.6
"""Times the usual distance of periods: months have 28 to 31 days, quarters 90 to 92."""
LONGEST_CLOSURE: Final = 10
"""Days: a longer gap of a daily series is no holiday."""
LATE_PERIODS: Final = 3
LATE_DAYS: Final = 31


@rule(
    table="macro",
    severity="warning",
    remedy="Find out whether the period was ever published; features take the newest that was.",
)
def missing_period(macro: pl.DataFrame, given: Given) -> pl.DataFrame:
    """A period of a regular series without a value between others."""
    known = macro.filter(pl.col("value").is_not_null()).select("series", "period")
    gap = (pl.col("period") - pl.col("period").shift(1)).dt.total_days().over("series")
    gaps = known.with_columns(
        gap.alias("gap"), pl.col("period").shift(1).over("series").alias("from")
    ).with_columns(pl.col("gap").median().over("series").alias("usual"))
    wide = pl.max_horizontal(MISSING * pl.col("usual"), pl.lit(LONGEST_CLOSURE))
    found = gaps.filter(pl.col("gap") > wide)
    newest = pl.format("the newest after {}", pl.col("from").max())
    return (
        found.group_by(pl.col("series").alias("subject"))
        .agg(
            pl.col("from").min().alias("first"),
            pl.col("period").max().alias("last"),
            (pl.col("gap") / pl.col("usual") - 1).round().sum().cast(pl.Int64).alias("rows"),
            newest.alias("detail"),
        )
        .sort("subject")
    )


@rule(
    table="macro",
    severity="warning",
    remedy="Put a newer file of the series into raw/ and run `stocktrend ingest`.",
)
def outdated_series(macro: pl.DataFrame, given: Given) -> pl.DataFrame:
    """A series whose newest value has been known for three of its periods and a month."""
    step = (pl.col("period") - pl.col("period").shift(1)).dt.total_days().median()
    ends = macro.group_by("series").agg(
        pl.col("known_at").max(), pl.col("period").max(), step.alias("step")
    )
    age = (pl.lit(given.now) - pl.col("known_at")).dt.total_days()
    late = ends.with_columns(age.alias("age")).filter(
        pl.col("age") > LATE_PERIODS * pl.col("step").fill_null(0) + LATE_DAYS
    )
    return spans(late, "series", "period", pl.format("known for {} days", pl.col("age").first()))


@rule(
    table="macro",
    severity="note",
    remedy="Give a source with vintages: past values are read as they stand today.",
)
def revised_without_vintages(macro: pl.DataFrame, given: Given) -> pl.DataFrame:
    """A series that is revised later and whose past versions are not known."""
    detail = pl.lit("only today's version is known")
    return spans(macro.filter(pl.col("revised")), "series", "period", detail)


@rule(
    table="macro",
    severity="note",
    remedy="Each date uses the version that was known then; nothing has to be done.",
)
def revisions(macro: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Periods of which several versions were published."""
    most = pl.col("versions").max()
    detail = pl.format("revised periods, {} versions at most", most)
    return spans(macro.filter(pl.col("versions") > 1), "series", "period", detail)


@rule(
    table="policy",
    severity="note",
    remedy="Only texts are scored; the event itself is counted. Nothing has to be done.",
)
def without_text(policy: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Acts of policy without a text."""
    bare = policy.filter(pl.col("text").is_null()).with_columns(
        pl.col("event_time").dt.date().alias("_day")
    )
    return spans(bare, "kind", "_day", pl.lit("no text")).select(list(FOUND))
