"""Metrics against the libraries that define them, and against planted values."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import f1_score, mean_absolute_error, mean_squared_error

from stocktrend.evaluation.metrics import Metrics, metrics

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
    assert found.f1.value == pytest.approx(f1_score(target[moved] > 0, score[moved] > 0))


def test_rank_ic_is_the_mean_over_dates_of_spearman() -> None:
    found, score, target = measured()
    by_date = [
        spearmanr(s, y).statistic
        for s, y in zip(score.reshape(30, 12), target.reshape(30, 12), strict=True)
    ]
    assert found.rank_ic.value == pytest.approx(np.mean(by_date))


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
