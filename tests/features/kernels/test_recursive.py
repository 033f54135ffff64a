"""Averages that never forget, against numbers worked out by hand."""

import numpy as np
from kernel_calls import NAN, array, assert_values

from stocktrend.features.kernels.recursive import exponential_average, wilder_average


def test_the_exponential_average_starts_from_the_mean_of_n_values() -> None:
    # Seed (2 + 4 + 9) / 3 = 5; the weight 2 / (3 + 1) halves every distance.
    x = array([2.0, 4.0, 9.0, 1.0, 5.0, 8.0])
    assert_values(exponential_average(x, 3, 0), [NAN, NAN, 5.0, 3.0, 4.0, 6.0])


def test_values_before_the_first_defined_one_are_left_out() -> None:
    x = array([NAN, 100.0, 2.0, 4.0, 9.0, 1.0])
    assert_values(exponential_average(x, 3, 2), [NAN, NAN, NAN, NAN, 5.0, 3.0])


def test_the_span_sets_the_weight() -> None:
    # Seed 3, weight 2 / 5.
    x = array([1.0, 2.0, 3.0, 6.0, 8.0])
    assert_values(exponential_average(x, 4, 0), [NAN, NAN, NAN, 3.0, 5.0])


def test_an_exponential_average_needs_n_values() -> None:
    assert np.isnan(exponential_average(array([7.0, 2.0, 4.0]), 3, 1)).all()
    assert_values(exponential_average(array([7.0, 2.0, 4.0, 9.0]), 3, 1), [NAN, NAN, NAN, 5.0])
    assert len(exponential_average(array([]), 3, 0)) == 0


def test_wilders_average_starts_from_the_mean_of_the_first_n_changes() -> None:
    # Seed (3 + 6 + 0) / 3 = 3, then (2 * 3 + 6) / 3 = 4, then (2 * 4 + 1) / 3 = 3.
    x = array([99.0, 3.0, 6.0, 0.0, 6.0, 1.0])
    assert_values(wilder_average(x, 3), [NAN, NAN, NAN, 3.0, 4.0, 3.0])


def test_wilders_average_needs_n_changes() -> None:
    assert np.isnan(wilder_average(array([99.0, 3.0, 6.0]), 3)).all()
    assert_values(wilder_average(array([99.0, 3.0, 6.0, 0.0]), 3), [NAN, NAN, NAN, 3.0])
    assert len(wilder_average(array([]), 3)) == 0
