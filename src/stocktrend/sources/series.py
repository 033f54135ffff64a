"""Dated series without vintages: FRED-style ``date,value`` CSV, macro or policy index."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from stocktrend.config import IndexFile, Release, SeriesFile
from stocktrend.errors import SourceError
from stocktrend.sources.batch import Batch, make_batch
from stocktrend.sources.clock import Clock, default_release, is_revised
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
from stocktrend.sources.files import read_rows, stem

DATES: Final = ("date", "observationdate", "period", "time", "day")
LONGEST_DAILY_STEP: Final = 7
INDEX_NAMES: Final = {"EPU": "USEPUINDXD", "GPR": "GPRD", "FEDTARGET": "DFEDTAR"}
"""What files of well-known policy indices are called, without ``daily`` and underscores."""


def series_of(path: Path) -> str:
    """The series that a file's name stands for.

    >>> series_of(Path("macro/dgs10.csv")), series_of(Path("policy/epu_daily.csv"))
    ('DGS10', 'USEPUINDXD')
    """
    name = stem(path).upper()
    short = name.removesuffix("_DAILY").replace("_", "")
    return INDEX_NAMES.get(short, name)


def read_series(
    path: Path,
    setting: SeriesFile | IndexFile,
    name: str,
    shown: str,
    clock: Clock,
    calendar: Path | None = None,
) -> Batch:
    """Read one series.

    A date without a value (empty or ``.``) is no record; a note counts them. The value column is
    ``value``, the series' name, or the only column beside the date.

    Args:
        path: The file.
        setting: Its source's settings; without ``release`` the rule of the well-known series.
        name: Name of the source, stored with each record.
        shown: The path as reports show it.
        clock: Applies the release rule.
        calendar: A ``release_dates.csv`` for well-known series without a rule of their own.

    Raises:
        SourceError: the file is unreadable, lacks a column, or is not daily although the rule of
            daily series would date it.
        ConfigError: the series has no release rule and is not well known.
    """
    rows = read_rows(path)
    series = setting.series or series_of(path)
    release = setting.release or default_release(series, calendar)
    raw = rows.frame
    columns = _columns(path, raw.columns, series, setting.columns)
    typed = raw.select(
        "row",
        day(raw, columns["date"]).alias("period"),
        number(raw, columns["value"]).alias("value"),
        text(raw, columns["value"]).is_null().alias("empty"),
        not_a_number(raw, columns["value"]).alias("_value"),
    )
    stated = typed.filter(~(pl.col("empty") & pl.col("period").is_not_null()))
    if "release" not in setting.model_fields_set and release.rule == "next_business_day":
        _check_daily(path, series, stated["period"])
    known, dated = clock.known_at(stated["period"], release)
    revised = is_revised(series, release, getattr(setting, "revised", None))
    found = stated.with_columns(
        known,
        pl.lit(name).alias("source"),
        pl.lit(series).alias("series"),
        pl.lit(None, dtype=pl.String).alias("basis"),
        pl.lit(revised).alias("revised"),
        first_reason(
            pl.when(pl.col("period").is_null()).then(pl.lit("the date is not YYYY-MM-DD")),
            pl.col("_value"),
        ),
    ).with_columns(midnight("period").alias("event_time"))
    batch = make_batch("macro", name, shown, raw, schema_frame("macro", found), broken=rows.broken)
    return batch.with_notes(
        {
            "dates without a value, left out": typed.height - stated.height,
            **_notes(series, batch.records, release, int(dated.sum())),
        }
    )


def _check_daily(path: Path, series: str, periods: pl.Series) -> None:
    """A monthly mean under a daily series' name is labelled weeks before it can be known."""
    step = _typical_step(periods)
    if step is not None and step > LONGEST_DAILY_STEP:
        raise SourceError(
            f"{series} must be daily, since its values count as known on the next business day, "
            f"however the dates of {path} lie {step:g} days apart. Fetch the daily series, or set "
            f"`release` of its source in stocktrend.yaml to when these values were published"
        )


def midnight(column: str) -> pl.Expr:
    """A label date as an event time: its first moment in UTC."""
    return pl.col(column).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _columns(path: Path, found: list[str], series: str, given: Mapping[str, str]) -> dict[str, str]:
    wanted: Synonyms = {"date": DATES, "value": ("value", series)}
    dates = match_columns(path, found, {"date": DATES}, {}, ()).get("date")
    others = [column for column in found if column not in ("row", given.get("date", dates))]
    if len(others) == 1:
        wanted = {"date": DATES, "value": ("value", series, others[0])}
    return match_columns(path, found, wanted, given, ("date", "value"))


def _notes(series: str, records: pl.DataFrame, release: Release, dated: int) -> dict[str, int]:
    notes = {
        f"{series}: values at or below 0, kept": records.filter(pl.col("value") <= 0).height,
        f"{series}: periods never published": _missing_periods(records["period"]),
    }
    if release.rule == "calendar":
        notes[f"{series}: periods dated by the release calendar"] = dated
        notes[f"{series}: periods dated by the longest lag"] = records.height - dated
    if records["revised"].any():
        notes[f"{series}: revised later, used as it stands"] = records.height
    return notes


def _missing_periods(periods: pl.Series) -> int:
    """Months or quarters that are absent between the first and the last one."""
    months = {30: 1, 31: 1, 91: 3, 92: 3, 90: 3}.get(int(_typical_step(periods) or 0))
    if months is None:
        return 0
    days = periods.unique().sort()
    first: date = days[0]
    last: date = days[-1]
    between = (last.year - first.year) * 12 + last.month - first.month
    return max(between // months + 1 - len(days), 0)


def _typical_step(periods: pl.Series) -> float | None:
    """Median days from one label date to the next; None for fewer than three dates."""
    days = periods.drop_nulls().unique().sort()
    step = days.diff().drop_nulls().dt.total_days().median()
    return step if len(days) > 2 and isinstance(step, float) else None
