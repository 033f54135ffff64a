"""Trend kernels against sums written out, TA-Lib at short windows, and values found by hand."""

import numpy as np
import pytest
from kernel_calls import NAN, array, assert_values, filled

from stocktrend.features.kernels.trend import (
    aroon_oscillator,
    bars_since,
    directional_movement,
    macd,
    ratio_to_exponential,
    true_range,
)

WALK = 50.0 + np.cumsum(np.random.default_rng(5).normal(0.0, 1.0, 40))


def exponential(x: np.ndarray, n: int, first: int, t: int) -> float:
    """The average as one sum: the newest values by their weights, and what is left of the seed."""
    weight = 2 / (n + 1)
    newer = range(t - first - n + 1)
    average = x[first : first + n].mean() * (1 - weight) ** len(newer)
    return float(average + sum(weight * (1 - weight) ** k * x[t - k] for k in newer))


def test_a_close_is_measured_against_its_average_from_bar_5n() -> None:
    # At rest until bar 9; weight 2/3: the average is 3 after a close of 4, and 5 after one of 6.
    (result,) = filled(ratio_to_exponential, [1.0] * 9 + [4.0, 6.0], 2)
    assert_values(result, [NAN] * 9 + [1 / 3, 0.2])
    (walked,) = filled(ratio_to_exponential, WALK, 4)
    rows = range(19, len(WALK))
    assert_values(walked[19:], [WALK[t] / exponential(WALK, 4, 0, t) - 1 for t in rows])


def test_macd_is_a_difference_of_averages_and_its_signal_their_average() -> None:
    line, signal = filled(macd, WALK, 2, 4, 3, outputs=2)
    difference = np.full(len(WALK), NAN)
    for t in range(3, len(WALK)):
        difference[t] = exponential(WALK, 2, 0, t) - exponential(WALK, 4, 0, t)
    rows = range(19, len(WALK))
    assert np.isnan([line[:19], signal[:19]]).all()
    assert_values(line[19:], [difference[t] / WALK[t] for t in rows])
    assert_values(signal[19:], [exponential(difference, 3, 3, t) / WALK[t] for t in rows])


@pytest.mark.parametrize(
    ("high", "low", "expected"),
    [(12.0, 9.0, 3.0), (15.0, 14.0, 5.0), (7.0, 6.0, 4.0), (10.0, 10.0, 0.0)],
)
def test_the_true_range_reaches_to_the_close_before(
    high: float, low: float, expected: float
) -> None:
    assert true_range(array([99.0, high]), array([1.0, low]), array([10.0, 8.0]), 1) == expected


@pytest.mark.parametrize("n", [2, 3, 5])
def test_directional_movement_is_talibs(n: int) -> None:
    talib = pytest.importorskip("talib", reason="TA-Lib is the oracle: pip install TA-Lib")
    rng = np.random.default_rng(n)
    high = np.round(WALK + rng.uniform(0.0, 1.5, len(WALK)), 6)
    low = np.round(WALK - rng.uniform(0.0, 1.5, len(WALK)), 6)
    results = filled(directional_movement, high, low, WALK, n, outputs=3)
    oracles = (talib.ADX, talib.PLUS_DI, talib.MINUS_DI)
    for result, oracle in zip(results, oracles, strict=True):
        assert np.isnan(result[: 5 * n - 1]).all()
        expected = oracle(high, low, WALK, n)[5 * n - 1 :]
        np.testing.assert_allclose(result[5 * n - 1 :], expected, rtol=1e-11)


def directional(up: float, down: float) -> tuple[float, float, float]:
    """ADX, +DI and -DI of bars whose high rises by ``up`` and whose low falls by ``down``."""
    bars = np.arange(12.0)
    results = filled(
        directional_movement, 100 + up * bars, 90 - down * bars, np.full(12, 95.0), 2, outputs=3
    )
    adx, plus, minus = (float(result[-1]) for result in results)
    return adx, plus, minus


def test_only_the_larger_move_counts_and_equal_ones_but_for_rounding_do_not() -> None:
    adx, plus, minus = directional(1.0, 0.5)
    assert (adx, minus) == (100.0, 0.0)
    assert plus > 0.0
    adx, plus, minus = directional(0.5, 1.0)
    assert (adx, plus) == (100.0, 0.0)
    assert minus > 0.0
    for difference in (0.0, 5e-11, -5e-11):
        adx, plus, minus = directional(1.0 + difference, 1.0)
        assert (plus, minus) == (0.0, 0.0)
        assert np.isnan(adx)
    # Beyond 1e-12 of the close, which is 95, a difference is a move.
    assert directional(1.0 + 2e-10, 1.0)[1] > 0.0
    assert directional(1.0, 1.0 + 2e-10)[2] > 0.0


def test_bars_without_a_range_have_no_direction_and_later_ones_do() -> None:
    close = np.array([10.0] * 14 + [11.0, 12.0])
    results = filled(directional_movement, close, close, close, 2, outputs=3)
    adx, plus, minus = results
    assert np.isnan([result[:14] for result in results]).all()
    assert_values(adx[14:], [50.0, 75.0])
    assert_values(plus[14:], [100.0, 100.0])
    assert_values(minus[14:], [0.0, 0.0])


def test_a_move_long_gone_is_no_direction() -> None:
    close = np.array([10.0] + [20.0] * 70)
    adx, plus, _ = filled(directional_movement, close, close, close, 2, outputs=3)
    # Half of the sums is left at each bar: 10 / 2^29 counts, 10 / 2^69 is rounding.
    assert (adx[30], plus[30]) == (100.0, 100.0)
    assert np.isnan([adx[70], plus[70]]).all()


def test_the_age_of_an_extreme_is_that_of_the_latest_of_ties() -> None:
    x = array([5.0, 7.0, 7.0, 3.0, 2.0, 7.0])
    top = array([NAN, NAN, 7.0, 7.0, 7.0, 7.0])
    assert_values(bars_since(x, top, 3), [NAN, NAN, 0.0, 1.0, 2.0, 0.0])
    assert_values(bars_since(x[:3], top[:3], 3), [NAN, NAN, 0.0])
    assert np.isnan(bars_since(x[:2], top[:2], 3)).all()


@pytest.mark.parametrize("level", [7.0, -7.0])
def test_extremes_tie_up_to_rounding(level: float) -> None:
    for share, age in ((5e-13, 0.0), (5e-12, 1.0)):
        x = array([level - 1.0, level, level - share * 7.0])
        assert bars_since(x, np.full(3, level), 3)[2] == age


def test_aroon_looks_at_the_bar_and_n_before_it() -> None:
    high = [9.0, 5.0, 6.0, 7.0, 5.0, 8.0]
    low = [3.0, 4.0, 2.0, 3.0, 3.0, 4.0]
    # Bars since the highest of 4: 3, 1, 0; since the lowest of 4: 1, 2, 3.
    (result,) = filled(aroon_oscillator, high, low, 3)
    assert_values(result, [NAN, NAN, NAN, -200 / 3, 100 / 3, 100.0])
    (shortest,) = filled(aroon_oscillator, high[:4], low[:4], 3)
    assert_values(shortest, [NAN, NAN, NAN, -200 / 3])
