"""The daily index of economic policy uncertainty of Baker, Bloom and Davis.

File: https://www.policyuncertainty.com/us_monthly.html ("Daily News Index"), the whole history
since 1985 in one CSV: ``day, month, year, daily_policy_index``, and notes below.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from stocktrend.errors import SourceError
from stocktrend.live.answers import LATER, ask, from_the_future, shown, table_of
from stocktrend.live.http import Answer, Http
from stocktrend.live.source import Window
from stocktrend.service_settings import PolicyUncertainty
from stocktrend.source_settings import NextBusinessDay
from stocktrend.sources.batch import Batch, make_batch
from stocktrend.sources.clock import Clock
from stocktrend.sources.fields import first_reason, not_a_number, number, plain_name, schema_frame
from stocktrend.sources.series import midnight

PATH: Final = "/media/All_Daily_Policy_Data.csv"
COLUMNS: Final = ("day", "month", "year", "daily_policy_index")
REVISED: Final = timedelta(days=62)
"""https://www.policyuncertainty.com/us_daily.html: each day this month and the last are updated."""


@dataclass(frozen=True)
class UncertaintyIndex:
    """The index, asked for as a whole, which is sent again only when it has changed."""

    setting: PolicyUncertainty
    table = "macro"
    overlap = REVISED.days
    terms = "Free with a citation of Baker, Bloom and Davis (2016)."

    @property
    def name(self) -> str:
        return self.setting.name or self.setting.kind

    def parts(self, tickers: Sequence[str]) -> tuple[str, ...]:
        """The one series."""
        return (self.setting.series,)

    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        """All days of the index; see :func:`read_index`.

        Raises:
            SourceError: no answer, or no such file.
        """

        def read(answer: Answer) -> Batch:
            return read_index(answer, self.name, part, window.now)

        yield ask(http, read, PATH)


def source(setting: PolicyUncertainty, exchange: str) -> UncertaintyIndex:
    """The source that the settings describe; the index has no exchange."""
    return UncertaintyIndex(setting)


def read_index(answer: Answer, name: str, series: str, now: datetime) -> Batch:
    """Read the index, a value of which is known at 10:00 New York of the next business day.

    Values of this month and the last change as more newspapers are counted: a change is a revision,
    known when it is seen. Older values are those that stood at last, and flagged ``revised``. Lines
    without any number are notes. The last line is refused where the file ends within it, since its
    value may be cut off.

    Args:
        answer: CSV.
        name: Of the source.
        series: That it is stored as.
        now: When it was asked (UTC); days of the future go to quarantine.

    Raises:
        SourceError: this is no CSV, or lacks a column.
    """
    written = table_of(answer, name)
    table = _table(written, name)
    places = _places(table[0], name)
    lines = [(row, fields) for row, fields in enumerate(table[1:], start=1) if _has_number(fields)]
    values = {
        column: [fields[place].strip() if place < len(fields) else None for _, fields in lines]
        for column, place in zip(COLUMNS, places, strict=True)
    }
    raw = pl.DataFrame(values, schema=dict.fromkeys(COLUMNS, pl.String)).with_columns(
        pl.Series("row", [row for row, _ in lines], dtype=pl.Int64)
    )
    cut = None if written.endswith(("\n", "\r")) else len(table) - 1
    batch = make_batch("macro", name, f"{name}:{series}", raw, _found(raw, name, series, now, cut))
    period = pl.col("period")
    recent = batch.records.filter(period > period.max() - REVISED).height
    notes = len(table) - 1 - len(lines)
    return batch.with_notes(
        {"lines of notes": notes, "values of the last two months, which may be revised": recent}
    )


def _table(written: str, name: str) -> list[list[str]]:
    try:
        table = [fields for fields in csv.reader(io.StringIO(written, newline="")) if any(fields)]
    except csv.Error as error:
        raise SourceError(f"{name} must answer with a CSV, however: {error}. {LATER}") from error
    if not table:
        raise SourceError(f"{name} must answer with a CSV, however it has no line. {LATER}")
    return table


def _places(header: list[str], name: str) -> list[int]:
    names = [plain_name(field) for field in header]
    missing = [column for column in COLUMNS if plain_name(column) not in names]
    if missing:
        raise SourceError(
            f"{name} must answer with a CSV of the columns {', '.join(COLUMNS)}, however "
            f"{', '.join(missing)} is missing in {shown(','.join(header))!r}. {LATER}"
        )
    return [names.index(plain_name(column)) for column in COLUMNS]


def _has_number(fields: list[str]) -> bool:
    """Whether a line is about a day: one of its fields is a number, or was to be one."""
    return sum(field.strip()[:1].isdecimal() for field in fields) > 0


def _found(
    raw: pl.DataFrame, name: str, series: str, now: datetime, cut: int | None
) -> pl.DataFrame:
    date = "{}-{}-{}"
    parts = [pl.col(part).str.strip_chars().str.zfill(2) for part in ("month", "day")]
    year = pl.col("year").str.extract(r"^\s*((?:19|20)\d\d)\s*$")
    period = pl.format(date, year, *parts).str.to_date("%Y-%m-%d", strict=False)
    typed = raw.select(
        "row",
        period.alias("period"),
        number(raw, "daily_policy_index").alias("value"),
        not_a_number(raw, "daily_policy_index").alias("_value"),
        pl.format("day, month and year are no date: {}, {}, {}", *COLUMNS[:3]).alias("_period"),
    )
    known, _ = Clock(Path()).known_at(typed["period"], NextBusinessDay())
    found = typed.with_columns(
        known,
        midnight("period").alias("event_time"),
        pl.lit(name).alias("source"),
        pl.lit(series).alias("series"),
        pl.lit(None, dtype=pl.String).alias("basis"),
        pl.lit(True).alias("revised"),
    ).with_columns(
        first_reason(
            pl.when(pl.col("row") == pl.lit(cut, dtype=pl.Int64)).then(
                pl.lit("the file ends within this line, which may be cut off")
            ),
            pl.when(pl.col("period").is_null()).then(
                pl.coalesce("_period", pl.lit("day, month or year is missing"))
            ),
            pl.col("_value"),
            pl.when(pl.col("value").is_null()).then(pl.lit("the day has no value")),
            from_the_future(now, pl.col("event_time")),
        )
    )
    return schema_frame("macro", found)
