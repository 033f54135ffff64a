"""The 62 formulas on ordinary and on nasty bars, against a plain reading of their definition."""

import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_reading import Reading
from simulated_bars import PRICES, bars_of, exchange_days, random_bars

from stocktrend.catalog import STOCK_FEATURES, VOLUME_FEATURES
from stocktrend.features.stock import stock_features

BARS = 330
ROW = pl.int_range(pl.len())
ORDINARY = random_bars(BARS, seed=5, dividend=0.01)

FIRST_BAR = {
    **dict.fromkeys(("stock_open", "stock_high", "stock_low"), 2),
    **dict.fromkeys(("stock_close", "stock_volume"), 252),
    **{f"stock_sma_ratio_{n}": n for n in (5, 20, 50, 200)},
    "stock_ema_ratio_12": 5 * 12,
    "stock_ema_ratio_26": 5 * 26,
    **dict.fromkeys(("stock_macd", "stock_macd_signal"), 5 * 26),
    **{f"stock_rsi_{n}": 5 * n for n in (7, 14, 28)},
    "stock_stoch_k_14": 14 + 2,
    "stock_stoch_d_3": 14 + 2 + 2,
    "stock_cci_20": 20,
    **dict.fromkeys(("stock_adx_14", "stock_plus_di_14", "stock_minus_di_14"), 5 * 14),
    "stock_aroon_osc_25": 26,
    **dict.fromkeys(("stock_bb_percent_b_20", "stock_bb_width_20"), 20),
    **dict.fromkeys(("stock_high_252_ratio", "stock_low_252_ratio"), 252),
    **{f"stock_return_{n}d": n + 1 for n in (1, 5, 20, 60, 252)},
    **{f"stock_volatility_{n}": n + 1 for n in (5, 10, 20, 60, 252)},
    **{f"stock_{name}_20": 20 for name in ("parkinson", "garman_klass", "rogers_satchell")},
    "stock_yang_zhang_20": 21,
    "stock_natr_14": 5 * 14,
    "stock_downside_volatility_20": 21,
    "stock_volatility_of_volatility_60": 5 + 60,
    "stock_return_skew_60": 61,
    "stock_drawdown_60": 60,
    **{f"stock_volume_ratio_{n}": n for n in (5, 20, 60)},
    "stock_dollar_volume_20": 20,
    "stock_amihud_20": 21,
    "stock_obv_slope_20": 20,
    "stock_mfi_14": 15,
    "stock_cmf_20": 20,
    **{f"stock_vwap_ratio_{n}": n for n in (5, 20)},
    "stock_force_index_13": 252,
    "stock_up_volume_share_20": 21,
    "stock_volume_cv_20": 20,
    "stock_price_volume_corr_20": 60 + 20,
    **dict.fromkeys(("stock_volume_trend_20_60", "stock_volume_zscore_60"), 60),
}
"""The bar, counted from 1, on which every window of a feature is filled."""


def wrong(bars: pl.DataFrame, every: int = 37) -> list[tuple[int, str, object, object]]:
    """Bar, feature, ours and the reading, where they differ by 1e-9 of max(abs, 1) or in a null."""
    ours = stock_features(bars, threads=1)
    assert ours["n_bars"].to_list() == list(range(1, bars.height + 1))
    reading = Reading(bars)
    found = []
    for t in range((bars.height - 1) % every, bars.height, every):
        row, expected = ours.row(t, named=True), reading.at(t)
        assert set(expected) == set(STOCK_FEATURES)
        for name, exact in expected.items():
            got, want = row[name], None if exact is None else float(exact)
            if got is None or want is None:
                same = got is want
            else:
                same = math.isfinite(got) and abs(got - want) <= 1e-9 * max(abs(want), 1)
            if not same:
                found.append((t, name, got, want))
    return found


def undefined(bars: pl.DataFrame) -> set[str]:
    """Features that are null on the last bar."""
    row = stock_features(bars, threads=1).row(-1, named=True)
    return {name for name in STOCK_FEATURES if row[name] is None}


def test_each_feature_begins_with_its_first_filled_window_and_stays() -> None:
    assert set(FIRST_BAR) == set(STOCK_FEATURES)
    features = stock_features(ORDINARY, threads=1)
    for name, first in FIRST_BAR.items():
        assert features[name].null_count() == first - 1, name
        assert features[name][first - 1] is not None, name


