"""The three laws of the stock features, on bars made to break them."""

from collections.abc import Callable

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_bars import PRICES, random_bars

from stocktrend.catalog import STOCK_FEATURES
from stocktrend.features.stock import stock_features, stock_matrix

LAW = settings(max_examples=100)


@st.composite
def markets(draw: st.DrawFn) -> pl.DataFrame:
    """Bars of one ticker: ties, stretches without a move, zero volume, dividends, holes, jumps."""
    count = draw(st.integers(1, 460))
    bars = random_bars(
        count,
        draw(st.integers(0, 2**32 - 1)),
        tick=draw(st.sampled_from([1e-7, 0.01, 0.25])),
        quiet=draw(st.sampled_from([0.0, 0.3, 1.0])),
        untraded=draw(st.sampled_from([0.0, 0.1, 1.0])),
        dividend=draw(st.sampled_from([0.0, 0.013])),
    )
    holes = draw(st.lists(st.tuples(st.integers(0, 460), st.integers(1, 8)), max_size=2))
    missing = [row for start, length in holes for row in range(start, start + length)]
    bars = bars.filter(~pl.int_range(pl.len()).is_in(missing) | (pl.int_range(pl.len()) == 0))
    jump = draw(st.integers(0, 460))
    factor = draw(st.sampled_from([1.0, 1.0, 0.2, 3.5, -1.0]))
    return bars.with_columns(
        pl.col(PRICES) * pl.when(pl.int_range(pl.len()) >= jump).then(factor).otherwise(1.0)
    )


def assert_unchanged(first: np.ndarray, second: np.ndarray) -> None:
    """Equal to 1e-9 of max(abs, 1), and undefined in the same places."""
    scale = np.fmax(np.fmax(np.abs(first), np.abs(second)), 1.0)
    same = np.abs(first - second) <= 1e-9 * scale
    same |= np.isnan(first) & np.isnan(second)
    names = [STOCK_FEATURES[column] for column in np.flatnonzero(~same.all(axis=0))]
    assert names == []


def keep(law: Callable[..., np.ndarray], *drawn: st.SearchStrategy[object]) -> None:
    """Try a law, which returns the values that it compared: every feature must have had one."""
    compared: set[str] = set()

    @LAW
    @given(st.tuples(*drawn))
    def tried(example: tuple[object, ...]) -> None:
        values = law(*example)
        compared.update(np.array(STOCK_FEATURES)[~np.isnan(values).all(axis=0)])

    tried()
    assert compared == set(STOCK_FEATURES)


def test_truncated_history_gives_the_same_bits() -> None:
    def law(bars: pl.DataFrame, cut: int) -> np.ndarray:
        cut = min(cut, len(bars))
        whole, part = stock_matrix(bars, threads=1), stock_matrix(bars[:cut], threads=1)
        assert whole[:cut].tobytes() == part.tobytes()
        return part

    keep(law, markets(), st.integers(0, 460))


def test_other_later_bars_change_no_earlier_row() -> None:
    def law(bars: pl.DataFrame, other: pl.DataFrame, cut: int) -> np.ndarray:
        known = bars[:cut]
        other = other.filter(pl.col("session") > known["session"][-1])
        rows = len(known)
        whole = stock_matrix(bars, threads=1)[:rows]
        assert (
            whole.tobytes() == stock_matrix(pl.concat([known, other]), threads=1)[:rows].tobytes()
        )
        return whole

    keep(law, markets(), markets(), st.integers(1, 460))


def test_a_later_dividend_changes_no_feature() -> None:
    def law(bars: pl.DataFrame, log_factor: float) -> np.ndarray:
        rescaled = bars.with_columns(pl.col("adj_close") * np.exp(log_factor))
        features = stock_matrix(bars, threads=1)
        assert_unchanged(features, stock_matrix(rescaled, threads=1))
        return features

    keep(law, markets(), st.floats(-7.0, 7.0))


def test_a_later_split_changes_no_feature() -> None:
    def law(bars: pl.DataFrame, log_factor: float) -> np.ndarray:
        factor = np.exp(log_factor)
        rebased = bars.with_columns(pl.col(PRICES) * factor, pl.col("volume") / factor)
        features = stock_matrix(bars, threads=1)
        assert_unchanged(features, stock_matrix(rebased, threads=1))
        return features

    keep(law, markets(), st.floats(-7.0, 7.0))


@LAW
@given(markets())
def test_no_feature_is_infinite_and_bounded_ones_keep_their_bounds(bars: pl.DataFrame) -> None:
    features = stock_features(bars, threads=1)
    assert not features.select(pl.any_horizontal(pl.col(STOCK_FEATURES).is_infinite().any())).item()
    for bound, names in {
        (0, 100): ("stock_rsi_7", "stock_stoch_k_14", "stock_mfi_14", "stock_adx_14"),
        (-100, 100): ("stock_aroon_osc_25",),
        (-1, 1): ("stock_cmf_20", "stock_price_volume_corr_20"),
        (0, 1): ("stock_up_volume_share_20",),
        (-1, 0): ("stock_drawdown_60", "stock_high_252_ratio"),
    }.items():
        for name in names:
            values = features[name].drop_nulls()
            assert values.is_between(bound[0] - 1e-9, bound[1] + 1e-9).all(), name
