"""Oscillators against numbers worked out by hand, and where they are undefined."""

import math

import numpy as np
from kernel_calls import NAN, assert_values, filled

from stocktrend.features.kernels.oscillators import (
    bollinger,
    commodity_channel,
    relative_strength,
    stochastic,
)


def test_relative_strength_is_the_share_of_gains_from_bar_5n() -> None:
    # Seed (8 + 0) / 2 at bar 3, halved at each bar: 4 / 64 at bar 9. Then +3 and -1.
    closes = [10.0] + [18.0] * 8 + [21.0, 20.0]
    gain = (4 / 64 / 2 + 3 / 2) / 2
    (result,) = filled(relative_strength, closes, 2)
    assert_values(result, [NAN] * 9 + [100.0, 100 * gain / (gain + 1 / 2)])


def test_a_fall_alone_has_no_relative_strength_and_one_long_gone_is_undefined() -> None:
    (result,) = filled(relative_strength, [20.0] + [10.0] * 70, 2)
    # Half of the average is left at each bar: 5 / 2^28 counts, 5 / 2^68 is rounding.
    assert result[30] == 0.0
    assert np.isnan(result[70])
    assert np.isnan(filled(relative_strength, [10.0] * 12, 2)[0]).all()


def test_the_stochastic_is_smoothed_twice() -> None:
    highs = [5.0, 6.0, 7.0, 7.0, 9.0]
    lows = [1.0, 2.0, 3.0, 3.0, 5.0]
    closes = [3.0, 3.0, 5.0, 7.0, 6.0]
    # Raw: 2 of 5, 3 of 5, 4 of 4, 3 of 6.
    k, d = filled(stochastic, highs, lows, closes, 2, 2, outputs=2)
    assert_values(k, [NAN, NAN, 50.0, 80.0, 75.0])
    assert_values(d, [NAN, NAN, NAN, 65.0, 77.5])


def test_the_stochastic_is_undefined_where_the_range_is_rounding() -> None:
    lows = np.full(6, 10.0)
    for spread, defined in ((0.0, False), (5e-12, False), (2e-11, True)):
        k, d = filled(stochastic, lows + spread, lows, lows, 3, 2, outputs=2)
        assert np.isnan([k[-1], d[-1]]).tolist() == [not defined] * 2


def test_the_commodity_channel_counts_mean_deviations() -> None:
    # Means 3, 4, 7; mean deviations 2, 4/3, 8/3.
    (result,) = filled(commodity_channel, [1.0, 2.0, 6.0, 4.0, 11.0], 3)
    assert_values(result, [NAN, NAN, 3 / 0.03, 0.0, 4 / 0.04])


def test_the_commodity_channel_is_undefined_where_the_deviation_is_rounding() -> None:
    for deviation, defined in ((0.0, False), (5e-12, False), (2e-11, True)):
        typical = [10.0 - deviation, 10.0 + deviation] * 3
        assert np.isnan(filled(commodity_channel, typical, 4)[0][-1]) == (not defined)


def test_bollinger_bands_lie_two_deviations_around_the_mean() -> None:
    # Means 2, 2.5, 3, 2.5; variances 1, 0.75, 0, 0.75.
    percent_b, width = filled(bollinger, [1.0, 1.0, 3.0, 3.0, 3.0, 3.0, 1.0], 4, outputs=2)
    half = 2 * math.sqrt(0.75)
    assert_values(width, [NAN] * 3 + [2.0, 2 * half / 2.5, 0.0, 2 * half / 2.5])
    above, below = (0.5 + half) / (2 * half), (-1.5 + half) / (2 * half)
    assert_values(percent_b, [NAN] * 3 + [0.75, above, NAN, below])


def test_the_place_between_the_bands_is_undefined_where_they_are_rounding_apart() -> None:
    # The width is 4 deviations over the mean.
    for deviation, defined in ((1e-12, False), (4e-12, True)):
        closes = [10.0 - deviation, 10.0 + deviation] * 2
        assert np.isnan(filled(bollinger, closes, 4, outputs=2)[0][-1]) == (not defined)
