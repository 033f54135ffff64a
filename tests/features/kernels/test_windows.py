"""Window statistics against Python's own sums and extremes, for every short history and window."""

import math
import statistics
from collections.abc import Callable

import numpy as np
import pytest
from kernel_calls import NAN, array, assert_values

from stocktrend.features.kernels.windows import (
    window_correlation,
    window_max,
    window_mean,
    window_min,
    window_moment,
    window_std,
    window_sum,
)

X = [3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0, -6.0, 5.0, 3.0, 5.0, -8.0, 9.0, 7.0]
Y = [2.0, 7.0, -1.0, 8.0, 2.0, 8.0, 1.0, -8.0, 2.0, 8.0, 4.0, 5.0, 9.0, 0.0]
CASES = [(bars, n) for bars in range(len(X) + 1) for n in range(1, 10)]


def rolled(reduce: Callable[[list[float]], float], bars: int, n: int) -> list[float]:
    """``reduce`` of the last n values, NaN before bar n."""
    return [reduce(X[t - n + 1 : t + 1]) if t >= n - 1 else NAN for t in range(bars)]


@pytest.mark.parametrize(
    ("statistic", "reduce"),
    [
        (window_sum, sum),
        (window_mean, statistics.fmean),
        (window_max, max),
        (window_min, min),
    ],
)
def test_a_window_has_the_statistic_of_its_values_however_short_the_history(
    statistic: Callable[..., np.ndarray], reduce: Callable[[list[float]], float]
) -> None:
    for bars, n in CASES:
        assert_values(statistic(array(X[:bars]), n), rolled(reduce, bars, n))


def test_a_sum_is_undefined_while_its_window_holds_an_undefined_value() -> None:
    x = array([1.0, 2.0, NAN, 4.0, 5.0, 6.0, 7.0])
    assert_values(window_sum(x, 3), [NAN, NAN, NAN, NAN, NAN, 15.0, 18.0])


@pytest.mark.parametrize(
    ("power", "term"),
    [(1, lambda d: abs(d)), (2, lambda d: d * d), (3, lambda d: d * d * d)],
)
def test_a_moment_sums_powers_of_the_distance_to_the_given_centre(
    power: int, term: Callable[[float], float]
) -> None:
    for bars, n in CASES:
        centre = array([0.25 * t for t in range(bars)])
        expected = [
            sum(term(x - 0.25 * t) for x in X[t - n + 1 : t + 1]) if t >= n - 1 else NAN
            for t in range(bars)
        ]
        assert_values(window_moment(array(X[:bars]), centre, n, power), expected)


def test_the_standard_deviation_divides_by_one_less_than_the_window() -> None:
    for bars, n in CASES:
        if n > 1:
            x = array(X[:bars])
            expected = rolled(statistics.stdev, bars, n)
            assert_values(window_std(x, window_mean(x, n), n), expected)


def test_the_correlation_is_pearsons() -> None:
    for bars, n in CASES:
        if n > 2:
            expected = [
                statistics.correlation(X[t - n + 1 : t + 1], Y[t - n + 1 : t + 1])
                if t >= n - 1
                else NAN
                for t in range(bars)
            ]
            assert_values(window_correlation(array(X[:bars]), array(Y[:bars]), n), expected)


def test_a_series_that_varies_by_rounding_alone_has_no_correlation() -> None:
    moving = array([0.1, -0.3, 0.2, 0.05])
    for size, defined in ((0.0, False), (2e-16, False), (5e-13, False), (2e-12, True), (1.0, True)):
        still = size * array([1.0, -1.0, 1.0, -1.0])
        # By hand: the mean of x is 0.0125 and y alternates, so xy = size * 0.55, yy = 4 size^2,
        # and xx is the sum of squares 0.1425 less 4 * 0.0125^2.
        expected = 0.55 / math.sqrt(4 * (0.1425 - 4 * 0.0125**2)) if defined else NAN
        for x, y in ((moving, still), (still, moving)):
            np.testing.assert_allclose(window_correlation(x, y, 4)[3], expected, rtol=1e-9)
