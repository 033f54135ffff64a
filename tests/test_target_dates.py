"""Which session ends each target, and when it is known: dates and prices written by hand.

Every price is set by hand or names its day: in ``numbered`` bars it is the day's ordinal, so that
a return tells which session it ran to.
"""

import math
from datetime import UTC, date, datetime

import polars as pl
import pytest

from stocktrend.sessions import Frequency, as_of_grid, sessions
from stocktrend.targets import add_labels

Dates = tuple[date, datetime | None]


def bars_on(days: pl.Series, ticker: str = "A") -> pl.DataFrame:
    """Bars of these sessions, each price the ordinal of its day."""
    table = sessions().filter(pl.col("session").is_in(days.implode()))
    price = table["session"].to_physical().cast(pl.Float64) + date(1970, 1, 1).toordinal()
    return table.select(
        pl.lit(ticker).alias("ticker"),
        "session",
        price.alias("open"),
        price.alias("close"),
        price.alias("adj_close"),
        pl.col("close").alias("known_at"),
    )


def all_sessions(first: date, last: date) -> pl.Series:
    table = sessions()["session"]
    return table.filter(table.is_between(first, last))


def label_of(day: date, horizon: int, bars: pl.DataFrame) -> Dates:
    """The session that a row's return runs to, and when that is known: None without a label."""
    rows = pl.DataFrame({"ticker": ["A"], "session": [day]})
    labels = add_labels(rows, bars, [horizon]).row(0, named=True)
    value, known = labels[f"return_{horizon}d"], labels[f"label_known_at_{horizon}d"]
    if value is None:
        assert known is None
        assert labels[f"target_{horizon}d"] is None
        return day, None
    assert labels[f"target_{horizon}d"] == pytest.approx(math.tanh(10 * value), rel=1e-15)
    return date.fromordinal(round(day.toordinal() * (1 + value))), known


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("as_of", "horizon", "end", "known"),
    [
        # The day after Thanksgiving closed at 13:00.
        (date(2013, 11, 22), 7, date(2013, 11, 29), utc(2013, 11, 29, 18)),
        (date(2013, 11, 29), 7, date(2013, 12, 6), utc(2013, 12, 6, 21)),
        (date(2013, 10, 30), 30, date(2013, 11, 29), utc(2013, 11, 29, 18)),
        # Thanksgiving itself was closed.
        (date(2013, 11, 21), 7, date(2013, 11, 29), utc(2013, 11, 29, 18)),
        # Good Friday 2013-03-29: on to Monday; Thursday to Thursday needs no detour.
        (date(2013, 3, 22), 7, date(2013, 4, 1), utc(2013, 4, 1, 20)),
        (date(2013, 3, 28), 7, date(2013, 4, 4), utc(2013, 4, 4, 20)),
        # The exchange was closed from 2001-09-11 to 2001-09-14.
        (date(2001, 9, 4), 7, date(2001, 9, 17), utc(2001, 9, 17, 20)),
        (date(2001, 9, 7), 7, date(2001, 9, 17), utc(2001, 9, 17, 20)),
        (date(2001, 9, 10), 7, date(2001, 9, 17), utc(2001, 9, 17, 20)),
        (date(2001, 8, 13), 30, date(2001, 9, 17), utc(2001, 9, 17, 20)),
        (date(2001, 8, 10), 30, date(2001, 9, 10), utc(2001, 9, 10, 20)),
        # Hurricane Sandy: closed on Monday and Tuesday, 2012-10-29 and 30.
        (date(2012, 10, 22), 7, date(2012, 10, 31), utc(2012, 10, 31, 20)),
        (date(2012, 10, 23), 7, date(2012, 10, 31), utc(2012, 10, 31, 20)),
        (date(2012, 9, 28), 30, date(2012, 10, 31), utc(2012, 10, 31, 20)),
        # Clocks: forward on 2013-03-10, back on 2013-11-03.
        (date(2013, 3, 1), 7, date(2013, 3, 8), utc(2013, 3, 8, 21)),
        (date(2013, 3, 8), 7, date(2013, 3, 15), utc(2013, 3, 15, 20)),
        (date(2013, 11, 1), 7, date(2013, 11, 8), utc(2013, 11, 8, 21)),
        # Year ends: Christmas Eve is half a day, New Year's Day closed.
        (date(2012, 12, 17), 7, date(2012, 12, 24), utc(2012, 12, 24, 18)),
        (date(2012, 12, 24), 7, date(2012, 12, 31), utc(2012, 12, 31, 21)),
        (date(2013, 12, 18), 7, date(2013, 12, 26), utc(2013, 12, 26, 21)),
        (date(2012, 12, 11), 21, date(2013, 1, 2), utc(2013, 1, 2, 21)),
        # The eve of Independence Day closes at 13:00, in summer time.
        (date(2013, 6, 26), 7, date(2013, 7, 3), utc(2013, 7, 3, 17)),
        (date(2013, 6, 27), 7, date(2013, 7, 5), utc(2013, 7, 5, 20)),
        # Other horizons: the day after a Friday is Monday; a leap day is one of the 365.
        (date(2013, 6, 21), 1, date(2013, 6, 24), utc(2013, 6, 24, 20)),
        (date(2013, 6, 20), 1, date(2013, 6, 21), utc(2013, 6, 21, 20)),
        (date(2013, 6, 21), 2, date(2013, 6, 24), utc(2013, 6, 24, 20)),
        (date(2013, 1, 18), 90, date(2013, 4, 18), utc(2013, 4, 18, 20)),
        (date(2012, 2, 29), 365, date(2013, 2, 28), utc(2013, 2, 28, 21)),
        (date(2012, 2, 28), 366, date(2013, 2, 28), utc(2013, 2, 28, 21)),
    ],
)
def test_a_target_ends_at_the_first_session_from_the_horizon_on(
    as_of: date, horizon: int, end: date, known: datetime
) -> None:
    bars = bars_on(all_sessions(date(2001, 1, 2), date(2014, 12, 31)))
    assert label_of(as_of, horizon, bars) == (end, known)


