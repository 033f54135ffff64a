"""Money flow kernels against numbers worked out by hand and a least-squares fit."""

import numpy as np
import pytest
from kernel_calls import NAN, assert_values, filled

from stocktrend.features.kernels.flow import (
    chaikin_money_flow,
    force_index,
    money_flow_index,
    on_balance_slope,
    ratio_to_average_paid,
    up_volume_share,
)


@pytest.mark.parametrize("n", [2, 3, 4, 7])
def test_the_slope_of_on_balance_volume_is_that_of_a_least_squares_fit(n: int) -> None:
    returns = np.array([NAN, 0.1, -0.2, 0.0, 0.3, 0.1, -0.1, -0.3, 0.2, 0.0, 0.1])
    volumes = np.array([4.0, 6.0, 2.0, 9.0, 0.0, 3.0, 5.0, 1.0, 7.0, 2.0, 8.0])
    on_balance = np.cumsum(np.concatenate([[0.0], (np.sign(returns) * volumes)[1:]]))
    for bars in range(len(returns) + 1):
        expected = [
            np.polyfit(np.arange(n), on_balance[t - n + 1 : t + 1], 1)[0]
            / volumes[t - n + 1 : t + 1].mean()
            if t >= n - 1
            else NAN
            for t in range(bars)
        ]
        (result,) = filled(on_balance_slope, returns[:bars], volumes[:bars], n)
        np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-12)


def test_the_slope_is_undefined_without_volume() -> None:
    (result,) = filled(on_balance_slope, [NAN, 0.1, 0.1, 0.1], [4.0, 2.0, 0.0, 0.0], 2)
    assert_values(result, [NAN, 2 / 3, 0.0, NAN])


def test_money_flows_in_where_the_typical_price_rises() -> None:
    # Flows: +20, -20, none, +6, none, none.
    typical, volumes = [1.0, 2.0, 1.0, 1.0, 3.0, 3.0, 3.0], [9.0, 10.0, 20.0, 5.0, 2.0, 4.0, 4.0]
    (result,) = filled(money_flow_index, typical, volumes, 2)
    assert_values(result, [NAN, NAN, 50.0, 0.0, 100.0, 100.0, NAN])


def test_a_move_of_rounding_is_no_flow() -> None:
    (result,) = filled(money_flow_index, [3.0, 0.1 + 0.2, 0.3, 0.3 + 1e-16], [1.0] * 4, 3)
    assert_values(result, [NAN, NAN, NAN, 0.0])


def test_chaikins_flow_weighs_volume_by_the_place_of_the_close() -> None:
    # Places 0.5, -1, 1, then no range, then 0.
    highs, lows = [8.0, 5.0, 9.0, 4.0, 6.0, 6.0], [4.0, 3.0, 5.0, 4.0, 2.0, 2.0]
    closes, volumes = [7.0, 3.0, 9.0, 4.0, 4.0, 5.0], [2.0, 3.0, 1.0, 5.0, 4.0, 4.0]
    (result,) = filled(chaikin_money_flow, highs, lows, closes, volumes, 2)
    assert_values(result, [NAN, (1 - 3) / 5, (1 - 3) / 4, NAN, NAN, 2 / 8])


def test_chaikins_flow_is_undefined_without_volume_or_where_a_range_is_rounding() -> None:
    lows = np.full(3, 10.0)
    for spread, defined in ((5e-12, False), (2e-11, True)):
        (result,) = filled(chaikin_money_flow, lows + spread, lows, lows, [1.0] * 3, 2)
        assert np.isnan(result[1:]).tolist() == [not defined] * 2
    (result,) = filled(chaikin_money_flow, lows + 1, lows, lows, [1.0, 0.0, 0.0], 2)
    assert_values(result, [NAN, -1.0, NAN])


def test_a_close_is_measured_against_the_average_paid() -> None:
    typical, volumes = [2.0, 4.0, 8.0, 9.0, 9.0], [1.0, 3.0, 1.0, 0.0, 0.0]
    (result,) = filled(ratio_to_average_paid, typical, volumes, [3.0, 7.0, 6.0, 4.0, 9.0], 2)
    assert_values(result, [NAN, 7 / 3.5 - 1, 6 / 5 - 1, 4 / 8 - 1, NAN])


def test_the_force_index_is_an_average_of_moves_times_volume() -> None:
    # Force at bars 2, 10, 11: 8, 3, -4; else none. The weight of the newest is 2/3, so that a
    # third of the average is left at each bar.
    closes = [10.0] + [12.0] * 8 + [13.0, 11.0]
    volumes = [5.0, 4.0] + [1.0] * 7 + [3.0, 2.0]
    seed = 8 / 2
    tenth = seed / 3**7 + 3 * 2 / 3
    expected = [tenth / (13 * 2), (tenth / 3 - 4 * 2 / 3) / (11 * 2.5)]
    (result,) = filled(force_index, closes, volumes, 2, 2)
    assert_values(result, [NAN] * 9 + expected)
    (later,) = filled(force_index, closes, volumes, 2, 11)
    assert_values(later, [NAN] * 10 + [expected[1] * 2.5 / (21 / 11)])


def test_the_force_index_is_undefined_without_volume() -> None:
    (result,) = filled(force_index, [10.0, 12.0] * 6, [1.0] * 9 + [0.0] * 3, 2, 2)
    assert np.isnan(result).tolist() == [True] * 9 + [False] + [True] * 2


def test_the_share_of_volume_on_rising_bars() -> None:
    returns, volumes = [NAN, 0.1, -0.1, 0.0, 0.2, 0.1, 0.1], [9.0, 2.0, 6.0, 1.0, 3.0, 0.0, 0.0]
    (result,) = filled(up_volume_share, returns, volumes, 2)
    assert_values(result, [NAN, NAN, 2 / 8, 0.0, 3 / 4, 1.0, NAN])


@pytest.mark.parametrize("unit", [1e-9, 1e-3, 1e9])
def test_the_unit_of_volume_does_not_matter(unit: float) -> None:
    rng = np.random.default_rng(2)
    closes = 10 + np.cumsum(rng.normal(0.0, 0.1, 30))
    highs, lows = closes + rng.random(30), closes - rng.random(30)
    returns = np.concatenate([[NAN], np.diff(np.log(closes))])
    volumes = rng.uniform(1.0, 5.0, 30)
    for kernel, before, after in (
        (on_balance_slope, (returns,), (4,)),
        (money_flow_index, (closes,), (4,)),
        (chaikin_money_flow, (highs, lows, closes), (4,)),
        (ratio_to_average_paid, (closes,), (closes, 4)),
        (force_index, (closes,), (2, 4)),
        (up_volume_share, (returns,), (4,)),
    ):
        (usual,) = filled(kernel, *before, volumes, *after)
        (scaled,) = filled(kernel, *before, volumes * unit, *after)
        np.testing.assert_allclose(scaled, usual, rtol=1e-12, atol=1e-12)
        assert not np.isnan(usual[-1])
