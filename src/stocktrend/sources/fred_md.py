"""FRED-MD vintages as deltas: what each series looked like at the end of every month."""

from datetime import time
from pathlib import Path
from typing import Final

import polars as pl

from stocktrend.config import Calendar, FredMdFile
from stocktrend.schema import UTC_TIME
from stocktrend.sessions import end_of_day, new_york_expr
from stocktrend.sources.batch import Batch, make_batch
from stocktrend.sources.clock import Clock
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
from stocktrend.sources.series import midnight

COLUMNS: Final[Synonyms] = {
    "series": ("series",),
    "obs_date": ("obsdate", "period", "date"),
    "vintage": ("vintage",),
    "value": ("value",),
}
SERIES: Final = {
    "CPIAUCSL": "CPIAUCSL",
    "UNRATE": "UNRATE",
    "PAYEMS": "PAYEMS",
    "INDPRO": "INDPRO",
    "UMCSENT": "UMCSENTx",
}
"""Our series among the file's, where the settings do not choose."""


def read_fred_md(path: Path, setting: FredMdFile, name: str, shown: str, clock: Clock) -> Batch:
    """Read the chosen series of a FRED-MD delta file.

    All rows of one vintage of one series are known at one time: 23:59 New York of the release
    date of the vintage's newest observation, where a calendar gives it and no earlier vintage
    had that observation; else 00:00 New York of the first day of the month after the vintage's.
    No vintage is known before the one it follows. A null value withdraws a period and is kept.

    Args:
        path: The file.
        setting: Which series to read, and the calendars that date them.
        name: Name of the source, stored with each record.
        shown: The path as reports show it.
        clock: Reads the calendars.

    Raises:
        SourceError: the file or a calendar is unreadable or lacks a column.
    """
    rows = read_rows(path)
    raw = rows.frame
    columns = match_columns(path, raw.columns, COLUMNS, setting.columns, tuple(COLUMNS))
    ours = {theirs: name_of for name_of, theirs in setting.series.items()}
    chosen = raw.filter(text(raw, columns["series"]).is_in(list(ours)))
    typed = chosen.select(
        "row",
        text(raw, columns["series"]).replace_strict(ours, default=None).alias("series"),
        day(raw, columns["obs_date"]).alias("period"),
        (text(raw, columns["vintage"]).str.slice(0, 7) + "-01")
        .str.to_date("%Y-%m-%d", strict=False)
        .alias("vintage"),
        number(raw, columns["value"]).alias("value"),
        not_a_number(raw, columns["value"]).alias("_value"),
    )
    known = typed.join(
        _vintage_times(typed, setting.calendars, clock),
        on=["series", "vintage"],
        how="left",
        maintain_order="left",
    )
    found = known.with_columns(
        pl.lit(name).alias("source"),
        pl.lit(None, dtype=pl.String).alias("basis"),
        pl.lit(False).alias("revised"),
        midnight("period").alias("event_time"),
        first_reason(
            pl.when(pl.col("period").is_null()).then(pl.lit("the obs_date is not YYYY-MM-DD")),
            pl.when(pl.col("vintage").is_null()).then(pl.lit("the vintage is not YYYY-MM")),
            pl.col("_value"),
        ),
    )
    batch = make_batch(
        "macro",
        name,
        shown,
        raw,
        schema_frame("macro", found),
        broken=rows.broken,
        versioned=True,
    )
    absent = sorted(set(ours) - set(raw[columns["series"]].unique()))
    return batch.with_notes(
        {
            "values withdrawn by a later vintage, kept as withdrawals": batch.records[
                "value"
            ].null_count(),
            "rows of series not asked for, not read": raw.height - chosen.height,
            "vintages that restate most of a series' history": _restatements(typed),
            **{f"series absent from the file: {theirs}": 1 for theirs in absent},
        }
    )


def names_in(path: Path) -> set[str]:
    """The series that a file holds, under its own names.

    Raises:
        SourceError: the file is unreadable or lacks the column.
    """
    raw = read_rows(path).frame
    column = match_columns(path, raw.columns, COLUMNS, {}, ("series",))["series"]
    return set(raw.select(text(raw, column).unique()).to_series().drop_nulls())


def _vintage_times(
    rows: pl.DataFrame, calendars: dict[str, Calendar], clock: Clock
) -> pl.DataFrame:
    """``series``, ``vintage`` and the one ``known_at`` of each."""
    newest = (
        rows.filter(pl.col("vintage").is_not_null())
        .group_by("series", "vintage")
        .agg(pl.col("period").filter(pl.col("value").is_not_null()).max().alias("newest"))
        .sort("series", "vintage")
        .with_columns(
            pl.col("newest").cum_max().shift(1).forward_fill().over("series").alias("before")
        )
    )
    parts = []
    for (series,), group in newest.group_by("series", maintain_order=True):
        calendar = calendars.get(str(series))
        dates = (
            clock.release_dates(calendar)
            if calendar
            else pl.DataFrame(schema={"period": pl.Date, "release_date": pl.Date})
        )
        parts.append(
            group.join(
                dates, left_on="newest", right_on="period", how="left", maintain_order="left"
            )
        )
    if not parts:
        return newest.select("series", "vintage", pl.lit(None, UTC_TIME).alias("known_at"))
    brings = (pl.col("newest") > pl.col("before")) | pl.col("before").is_null()
    month_after = new_york_expr(pl.col("vintage").dt.offset_by("1mo"), time(0, 0))
    released = end_of_day(pl.when(brings).then(pl.col("release_date")))
    timed = pl.concat(parts).with_columns(
        pl.coalesce(released, month_after).cast(UTC_TIME).alias("known_at")
    )
    return timed.with_columns(pl.col("known_at").cum_max().over("series")).select(
        "series", "vintage", "known_at"
    )


def _restatements(rows: pl.DataFrame) -> int:
    """Vintages that change more than half of the periods that the series had before."""
    sizes = (
        rows.sort("series", "vintage")
        .with_columns(pl.struct("series", "period").is_first_distinct().alias("added"))
        .group_by("series", "vintage", maintain_order=True)
        .agg(pl.len().alias("stated"), pl.col("added").sum())
        .with_columns(pl.col("added").cum_sum().shift(1).over("series").alias("before"))
    )
    return sizes.filter((pl.col("stated") - pl.col("added")) * 2 > pl.col("before")).height
