"""Timestamps as they are written in news: ISO, RFC 2822, epochs, bare dates; all to UTC."""

from datetime import time, timedelta

import polars as pl

from stocktrend.schema import UTC_TIME
from stocktrend.sources.fields import text

# Anchored at both ends: what follows a time (PM, EST) moves it by hours and must not be ignored.
_MOMENT = (
    r"^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2})?)(?:[.,](\d{1,6})\d*)?"
    r" ?([Zz]|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$"
)
_SECONDS_BELOW = 1e11
"""Epochs from here on are milliseconds (in seconds it would be the year 5138), from a thousand
times this microseconds, then nanoseconds."""


def moments(frame: pl.DataFrame, column: str, timezone: str) -> pl.DataFrame:
    """Parse a column of timestamps.

    Args:
        frame: Rows of a file.
        column: Strings, dates, datetimes or epochs in seconds, or in ms, us or ns.
        timezone: Of timestamps without an offset, a name of the tz database.

    Returns:
        ``moment`` (UTC, null where it is no timestamp), ``bare`` (Date: a date without a time of
        day) and ``assumed`` (Boolean: ``timezone`` was applied), in the order of the rows. Where
        every timestamp of a file is a midnight as written (an epoch: in UTC), all are bare dates:
        that is how programs write a date as a timestamp, and the day's news is not known at its
        first moment.
    """
    kind = frame.schema[column]
    if kind == pl.Date:
        parsed = frame.select(_nothing(), pl.col(column).alias("bare"), _never(), _no_wall())
    elif isinstance(kind, pl.Datetime):
        parsed = _typed(frame, column, kind, timezone)
    elif kind.is_numeric():
        at = _epoch(pl.col(column).cast(pl.Float64))
        parsed = frame.select(at, _no_date(), _never(), at.dt.replace_time_zone(None).alias("wall"))
    else:
        parsed = _written(frame.select(text(frame, column).alias("at")), timezone)
    return _midnights(parsed).drop("wall")


def _typed(frame: pl.DataFrame, column: str, kind: pl.Datetime, timezone: str) -> pl.DataFrame:
    at = pl.col(column).dt.cast_time_unit("us")
    zoned = at if kind.time_zone else _local(at, timezone)
    return frame.select(
        zoned.dt.convert_time_zone("UTC").cast(UTC_TIME).alias("moment"),
        _no_date(),
        pl.lit(kind.time_zone is None).alias("assumed"),
        at.dt.replace_time_zone(None).alias("wall"),
    )


def _written(frame: pl.DataFrame, timezone: str) -> pl.DataFrame:
    at = pl.col("at")
    clock = at.str.extract(_MOMENT, 2)
    base = at.str.extract(_MOMENT, 1) + " " + clock
    full = pl.when(clock.str.len_chars() == 5).then(base + ":00").otherwise(base)
    fraction = at.str.extract(_MOMENT, 3).str.pad_end(6, "0").cast(pl.Int64).fill_null(0)
    naive = full.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False)
    naive = naive + pl.duration(microseconds=fraction)
    offset = at.str.extract(_MOMENT, 4)
    sign = pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)
    digits = offset.str.replace_all(r"\D", "")
    minutes = digits.str.slice(0, 2).cast(pl.Int64, strict=False).fill_null(0) * 60
    minutes = minutes + digits.str.slice(2, 2).cast(pl.Int64, strict=False).fill_null(0)
    shifted = naive.dt.replace_time_zone("UTC") - pl.duration(minutes=sign * minutes)
    iso = pl.when(offset.is_not_null()).then(shifted).otherwise(_local(naive, timezone))
    zoned = at.str.replace(r" (?:GMT|UTC?)$", " +0000")
    mail = zoned.str.to_datetime("%a, %d %b %Y %H:%M:%S %z", time_unit="us", strict=False)
    epoch = _epoch(at.str.extract(r"^(\d{9,19}(?:\.\d+)?)$").cast(pl.Float64, strict=False))
    moment = pl.coalesce(iso, mail.dt.convert_time_zone("UTC"), epoch)
    bare = at.str.extract(r"^(\d{4}-\d{2}-\d{2})$").str.to_date("%Y-%m-%d", strict=False)
    return frame.select(
        moment.cast(UTC_TIME).alias("moment"),
        bare.alias("bare"),
        (base.is_not_null() & offset.is_null()).fill_null(False).alias("assumed"),
        pl.coalesce(naive, moment.dt.replace_time_zone(None)).alias("wall"),
    )


def _midnights(parsed: pl.DataFrame) -> pl.DataFrame:
    """Timestamps that are all midnights, as bare dates."""
    walls = parsed["wall"].drop_nulls()
    if walls.is_empty() or (walls.dt.time() != time(0)).any():
        return parsed
    return parsed.with_columns(
        _nothing(), pl.coalesce("bare", pl.col("wall").dt.date()).alias("bare"), _never()
    )


def _local(at: pl.Expr, timezone: str) -> pl.Expr:
    """UTC of a wall clock; of an hour that occurs twice the later, of a missing one none."""
    zoned = at.dt.replace_time_zone(timezone, ambiguous="latest", non_existent="null")
    return pl.coalesce(
        zoned,
        (at + timedelta(hours=1)).dt.replace_time_zone(
            timezone, ambiguous="latest", non_existent="null"
        ),
    ).dt.convert_time_zone("UTC")


def _epoch(seconds: pl.Expr) -> pl.Expr:
    """Seconds since 1970, or their thousandths, millionths or billionths."""
    scaled = (
        pl.when(seconds < _SECONDS_BELOW)
        .then(seconds * 1e6)
        .when(seconds < _SECONDS_BELOW * 1e3)
        .then(seconds * 1e3)
        .when(seconds < _SECONDS_BELOW * 1e6)
        .then(seconds)
        .otherwise(seconds / 1e3)
    )
    return (
        pl.from_epoch(scaled.round().cast(pl.Int64, strict=False), time_unit="us")
        .dt.replace_time_zone("UTC")
        .alias("moment")
    )


def _nothing() -> pl.Expr:
    return pl.lit(None, dtype=UTC_TIME).alias("moment")


def _no_date() -> pl.Expr:
    return pl.lit(None, dtype=pl.Date).alias("bare")


def _never() -> pl.Expr:
    return pl.lit(False).alias("assumed")


def _no_wall() -> pl.Expr:
    return pl.lit(None, dtype=pl.Datetime("us")).alias("wall")
