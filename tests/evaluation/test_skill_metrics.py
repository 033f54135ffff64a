"""Metrics against the libraries that define them, and against planted values."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr, spearmanr
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    brier_score_loss,
    f1_score,
    matthews_corrcoef,
    mean_absolute_error,
    mean_squared_error,
)

from stocktrend.evaluation.bootstrap import DateBootstrap
from stocktrend.evaluation.metrics import Metrics, Outcomes, metrics, replicate_metrics
from stocktrend.evaluation.reliability import Reliability
from stocktrend.evaluation.rows import Dates, Said

FIRST = date(2015, 1, 2)


def weekly(dates: int, tickers: int) -> pl.Series:
    days = [FIRST + timedelta(weeks=week) for week in range(dates)]
    return pl.Series([day for day in days for _ in range(tickers)])


def noisy(dates: int, tickers: int, seed: int = 0) -> tuple[pl.Series, pl.Series, pl.Series]:
    generator = np.random.default_rng(seed)
    score = generator.normal(size=dates * tickers).round(1)  # rounding makes ties
    target = np.tanh(0.3 * score + generator.normal(size=dates * tickers))
    target[::7] = 0.0
    return weekly(dates, tickers), pl.Series(score), pl.Series(target)


def measured(dates: int = 30, tickers: int = 12) -> tuple[Metrics, np.ndarray, np.ndarray]:
    as_of, score, target = noisy(dates, tickers)
    found = metrics(as_of, score, target, horizon=7, seed=0)
    return found, score.to_numpy(), target.to_numpy()


def test_pooled_metrics_agree_with_scikit_learn_and_scipy() -> None:
    found, score, target = measured()
    assert found.mse.value == pytest.approx(mean_squared_error(target, score))
    assert found.mae.value == pytest.approx(mean_absolute_error(target, score))
    assert found.correlation.value == pytest.approx(pearsonr(score, target).statistic)


def test_direction_metrics_leave_out_outcomes_of_exactly_zero() -> None:
    found, score, target = measured()
    moved = target != 0
    hits = np.sign(score[moved]) == np.sign(target[moved])
    assert found.direction_accuracy.value == pytest.approx(hits.mean())
    rose, called = target[moved] > 0, score[moved] > 0
    assert found.f1.value == pytest.approx(f1_score(rose, called))
    assert found.mcc.value == pytest.approx(matthews_corrcoef(rose, called))
    assert found.direction_gain.value == pytest.approx(hits.mean() - rose.mean())


def test_rank_ic_is_the_mean_over_dates_of_spearman() -> None:
    found, score, target = measured()
    by_date = [
        spearmanr(s, y).statistic
        for s, y in zip(score.reshape(30, 12), target.reshape(30, 12), strict=True)
    ]
    assert found.rank_ic.value == pytest.approx(np.mean(by_date))


def test_icir_is_the_mean_rank_ic_over_its_deviation_between_dates() -> None:
    found, score, target = measured()
    by_date = [
        spearmanr(s, y).statistic
        for s, y in zip(score.reshape(30, 12), target.reshape(30, 12), strict=True)
    ]
    assert found.icir.value == pytest.approx(np.mean(by_date) / np.std(by_date, ddof=1))


def test_the_correlation_within_dates_does_not_see_the_market() -> None:
    as_of, score, target = noisy(30, 12)
    s, y = (a.to_numpy().reshape(30, 12) for a in (score, target))
    within = pearsonr(
        (s - s.mean(axis=1, keepdims=True)).ravel(), (y - y.mean(axis=1, keepdims=True)).ravel()
    )
    market = pl.Series(np.repeat(np.random.default_rng(1).normal(size=30), 12))
    found = metrics(as_of, score, target + market, horizon=7, seed=0)
    assert found.demeaned_correlation.value == pytest.approx(within.statistic)
    assert found.correlation.value == pytest.approx(pearsonr(s.ravel(), target + market).statistic)


def test_r2_is_held_against_a_forecast_of_zero() -> None:
    as_of, score, target = noisy(30, 12)
    of_zero = metrics(as_of, pl.Series(np.zeros(360)), target, horizon=7, seed=0)
    of_truth = metrics(as_of, target, target, horizon=7, seed=0)
    found = metrics(as_of, score, target, horizon=7, seed=0)
    assert of_zero.r2.value == 0
    assert of_truth.r2.value == 1
    share = mean_squared_error(target, score) / mean_squared_error(target, np.zeros(360))
    assert found.r2.value == pytest.approx(1 - share)


def test_median_accuracy_counts_the_side_of_the_dates_median() -> None:
    as_of = weekly(20, 5)
    target = pl.Series([0.5, 0.4, 0.3, 0.2, 0.1] * 20)  # all rose; two above the median, two below
    score = pl.Series([3.0, 1.0, 2.0, 2.0, 0.0] * 20)  # right, wrong, -, a coin, right
    found = metrics(as_of, score, target, horizon=7, seed=0)
    assert found.median_accuracy.value == pytest.approx(2.5 / 4)


def said(score: np.ndarray, **given: np.ndarray) -> Said:
    nothing = np.full(len(score), np.nan)
    columns = {"rise": nothing, "low": nothing, "high": nothing} | given
    return Said(score, score, **columns)


def judged(target: np.ndarray, dates: int, one: Said) -> tuple[Metrics, Reliability | None]:
    of_row = np.repeat(np.arange(dates), len(target) // dates)
    bootstrap = DateBootstrap.draw(dates, 1, seed=0, repetitions=200)
    found = replicate_metrics(one, Outcomes.of(target, Dates(of_row, dates)), bootstrap)
    return found.metrics(), found.reliability


def test_brier_score_and_reliability_agree_with_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    rise = generator.uniform(0.2, 0.9, size=600).round(3)
    target = np.where(generator.uniform(size=600) < rise**2, 0.4, -0.4)
    found, table = judged(target, 30, said(rise, rise=rise))
    assert found.brier.value == pytest.approx(brier_score_loss(target > 0, rise))
    assert table is not None
    rose, given = calibration_curve(target > 0, rise, n_bins=10, strategy="quantile")
    assert [p.rose.value for p in table.parts] == pytest.approx(list(rose))
    assert [p.probability for p in table.parts] == pytest.approx(list(given))
    gaps = [p.rows * abs(p.probability - (p.rose.value or 0)) for p in table.parts]
    assert found.calibration_error.value == pytest.approx(sum(gaps) / 600)
    assert found.calibration_error.low is not None
    assert table.by_chance is not None
    assert found.calibration_error.low > 0.05 > table.by_chance


def test_a_neutral_outcome_is_half_a_rise_and_half_a_fall() -> None:
    target = np.array([0.05, -0.05] * 20)
    found, table = judged(target, 20, said(target, rise=np.full(40, 0.6)))
    assert found.brier.value == pytest.approx(0.01)
    assert found.calibration_error.value == pytest.approx(0.1)
    assert table is not None
    assert [part.rows for part in table.parts] == [40]


def test_coverage_counts_outcomes_on_the_bounds_and_leaves_out_rows_without() -> None:
    target = np.array([0.1, 0.2, 0.3, 0.4] * 10)
    low = np.array([0.1, 0.3, 0.0, np.nan] * 10)
    found, _ = judged(target, 10, said(target, low=low, high=np.array([0.5, 0.5, 0.3, 0.9] * 10)))
    assert found.coverage.value == pytest.approx(2 / 3)
    assert found.width.value == pytest.approx((0.4 + 0.2 + 0.3) / 3)
    assert found.brier.value is None


def test_rank_ic_finds_a_planted_order() -> None:
    as_of = weekly(20, 10)
    rank = pl.Series([float(i) for _ in range(20) for i in range(10)])
    market = pl.Series([0.5 * (-1) ** week for week in range(20) for _ in range(10)])
    found = metrics(as_of, rank, market + rank.exp() * 1e-6, horizon=7, seed=0)
    assert found.rank_ic.value == pytest.approx(1.0)
    assert found.correlation.value is not None
    assert abs(found.correlation.value) < 0.1


def test_rank_ic_needs_five_rows_a_date_and_two_sides_that_vary() -> None:
    as_of, score, target = noisy(20, 4)
    assert metrics(as_of, score, target, horizon=7, seed=0).rank_ic.value is None
    constant = metrics(
        *noisy(20, 6)[:1], pl.Series([0.1] * 120), noisy(20, 6)[2], horizon=7, seed=0
    )
    assert constant.rank_ic.value is None
    assert constant.correlation.value is None
    assert constant.mse.value is not None


def test_rows_without_score_or_outcome_do_not_count() -> None:
    as_of, score, target = noisy(30, 12)
    blank = pl.Series(range(len(score))) % 5 == 0
    partly = pl.select(pl.when(~blank).then(target)).to_series()
    kept = metrics(
        as_of.filter(~blank), score.filter(~blank), target.filter(~blank), horizon=7, seed=0
    )
    assert metrics(as_of, score, partly, horizon=7, seed=0) == kept
    assert metrics(as_of, partly, target, horizon=7, seed=0).mse.value is not None


def test_the_order_of_the_rows_does_not_matter() -> None:
    as_of, score, target = noisy(30, 12)
    shuffled = pl.DataFrame({"a": as_of, "s": score, "t": target}).sample(
        fraction=1, shuffle=True, seed=1
    )
    again = metrics(shuffled["a"], shuffled["s"], shuffled["t"], horizon=7, seed=3)
    first = metrics(as_of, score, target, horizon=7, seed=3)
    assert again.mse.low == pytest.approx(first.mse.low)
    assert again.rank_ic.high == pytest.approx(first.rank_ic.high)


def test_no_rows_give_no_figures() -> None:
    empty = metrics(
        pl.Series([], dtype=pl.Date),
        pl.Series([], dtype=pl.Float64),
        pl.Series([], dtype=pl.Float64),
        horizon=7,
        seed=0,
    )
    assert empty == Metrics.undefined()
