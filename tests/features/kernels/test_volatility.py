"""Volatilities against numbers worked out by hand, at windows of two to four bars."""

import math

import numpy as np
import pytest
from kernel_calls import NAN, array, assert_values, filled

from stocktrend.features.kernels.volatility import (
    annual_volatility,
    downside_volatility,
    drawdown,
    normalised_true_range,
    range_volatility,
    skewness,
    volatility,
    volatility_of_volatility,
)

YEAR = math.sqrt(252)
RETURNS = [NAN, 0.1, 0.3, 0.2, -0.2]


def test_volatility_is_the_standard_deviation_of_a_year() -> None:
    # Of two values it is their distance over the root of 2.
    expected = [NAN, NAN, *(YEAR * distance / math.sqrt(2) for distance in (0.2, 0.1, 0.4))]
    assert_values(annual_volatility(array(RETURNS), 2), expected)
    assert_values(filled(volatility, RETURNS, 2)[0], expected)


def test_volatility_of_volatility_is_the_deviation_of_those() -> None:
    (result,) = filled(volatility_of_volatility, RETURNS, 2, 2)
    assert_values(result, [NAN, NAN, NAN, YEAR * 0.1 / 2, YEAR * 0.3 / 2])


def test_only_falls_count_on_the_downside() -> None:
    (result,) = filled(downside_volatility, [NAN, -0.1, 0.2, -0.3, 0.0, 0.4], 2)
    means = [0.005, 0.045, 0.045, 0.0]
    assert_values(result, [NAN, NAN, *(YEAR * math.sqrt(mean) for mean in means)])


def ranges(bars: int) -> list[np.ndarray]:
    """Range volatilities over 3 bars of: open 1, high e^3, low e^-1, close e (then open e, ...)."""
    start = np.exp(0.02 * np.arange(bars))
    up, down, body = 0.03, 0.01, np.array([0.01, 0.02, -0.005, 0.01])[:bars]
    return filled(
        range_volatility, start, start * math.exp(up), start * math.exp(-down),
        start * np.exp(body), 3, outputs=4,
    )  # fmt: skip


def test_range_volatilities_are_their_formulas_in_logarithms() -> None:
    parkinson, garman_klass, rogers_satchell, yang_zhang = ranges(4)
    body = [0.01, 0.02, -0.005, 0.01]
    terms = [(0.03 - b) * 0.03 + (-0.01 - b) * -0.01 for b in body]
    overnight = [0.02 - b for b in body]
    k = 0.34 / (1.34 + 4 / 2)
    for t in (2, 3):
        last = slice(t - 2, t + 1)
        squares = np.mean(np.square(body[last]))
        drift_free = np.mean(terms[last])
        assert parkinson[t] == pytest.approx(YEAR * 0.04 / math.sqrt(4 * math.log(2)))
        expected = 0.5 * 0.04**2 - (2 * math.log(2) - 1) * squares
        assert garman_klass[t] == pytest.approx(YEAR * math.sqrt(expected))
        assert rogers_satchell[t] == pytest.approx(YEAR * math.sqrt(drift_free))
    variance = np.var(overnight[0:3], ddof=1) + k * np.var(body[1:4], ddof=1)
    variance += (1 - k) * np.mean(terms[1:4])
    assert yang_zhang[3] == pytest.approx(YEAR * math.sqrt(variance))
    assert np.isnan([*parkinson[:2], *garman_klass[:2], *rogers_satchell[:2]]).all()
    assert np.isnan(yang_zhang[:3]).all()
    assert np.isnan(ranges(2)).all()


def test_the_true_range_is_averaged_and_taken_in_percent_from_bar_5n() -> None:
    # A range of 2 around a close of 10 at first, of 4 from bar 10 on.
    highs, lows, closes = [11.0] * 9 + [12.0] * 2, [9.0] * 9 + [8.0] * 2, [10.0] * 11
    (result,) = filled(normalised_true_range, highs, lows, closes, 2)
    assert_values(result, [NAN] * 9 + [30.0, 35.0])


def test_one_return_that_differs_has_the_largest_skewness() -> None:
    # Of (0, 0, 3): the third moment 2, the second 2, so 2 / 2^1.5, times root(6) / 1.
    (result,) = filled(skewness, [NAN, 0.0, 0.0, 0.03, 0.0, -0.03], 3)
    assert_values(result, [NAN, NAN, NAN, math.sqrt(3), math.sqrt(3), 0.0])


def test_returns_that_vary_by_rounding_have_no_skewness() -> None:
    for size, defined in ((0.0, False), (5e-13, False), (4e-12, True)):
        (result,) = filled(skewness, [NAN, 0.1, 0.1, 0.1 + size], 3)
        assert np.isnan(result[3]) == (not defined)


def test_the_drawdown_is_from_a_high_inside_the_window() -> None:
    closes = [10.0, 12.0, 9.0, 11.0, 8.0, 8.0, 9.0, 10.0]
    (result,) = filled(drawdown, closes, 3)
    assert_values(result, [NAN, NAN, -1 / 4, -1 / 4, -3 / 11, -3 / 11, 0.0, 0.0])
    assert_values(filled(drawdown, closes[:3], 3)[0], [NAN, NAN, -1 / 4])
    assert np.isnan(filled(drawdown, closes[:2], 3)[0]).all()
    assert_values(filled(drawdown, [2.0, 1.0, 3.0], 3)[0], [NAN, NAN, -1 / 2])
