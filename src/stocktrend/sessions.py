"""Exchange sessions and the grid of ``as_of`` times.

Sessions come from exchange_calendars. A session is numbered by its position in the calendar, so
that the gap between two bars is a difference of integers.
"""

import warnings
from datetime import date, time
from functools import lru_cache
from typing import Any, Literal

import polars as pl

from stocktrend.errors import ConfigError
from stocktrend.schema import UTC_TIME

Frequency = Literal["weekly", "daily"]

FIRST_SESSION = date(1962, 1, 2)
LAST_SESSION = date(2035, 12, 31)


@lru_cache(maxsize=4)
def sessions(exchange: str = "XNYS") -> pl.DataFrame:
    """All sessions of an exchange from 1962 to 2035, or of the years within that are known.

    Args:
        exchange: Market identifier code that exchange_calendars knows, such as ``XNYS``.

    Returns:
        ``number`` (Int32, from 0), ``session`` (Date), ``open`` and ``close`` (UTC), ascending.

    Raises:
        ConfigError: the exchange is not known.
    """
    schedule = _calendar(exchange).schedule
    return pl.DataFrame(
        {
            "session": schedule.index.to_numpy().astype("datetime64[D]"),
            "open": schedule["open"].dt.tz_localize(None).to_numpy().astype("datetime64[us]"),
            "close": schedule["close"].dt.tz_localize(None).to_numpy().astype("datetime64[us]"),
        }
    ).select(
        pl.int_range(pl.len(), dtype=pl.Int32).alias("number"),
        pl.col("session").cast(pl.Date),
        pl.col("open").dt.replace_time_zone("UTC").cast(UTC_TIME),
        pl.col("close").dt.replace_time_zone("UTC").cast(UTC_TIME),
    )


def _calendar(exchange: str) -> Any:
    """The exchange's calendar over all years, or over those that the library knows of it."""
    import exchange_calendars

    first, last = str(FIRST_SESSION), str(LAST_SESSION)
    with warnings.catch_warnings():
        # It reads Series.values of times with a zone, which pandas 3 deprecates.
        warnings.filterwarnings("ignore", "Series.values returning", DeprecationWarning)
        try:
            return exchange_calendars.get_calendar(exchange, start=first, end=last)
        except exchange_calendars.errors.InvalidCalendarName as error:
            raise ConfigError(
                f"exchange must be a market identifier code that exchange_calendars knows, "
                f"however: {exchange!r}. Use XNYS for New York, XLON for London"
            ) from error
        except ValueError:  # Tokyo is known from 1997 on, Shanghai a year ahead
            some_years = exchange_calendars.get_calendar(exchange)
            earliest, latest = some_years.bound_min(), some_years.bound_max()
            start = first if earliest is None else max(first, str(earliest.date()))
            end = last if latest is None else min(last, str(latest.date()))
            return exchange_calendars.get_calendar(exchange, start=start, end=end)


def as_of_grid(
    frequency: Frequency = "weekly",
    start: date | None = None,
    end: date | None = None,
    exchange: str = "XNYS",
    week_end: date | None = None,
) -> pl.DataFrame:
    """The decision times: each session's close, or the close of each week's last session.

    A week is Monday to Sunday, or the seven days that end on the weekday of ``week_end``. Its last
    session is taken from the calendar, not from the data, so a later bar never moves an earlier
    ``as_of``.

    Returns:
        ``number``, ``session``, ``as_of`` (UTC close) and ``previous_as_of`` (UTC close of the
        grid point before, also for the first row), ascending, with ``start <= session <= end``.
    """
    table = sessions(exchange).select("number", "session", pl.col("close").alias("as_of"))
    if frequency == "weekly":
        sunday = week_end or date(2000, 1, 2)
        week = ((pl.col("session") - sunday).dt.total_days() - 1).floordiv(7)
        table = table.filter(pl.col("session") == pl.col("session").max().over(week))
    table = table.with_columns(pl.col("as_of").shift(1).alias("previous_as_of"))
    return table.filter(pl.col("session").is_between(start or FIRST_SESSION, end or LAST_SESSION))


def start_of_day(days: pl.Expr) -> pl.Expr:
    """0:00 New York of a Date column, in UTC."""
    return new_york_expr(days, time(0))


def end_of_day(days: pl.Expr) -> pl.Expr:
    """23:59 New York of a Date column, in UTC: when a value with a release date alone is known."""
    return new_york_expr(days, time(23, 59))


def new_york_expr(days: pl.Expr, at: time) -> pl.Expr:
    """A Date column at a New York wall-clock time, in UTC."""
    return (
        days.dt.combine(at, time_unit="us")
        .dt.replace_time_zone("America/New_York")
        .dt.convert_time_zone("UTC")
    )


@lru_cache(maxsize=1)
def _business_days() -> pl.Series:
    """Exchange sessions that are not federal holidays: days on which everything is published."""
    from pandas.tseries.holiday import USFederalHolidayCalendar

    holidays = USFederalHolidayCalendar().holidays(str(FIRST_SESSION), str(LAST_SESSION))
    days = sessions()["session"]
    return days.filter(
        ~days.is_in(pl.Series(holidays.to_numpy().astype("datetime64[D]")).to_list())
    )


def next_business_day(days: pl.Series) -> pl.Series:
    """The first day after each date on which both the exchange and the government work.

    Interest rates are not published on federal holidays on which the exchange is open (Columbus
    Day, Veterans Day), so exchange sessions alone would date some values a day too early.

    Args:
        days: Dates, in any order.

    Returns:
        Dates of the same length and order; null after the last session of the calendar.
    """
    frame = pl.DataFrame({"day": days.cast(pl.Date)}).with_row_index().sort("day")
    joined = frame.join_asof(
        _business_days().alias("business_day").to_frame().set_sorted("business_day"),
        left_on="day",
        right_on="business_day",
        strategy="forward",
        allow_exact_matches=False,
    )
    return joined.sort("index")["business_day"]
