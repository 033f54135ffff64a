"""The evaluation on panels whose truth was planted, and on panels too small to judge."""

import json

import numpy as np
import polars as pl
import pytest

from planted import SIGNAL, planted_panel
from stocktrend.dataset import Scaler, time_split
from stocktrend.errors import DataError
from stocktrend.evaluation import Evaluation
from stocktrend.evaluation.contenders import CHEAP, contenders, displayed
from stocktrend.evaluation.ridge import Ridge
from stocktrend.evaluation.study import beside_controls, judge
from stocktrend.recipe import PRESETS, Recipe

HORIZONS = (7, 30)


def split_panel(dates: int = 120, tickers: int = 12, **planted: float) -> pl.DataFrame:
    panel = planted_panel(dates, tickers, **planted)  # type: ignore[arg-type]
    last = pl.col("as_of") > pl.col("as_of").max() - pl.duration(days=30)
    unknown = [
        pl.when(~last).then(pl.col(f"{name}_{h}d")).alias(f"{name}_{h}d")
        for name in ("return", "target", "label_known_at")
        for h in HORIZONS
    ]
    return time_split(panel.with_columns(unknown), horizons=HORIZONS)


def evaluate(
    panel: pl.DataFrame, predictions: pl.DataFrame, horizons: tuple[int, ...], *, seed: int
) -> Evaluation:
    return judge(
        *beside_controls(panel, predictions, horizons, Recipe(), seed=seed), horizons, seed=seed
    )


def scored(panel: pl.DataFrame, score: pl.Expr) -> pl.DataFrame:
    return panel.select("ticker", "as_of", *(score.alias(f"score_{h}d") for h in HORIZONS))


TRUTH = (pl.col(SIGNAL) * 0.3).tanh()


def noise(panel: pl.DataFrame, seed: int = 5) -> pl.Expr:
    return pl.lit(pl.Series(np.random.default_rng(seed).normal(size=len(panel)) * 0.1))


def test_an_oracle_beats_momentum_reversal_and_the_constant() -> None:
    panel = split_panel()
    found = evaluate(panel, scored(panel, TRUTH), HORIZONS, seed=0).horizons[7]
    outcomes = {c.control: c.outcome for c in found.comparisons}
    assert found.skill == "better"
    assert {outcomes[name] for name in ("constant", "always_up", "momentum", "reversal")} == {
        "better"
    }
    assert "better than chance" in found.verdict


def test_noise_is_said_to_have_no_skill_and_to_be_worse_than_ridge() -> None:
    panel = split_panel()
    evaluation = evaluate(panel, scored(panel, noise(panel)), HORIZONS, seed=0)
    found = evaluation.horizons[7]
    assert found.skill == "unclear"
    assert "no skill was found" in found.verdict
    outcomes = {c.control: c.outcome for c in found.comparisons}
    assert outcomes["ridge"] == outcomes["lightgbm"] == "worse"
    assert "ridge" in found.verdict.split("they do worse than")[1].split(";")[0]
    assert evaluation.headline.startswith("No skill found at 7")


def test_a_sentence_gives_the_paired_difference_with_its_interval() -> None:
    panel = split_panel()
    found = evaluate(panel, scored(panel, TRUTH), HORIZONS, seed=0).horizons[7]
    momentum = next(c for c in found.comparisons if c.control == "momentum")
    d = momentum.difference
    assert momentum.sentence == (
        f"beats momentum by {d.value:.3f} rank IC at 7 days [{d.low:.3f}, {d.high:.3f}]"
    )
    model, control = found.model.rank_ic.value, found.controls["momentum"].rank_ic.value
    assert model is not None
    assert control is not None
    assert d.value == pytest.approx(model - control)


def test_only_test_rows_with_a_known_target_count() -> None:
    panel = split_panel()
    predictions = scored(panel, TRUTH)
    whole = evaluate(panel, predictions, HORIZONS, seed=0)
    known = panel.filter(pl.col("split") == "test", pl.col("target_7d").is_not_null())
    assert whole.horizons[7].rows == len(known)
    assert whole.horizons[7].dates == known["as_of"].n_unique()
    test = panel.filter(pl.col("split") == "test").select("ticker", "as_of")
    assert (
        evaluate(panel, predictions.join(test, on=["ticker", "as_of"]), HORIZONS, seed=0) == whole
    )


