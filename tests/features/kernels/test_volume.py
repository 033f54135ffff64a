"""Volume kernels against numbers worked out by hand, bars without volume among them."""

import math
import statistics
from itertools import pairwise

import numpy as np
import pytest
from kernel_calls import NAN, assert_values, filled

from stocktrend.features.kernels.volume import (
    amihud,
    dollar_volume,
    log_volume_ratio,
    price_volume_correlation,
    volume_statistics,
)


def test_volume_counts_as_at_least_a_thousandth_of_its_mean() -> None:
    (result,) = filled(log_volume_ratio, [1.0, 3.0, 0.0, 0.0, 4.0, 0.003], 2)
    assert_values(
        result, [NAN, math.log(1.5), math.log(1e-3), NAN, math.log(2), math.log(0.003 / 2.0015)]
    )


def test_dollar_volume_is_the_logarithm_of_a_mean() -> None:
    (result,) = filled(dollar_volume, [1.0, 3.0, 0.0, 0.0, 0.5], 2)
    assert_values(result, [NAN, math.log(2), math.log(1.5), NAN, math.log(0.25)])


def test_illiquidity_is_the_mean_of_moves_a_dollar_over_traded_bars() -> None:
    # In units of 1e-9: 0.5, not traded, 3, 1, then not traded twice.
    returns = [NAN, 0.1, -0.2, -0.3, 0.2, 0.1, 0.1]
    dollars = [1.0, 2e8, 0.0, 1e8, 2e8, 0.0, 0.0]
    (result,) = filled(amihud, returns, dollars, 2)
    expected = [math.log(1.5), math.log(4), math.log(3), math.log(2), NAN]
    assert_values(result, [NAN, NAN, *expected])


def test_volume_is_measured_against_its_short_and_long_windows() -> None:
    volumes = [1.0, 3.0, 2.0, 5.0, 5.0, 5.0, 0.0, 0.0, 0.0]
    variation, trend, zscore = filled(volume_statistics, volumes, 2, 3, outputs=3)
    root = math.sqrt(2)
    assert_values(variation, [NAN, root / 2, root / 5, 3 / root / 3.5, 0.0, 0.0, root, NAN, NAN])
    assert_values(trend, [NAN, NAN, 0.25, 0.05, 0.25, 0.0, -0.25, -1.0, NAN])
    z = (5 - 10 / 3) / statistics.stdev([3, 2, 5])
    last = -(10 / 3) / statistics.stdev([5, 5, 0])
    assert_values(
        zscore,
        [
            NAN,
            NAN,
            0.0,
            z,
            1 / math.sqrt(3),
            NAN,
            last,
            -(5 / 3) / statistics.stdev([5, 0, 0]),
            NAN,
        ],
    )


def test_a_volume_that_varies_by_rounding_has_no_zscore() -> None:
    for share, defined in ((5e-13, False), (4e-12, True)):
        volumes = [7.0, 7.0, 7.0 * (1 + share)]
        _, _, zscore = filled(volume_statistics, volumes, 2, 3, outputs=3)
        assert np.isnan(zscore[2]) == (not defined)


def test_the_correlation_takes_changes_of_floored_log_volume() -> None:
    returns = [NAN, 0.1, -0.2, 0.05, 0.3, -0.1, 0.2]
    volumes = [4.0, 6.0, 2.0, 0.0, 8.0, 3.0, 5.0]
    # The mean of 2 before the bar without volume is 1, so that it counts as 0.001.
    floored = [6.0, 2.0, 0.001, 8.0, 3.0, 5.0]
    changes = [math.log(new / old) for old, new in pairwise(floored)]
    expected = [
        statistics.correlation(returns[t - 2 : t + 1], changes[t - 4 : t - 1]) for t in (4, 5, 6)
    ]
    (result,) = filled(price_volume_correlation, returns, volumes, 3, 2)
    assert_values(result, [NAN, NAN, NAN, NAN, *expected])


def test_the_correlation_is_undefined_where_there_is_no_volume() -> None:
    returns = [NAN, 0.1, -0.2, 0.05, 0.3, -0.1, 0.2]
    (result,) = filled(price_volume_correlation, returns, [4.0, 6.0, 0.0, 0.0, 8.0, 3.0, 5.0], 3, 2)
    # Bar 4 has no volume in its mean: windows that need its logarithm or the change after it.
    assert np.isnan(result).tolist() == [True] * 7
    (later,) = filled(
        price_volume_correlation, [*returns, 0.1], [4.0, 0.0, 0.0, 3.0, 8.0, 3.0, 5.0, 1.0], 3, 2
    )
    assert np.isnan(later).tolist() == [True] * 6 + [False] * 2


@pytest.mark.parametrize("unit", [1e-9, 1e-3, 1e9])
def test_the_unit_of_volume_does_not_matter(unit: float) -> None:
    rng = np.random.default_rng(3)
    volumes = rng.uniform(1.0, 5.0, 30)
    returns = np.concatenate([[NAN], rng.normal(0.0, 0.02, 29)])
    (usual,) = filled(log_volume_ratio, volumes, 4)
    assert_values(filled(log_volume_ratio, volumes * unit, 4)[0], usual)
    (usual,) = filled(price_volume_correlation, returns, volumes, 4, 3)
    (scaled,) = filled(price_volume_correlation, returns, volumes * unit, 4, 3)
    np.testing.assert_allclose(scaled, usual, rtol=1e-9)
    for usual, scaled in zip(
        filled(volume_statistics, volumes, 3, 5, outputs=3),
        filled(volume_statistics, volumes * unit, 3, 5, outputs=3),
        strict=True,
    ):
        np.testing.assert_allclose(scaled, usual, rtol=1e-9, atol=1e-12)
    # Dollars add the logarithm of their unit, and moves a dollar divide by it.
    (usual,) = filled(dollar_volume, volumes, 4)
    assert_values(filled(dollar_volume, volumes * unit, 4)[0], usual + math.log(unit))
    (usual,) = filled(amihud, returns, volumes, 4)
    (scaled,) = filled(amihud, returns, volumes * unit, 4)
    np.testing.assert_allclose(np.expm1(scaled) * unit, np.expm1(usual), rtol=1e-9)
