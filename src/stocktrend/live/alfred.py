"""Vintages of a FRED series as ALFRED lists them: each value with the days on which it was current.

An answer covers a period of real time. A value that was current on the period's first day already
is stated as of that day, whenever it was released, so periods begin a day before the first release
that is wanted and what is stated as of that day only says what was there before. A value that
ends without a successor was withdrawn. See https://fred.stlouisfed.org/docs/api/fred/
series_observations.html (output type 1) and realtime_period.html there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from stocktrend.errors import ConfigError, SourceError
from stocktrend.live.answers import LATER, from_the_future, json_of, records_in, rows_of
from stocktrend.live.http import Answer
from stocktrend.live.source import Window
from stocktrend.schema import UTC_TIME
from stocktrend.sessions import end_of_day
from stocktrend.sources.batch import Batch, make_batch
from stocktrend.sources.clock import Clock, default_release, is_revised
from stocktrend.sources.fields import day, first_reason, not_a_number, number, schema_frame, text
from stocktrend.sources.files import Rows
from stocktrend.sources.series import midnight

OPEN: Final = date(9999, 12, 31)
"""The last day of a value that is current."""
FIRST_DAY: Final = date(1776, 7, 4)
FIELDS: Final = ("realtime_start", "realtime_end", "date", "value")
BACKLOG: Final = timedelta(days=30)
"""A value that ALFRED's first vintage holds so long after its date was released before."""
MOST_COUNT: Final = 800_000
"""Eight pages, as a weekly series since 1971 has that is restated each week; they take 0.8 GiB of
memory to read."""


@dataclass(frozen=True)
class Asked:
    """What was asked of a series.

    Attributes:
        series: FRED's name.
        source: Name of the configured source, stored with each record.
        first: First day of real time; what is stated as of it only says what was there before.
        last: Last day of real time.
        window: When it was asked, and from when on records are wanted.
        archive: Day of the series' first vintage, None where it has none.
    """

    series: str
    source: str
    first: date
    last: date
    window: Window
    archive: date | None

    @property
    def path(self) -> str:
        """Where its records are from, as reports show it."""
        return f"{self.source}:{self.series}"


def page_of(answer: Answer, source: str, field: str, offset: int) -> tuple[list[Any], int]:
    """The records of one page, and how many all pages hold.

    Args:
        answer: The answer.
        source: For the message.
        field: The list's name.
        offset: Records before this page, as they were asked for.

    Raises:
        SourceError: it is no such page: not JSON, FRED's own error, without the list, or another
            page than the one that was asked for.
    """
    found = json_of(answer, source)
    records = records_in(found, source, field)
    place = {name: found.get(name) for name in ("count", "offset")}
    if any(type(value) is not int or value < 0 for value in place.values()):
        raise SourceError(
            f"A page of {source} must have a count and an offset, however: {place}. {LATER}"
        )
    whole = len(records) > 0 or place["count"] <= offset
    if place["count"] > MOST_COUNT:
        raise SourceError(
            f"{source} must have at most {MOST_COUNT:,} {field} to a question, however it counts "
            f"{place['count']:,}. {LATER}"
        )
    if place["offset"] != offset or offset + len(records) > place["count"] or not whole:
        raise SourceError(
            f"A page of {source} must be the one that was asked for, from record {offset} on, "
            f"however it holds {len(records)} from {place['offset']} on, of {place['count']}. "
            f"{LATER}"
        )
    return records, place["count"]


def read_vintages(records: Sequence[Any], asked: Asked) -> Batch:
    """Read the vintages of one series in one period of real time.

    A value is known at 23:59 New York of the day from which it is current. A date whose value is
    withdrawn, or becomes missing (``.``), gets a null version of that day; one that never had a
    value is no record. All values known at one time are in one basis, since ALFRED states an
    index's whole history anew when its base changes, so ``basis`` is null.

    ALFRED's first vintage of a series holds what was released in the years before. Where a series
    is not revised, such values are dated by its release rule; else they are known from that
    vintage on, as all others.

    Args:
        records: Observations of all pages, in their order.
        asked: What was asked.

    Raises:
        SourceError: no record has a field that all must have.
    """
    rows = rows_of(records, asked.source, FIELDS)
    stated = _statements(rows.frame, asked)
    bad = stated.filter(pl.col("reason").is_not_null())
    versions, left_out = _versions(stated.filter(pl.col("reason").is_null()), asked)
    known, backlog = _known_at(versions, asked)
    found = pl.concat(
        [
            bad.with_columns(pl.lit(None, UTC_TIME).alias("known_at")),
            known.with_columns(first_reason(from_the_future(asked.window.now))),
        ],
        how="diagonal",
    )
    batch = _batch(rows, found, asked, revised=False, versioned=True)
    return batch.with_notes(
        {
            "dates without a value, left out": left_out,
            "values withdrawn later, kept as withdrawals": batch.records["value"].null_count(),
            **backlog,
        }
    )


