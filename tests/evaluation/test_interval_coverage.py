"""Intervals hold what they promise where truth is known: few dates, overlapping labels, AR(1)."""

import numpy as np
import pytest
from scipy.stats import binom, norm
from test_bootstrap import days

from stocktrend.evaluation.bootstrap import DateBootstrap
from stocktrend.evaluation.metrics import Metrics, Outcomes, replicate_metrics
from stocktrend.evaluation.rows import Dates, Said

TICKERS = 20
TRIALS = 160
LEAST = int(binom.ppf(0.005, TRIALS, 0.95))
"""Intervals that cover 95 times in 100 cover less often than this in one case of 200."""

OF_NOTHING = {
    **dict.fromkeys(("rank_ic", "icir", "correlation", "demeaned_correlation", "mcc"), 0.0),
    **dict.fromkeys(("direction_gain", "calibration_error"), 0.0),
    **dict.fromkeys(("direction_accuracy", "median_accuracy"), 0.5),
}
"""What a score that knows nothing has, where returns are as often positive as negative."""


def noise_beside_returns(seed: int, dates: int, weeks: int) -> tuple[np.ndarray, np.ndarray]:
    """A slow score with a fixed tilt, and sums of ``weeks`` returns with a market and a style."""
    generator = np.random.default_rng(seed)
    count = dates + weeks
    tilt = norm.ppf((np.arange(TICKERS) + 0.5) / TICKERS)
    shocks = generator.normal(size=(count, TICKERS))
    slow = np.zeros((count, TICKERS))
    for week in range(1, count):
        slow[week] = 0.9 * slow[week - 1] + np.sqrt(0.19) * shocks[week]
    market, style = generator.normal(size=(2, count, 1)) * 0.02
    returns = market + style * tilt + generator.normal(size=(count, TICKERS)) * 0.03
    price = np.cumsum(returns, axis=0)
    return (0.05 * (slow + tilt))[:dates].ravel(), np.tanh(
        10 * (price[weeks:] - price[:-weeks])
    ).ravel()


@pytest.mark.parametrize(("dates", "horizon"), [(60, 7), (30, 30), (60, 30)])
def test_a_score_that_knows_nothing_is_seldom_said_to_know_something(
    dates: int, horizon: int
) -> None:
    bootstrap = DateBootstrap.of(days(dates, 7), horizon, seed=0, repetitions=400)
    of_row = Dates(np.repeat(np.arange(dates), TICKERS), dates)
    covered = dict.fromkeys(OF_NOTHING, 0)
    for seed in range(TRIALS):
        score, target = noise_beside_returns(seed, dates, -(-horizon // 7))
        nothing = np.full(len(score), np.nan)
        one = Said(score, score, 0.5 + 1e-7 * score, nothing, nothing)
        found: Metrics = replicate_metrics(one, Outcomes.of(target, of_row), bootstrap).metrics()
        for name, truth in OF_NOTHING.items():
            estimate = getattr(found, name)
            covered[name] += estimate.low - 1e-6 <= truth <= estimate.high
    assert {name: count for name, count in covered.items() if count < LEAST} == {}


@pytest.mark.parametrize(("dates", "persistence"), [(60, 0.0), (60, 0.3), (150, 0.5)])
def test_means_of_autocorrelated_dates_are_covered_and_not_by_far_too_wide(
    dates: int, persistence: float
) -> None:
    bootstrap = DateBootstrap.of(days(dates, 7), 7, seed=0)
    covered, widths = 0, []
    for seed in range(400):
        shocks = np.random.default_rng(seed).normal(size=dates + 50)
        values = np.zeros(dates + 50)
        for date in range(1, len(values)):
            values[date] = persistence * values[date - 1] + shocks[date]
        found = bootstrap.estimate(bootstrap.weights @ values[50:] / dates)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0 <= found.high
        widths.append(found.high - found.low)
    lags = np.arange(1, dates)
    ratio = 1 + 2 * float((1 - lags / dates) @ persistence**lags)
    exact = 2 * 1.96 * np.sqrt(ratio / (1 - persistence**2) / dates)
    assert 0.91 <= covered / 400 <= 0.98
    assert 0.85 <= np.mean(widths) / exact <= 1.25


def test_blocks_as_long_as_the_overlap_are_stretched_by_what_they_cannot_see() -> None:
    """Sums of 5 have autocovariances 4/5 to 1/5 of the variance: 5 times it in the long run."""
    bootstrap = DateBootstrap.draw(500, 5, seed=0, repetitions=2, span=5)
    seen = 1 + 2 * (0.8**2 + 0.6**2 + 0.4**2 + 0.2**2)
    assert bootstrap.inflation == pytest.approx(np.sqrt(5 / seen * 100 / 99))
    assert DateBootstrap.draw(500, 5, seed=0, repetitions=2).inflation == pytest.approx(
        np.sqrt(100 / 99)
    )
