"""Which news source speaks when, and that a later item changes no earlier answer."""

from datetime import UTC, date, datetime

import polars as pl

from stocktrend.config import NewsFile
from stocktrend.features.news_periods import covered, news_periods, sources_begun
from stocktrend.schema import UTC_TIME
from stocktrend.service_settings import NewsFeed

FIRST, AFTER = datetime(2015, 1, 1, tzinfo=UTC), datetime(2016, 1, 1, tzinfo=UTC)
MARCH, MAY = datetime(2015, 3, 2, 12, tzinfo=UTC), datetime(2015, 5, 4, 9, tzinfo=UTC)


def items(**first: datetime) -> pl.DataFrame:
    """One item a source."""
    return pl.DataFrame(
        {"source": list(first), "known_at": list(first.values())},
        schema={"source": pl.String, "known_at": UTC_TIME},
    )


def entry(name: str | None = None) -> NewsFile:
    return NewsFile(path="*", name=name, start=date(2015, 1, 1), end=date(2015, 12, 31))


def begun(periods: pl.DataFrame, *times: datetime) -> list[int]:
    return sources_begun(periods, pl.Series(times, dtype=UTC_TIME)).tolist()


def test_a_declared_period_holds_its_first_and_last_day_and_its_source_begins_later() -> None:
    periods = news_periods(items(wire=MARCH), [entry()])
    assert periods.rows() == [(None, FIRST, AFTER), ("wire", MARCH, AFTER)]
    assert begun(periods, FIRST, MARCH) == [0, 1]


def test_an_item_before_the_declared_period_begins_nothing_earlier() -> None:
    early = datetime(2014, 6, 1, tzinfo=UTC)
    assert news_periods(items(wire=early), [entry()])["start"].to_list() == [FIRST, FIRST]


def test_a_declared_period_without_an_item_counts_none_and_is_not_unknown() -> None:
    assert news_periods(items(), [entry()]).rows() == [(None, FIRST, AFTER)]
    assert news_periods(items(), []).is_empty()


def test_a_second_source_within_one_entry_begins_with_its_first_item() -> None:
    periods = news_periods(items(wire=MARCH, blog=MAY), [entry("feed")])
    assert begun(periods, FIRST, MARCH, MAY) == [0, 1, 2]


def test_the_period_of_a_file_is_not_that_of_a_service_beside_it() -> None:
    service = NewsFeed(base_url="https://example.org/feed.xml")
    late = datetime(2024, 5, 6, tzinfo=UTC)
    for file in (entry(), entry("old")):
        periods = news_periods(items(old=MARCH, rss=late), [file, service])
        inside = covered(periods, pl.Series([FIRST, datetime(2023, 1, 1, tzinfo=UTC), late]))
        assert inside[[0, 2]].all()
        assert ("rss", late, None) in periods.rows()
    assert not inside[1]  # after the file's end, before the service's first item
    assert news_periods(items(rss=late), [service]).rows() == [("rss", late, None)]


def test_configured_sources_have_begun_though_one_is_silent() -> None:
    entries = [entry("wire"), entry("blog")]
    silent = news_periods(items(wire=MARCH), entries)
    assert begun(silent, FIRST) == [2]
    assert silent.equals(news_periods(items(wire=MARCH, blog=MAY), entries))


def test_unnamed_entries_keep_their_declared_periods_once_an_item_is_there() -> None:
    before = news_periods(items(), [entry(), entry()])
    after = news_periods(items(news=MAY), [entry(), entry()])
    assert after.head(2).equals(before)


def test_a_moment_is_covered_from_a_periods_start_to_its_end() -> None:
    later = datetime(2017, 1, 1, tzinfo=UTC)
    periods = pl.DataFrame(
        {"source": ["b", "a", "c"], "start": [MARCH, FIRST, later], "end": [MAY, AFTER, None]},
        schema={"source": pl.String, "start": UTC_TIME, "end": UTC_TIME},
    )
    instant = pl.duration(microseconds=1)
    times = pl.DataFrame({"t": [FIRST, AFTER, later]}, schema={"t": UTC_TIME})
    assert covered(periods, times["t"]).tolist() == [True, True, True]
    assert covered(periods, times.select(pl.col("t") - instant)["t"]).tolist() == [
        False,
        True,
        False,
    ]
    assert covered(periods, times.select(pl.col("t") + instant)["t"]).tolist() == [
        True,
        False,
        True,
    ]
    assert covered(periods.clear(), times["t"]).tolist() == [False, False, False]