def test_deciles_hold_all_rows_and_rise_with_the_score() -> None:
    panel = split_panel()
    found = evaluate(panel, scored(panel, TRUTH), HORIZONS, seed=0).horizons[7]
    assert sum(d.rows for d in found.deciles) == found.rows
    assert [d.score for d in found.deciles] == sorted(d.score for d in found.deciles)
    outcomes = [d.target.value for d in found.deciles]
    assert outcomes == sorted(outcomes, key=lambda value: value or 0.0)
    assert found.deciles[-1].rose > 0.9


@pytest.mark.parametrize(("dates", "tickers"), [(6, 12), (12, 12), (60, 1), (30, 3), (16, 2)])
def test_small_test_splits_are_judged_in_words_without_nan(dates: int, tickers: int) -> None:
    panel = split_panel(dates, tickers)
    evaluation = evaluate(panel, scored(panel, TRUTH), HORIZONS, seed=0)
    text = json.dumps(evaluation.to_dict(), allow_nan=False)
    assert Evaluation.from_dict(json.loads(text)) == evaluation
    for found in evaluation.horizons.values():
        assert found.verdict.startswith(f"At {found.horizon} days")
        if found.dates < 3:
            assert "nothing can be judged" in found.verdict


def test_one_ticker_is_judged_by_its_correlation_over_time() -> None:
    panel = split_panel(200, 1)
    found = evaluate(panel, scored(panel, TRUTH), HORIZONS, seed=0).horizons[7]
    assert found.judged_by == "correlation"
    assert found.model.rank_ic.value is None
    assert "too few tickers a date to rank" in found.verdict


def test_the_ridge_does_not_change_when_test_rows_do() -> None:
    panel = split_panel()
    in_test = pl.col("split") == "test"
    spoiled = panel.with_columns(
        pl.when(in_test).then(pl.col(SIGNAL) * -100).otherwise(SIGNAL).alias(SIGNAL)
    )
    fitted = []
    for frame in (panel, spoiled):
        scaler = Scaler.fit(frame.filter(~in_test))
        outcome = frame["target_7d"].fill_null(np.nan).to_numpy()
        fitted.append(Ridge.fit(scaler.transform(frame).values, outcome, frame["split"]))
    np.testing.assert_array_equal(fitted[0].coefficients, fitted[1].coefficients)
    assert fitted[0].penalty == fitted[1].penalty


def test_momentum_keeps_its_order_on_the_scale_of_the_target() -> None:
    panel = split_panel()
    [momentum] = contenders(Recipe(), ("momentum",))
    shown = displayed(momentum, *momentum.scores((panel,), HORIZONS, seed=0), panel, HORIZONS)
    raw = panel.select(
        "ticker", "as_of", past=pl.col("stock_return_252d") - pl.col("stock_return_20d")
    )
    for _, rows in shown.join(raw, on=["ticker", "as_of"]).group_by("as_of"):
        assert rows.sort("past")["score_7d"].is_sorted()
    assert shown["score_7d"].abs().max() < 1


@pytest.mark.parametrize("recipe", PRESETS.values(), ids=PRESETS)
def test_every_control_is_finite_on_every_test_row(recipe: Recipe) -> None:
    panel = split_panel().with_columns(stock_return_252d=pl.lit(None, pl.Float64))
    table, came = beside_controls(panel, scored(panel, TRUTH), HORIZONS, recipe, seed=0)
    names = [f"score_{h}d" for h in HORIZONS]
    for control in CHEAP:
        rows = table.filter(pl.col("model") == control)
        assert len(rows) == len(came)
        assert rows.select(pl.col(names).is_finite().all()).row(0) == (True, True)


def test_predictions_of_other_rows_are_an_error() -> None:
    panel = split_panel()
    foreign = scored(panel, TRUTH).with_columns(ticker=pl.lit("OTHER"))
    with pytest.raises(DataError, match="no ticker and as_of in common"):
        evaluate(panel, foreign, HORIZONS, seed=0)
    with pytest.raises(DataError, match="score_30d"):
        evaluate(panel, foreign.drop("score_30d"), HORIZONS, seed=0)