@dataclass(frozen=True)
class Nasty:
    """Bars, and the features that the definition leaves undefined on the last of them."""

    bars: pl.DataFrame
    undefined: set[str]


def last(count: int) -> pl.Expr:
    return BARS - count <= ROW


def volume_where(condition: pl.Expr, value: float) -> pl.DataFrame:
    return ORDINARY.with_columns(volume=pl.when(condition).then(value).otherwise("volume"))


def times(prices: float | pl.Expr, volume: float = 1.0) -> pl.DataFrame:
    return ORDINARY.with_columns(pl.col(PRICES) * prices, pl.col("volume") * volume)


NOTHING: set[str] = set()
NO_VOLUME_IN_20 = {
    "stock_volume_ratio_5", "stock_volume_ratio_20", "stock_dollar_volume_20", "stock_amihud_20",
    "stock_obv_slope_20", "stock_mfi_14", "stock_cmf_20", "stock_vwap_ratio_5",
    "stock_vwap_ratio_20", "stock_up_volume_share_20", "stock_volume_cv_20",
}  # fmt: skip
NO_RANGE_IN_20 = {
    "stock_stoch_k_14", "stock_stoch_d_3", "stock_cci_20", "stock_bb_percent_b_20",
    "stock_mfi_14", "stock_cmf_20", "stock_price_volume_corr_20",
}  # fmt: skip
NEVER_MOVED = {
    *NO_RANGE_IN_20, "stock_rsi_7", "stock_rsi_14", "stock_rsi_28", "stock_adx_14",
    "stock_plus_di_14", "stock_minus_di_14", "stock_return_skew_60",
}  # fmt: skip
EQUAL_VOLUMES = {"stock_price_volume_corr_20", "stock_volume_zscore_60"}

RANDOM = np.random.default_rng(1)
WALK = 50 * np.exp(np.cumsum(RANDOM.normal(0, 0.02, BARS)))
WHOLE = np.round(50 + RANDOM.normal(0, 1, BARS))
STILL = [pl.when(last(30)).then(ORDINARY["close"][BARS - 31]).otherwise(p).alias(p) for p in PRICES]

NASTY = {
    "no volume for 25 bars": Nasty(volume_where(last(25), 0.0), NO_VOLUME_IN_20),
    "no volume on one bar": Nasty(volume_where(last(1), 0.0), NOTHING),
    "volume on one bar alone": Nasty(
        ORDINARY.with_columns(volume=pl.when(ROW == BARS - 10).then(5.0).otherwise(0.0)),
        {"stock_volume_ratio_5", "stock_vwap_ratio_5", "stock_price_volume_corr_20"},
    ),
    "never a volume": Nasty(volume_where(last(BARS), 0.0), {"stock_volume", *VOLUME_FEATURES}),
    "a price that stands still for 30 bars": Nasty(ORDINARY.with_columns(STILL), NO_RANGE_IN_20),
    "a price that never moves": Nasty(
        bars_of(np.full(BARS, 12.34), volume=RANDOM.uniform(1, 9, BARS)), NEVER_MOVED
    ),
    "one giant jump, of price and volume": Nasty(
        times(pl.when(last(3)).then(2.9).otherwise(1.0)).with_columns(
            volume=pl.when(ROW == BARS - 3).then(1e12).otherwise("volume")
        ),
        NOTHING,
    ),
    "one giant fall": Nasty(times(pl.when(last(3)).then(0.26).otherwise(1.0)), NOTHING),
    "prices near 1e-12": Nasty(times(2e-14, 1e-9), NOTHING),
    "prices near 1e12": Nasty(times(2e10, 1e9), NOTHING),
    "adjusted prices near 1e-12": Nasty(
        ORDINARY.with_columns(pl.col("adj_close") * 2e-14), NOTHING
    ),
    "ties everywhere": Nasty(
        bars_of(WHOLE, opens=np.roll(WHOLE, 1), high=WHOLE + 1, low=WHOLE - 1, volume=7.0),
        EQUAL_VOLUMES,
    ),
    "two prices in turn": Nasty(
        bars_of(np.where(np.arange(BARS) % 2 == 0, 10.0, 10.5), volume=3.0),
        {*EQUAL_VOLUMES, "stock_cmf_20"},
    ),
    "bars without a range": Nasty(
        bars_of(WALK, volume=RANDOM.uniform(1, 9, BARS)), {"stock_cmf_20"}
    ),
    "only rising": Nasty(
        bars_of(np.linspace(10, 20, BARS), volume=3.0), {*EQUAL_VOLUMES, "stock_cmf_20"}
    ),
    "only falling": Nasty(
        bars_of(np.linspace(20, 10, BARS), volume=3.0), {*EQUAL_VOLUMES, "stock_cmf_20"}
    ),
    "highs below lows": Nasty(
        ORDINARY.with_columns(high=pl.col("low"), low=pl.col("high")), NOTHING
    ),
    "ordinary bars": Nasty(ORDINARY, NOTHING),
}


