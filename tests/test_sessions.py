"""Thirty years of sessions against the exchange's rules, its public record and the library.

``stocktrend.sessions`` reads exchange_calendars, so agreement with that alone would say little: the
holidays here follow from New York's Rule 7.2, and the rest are the closings of public record.
"""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import exchange_calendars
import pandas as pd
import polars as pl
import pytest

from stocktrend.config import BarsFile
from stocktrend.errors import ConfigError
from stocktrend.sessions import as_of_grid, end_of_day, next_business_day, sessions
from stocktrend.sources.bars import read_bars

YEARS = range(1995, 2026)
FIRST, LAST = date(1995, 1, 1), date(2025, 12, 31)
NEW_YORK = ZoneInfo("America/New_York")
DAY = timedelta(days=1)

CLOSED_BY_DECISION = {
    date(2001, 9, 11), date(2001, 9, 12), date(2001, 9, 13), date(2001, 9, 14),  # attacks
    date(2004, 6, 11),  # mourning of President Reagan
    date(2007, 1, 2),  # of President Ford
    date(2012, 10, 29), date(2012, 10, 30),  # hurricane Sandy
    date(2018, 12, 5),  # mourning of President G. H. W. Bush
    date(2025, 1, 9),  # of President Carter
}  # fmt: skip
EARLY_BY_DECISION = {date(1997, 12, 26), date(1999, 12, 31), date(2003, 12, 26)}


def nth_monday(year: int, month: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(7 - first.weekday()) % 7 + 7 * (n - 1))


