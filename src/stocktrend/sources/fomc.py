"""Rate decisions and statements of the Federal Open Market Committee."""

from datetime import date, time
from pathlib import Path
from typing import Final

import polars as pl

from stocktrend.config import FomcFile
from stocktrend.schema import UTC_TIME
from stocktrend.sources.batch import Batch, make_batch
from stocktrend.sources.fields import (
    Synonyms,
    day,
    first_reason,
    match_columns,
    not_a_number,
    number,
    schema_frame,
    text,
)
from stocktrend.sources.files import read_rows

COLUMNS: Final[Synonyms] = {
    "date": ("date",),
    "release_time": ("releasetimeetconvention", "releasetimeet", "releasetime", "timeet", "time"),
    "target_low": ("targetlow",),
    "target_high": ("targethigh",),
    "statement": ("statement", "text"),
}
TARGET: Final = ("target_low", "target_high")


def read_fomc(path: Path, setting: FomcFile, name: str, shown: str) -> Batch:
    """Read one event a row: the target range in force, the statement, or both.

    Known at the release time (New York) of its day, 23:59 where there is none, or at 23:59 of
    the later day that ``published`` names. Only the columns above are read.

    Args:
        path: The file.
        setting: Its source's settings.
        name: Name of the source, stored with each record.
        shown: The path as reports show it.

    Raises:
        SourceError: the file is unreadable or lacks a column.
    """
    rows = read_rows(path)
    columns = match_columns(path, rows.frame.columns, COLUMNS, setting.columns, ("date",))
    raw = rows.frame.select("row", *columns.values())
    nothing = pl.lit(None, dtype=pl.String)
    ends = {end: columns[end] for end in TARGET if end in columns}
    typed = raw.select(
        "row",
        day(raw, columns["date"]).alias("day"),
        *_clock_time(raw, columns.get("release_time")),
        *(number(raw, column).alias(end) for end, column in ends.items()),
        *(pl.lit(None, dtype=pl.Float64).alias(end) for end in TARGET if end not in ends),
        *(not_a_number(raw, column).alias(f"_{end}") for end, column in ends.items()),
        (text(raw, columns["statement"]) if "statement" in columns else nothing).alias("text"),
    )
    found = _events(typed, setting.published, [f"_{end}" for end in ends]).with_columns(
        pl.lit(name).alias("source")
    )
    batch = make_batch(
        "policy", name, shown, raw, schema_frame("policy", found), broken=rows.broken
    )
    return batch.with_notes(
        {
            "decisions without a release time, known at 23:59": found.filter(
                pl.col("at").is_null()
            ).height,
            "decisions published on a later day": found.filter(
                pl.col("later").is_not_null()
            ).height,
            "decisions without a target range": batch.records["target_low"].null_count(),
            "decisions without a statement": batch.records["text"].null_count(),
        }
    )


def _events(typed: pl.DataFrame, published: dict[date, date], failed: list[str]) -> pl.DataFrame:
    later = pl.col("day").replace_strict(published, default=None, return_dtype=pl.Date)
    at = pl.col("at").fill_null(time(23, 59))
    timed = typed.with_columns(later.alias("later"))
    return timed.with_columns(
        _new_york("day", at).alias("event_time"),
        pl.coalesce(_new_york("later", pl.lit(time(23, 59))), _new_york("day", at)).alias(
            "known_at"
        ),
        pl.format("fomc-{}", "day").alias("id"),
        pl.when(pl.col("target_low").is_null())
        .then(pl.lit("statement"))
        .otherwise(pl.lit("rate_decision"))
        .alias("kind"),
        pl.format("Federal Open Market Committee, {}", "day").alias("title"),
        first_reason(
            pl.when(pl.col("day").is_null()).then(pl.lit("the date is not YYYY-MM-DD")),
            pl.col("_at"),
            *(pl.col(column) for column in failed),
        ),
    )


def _new_york(column: str, at: pl.Expr) -> pl.Expr:
    local = pl.col(column).dt.combine(at, time_unit="us")
    zoned = local.dt.replace_time_zone("America/New_York", ambiguous="latest", non_existent="null")
    return zoned.dt.convert_time_zone("UTC").cast(UTC_TIME)


def _clock_time(raw: pl.DataFrame, column: str | None) -> list[pl.Expr]:
    """``at`` (Time) and ``_at``, the reason of a time that cannot be read."""
    if column is None:
        return [pl.lit(None, dtype=pl.Time).alias("at"), pl.lit(None, dtype=pl.String).alias("_at")]
    written = text(raw, column)
    at = (
        written.str.extract(r"^(\d{1,2}:\d{2})(?::\d{2})?$")
        .str.zfill(5)
        .str.to_time("%H:%M", strict=False)
    )
    bad = written.is_not_null() & at.is_null()
    return [
        at.alias("at"),
        pl.when(bad).then(pl.format("the release time is not HH:MM: {}", written)).alias("_at"),
    ]
