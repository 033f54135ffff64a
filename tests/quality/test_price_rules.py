"""Planted corruption is found where it was planted; what really happens in markets is not."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_market import NOW, PRICES, Market, day

from stocktrend import schema
from stocktrend.config import Settings
from stocktrend.lake import Records, Tables
from stocktrend.quality import Finding, check


def errors(records: Records) -> list[tuple[str, str, date | None, date | None]]:
    report = check(records, Settings(), NOW)
    found: Sequence[Finding] = report.findings
    return sorted((f.rule, f.subject, f.first, f.last) for f in found if f.severity == "error")


def warnings(records: Records) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for f in check(records, Settings(), NOW).findings:
        if f.severity == "warning":
            found.setdefault(f.rule, []).append(f.subject)
    return found


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_a_market_without_defects_has_no_error_and_no_warning(seed: int) -> None:
    report = check(Market(seed=seed).records(), Settings(), NOW)
    assert [f for f in report.findings if f.severity != "note"] == []


@settings(max_examples=15)
@given(at=st.integers(60, 480), ratio=st.sampled_from([2, 3, 4, 5, 10, 20, 1 / 5, 1 / 10]))
def test_a_split_that_prices_and_volume_were_not_adjusted_for_is_one_bar(
    at: int, ratio: float
) -> None:
    market = Market(seed=1)
    market.scale[4, at:] /= ratio
    market.volumes[4, at - 20 : at + 1] = 1e6  # a month of ordinary trade
    market.volumes[4, at:] *= ratio
    assert errors(market.records()) == [("missed_adjustment", "T04", day(at), day(at))]


@pytest.mark.parametrize("factor", [3.3, 100, 1 / 100])
def test_a_permanent_change_of_unit_with_the_same_shares_is_one_bar(factor: float) -> None:
    market = Market(seed=1)
    market.scale[4, 300:] *= factor
    market.volumes[4, 280:301] = 1e6
    assert errors(market.records()) == [("missed_adjustment", "T04", day(300), day(300))]


def test_both_edges_of_a_spell_in_another_basis_are_found() -> None:
    market = Market(seed=1)
    market.scale[4, 300:330] *= 2.5
    market.volumes[4, 280:331] = 1e6
    assert errors(market.records()) == [
        ("missed_adjustment", "T04", day(300), day(300)),
        ("missed_adjustment", "T04", day(330), day(330)),
    ]


def test_a_calm_rise_that_many_more_shares_are_sold_at_is_kept() -> None:
    market = Market(seed=1)
    market.scale[4, 300:] *= 3.3
    market.volumes[4, 300] = 1e7
    assert errors(market.records()) == []


def test_a_split_of_3_for_2_is_a_warning() -> None:
    market = Market(seed=1)
    market.scale[4, 300:] /= 1.5
    market.volumes[4, 300:] *= 1.5
    assert errors(market.records()) == []
    assert warnings(market.records()) == {"unexplained_jump": ["T04"]}


@settings(max_examples=10)
@given(fall=st.floats(0.05, 0.9))
def test_a_crash_of_the_whole_market_is_kept(fall: float) -> None:
    market = Market(seed=2)
    market.moves[:, 300] += np.log(1 - fall)
    assert errors(market.records()) == []
    assert warnings(market.records()) == {}


@pytest.mark.parametrize("factor", [0.4, 1.9])
@pytest.mark.parametrize(
    ("volume", "width"),
    [(30, 0.01), (0.8, 0.3)],
    ids=["a bid in cash: heavy trade at one price", "a wild day on little trade"],
)
def test_heavy_trade_or_a_wide_range_alone_tells_a_real_jump(
    factor: float, volume: float, width: float
) -> None:
    market = Market(seed=3)
    market.scale[7, 300:] *= factor
    market.volumes[7, 300:306] *= volume
    market.ranges[7, 300] = width
    assert errors(market.records()) == []
    assert warnings(market.records()) == {}


def test_a_wild_stock_may_jump_calmly() -> None:
    market = Market(seed=3)
    market.moves[7] += np.random.default_rng(1).normal(0, 0.06, market.moves.shape[1])
    market.moves[7, 300] = np.log(0.5)  # some 16 times its ordinary move
    assert errors(market.records()) == []


@pytest.mark.parametrize("factor", [0.1, 0.4, 1.9, 4.0])
def test_a_stock_that_falls_or_rises_alone_on_heavy_trade_is_kept(factor: float) -> None:
    market = Market(seed=3)
    market.scale[7, 300:] *= factor
    market.volumes[7, 300:306] *= 15
    market.ranges[7, 300] = abs(np.log(factor)) / 3
    assert errors(market.records()) == []
    assert warnings(market.records()) == {}


def test_a_company_that_fails_and_is_hardly_traded_afterwards_is_kept() -> None:
    market = Market(seed=3)
    market.scale[7, 300:] *= 0.08
    market.volumes[7, 300] *= 40
    market.ranges[7, 300] *= 20
    market.volumes[7, 301:] = 0
    market.volumes[7, 301::8] = 900
    assert errors(market.records()) == []


def test_two_interleaved_series_are_one_spell_and_the_rest_stays() -> None:
    market = Market(seed=4)
    for row in (200, 201, 210, 230, 231, 232, 260):
        market.scale[3, row] *= 150
    assert errors(market.records()) == [("two_series", "T03", day(200), day(260))]


def test_bad_prints_far_apart_are_spells_of_their_own() -> None:
    market = Market(seed=4)
    market.scale[3, [100, 300]] /= 25
    assert errors(market.records()) == [
        ("two_series", "T03", day(100), day(100)),
        ("two_series", "T03", day(300), day(300)),
    ]


def test_a_level_that_returns_after_more_than_a_year_is_two_breaks_on_their_own() -> None:
    market = Market(seed=4)
    market.scale[3, 100:380] *= 10
    market.ranges[3, [100, 380]] = 0.6
    assert errors(market.records()) == []
    market.scale[3, 340:380] /= 10
    assert errors(market.records()) == [("two_series", "T03", day(100), day(339))]


def test_a_fall_after_a_slow_recovery_is_no_return() -> None:
    market = Market(seed=4)
    market.ranges[3, [100, 250]] = 1.0
    market.moves[3, 100] = np.log(1 / 10)
    market.moves[3, 101:250] += np.log(40) / 149
    market.moves[3, 250] = np.log(1 / 4)
    assert errors(market.records()) == []


def test_a_company_that_comes_back_from_a_pause_with_more_trade_is_kept() -> None:
    market = Market(seed=5)
    market.scale[6, :250] *= 5
    market.volumes[6, :250] /= 50
    market.there[6, 220:250] = False
    assert errors(market.records()) == []


def test_a_real_company_that_becomes_more_traded_is_kept() -> None:
    market = Market(seed=5)
    market.scale[6, 250:] *= 4
    market.ranges[6, 250] = 0.5
    market.volumes[6, 250:] *= 200
    assert errors(market.records()) == []


def test_a_shell_before_a_recycled_ticker_is_the_spell() -> None:
    market = Market(seed=5)
    market.scale[6, :250] /= 30
    market.volumes[6, :250] = 0
    assert errors(market.records()) == [("recycled_ticker", "T06", day(0), day(249))]


def test_a_ticker_recycled_after_a_pause_is_found_by_what_it_trades() -> None:
    market = Market(seed=5)
    market.scale[6, :250] *= 8
    market.volumes[6, :250] /= 2_000
    market.there[6, 230:250] = False
    assert errors(market.records()) == [("recycled_ticker", "T06", day(0), day(229))]


def test_a_thin_security_between_two_traded_ones_is_the_spell() -> None:
    market = Market(seed=3)
    market.scale[7, 100:400] *= 0.05  # away for more than a year: no return
    market.volumes[7, 100:400] = 0
    market.volumes[7, 100:400:9] = 100
    assert errors(market.records()) == [("recycled_ticker", "T07", day(100), day(399))]


def test_thin_securities_around_a_traded_one_are_the_spells() -> None:
    market = Market(seed=3)
    market.scale[7, 100:400] *= 20
    market.volumes[7, :100] = 0
    market.volumes[7, 400:] = 0
    assert errors(market.records()) == [
        ("recycled_ticker", "T07", day(0), day(99)),
        ("recycled_ticker", "T07", day(400), day(504)),
    ]


def test_prices_that_cannot_be_are_a_spell_with_its_days() -> None:
    bars = Market(seed=6).bars()
    spell = (pl.col("ticker") == "T02") & pl.col("session").is_between(day(100), day(139))
    negative = bars.with_columns(
        pl.when(spell).then(-pl.col("adj_close")).otherwise("adj_close").alias("adj_close")
    )
    found = errors(Tables({"bars": negative}))
    assert found == [("impossible_bar", "T02", day(100), day(139))]
    one = (pl.col("ticker") == "T02") & (pl.col("session") == day(50))
    upside_down = bars.with_columns(
        pl.when(one).then(pl.col("low") * 0.9).otherwise("high").alias("high")
    )
    found = errors(Tables({"bars": upside_down}))
    assert found == [("impossible_bar", "T02", day(50), day(50))]


def test_a_series_that_is_no_longer_traded_is_stale() -> None:
    market = Market(seed=7)
    market.volumes[1, 300:] = 0
    market.moves[1, 300:] = 0
    market.volumes[1, 310::9] = 500  # a trade every other week makes it no market
    (finding,) = (
        f for f in check(market.records(), Settings(), NOW).findings if f.rule == "stale_series"
    )
    assert (finding.subject, finding.first, finding.last) == ("T01", day(300), day(504))
    assert finding.severity == "warning"


def test_a_month_without_trade_is_not_stale() -> None:
    market = Market(seed=7)
    market.volumes[1, 300:321] = 0
    assert warnings(market.records()) == {}


def test_one_series_under_two_tickers_and_a_repeated_bar_are_told() -> None:
    bars = Market(seed=8).bars()
    twin = bars.filter(pl.col("ticker") == "T05").with_columns(pl.lit("T99").alias("ticker"))
    values = (*PRICES, "volume")
    stuck = bars.with_columns(
        pl.when(pl.col("ticker") == "T11", pl.col("session") == day(77))
        .then(pl.col(name).shift(1))
        .otherwise(name)
        .alias(name)
        for name in values
    )
    found = warnings(Tables({"bars": pl.concat([stuck, twin])}))
    assert found == {"repeated_bar": ["T11"], "same_series": ["T05"]}


@pytest.mark.parametrize("name", ["T00X", "T99"], ids=["first by name", "last by name"])
def test_a_part_of_a_series_under_another_ticker_is_told_whatever_its_name(name: str) -> None:
    bars = Market(seed=8).bars()
    part = bars.filter(pl.col("ticker") == "T05", pl.col("session") >= day(250))
    both = pl.concat([bars, part.with_columns(pl.lit(name).alias("ticker"))])
    assert warnings(Tables({"bars": both})) == {"same_series": [min("T05", name)]}


def test_two_tickers_are_no_peers_of_each_other() -> None:
    market = Market(tickers=2, seed=9)
    market.scale[0, 200:] /= 2
    market.volumes[0, 180:201] = 1e6
    market.volumes[0, 200:] *= 2
    assert errors(market.records()) == [("missed_adjustment", "T00", day(200), day(200))]


def test_a_spell_that_is_withheld_is_not_told_again_at_the_next_bar() -> None:
    market = Market(seed=1)
    market.scale[4, 300:] /= 2
    market.volumes[4, 280:301] = 1e6
    market.volumes[4, 300:] *= 2
    rest = market.bars().filter((pl.col("ticker") != "T04") | (pl.col("session") != day(300)))
    assert errors(Tables({"bars": rest})) == [("missed_adjustment", "T04", day(301), day(301))]
    row = (
        "bars",
        "made",
        "p.csv",
        None,
        "withheld: missed_adjustment: half",
        "{}",
        "T04",
        day(300),
    )
    refused = pl.DataFrame([row], schema=schema.QUARANTINE, orient="row")
    assert errors(Tables({"bars": rest}, refused)) == []
