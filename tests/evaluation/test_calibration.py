"""Calibration: order kept, planted expectations found, noise shrunk away."""

import doctest
import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from stocktrend.errors import DataError
from stocktrend.evaluation import calibration
from stocktrend.evaluation.calibration import Calibrator, squeeze
from stocktrend.targets import direction


def predictions(
    dates: int, tickers: int, *, slope: float, level: float = 0.0, noise: float = 0.3, seed: int = 0
) -> pl.DataFrame:
    """Raw scores in [-0.2, 0.2] whose expected target is ``level + slope * raw``."""
    generator = np.random.default_rng(seed)
    raw = generator.uniform(-0.2, 0.2, size=dates * tickers)
    target = level + slope * raw + noise * generator.normal(size=dates * tickers)
    days = [date(2015, 1, 2) + timedelta(weeks=week) for week in range(dates)]
    return pl.DataFrame(
        {
            "as_of": [day for day in days for _ in range(tickers)],
            "split": "validation",
            "score_7d": raw,
            "pos_prob_7d": 0.5,
            "neg_prob_7d": 0.5,
            "target_7d": np.clip(target, -0.999, 0.999),
        }
    )


def test_the_displayed_score_is_the_expected_target() -> None:
    fitted = Calibrator.fit(predictions(100, 100, slope=1.5, level=0.05), (7,))
    fresh = fitted.apply(predictions(200, 200, slope=1.5, level=0.05, seed=1))
    tenth = (pl.col("score_7d").rank("ordinal") - 1) * 10 // pl.len()
    parts = fresh.group_by(tenth.alias("tenth")).agg(pl.col("score_7d", "target_7d").mean())
    assert (parts["score_7d"] - parts["target_7d"]).abs().max() < 0.03


def test_the_probabilities_match_how_often_the_direction_was_positive() -> None:
    fitted = Calibrator.fit(predictions(100, 100, slope=1.5, level=0.05), (7,))
    fresh = fitted.apply(predictions(200, 200, slope=1.5, level=0.05, seed=1))
    rose = pl.Series("rose", direction(fresh["target_7d"].to_numpy())[:, 0])
    tenth = (pl.col("pos_prob_7d").rank("ordinal") - 1) * 10 // pl.len()
    parts = fresh.with_columns(rose).group_by(tenth.alias("tenth"))
    means = parts.agg(pl.col("pos_prob_7d", "rose").mean())
    assert (means["pos_prob_7d"] - means["rose"]).abs().max() < 0.03


@pytest.mark.parametrize("slope", [2.0, 0.0, -2.0])
def test_the_order_of_the_raw_scores_always_stands(slope: float) -> None:
    rows = predictions(30, 50, slope=slope)
    shown = Calibrator.fit(rows, (7,)).apply(rows)
    order = rows["score_7d"].arg_sort()
    for column in ("score_7d", "pos_prob_7d"):
        assert (shown[column].gather(order).diff().drop_nulls() > 0).all()


def test_without_signal_every_score_is_about_the_mean_outcome() -> None:
    spreads = []
    for seed in range(20):
        rows = predictions(40, 40, slope=0.0, level=0.1, seed=seed)
        shown = Calibrator.fit(rows, (7,)).apply(rows)["score_7d"]
        assert shown.mean() == pytest.approx(0.1, abs=0.03)
        spreads.append(float(np.std(shown.to_numpy())))
    raw_slope_error = 0.3 / np.sqrt(40 * 40)
    assert np.median(spreads) < raw_slope_error / 3


def test_outputs_stay_in_their_ranges_far_from_what_was_fitted() -> None:
    fitted = Calibrator.fit(predictions(60, 50, slope=4.0, noise=0.05), (7,))
    far = pl.DataFrame({"score_7d": [-50.0, -1.0, 0.0, None, 1.0, 50.0]})
    shown = fitted.apply(far)
    assert shown["score_7d"].drop_nulls().is_between(-1, 1).all()
    assert shown["pos_prob_7d"].drop_nulls().is_between(0, 1).all()
    total = shown["pos_prob_7d"] + shown["neg_prob_7d"]
    assert total.drop_nulls().to_list() == pytest.approx([1.0] * 5)
    assert shown["score_7d"].is_null().to_list() == [False, False, False, True, False, False]


def test_squeeze_changes_nothing_up_to_0_8_and_increases_throughout() -> None:
    values = np.linspace(-2, 2, 801)
    squeezed = squeeze(values)
    middle = np.abs(values) <= 0.8
    np.testing.assert_allclose(squeezed[middle], values[middle], atol=1e-12)
    assert (np.diff(squeezed) > 0).all()
    assert np.abs(squeezed).max() < 1


def test_test_rows_are_never_read() -> None:
    rows = predictions(60, 20, slope=1.0)
    last = pl.col("as_of") > rows["as_of"].quantile(0.7, "nearest")
    split = rows.with_columns(split=pl.when(last).then(pl.lit("test")).otherwise("split"))
    spoiled = split.with_columns(
        target_7d=pl.when(pl.col("split") == "test")
        .then(-pl.col("target_7d"))
        .otherwise("target_7d")
    )
    assert Calibrator.fit(split, (7,)) == Calibrator.fit(spoiled, (7,))


def test_training_rows_steady_the_level_but_not_the_slope() -> None:
    few = predictions(4, 5, slope=0.0, level=0.4, noise=0.6)
    past = predictions(100, 20, slope=3.0, level=0.1).with_columns(split=pl.lit("train"))
    line = Calibrator.fit(pl.concat([past, few]), (7,)).horizons[7].score
    own = few["target_7d"].mean()
    assert isinstance(own, float)
    assert 0.1 < line.level < own
    assert Calibrator.fit(past, (7,)).horizons[7].score.level == pytest.approx(0.1, abs=0.03)
    assert Calibrator.fit(past, (7,)).horizons[7].score.slope < 0.01


@pytest.mark.parametrize(("dates", "tickers"), [(0, 0), (1, 1), (1, 30), (2, 1), (30, 1)])
def test_few_rows_or_constant_scores_give_finite_results(dates: int, tickers: int) -> None:
    rows = predictions(dates, tickers, slope=1.0)
    for frame in (rows, rows.with_columns(score_7d=pl.lit(0.3))):
        shown = Calibrator.fit(frame, (7,)).apply(predictions(3, 3, slope=1.0))
        assert shown["score_7d"].is_finite().all()
        assert shown["pos_prob_7d"].is_between(0, 1).all()


def test_json_round_trip_gives_an_equal_calibrator() -> None:
    fitted = Calibrator.fit(predictions(40, 20, slope=1.0), (7,))
    assert Calibrator.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted


def test_missing_columns_are_named() -> None:
    with pytest.raises(DataError, match=r"target_30d"):
        Calibrator.fit(predictions(3, 3, slope=1.0), (7, 30))


def test_the_example_in_the_documentation_runs() -> None:
    result = doctest.testmod(calibration)
    assert result.attempted > 0
    assert result.failed == 0
