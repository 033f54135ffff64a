"""Adjusted bars and ratios of prices, against numbers worked out by hand."""

import math

import numpy as np
from kernel_calls import NAN, array, assert_values, filled

from stocktrend.features.kernels.prices import (
    adjusted_bars,
    bar_against_last_close,
    log_ratio_to_mean,
    log_return,
    ratio_to_extremes,
    ratio_to_mean,
)


def test_a_bar_is_rescaled_by_what_its_close_was() -> None:
    # Halved by a later dividend: 6, 7, 4.5, 5 adjusted. The second bar is as it was.
    opens, highs, lows, typical, returns = adjusted_bars(
        array([12.0, 9.0]),
        array([14.0, 11.0]),
        array([9.0, 8.0]),
        array([10.0, 10.0]),
        array([5.0, 10.0]),
    )
    assert_values(opens, [6.0, 9.0])
    assert_values(highs, [7.0, 11.0])
    assert_values(lows, [4.5, 8.0])
    assert_values(typical, [(7 + 4.5 + 5) / 3, (11 + 8 + 10) / 3])
    assert_values(returns, [NAN, math.log(2)])


def test_a_bar_that_leaves_out_its_open_or_close_is_widened() -> None:
    raw = {"open": [12.0, 9.0], "high": [11.0, 9.5], "low": [10.5, 9.2], "close": [10.0, 10.0]}
    ready = [array(raw[name]) for name in ("open", "high", "low", "close")]
    _, highs, lows, typical, _ = adjusted_bars(*ready, array([10.0, 10.0]))
    assert_values(highs, [12.0, 10.0])
    assert_values(lows, [10.0, 9.0])
    assert_values(typical, [32 / 3, 29 / 3])


def test_a_bar_is_measured_against_the_close_before() -> None:
    bars = ([10.0, 11.0, 8.0], [12.0, 12.0, 9.0], [9.0, 10.0, 7.0], [10.0, 8.0, 9.0])
    against_open, against_high, against_low = filled(bar_against_last_close, *bars, outputs=3)
    assert_values(against_open, [NAN, math.log(1.1), 0.0])
    assert_values(against_high, [NAN, math.log(1.2), math.log(9 / 8)])
    assert_values(against_low, [NAN, 0.0, math.log(7 / 8)])


def test_a_return_needs_a_close_n_bars_earlier() -> None:
    closes = [1.0, 2.0, 4.0, 12.0]
    (two_bars,) = filled(log_return, closes, 2)
    assert_values(two_bars, [NAN, NAN, math.log(4), math.log(6)])
    (longer,) = filled(log_return, closes, 4)
    assert np.isnan(longer).all()


def test_a_close_is_measured_against_the_mean_of_its_window() -> None:
    closes = [1.0, 2.0, 6.0, 10.0]
    (logs,) = filled(log_ratio_to_mean, closes, 3)
    assert_values(logs, [NAN, NAN, math.log(2), math.log(10 / 6)])
    (ratios,) = filled(ratio_to_mean, closes, 3)
    assert_values(ratios, [NAN, NAN, 1.0, 10 / 6 - 1])


def test_a_close_is_measured_against_the_extremes_of_its_window() -> None:
    high_ratio, low_ratio = filled(
        ratio_to_extremes, [9.0, 8.0, 7.0, 10.0], [6.0, 4.0, 5.0, 5.0], [7.0, 6.0, 6.0, 8.0], 2,
        outputs=2,
    )  # fmt: skip
    assert_values(high_ratio, [NAN, 6 / 9 - 1, 6 / 8 - 1, 8 / 10 - 1])
    assert_values(low_ratio, [NAN, 6 / 4 - 1, 6 / 4 - 1, 8 / 5 - 1])
