"""Intervals: blocks as long as the horizon, coverage near 95%, paired differences."""

from datetime import date, timedelta

import numpy as np
import pytest
from scipy.stats import t

from stocktrend.evaluation.bootstrap import DateBootstrap, Estimate, block_length, overlap
from stocktrend.sessions import Frequency, as_of_grid


def days(count: int, step: int) -> np.ndarray:
    first = date(2015, 1, 2)
    return np.array([first + timedelta(days=step * i) for i in range(count)], "datetime64[D]")


@pytest.mark.parametrize(
    ("count", "step", "horizon", "expected"),
    [(100, 7, 7, 1), (100, 7, 30, 5), (100, 1, 7, 7), (1, 7, 30, 1)],
)
def test_overlap_counts_the_dates_that_a_label_spans(
    count: int, step: int, horizon: int, expected: int
) -> None:
    assert overlap(days(count, step), horizon) == expected


@pytest.mark.parametrize(
    ("frequency", "horizon", "expected"),
    [("weekly", 7, 1), ("weekly", 14, 2), ("weekly", 30, 5), ("daily", 1, 1), ("daily", 7, 5)],
)
@pytest.mark.parametrize("last", [date(2012, 4, 5), date(2012, 6, 29), date(2012, 12, 31)])
def test_neither_a_clock_put_forward_nor_a_closed_friday_adds_a_date(
    frequency: Frequency, horizon: int, expected: int, last: date
) -> None:
    # from winter to summer, and up to the Thursday before a Good Friday
    grid = as_of_grid(frequency, date(2012, 1, 6), last, "XNYS")
    assert overlap(grid["as_of"].to_numpy(), horizon) == expected


def test_a_gap_between_dates_hides_no_overlap() -> None:
    years = np.concatenate([days(50, 7), days(50, 7) + np.timedelta64(3650, "D")])
    assert overlap(years, 30) == 5


@pytest.mark.parametrize("count", [6, 12, 26, 52, 260])
@pytest.mark.parametrize("horizon", [7, 30, 90])
def test_a_block_outlasts_the_horizon_where_there_are_dates_enough(
    count: int, horizon: int
) -> None:
    block = block_length(days(count, 7), horizon)
    assert block >= min(count, overlap(days(count, 7), horizon))
    assert block <= count


@pytest.mark.parametrize(
    ("count", "horizon", "expected"), [(100, 30, 10), (150, 7, 6), (27, 7, 3), (20, 30, 5)]
)
def test_blocks_are_twice_the_overlap_or_the_cube_root_of_the_dates(
    count: int, horizon: int, expected: int
) -> None:
    assert block_length(days(count, 7), horizon) == expected


def mean(sums: np.ndarray) -> np.ndarray:
    return sums[..., 0] / sums[..., 1]


def interval_of(values: np.ndarray, block: int, seed: int = 0, repetitions: int = 300) -> Estimate:
    bootstrap = DateBootstrap.draw(len(values), block, seed=seed, repetitions=repetitions)
    sums = np.column_stack([values, np.ones(len(values))])
    return bootstrap.estimate(bootstrap.replicate(mean, sums))


def width(estimate: Estimate) -> float:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.high - estimate.low


def test_the_interval_of_an_iid_mean_is_close_to_students() -> None:
    values = np.random.default_rng(0).normal(size=40)
    found = interval_of(values, 1, repetitions=4000)
    half = t.isf(0.025, 39) * values.std(ddof=1) / np.sqrt(40)
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)


@pytest.mark.parametrize(("block", "smooth"), [(1, 1), (8, 4)])
def test_intervals_cover_the_truth_about_95_times_in_100(block: int, smooth: int) -> None:
    covered = 0
    for seed in range(150):
        noise = np.random.default_rng(seed).normal(size=52 + smooth - 1)
        values = np.convolve(noise, np.ones(smooth), "valid")  # overlapping outcomes
        found = interval_of(values, block, seed)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0 <= found.high
    assert 0.88 <= covered / 150 <= 0.995


def test_blocks_shorter_than_the_overlap_would_be_too_sure() -> None:
    noise = np.random.default_rng(0).normal(size=203)
    values = np.convolve(noise, np.ones(4), "valid")
    assert width(interval_of(values, 8)) > 1.4 * width(interval_of(values, 1))


def test_too_few_blocks_give_no_interval() -> None:
    found = interval_of(np.arange(10.0), 5)
    assert found == Estimate(4.5, None, None)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(0).normal(size=40)
    assert interval_of(values, 2, seed=5) == interval_of(values, 2, seed=5)
    assert interval_of(values, 2, seed=5) != interval_of(values, 2, seed=6)


def test_a_statistic_that_is_not_defined_has_no_estimate() -> None:
    bootstrap = DateBootstrap.draw(20, 1, seed=0, repetitions=50)
    assert bootstrap.estimate(np.full(51, np.nan)) == Estimate(None, None, None)
