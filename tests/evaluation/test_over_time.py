"""Rolling means and folds are those of their own dates, and errors lie where members disagree."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from stocktrend.evaluation.disagreement import disagreements
from stocktrend.evaluation.over_time import OverTime, over_time

DATES, TICKERS = 90, 12


def tables(seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Weekly scores with skill in the second of two folds alone, by models "a" and "b"."""
    rng = np.random.default_rng(seed)
    first = datetime(2016, 1, 8, 21, tzinfo=UTC)
    days = [first + timedelta(weeks=week) for week in range(DATES)]
    target = rng.normal(size=DATES * TICKERS)
    late = np.repeat(np.arange(DATES) >= DATES // 2, TICKERS)
    keys = pl.DataFrame(
        {
            "ticker": [f"T{i:02d}" for i in range(TICKERS)] * DATES,
            "as_of": [day for day in days for _ in range(TICKERS)],
        }
    )
    outcomes = keys.with_columns(pl.Series("target_7d", np.tanh(0.2 * target)))
    fold = pl.Series("fold", np.where(late, 2, 1), pl.Int32)
    parts = [
        keys.with_columns(
            pl.lit(name).alias("model"),
            fold,
            pl.Series("score_7d", 0.1 * noise + 0.1 * late * target),
        )
        for name, noise in zip("ab", rng.normal(size=(2, DATES * TICKERS)), strict=True)
    ]
    return pl.concat(parts), outcomes


@pytest.fixture(scope="module")
def found() -> OverTime:
    (one,) = over_time(*tables(), (7,), models=("b", "a", "absent"), seed=1)
    return one


def oracle(model: str) -> np.ndarray:
    predictions, outcomes = tables()
    rows = predictions.filter(pl.col("model") == model).join(outcomes, on=["ticker", "as_of"])
    return np.array(
        [
            spearmanr(part["score_7d"], part["target_7d"]).statistic
            for part in rows.sort("as_of").partition_by("as_of", maintain_order=True)
        ]
    )


def test_each_date_has_the_rank_correlation_of_scipy(found: OverTime) -> None:
    assert list(found.by_date) == ["b", "a"]
    assert found.by_date["a"] == pytest.approx(oracle("a"))


def test_a_window_is_half_of_less_than_two_years_and_has_its_own_mean(found: OverTime) -> None:
    assert found.window == DATES // 2
    assert found.ends == tuple(range(DATES // 2 - 1, DATES))
    means = np.convolve(oracle("b"), np.full(found.window, 1 / found.window), mode="valid")
    assert [e.value for e in found.rolling["b"]] == pytest.approx(means)
    early, late = found.rolling["b"][0], found.rolling["b"][-1]
    assert early.low is not None
    assert early.low < 0 < early.high
    assert late.low is not None
    assert late.low > 0.3


def test_skill_in_one_fold_is_seen_in_it_alone(found: OverTime) -> None:
    assert found.folds == (1, 2)
    first, second = found.by_fold["a"]
    assert first.value == pytest.approx(oracle("a")[: DATES // 2].mean())
    assert second.value == pytest.approx(oracle("a")[DATES // 2 :].mean())
    assert first.low is not None
    assert second.low is not None
    assert first.low < 0 < second.low


def test_many_dates_are_thinned_and_the_last_is_kept() -> None:
    predictions, outcomes = tables()
    more = [
        pl.concat(
            table.with_columns(pl.col("as_of").dt.offset_by(f"{part * DATES}w"))
            for part in range(8)
        )
        for table in (predictions, outcomes)
    ]
    (one,) = over_time(*more, (7,), models=("a",), seed=1)
    assert one.window == 52
    assert one.ends[-1] == 8 * DATES - 1
    assert len(one.ends) == len(one.rolling["a"]) <= 250
    assert set(np.diff(one.ends)) == {3}


def test_a_horizon_without_a_rank_ic_is_left_out() -> None:
    predictions, outcomes = tables()
    flat = outcomes.with_columns(target_7d=pl.lit(0.1))
    assert over_time(predictions, flat, (7,), models=("a",), seed=1) == ()


def test_errors_planted_where_members_disagree_are_found() -> None:
    predictions, outcomes = tables()
    rng = np.random.default_rng(2)
    own = predictions.filter(pl.col("model") == "a")
    error = (own["score_7d"] - outcomes["target_7d"]).abs()
    told = own.with_columns((error + 0.01 * rng.uniform(size=len(own))).alias("spread_7d"))
    blind = own.with_columns(pl.Series("spread_7d", rng.uniform(size=len(own))))
    (seen,) = disagreements(told, outcomes, (7,), seed=1)
    (missed,) = disagreements(blind, outcomes, (7,), seed=1)
    assert seen.rank_correlation.value is not None
    assert seen.rank_correlation.value > 0.9
    assert seen.rows == len(own)
    errors = [part.target.value for part in seen.tenths]
    assert errors == sorted(errors)
    assert missed.rank_correlation.low is not None
    assert missed.rank_correlation.high is not None
    assert missed.rank_correlation.low < 0 < missed.rank_correlation.high


def test_without_spreads_that_differ_there_is_no_disagreement() -> None:
    predictions, outcomes = tables()
    own = predictions.filter(pl.col("model") == "a")
    assert disagreements(own, outcomes, (7,), seed=1) == ()
    alike = own.with_columns(spread_7d=pl.lit(0.0))
    assert disagreements(alike, outcomes, (7,), seed=1) == ()