@pytest.mark.parametrize("case", NASTY)
def test_nasty_bars_have_the_values_and_the_nulls_of_the_definition(case: str) -> None:
    nasty = NASTY[case]
    assert undefined(nasty.bars) == nasty.undefined
    assert wrong(nasty.bars) == []


def test_one_bar_has_no_feature_and_two_have_those_of_one_change() -> None:
    assert undefined(ORDINARY[:1]) == set(STOCK_FEATURES)
    one_change = {"stock_open", "stock_high", "stock_low", "stock_return_1d"}
    assert set(STOCK_FEATURES) - undefined(ORDINARY[:2]) == one_change
    assert wrong(ORDINARY[:2], every=1) == []


def test_bars_beyond_a_gap_or_a_jump_are_read_by_themselves() -> None:
    days = exchange_days(BARS + 6)
    gap = ORDINARY.with_columns(session=pl.concat([days[:60], days[66:]]))
    jump = times(pl.when(ROW >= 60).then(4.0).otherwise(1.0))
    for broken in (gap, jump):
        features = stock_features(broken, threads=1)
        alone = stock_features(broken[60:], threads=1)
        assert features["n_bars"].to_list() == [*range(1, 61), *range(1, BARS - 59)]
        assert features[60:].equals(alone)
        assert wrong(broken[60:]) == []


def test_a_gap_of_five_sessions_and_a_null_inside_are_read_across() -> None:
    days = exchange_days(BARS + 4)
    crossed = ORDINARY.with_columns(session=pl.concat([days[:200], days[204:]]))
    assert wrong(crossed) == []
    holed = ORDINARY.with_columns(
        high=pl.when(ROW == 300).then(None).otherwise("high"),
        volume=pl.when(ROW == 310).then(float("nan")).otherwise("volume"),
    )
    features = stock_features(holed, threads=1)
    kept = ORDINARY.filter(~ROW.is_in([300, 310]))
    assert features.filter(pl.col("n_bars") == 0).height == 2
    assert features.filter(pl.col("n_bars") > 0).equals(stock_features(kept, threads=1))
    assert wrong(kept) == []


def test_real_bars_have_the_values_and_the_nulls_of_the_definition(real_data: Path) -> None:
    bars = pl.read_parquet(real_data / "sp500" / "prices_2005_2014.parquet")
    bars = bars.filter(pl.col("date") < date(2006, 12, 31)).with_columns(
        pl.col(*PRICES, "volume").cast(pl.Float64), session="date"
    )
    whole = bars.filter(pl.len().over("ticker") > 500)
    tickers = whole["ticker"].unique().sort().gather_every(40)
    assert len(tickers) >= 10
    for ticker in tickers:
        assert wrong(whole.filter(pl.col("ticker") == ticker).sort("session"), every=131) == []


@settings(max_examples=60)
@given(
    count=st.integers(2, 300),
    seed=st.integers(0, 2**32 - 1),
    tick=st.sampled_from([0.001, 0.01, 0.25, 5.0]),
    quiet=st.sampled_from([0.0, 0.3, 0.9]),
    untraded=st.sampled_from([0.0, 0.1, 0.9]),
    dividend=st.sampled_from([0.0, 0.013]),
    magnitude=st.integers(-13, 11),
)
def test_any_bars_have_the_values_and_the_nulls_of_the_definition(
    count: int,
    seed: int,
    tick: float,
    quiet: float,
    untraded: float,
    dividend: float,
    magnitude: int,
) -> None:
    bars = random_bars(
        count, seed, tick=tick, quiet=quiet, untraded=untraded, dividend=dividend
    ).with_columns(pl.col(PRICES) * 10.0**magnitude)
    assert wrong(bars, every=97) == []
