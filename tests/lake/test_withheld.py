"""A withheld spell is out of what is read, the rest of the ticker stays as it was."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import stocktrend as st
from stocktrend.catalog import FEATURES
from stocktrend.errors import DataError, LakeError
from stocktrend.lake import Lake, Tables
from stocktrend.lake.withheld import release, withhold
from stocktrend.panel import build_panel

FIRST, LAST = date(2016, 6, 1), date(2016, 6, 14)
NOW = datetime(2017, 7, 2, tzinfo=UTC)


def spell(ticker: str, first: date = FIRST, last: date = LAST) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "ticker": [ticker],
            "first": [first],
            "last": [last],
            "rule": ["two_series"],
            "reason": ["the price leaves its level and comes back"],
        }
    )


@pytest.fixture
def lake(market: Path) -> Lake:
    return Lake(market / "lake")


def test_only_the_bars_of_the_spell_are_left_out(lake: Lake) -> None:
    before = lake.read("bars")
    ticker = before["ticker"][0]
    assert withhold(lake, spell(ticker), NOW) == 1
    inside = (pl.col("ticker") == ticker) & pl.col("session").is_between(FIRST, LAST)
    assert before.filter(inside).height == 10
    assert_frame_equal(lake.read("bars"), before.filter(~inside))
    assert_frame_equal(
        lake.history("bars", columns=["volume"]),
        before.filter(~inside).select("ticker", "session", "known_at", "volume"),
    )
    held = lake.quarantine().filter(pl.col("reason").str.starts_with("withheld: two_series"))
    assert held.select("ticker", "session").equals(
        before.filter(inside).select("ticker", "session")
    )


def test_rows_before_the_spell_keep_their_features_and_no_label_reaches_across(lake: Lake) -> None:
    ticker = lake.read("bars")["ticker"][0]
    before = build_panel(lake, st.Settings())
    withhold(lake, spell(ticker), NOW)
    after = build_panel(lake, st.Settings())
    others = pl.col("ticker") != ticker
    assert_frame_equal(after.filter(others), before.filter(others))
    past = ~others & (pl.col("as_of").dt.date() < FIRST)
    assert_frame_equal(
        after.filter(past).select(FEATURES), before.filter(past).select(FEATURES), check_exact=True
    )
    gone = before.filter(~others).join(after, on=["ticker", "as_of"], how="anti")["as_of"].dt.date()
    assert gone.min() == date(2016, 6, 3)
    # 60 bars of history after 2016-06-14 are full on 2016-09-08; the week's last session follows.
    assert after.filter(~others, pl.col("as_of").dt.date() > LAST)["as_of"].dt.date().min() == date(
        2016, 9, 9
    )
    rows = after.filter(past).sort("as_of").tail(3)
    assert rows["as_of"].dt.date().to_list() == [date(2016, 5, d) for d in (13, 20, 27)]
    assert rows["return_30d"].is_null().to_list() == [True, True, True]
    assert rows["return_7d"].is_null().to_list() == [False, False, True]
    for entry in ("next_open", "next_close"):
        assert rows[f"return_30d_{entry}"].null_count() == 3
        assert rows[f"return_7d_{entry}"].is_null().to_list() == [False, False, True]


def test_records_in_memory_carry_the_spell_with_them(lake: Lake) -> None:
    withhold(lake, spell(lake.read("bars")["ticker"][0]), NOW)
    settings = st.Settings()
    assert_frame_equal(build_panel(Tables.of(lake), settings), build_panel(lake, settings))


def test_ingesting_again_brings_nothing_back(lake: Lake, market: Path) -> None:
    ticker = lake.read("bars")["ticker"][0]
    withhold(lake, spell(ticker), NOW)
    kept = lake.read("bars")
    (file,) = (market / "raw" / "prices").glob(f"{ticker}.csv")
    file.write_text(file.read_text() + "\n")  # other content: the file is read again
    report = st.ingest(market, retrieved_at=NOW)
    assert sum(source.files_read for source in report.sources) == 1
    assert report.total("new") == report.total("revised") == 0
    assert_frame_equal(lake.read("bars"), kept)


def test_a_lake_at_earlier_versions_still_has_the_bars(lake: Lake) -> None:
    before, versions = lake.read("bars"), lake.versions()
    withhold(lake, spell(before["ticker"][0]), NOW)
    assert lake.versions() != versions
    then = Lake(lake.path, versions)
    assert_frame_equal(then.read("bars"), before)
    assert then.withheld().is_empty()
    pinned = lake.versions()
    release(lake, [before["ticker"][0]])
    assert Lake(lake.path, pinned).withheld().height == 1


def test_a_release_brings_back_all_of_a_ticker_and_no_other(lake: Lake) -> None:
    before = lake.read("bars")
    one, other = before["ticker"].unique().sort()[:2]
    withhold(lake, pl.concat([spell(one), spell(one, LAST, LAST), spell(other)]), NOW)
    assert release(lake, [one]) == 2
    assert lake.withheld()["ticker"].to_list() == [other]
    assert release(lake, [other]) == 1
    assert_frame_equal(lake.read("bars"), before)


def test_the_same_decision_twice_is_one(lake: Lake) -> None:
    ticker = lake.read("bars")["ticker"][0]
    assert withhold(lake, spell(ticker), NOW) == 1
    versions = lake.versions()
    assert withhold(lake, pl.concat([spell(ticker), spell(ticker)]), NOW) == 0
    assert lake.versions() == versions


def test_overlapping_spells_leave_out_their_union(lake: Lake) -> None:
    before = lake.read("bars")
    ticker = before["ticker"][0]
    inner = spell(ticker, date(2016, 6, 3), date(2016, 6, 6))
    withhold(lake, pl.concat([spell(ticker), inner]), NOW)
    inside = (pl.col("ticker") == ticker) & pl.col("session").is_between(FIRST, LAST)
    assert_frame_equal(lake.read("bars"), before.filter(~inside))


def test_a_spell_that_ends_before_it_begins_and_a_time_without_zone_are_refused(lake: Lake) -> None:
    with pytest.raises(DataError, match=r"not end before it begins, however X from 2016-06-14"):
        withhold(lake, spell("X", LAST, FIRST), NOW)
    with pytest.raises(DataError, match="time zone"):
        withhold(lake, spell("X"), NOW.replace(tzinfo=None))
    with pytest.raises(LakeError, match="read-only"):
        withhold(Lake(lake.path, lake.versions()), spell("X"), NOW)
