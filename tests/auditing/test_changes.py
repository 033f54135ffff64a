"""A future differs from another in what is known later, and in nothing else."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from stocktrend.auditing.changes import Fate, cut, rewritten
from stocktrend.auditing.comparing import differences
from stocktrend.auditing.features import ALL_KINDS, KINDS, Kind
from stocktrend.auditing.sample import draw
from stocktrend.config import Settings
from stocktrend.lake import Tables
from stocktrend.schema import KEYS, TABLES
from stocktrend.sessions import sessions

MOMENT = datetime(2016, 12, 2, 21, tzinfo=UTC)
NOW = pl.col("known_at") <= MOMENT


def after(records: Tables, kind: Kind, moment: datetime = MOMENT) -> Tables:
    fates = {table: kind.fate(1, moment, place) for place, table in enumerate(sorted(TABLES))}
    return rewritten(records, moment, fates)


@pytest.mark.parametrize("kind", [ALL_KINDS, *KINDS.values()], ids=["all", *KINDS])
def test_what_was_known_by_a_moment_stays_and_what_is_known_later_changes(
    records: Tables, kind: Kind
) -> None:
    found = after(records, kind)
    for table in TABLES:
        before, now = records.history(table), found.history(table)
        assert_frame_equal(now.filter(NOW), before.filter(NOW), check_row_order=False)
        # One change of the universe is known later, and its coin may fall as it lay before.
        assert table == "universe" or not now.filter(~NOW).equals(before.filter(~NOW)), table
        assert not now.select(*KEYS[table], "known_at").is_duplicated().any()


def test_deleting_leaves_nothing_and_altering_invents_no_key(records: Tables) -> None:
    deleted = after(records, KINDS["deleted"]).tables
    altered = after(records, KINDS["altered"]).tables
    for table, key in KEYS.items():
        assert deleted[table].filter(~NOW).is_empty()
        new = altered[table].join(records.tables[table], on=key, how="anti", nulls_equal=True)
        assert new.is_empty(), table


def test_each_ticker_and_series_is_told_anew_within_the_first_day(records: Tables) -> None:
    found = after(records, KINDS["invented"]).tables
    soon = ~NOW & (pl.col("known_at") <= MOMENT + timedelta(days=1))
    for table, about in (("bars", "ticker"), ("news", "ticker"), ("macro", "series")):
        told = set(found[table].filter(soon)[about])
        assert set(records.tables[table].filter(NOW)[about]) <= told
    first = found["news"].filter(~NOW)["known_at"].min()
    assert first == MOMENT + timedelta(microseconds=1)


def test_a_cut_keeps_other_tables_where_one_is_named(records: Tables) -> None:
    found = cut(records, MOMENT, ("news",))
    assert found.tables["news"].filter(~NOW).is_empty()
    assert found.tables["bars"].equals(records.tables["bars"])
    assert all(frame.filter(~NOW).is_empty() for frame in cut(records, MOMENT).tables.values())


def test_no_latest_record_is_told_where_none_is_asked_for(records: Tables) -> None:
    nothing = Fate(0.0, 0.0, 0, (0.0,), 1)
    found = rewritten(records, MOMENT, dict.fromkeys(KEYS, nothing))
    for table in KEYS:
        assert found.history(table).equals(records.history(table))


def test_the_sample_is_drawn_from_the_bars_with_edges_among_them(
    records: Tables, chosen: Settings
) -> None:
    sample = draw(records, chosen, samples=100, seed=4)
    assert sample.pairs.height >= 100
    assert sample.pairs["ticker"].n_unique() == 8
    reasons = set(sample.dates.values())
    edges = {"a ticker's first rows", "a ticker's last rows", "among the newest rows"}
    assert edges | {"before a macro value is revised", "at random"} <= reasons
    assert date(2016, 11, 25) in sample.dates  # the only half-day that ends a week of that year
    again = draw(records, chosen, samples=100, seed=4)
    assert (again.dates, again.tickers) == (sample.dates, sample.tickers)
    assert draw(records, chosen, samples=100, seed=5).dates != sample.dates


def test_a_sample_has_50_tickers_though_most_were_listed_for_months_only() -> None:
    days = sessions().filter(pl.col("session").is_between(date(2005, 1, 1), date(2014, 12, 31)))
    lives = [(0, 2600) if number < 30 else (number * 61 % 2200, 100) for number in range(100)]
    bars = pl.concat(
        days.slice(begin, length).select(pl.lit(f"T{number:03d}").alias("ticker"), "session")
        for number, (begin, length) in enumerate(lives)
    ).with_columns(pl.lit(None).cast(kind).alias(name) for name, kind in _others("bars").items())
    sample = draw(Tables({"bars": bars}), Settings(), samples=200, seed=0)
    assert sample.pairs["ticker"].n_unique() >= 50
    assert len(sample.dates) < 50
    assert draw(Tables({"bars": bars}), Settings(), samples=1, seed=0).pairs.height < 250


def _others(table: str) -> dict[str, pl.DataType]:
    """Columns of a table beside ticker and session, with their types."""
    schema = TABLES[table].create_empty().schema
    return {name: kind for name, kind in schema.items() if name not in ("ticker", "session")}


def test_the_sample_ends_where_there_are_no_more_dates(records: Tables, chosen: Settings) -> None:
    few = chosen.model_copy(update={"start": date(2017, 6, 1)})
    sample = draw(records, few, samples=10_000, seed=0)
    assert len(sample.dates) == 5  # Fridays of June 2017
    bars = replace(records, tables={**records.tables, "bars": records.tables["bars"].head(50)})
    assert draw(bars, few, samples=10, seed=0).pairs.is_empty()


def test_a_difference_is_one_of_bits_of_null_or_of_a_row() -> None:
    key = {"ticker": ["A", "B", "C"], "as_of": [MOMENT] * 3}
    first = pl.DataFrame({**key, "x": [0.0, None, float("nan")], "y": [1.0, 1.0, 1.0]})
    assert differences(first, first.reverse(), ["x", "y"]) == []
    signed = first.with_columns(x=pl.Series([-0.0, None, float("nan")]))
    [found] = differences(first, signed, ["x", "y"])
    assert (found.name, found.rows, found.ticker) == ("x", 1, "A")
    filled = first.with_columns(x=pl.Series([0.0, float("nan"), float("nan")]))
    assert [d.ticker for d in differences(first, filled, ["x"])] == ["B"]
    rounded = first.with_columns(pl.col("y") + 1e-12)
    assert differences(first, rounded, ["y"])[0].rows == 3
    assert differences(first, rounded, ["y"], rounding=1e-9) == []
    names = {(d.before, d.after) for d in differences(first, first.head(2), ["y"])}
    assert names == {("a row", "no row")}