def read_current(records: Sequence[Any], asked: Asked) -> Batch:
    """Read a series that ALFRED has no vintages of, as it stands today.

    Its values are dated by the release rule of the well-known series.

    Raises:
        SourceError: no record has a field that all must have, or the series has no release rule.
    """
    rows = rows_of(records, asked.source, FIELDS)
    try:
        release = default_release(asked.series)
    except ConfigError as error:
        raise SourceError(
            f"A series of {asked.source} must have vintages in ALFRED or a known release rule, "
            f"however {asked.series} has neither. Take it out of `series`, or save it as a file "
            f"and set `release` of its source in stocktrend.yaml"
        ) from error
    stated = _statements(rows.frame, asked)
    valued = stated.filter(~pl.col("empty") | pl.col("reason").is_not_null())
    known, _ = Clock(Path()).known_at(valued["period"], release)
    found = valued.with_columns(known).with_columns(
        first_reason(pl.col("reason"), from_the_future(asked.window.now))
    )
    revised = is_revised(asked.series, release, None)
    batch = _batch(rows, found, asked, revised=revised, versioned=False)
    return batch.with_notes(
        {
            "dates without a value, left out": stated.height - valued.height,
            f"{asked.series}: has no vintages, dated by its release rule": batch.records.height,
        }
    )


def _statements(raw: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    days = {"start": "realtime_start", "end": "realtime_end", "period": "date"}
    unread = pl.any_horizontal(
        ~pl.col(name).is_between(FIRST_DAY, OPEN).fill_null(value=False) for name in days
    )
    return raw.select(
        "row",
        *(day(raw, column).alias(name) for name, column in days.items()),
        number(raw, "value").alias("value"),
        text(raw, "value").is_null().alias("empty"),
        not_a_number(raw, "value").alias("_value"),
    ).select(
        "row",
        *days,
        "value",
        "empty",
        first_reason(
            pl.when(unread).then(pl.lit(f"{', '.join(days.values())} are not all YYYY-MM-DD")),
            pl.when(pl.col("end") < pl.col("start")).then(pl.lit("it ends before it starts")),
            pl.col("_value"),
        ),
    )


def _versions(stated: pl.DataFrame, asked: Asked) -> tuple[pl.DataFrame, int]:
    """Rows with ``start`` for values and withdrawals, and how many dates never had a value."""
    ordered = stated.sort("period", "start", "row")
    distinct = ordered.unique(
        ["period", "start", "end", "value"], keep="first", maintain_order=True
    )
    told = distinct.with_columns(
        pl.col("value").shift(1).over("period").is_not_null().alias("had"),
        pl.col("start").shift(-1).over("period").alias("next"),
    )
    after = pl.col("end") + pl.duration(days=1)
    withdrawn = told.filter(
        pl.col("value").is_not_null()
        & (pl.col("end") < min(asked.last, asked.window.today))
        & (pl.col("next").is_null() | (pl.col("next") > after))
    ).with_columns(after.alias("start"), pl.lit(None, pl.Float64).alias("value"))
    missing = told.filter(pl.col("empty") & pl.col("had"))
    never = told.filter(pl.col("empty") & ~pl.col("had")).height
    columns = ["row", "period", "start", "value"]
    versions = pl.concat(
        [part.select(columns) for part in (ordered.filter(~pl.col("empty")), missing, withdrawn)]
    )
    return versions.filter(pl.col("start") > asked.first), never


def _known_at(versions: pl.DataFrame, asked: Asked) -> tuple[pl.DataFrame, Mapping[str, int]]:
    released = versions.with_columns(end_of_day(pl.col("start")).cast(UTC_TIME).alias("known_at"))
    held_before = (pl.col("start") == pl.lit(asked.archive, pl.Date)) & (
        pl.col("start") - pl.col("period") > BACKLOG
    )
    backlog = released.select(held_before.fill_null(value=False).sum()).item()
    since = f"ALFRED's first vintage ({asked.archive})"
    try:
        release = default_release(asked.series)
    except ConfigError:
        release = None
    if not backlog or release is None or is_revised(asked.series, release, None):
        return released, {f"{asked.series}: values older than {since}, known from it on": backlog}
    by_rule, _ = Clock(Path()).known_at(released["period"], release)
    earlier = held_before & (by_rule < pl.col("known_at"))
    dated = released.with_columns(
        pl.when(earlier).then(by_rule).otherwise("known_at").alias("known_at")
    )
    return dated, {f"{asked.series}: values older than {since}, dated by their rule": backlog}


def _batch(rows: Rows, found: pl.DataFrame, asked: Asked, revised: bool, versioned: bool) -> Batch:
    records = found.with_columns(
        midnight("period").alias("event_time"),
        pl.lit(asked.source).alias("source"),
        pl.lit(asked.series).alias("series"),
        pl.lit(None, dtype=pl.String).alias("basis"),
        pl.lit(revised).alias("revised"),
    )
    return make_batch(
        "macro",
        asked.source,
        asked.path,
        rows.frame,
        schema_frame("macro", records),
        broken=rows.broken,
        versioned=versioned,
    )