@pytest.mark.parametrize(
    ("as_of", "horizon", "end"),
    [
        (date(2013, 5, 8), 7, date(2013, 5, 15)),  # the last bar of all
        (date(2013, 5, 9), 7, None),  # delisted inside the horizon
        (date(2013, 5, 14), 1, date(2013, 5, 15)),
        (date(2013, 5, 15), 1, None),
        (date(2013, 4, 15), 30, date(2013, 5, 15)),
        (date(2013, 4, 16), 30, None),
        (date(2013, 5, 3), 7, date(2013, 5, 10)),
    ],
)
def test_a_delisted_stock_has_no_target_beyond_its_last_bar(
    as_of: date, horizon: int, end: date | None
) -> None:
    bars = bars_on(all_sessions(date(2013, 1, 2), date(2013, 5, 15)))
    # Another ticker that goes on lends it no price.
    going_on = bars_on(all_sessions(date(2013, 1, 2), date(2013, 12, 31)), ticker="B")
    found, known = label_of(as_of, horizon, pl.concat([bars, going_on]))
    assert (found if known else None) == end


@pytest.mark.parametrize(
    ("as_of", "end"),
    [
        (date(2013, 6, 7), date(2013, 6, 21)),  # +7 is the 14th; the 21st is its seventh day
        (date(2013, 6, 6), None),  # +7 is the 13th, whose window ends on the 20th
        (date(2013, 6, 5), date(2013, 6, 12)),
    ],
)
def test_a_suspended_stock_has_a_target_if_it_trades_within_a_week_of_the_horizon(
    as_of: date, end: date | None
) -> None:
    days = all_sessions(date(2013, 5, 1), date(2013, 7, 31))
    suspended = days.is_between(date(2013, 6, 13), date(2013, 6, 20))
    found, known = label_of(as_of, 7, bars_on(days.filter(~suspended)))
    assert (found if known else None) == end


def test_a_row_on_a_suspended_day_has_no_target() -> None:
    days = all_sessions(date(2013, 5, 1), date(2013, 7, 31))
    bars = bars_on(days.filter(days != date(2013, 6, 13)))
    assert label_of(date(2013, 6, 13), 7, bars)[1] is None


@pytest.mark.parametrize(
    ("frequency", "days", "ends"),
    [
        (
            "weekly",
            # The week of the attacks ended on Monday, that of Thanksgiving on a half-day.
            [date(2001, 9, 7), date(2001, 9, 10), date(2001, 9, 21), date(2001, 9, 28)],
            [date(2001, 9, 17), date(2001, 9, 17), date(2001, 9, 28), date(2001, 10, 5)],
        ),
        (
            "daily",
            [date(2001, 9, day) for day in (6, 7, 10, 17, 18)],
            [date(2001, 9, 17)] * 3 + [date(2001, 9, 24), date(2001, 9, 25)],
        ),
    ],
)
def test_rows_of_the_grid_have_the_targets_of_their_day(
    frequency: Frequency, days: list[date], ends: list[date]
) -> None:
    grid = as_of_grid(frequency, days[0], days[-1])
    assert grid["session"].to_list() == days
    rows = grid.with_columns(ticker=pl.lit("A"))
    bars = bars_on(all_sessions(date(2001, 8, 1), date(2001, 12, 31)))
    labels = add_labels(rows, bars, (7, 30))
    starts = pl.Series([day.toordinal() for day in days], dtype=pl.Float64)
    reached = (starts * (1 + labels["return_7d"])).round().cast(pl.Int64)
    assert [date.fromordinal(number) for number in reached] == ends
    closes = dict(sessions().select("session", "close").iter_rows())
    assert labels["label_known_at_7d"].to_list() == [closes[end] for end in ends]
    # No label is known when its row is decided.
    assert (labels["label_known_at_7d"] > labels["as_of"]).all()
    assert (labels["label_known_at_30d"] > labels["label_known_at_7d"]).all()


def test_prices_by_hand_give_returns_and_targets_by_hand() -> None:
    prices = {
        date(2013, 11, 22): 40.0,
        date(2013, 11, 27): 90.0,  # the day before the holiday: not the end of anything
        date(2013, 11, 29): 42.0,  # half-day
        date(2013, 12, 6): 39.9,
        date(2013, 12, 20): 80.0,
        date(2013, 12, 23): 44.0,  # 22 November + 30 days is Sunday the 22nd
    }
    bars = bars_on(pl.Series(list(prices))).with_columns(
        adj_close=pl.Series(list(prices.values()), dtype=pl.Float64)
    )
    rows = pl.DataFrame({"ticker": ["A"] * 2, "session": [date(2013, 11, 22), date(2013, 11, 29)]})
    labels = add_labels(rows, bars, (7, 30, 14))
    assert labels["return_7d"].to_list() == pytest.approx([0.05, -0.05])
    assert labels["target_7d"].to_list() == pytest.approx([math.tanh(0.5), -math.tanh(0.5)])
    assert labels["return_30d"][0] == pytest.approx(0.1)
    assert labels["target_30d"][0] == pytest.approx(0.7615941559557649)  # tanh(1)
    assert labels["return_30d"][1] is None
    assert labels["return_14d"].to_list() == pytest.approx([-0.0025, 80 / 42 - 1])
    assert labels["label_known_at_30d"].to_list() == [utc(2013, 12, 23, 21), None]