def good_friday(year: int) -> date:
    """Two days before Easter by the anonymous Gregorian computus (Meeus, Jones, Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    m = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1) - 2 * DAY


def observed(day: date) -> date:
    """A Saturday's holiday is kept on Friday, a Sunday's on Monday."""
    return day + {5: -DAY, 6: DAY}.get(day.weekday(), 0 * DAY)


def thanksgiving(year: int) -> date:
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 21)


def holidays(year: int) -> set[date]:
    new_year = date(year, 1, 1)
    days = {
        nth_monday(year, 2, 3),
        good_friday(year),
        date(year, 5, 31) - timedelta(days=date(year, 5, 31).weekday()),
        observed(date(year, 7, 4)),
        nth_monday(year, 9, 1),
        thanksgiving(year),
        observed(date(year, 12, 25)),
    }
    if new_year.weekday() != 5:  # not moved into the old year, whose books close that Friday
        days.add(observed(new_year))
    if year >= 1998:
        days.add(nth_monday(year, 1, 3))
    if year >= 2022:
        days.add(observed(date(year, 6, 19)))
    return days


def early_closes(year: int) -> set[date]:
    """Closes at 13:00: the eves of Independence Day and Christmas, the day after Thanksgiving."""
    days = {thanksgiving(year) + DAY}
    if date(year, 12, 24).weekday() < 4:
        days.add(date(year, 12, 24))
    fourth = date(year, 7, 4).weekday()
    if fourth in (1, 2, 4) or (fourth == 3 and year >= 2013):
        days.add(date(year, 7, 3))
    elif fourth == 3:
        days.add(date(year, 7, 5))
    return days


@pytest.fixture(scope="module")
def expected() -> list[tuple[date, datetime, datetime]]:
    """Each session with its open and close in UTC, from the rules and the record alone."""
    closed = CLOSED_BY_DECISION.union(*map(holidays, YEARS))
    early = EARLY_BY_DECISION.union(*map(early_closes, YEARS))
    rows = []
    for day in (FIRST + n * DAY for n in range((LAST - FIRST).days + 1)):
        if day.weekday() < 5 and day not in closed:
            close = time(13) if day in early else time(16)
            begin, end = (
                datetime.combine(day, at, NEW_YORK).astimezone(UTC) for at in (time(9, 30), close)
            )
            rows.append((day, begin, end))
    return rows


def test_sessions_are_those_of_the_rules_and_the_record(
    expected: list[tuple[date, datetime, datetime]],
) -> None:
    table = sessions().filter(pl.col("session").is_between(FIRST, LAST))
    assert table.select("session", "open", "close").rows() == expected
    assert len(expected) == 7802
    assert table["number"].diff().drop_nulls().unique().to_list() == [1]


def test_daily_decisions_fall_on_every_close(
    expected: list[tuple[date, datetime, datetime]],
) -> None:
    grid = as_of_grid("daily", FIRST, LAST)
    closes = [close for _, _, close in expected]
    assert grid["as_of"].to_list() == closes
    assert grid["previous_as_of"].to_list()[1:] == closes[:-1]
    assert grid["previous_as_of"][0] == datetime(1994, 12, 30, 21, tzinfo=UTC)


def test_weekly_decisions_fall_on_the_last_close_of_each_week(
    expected: list[tuple[date, datetime, datetime]],
) -> None:
    grid = as_of_grid("weekly", FIRST, LAST)
    last = {day.isocalendar()[:2]: (day, close) for day, _, close in expected}
    # Wednesday 2025-12-31 is in the list, but its week ends on Friday 2026-01-02.
    assert last.popitem()[1][0] == LAST
    assert grid.select("session", "as_of").rows() == list(last.values())
    times = grid["as_of"].to_list()
    assert grid["previous_as_of"].to_list()[1:] == times[:-1]
    assert {(b - a).days for a, b in pairwise(grid["session"])} <= {3, 4, 5, 6, 7, 8, 9, 10, 11}


@pytest.mark.parametrize(
    ("monday", "as_of"),
    [
        (date(2001, 9, 10), datetime(2001, 9, 10, 20, tzinfo=UTC)),  # nothing after Monday
        (date(2012, 10, 29), datetime(2012, 11, 2, 20, tzinfo=UTC)),
        (date(2013, 3, 25), datetime(2013, 3, 28, 20, tzinfo=UTC)),  # Good Friday
        (date(2013, 11, 25), datetime(2013, 11, 29, 18, tzinfo=UTC)),  # 13:00 in winter
        (date(2020, 6, 29), datetime(2020, 7, 2, 20, tzinfo=UTC)),  # the 4th kept on Friday
        (date(1996, 7, 1), datetime(1996, 7, 5, 17, tzinfo=UTC)),  # 13:00 in summer
        (date(2014, 12, 22), datetime(2014, 12, 26, 21, tzinfo=UTC)),
        (date(2013, 3, 4), datetime(2013, 3, 8, 21, tzinfo=UTC)),  # clocks change on the 10th
        (date(2013, 3, 11), datetime(2013, 3, 15, 20, tzinfo=UTC)),
    ],
)
def test_literal_weeks_end_when_the_exchange_did(monday: date, as_of: datetime) -> None:
    assert as_of_grid("weekly", monday, monday + 6 * DAY)["as_of"].to_list() == [as_of]


def test_a_week_may_end_on_another_day() -> None:
    wednesday = date(2012, 7, 11)  # that before was the Fourth of July
    grid = as_of_grid("weekly", date(2012, 6, 21), wednesday, week_end=wednesday)
    days = [date(2012, 6, 27), date(2012, 7, 3), wednesday]
    assert grid["session"].to_list() == days
    assert grid["previous_as_of"].dt.date().to_list() == [date(2012, 6, 20), *days[:-1]]
    assert grid.equals(as_of_grid("weekly", days[0], wednesday, week_end=date(2024, 1, 3)))


@pytest.mark.filterwarnings("ignore:Series.values returning")
@pytest.mark.parametrize(
    ("exchange", "first"),
    [("XNYS", FIRST), ("XLON", FIRST), ("XTKS", date(1997, 1, 1)), ("XSHG", FIRST)],
)
def test_sessions_are_those_of_the_library(exchange: str, first: date) -> None:
    calendar = exchange_calendars.get_calendar(exchange, start=str(first), end=str(LAST))
    table = sessions(exchange).filter(pl.col("session").is_between(FIRST, LAST))
    assert table["session"].to_list() == [day.date() for day in calendar.sessions]
    for ours, theirs in (("open", calendar.opens), ("close", calendar.closes)):
        assert table[ours].to_list() == [pd.Timestamp(t).to_pydatetime() for t in theirs]


def test_bars_are_known_at_the_closes_of_record(
    expected: list[tuple[date, datetime, datetime]], tmp_path: Path
) -> None:
    path = tmp_path / "AAA.csv"
    lines = [f"{day},10,11,9,10,10,100" for day, _, _ in expected]
    holidays_too = [f"{day},10,11,9,10,10,100" for day in sorted(CLOSED_BY_DECISION)]
    path.write_text("\n".join(["Date,Open,High,Low,Close,Adj Close,Volume", *lines, *holidays_too]))
    batch = read_bars(path, BarsFile(path="*"), "prices", path.name, "XNYS")
    assert batch.records.select("session", "known_at").rows() == [
        (day, close) for day, _, close in expected
    ]
    assert batch.quarantine["reason"].to_list() == ["no session of XNYS on this day"] * len(
        CLOSED_BY_DECISION
    )


def test_a_release_date_alone_is_known_at_the_end_of_new_yorks_day() -> None:
    days = pl.DataFrame({"day": [date(2013, 3, 8), date(2013, 3, 11), date(2013, 11, 3)]})
    assert days.select(end_of_day(pl.col("day")))["day"].to_list() == [
        datetime(2013, 3, 9, 4, 59, tzinfo=UTC),
        datetime(2013, 3, 12, 3, 59, tzinfo=UTC),
        datetime(2013, 11, 4, 4, 59, tzinfo=UTC),
    ]


def test_the_next_business_day_is_open_at_the_exchange_and_at_the_government() -> None:
    days = [
        (date(2014, 10, 10), date(2014, 10, 14)),  # Columbus Day: the exchange alone is open
        (date(2014, 11, 10), date(2014, 11, 12)),  # Veterans Day too
        (date(2013, 3, 28), date(2013, 4, 1)),  # Good Friday: the government alone works
        (date(2001, 9, 10), date(2001, 9, 17)),
        (date(2014, 10, 11), date(2014, 10, 14)),  # from a Saturday
        (date(1997, 1, 17), date(1997, 1, 21)),  # King's day, before the exchange kept it
    ]
    given, following = zip(*days, strict=True)
    assert next_business_day(pl.Series(given)).to_list() == list(following)


def test_an_unknown_exchange_is_an_error_that_names_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'XXXX'.*XNYS for New York"):
        sessions("XXXX")
