"""Ensembles: members, predictions, round trips."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import pytest
import torch

from planted import planted_panel
from stocktrend.dataset import time_split
from stocktrend.errors import DataError, ModelError
from stocktrend.model import create_model
from stocktrend.recipe import PRESETS, Recipe
from stocktrend.training import Ensemble, train_ensemble

SMALL = {
    "context_hidden_dims": (8,),
    "stock_hidden_dims": (16,),
    "context_embedding_dim": 4,
    "stock_embedding_dim": 4,
    "epochs": 2,
}


def recipe(preset: str, **changes: object) -> Recipe:
    return Recipe.model_validate(PRESETS[preset].model_dump() | SMALL | changes)


@pytest.fixture(scope="module")
def panel() -> pl.DataFrame:
    return time_split(planted_panel(dates=60))


@pytest.fixture(scope="module", params=["original", "cross_sectional"])
def ensemble(request, panel) -> Ensemble:
    return train_ensemble(panel, recipe(request.param, members=2), seed=3)


def test_predictions_have_the_documented_columns_order_and_ranges(ensemble, panel):
    predictions = ensemble.predict(panel)
    assert predictions.columns == [
        "ticker",
        "as_of",
        "score_7d",
        "pos_prob_7d",
        "neg_prob_7d",
        "score_30d",
        "pos_prob_30d",
        "neg_prob_30d",
    ]
    assert predictions.select("ticker", "as_of").equals(panel.select("ticker", "as_of"))
    assert predictions["score_7d"].abs().max() <= 1
    both = predictions["pos_prob_30d"] + predictions["neg_prob_30d"]
    np.testing.assert_allclose(both, 1, atol=1e-6)


def test_a_saved_ensemble_predicts_the_same_bits(ensemble, panel, tmp_path):
    ensemble.save(tmp_path)
    loaded = Ensemble.load(tmp_path)
    assert loaded.predict(panel).equals(ensemble.predict(panel))
    for field in ("recipe", "horizons", "seed", "scaler", "histories"):
        assert getattr(loaded, field) == getattr(ensemble, field)
    assert not list(tmp_path.glob("*.pt"))
    assert not list(tmp_path.glob(".*"))


def test_the_prediction_is_the_mean_of_the_members(ensemble, panel):
    alone = [
        Ensemble(
            ensemble.recipe, ensemble.horizons, 0, ensemble.scaler, (member,), (history,)
        ).predict(panel)
        for member, history in zip(ensemble.members, ensemble.histories, strict=True)
    ]
    assert not alone[0].equals(alone[1])
    for name in ("score_7d", "pos_prob_30d"):
        mean = (alone[0][name] + alone[1][name]) / 2
        np.testing.assert_allclose(ensemble.predict(panel)[name], mean, atol=1e-12)


def test_zscore_predictions_of_some_rows_are_those_of_all_rows(panel):
    ensemble = train_ensemble(panel, recipe("original"))
    everything = ensemble.predict(panel)
    some = panel.with_row_index().filter(pl.col("index") % 7 == 3)
    chosen = everything[some["index"].to_list()]
    for name in everything.columns[2:]:
        np.testing.assert_allclose(ensemble.predict(some)[name], chosen[name], atol=1e-6)


def test_rank_predictions_of_a_whole_date_are_those_of_all_dates(panel):
    ensemble = train_ensemble(panel, recipe("cross_sectional", members=1))
    date = pl.col("as_of") == panel["as_of"].max()
    alone, among_all = ensemble.predict(panel.filter(date)), ensemble.predict(panel).filter(date)
    np.testing.assert_allclose(alone["score_7d"], among_all["score_7d"], atol=1e-6)


def test_members_have_the_seeds_that_follow_each_other(panel):
    pair = train_ensemble(panel, recipe("original", members=2), seed=5)
    single = train_ensemble(panel, recipe("original"), seed=6)
    second, alone = pair.members[1].state_dict(), single.members[0].state_dict()
    assert all(torch.equal(second[name], alone[name]) for name in alone)
    first = pair.members[0].state_dict()
    assert not torch.equal(first["projection.weight"], second["projection.weight"])


def test_the_same_seed_gives_the_same_predictions(panel, ensemble):
    again = train_ensemble(panel, ensemble.recipe, seed=3)
    assert again.predict(panel).equals(ensemble.predict(panel))
    assert again.histories == ensemble.histories


def test_test_rows_do_not_reach_the_training(panel):
    changed = panel.with_columns(
        pl.when(pl.col("split") == "test").then(-pl.col(name)).otherwise(pl.col(name)).alias(name)
        for name in (*panel.columns[2:89], "target_7d", "return_7d")
    )
    first, second = (train_ensemble(frame, recipe("original")) for frame in (panel, changed))
    assert first.scaler == second.scaler
    state, other = first.members[0].state_dict(), second.members[0].state_dict()
    assert all(torch.equal(state[name], other[name]) for name in state)


def test_missing_features_still_give_finite_scores(ensemble, panel):
    holes = panel.with_columns(pl.lit(None, pl.Float64).alias(name) for name in panel.columns[2:40])
    numbers = ensemble.predict(holes).drop("ticker", "as_of").to_numpy()
    assert np.isfinite(numbers).all()


def test_no_rows_give_no_predictions(ensemble, panel):
    assert ensemble.predict(panel.head(0)).shape == (0, 8)


def test_each_preset_ranks_the_planted_winners_first():
    panel = time_split(planted_panel(dates=150, tickers=20))
    for preset, epochs in (("original", 15), ("cross_sectional", 10)):
        chosen = Recipe.model_validate(
            PRESETS[preset].model_dump() | {"epochs": epochs, "members": 1, "batch_size": 64}
        )
        test = panel.filter(pl.col("split") == "test")
        scores = train_ensemble(panel, chosen).predict(test)
        joined = scores.with_columns(test["return_7d"])
        ic = joined.group_by("as_of").agg(pl.corr("score_7d", "return_7d", method="spearman"))
        assert ic["score_7d"].mean() > 0.7, preset


def test_progress_counts_the_rows_of_all_members(panel):
    calls = []
    chosen = recipe("original", members=2)
    train_ensemble(panel, chosen, progress=lambda *call: calls.append(call))
    rows = calls[0][1]
    assert calls == [("train", rows * n, rows * 4, "rows") for n in (1, 2, 3, 4)]


@pytest.mark.parametrize("threads", [1, 2])
def test_an_ensemble_that_was_stopped_goes_on_within_the_member(threads, panel, tmp_path):
    chosen = recipe("original", members=2, epochs=30, early_stopping_patience=30)
    train_ensemble(panel, chosen, folder=tmp_path / "whole", threads=3 - threads)
    shares = []

    def stop_late_in_the_second_member(step: str, done: int, total: int, unit: str) -> None:
        if done > 0.9 * total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_ensemble(
            panel,
            chosen,
            folder=tmp_path / "part",
            threads=threads,
            progress=stop_late_in_the_second_member,
        )
    train_ensemble(
        panel,
        chosen,
        folder=tmp_path / "part",
        threads=threads,
        progress=lambda step, done, total, unit: shares.append(done / total),
    )
    if threads == 1:
        assert shares[0] > 0.5, "the second member goes on after an epoch that it had finished"
    files = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "part").iterdir()}
    assert sorted(files) == [
        f"member_{n:02d}.{kind}" for n in (0, 1) for kind in ("json", "safetensors")
    ]


def test_members_are_the_same_whatever_is_read_beside_them(ensemble, panel, tmp_path):
    ensemble.save(tmp_path)
    wide = {"context_hidden_dims": (512, 512), "stock_hidden_dims": (512, 512)}
    expected = create_model("cpu", seed=3, **wide).state_dict()
    torch.manual_seed(8)
    before = torch.get_rng_state()

    def work(number: int) -> bool:
        if number % 2:
            return bool(Ensemble.load(tmp_path).members)
        found = create_model("cpu", seed=3, **wide).state_dict()
        return all(torch.equal(found[name], expected[name]) for name in expected)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(60)))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_finished_member_of_another_training_is_not_taken_over(panel, tmp_path):
    chosen = recipe("original")
    train_ensemble(panel, chosen, folder=tmp_path, seed=3).save(tmp_path)
    half = panel.filter(pl.col("as_of") > panel["as_of"].sort()[len(panel) // 4])
    others = [
        (panel, recipe("original", stock_dropout=0.5), 3),
        (panel, chosen, 4),
        (half, chosen, 3),
    ]
    for frame, other, seed in others:
        with pytest.raises(ModelError, match=f"member_00.json was trained with .*{tmp_path}"):
            train_ensemble(frame, other, folder=tmp_path, seed=seed)
    calls = []
    train_ensemble(
        panel, chosen, folder=tmp_path, seed=3, progress=lambda *call: calls.append(call)
    )
    assert calls == [], "the member is taken over, not trained again"


@pytest.mark.parametrize("content", [b"\xff{", b"[]", b'{"model": {"x": 1}, "history": {}}'])
def test_a_damaged_member_is_refused(content, ensemble, tmp_path):
    ensemble.save(tmp_path)
    (tmp_path / "member_00.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"member_00.json .*[Tt]rain"):
        Ensemble.load(tmp_path)


def test_other_horizons_give_other_columns(panel):
    renamed = panel.rename({name: name.replace("30d", "90d") for name in panel.columns})
    ensemble = train_ensemble(renamed, recipe("original"), horizons=(7, 90))
    assert "score_90d" in ensemble.predict(renamed).columns


def test_folders_that_hold_no_ensemble_of_this_version_are_refused(ensemble, tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        Ensemble.load(tmp_path)
    ensemble.save(tmp_path)
    index = tmp_path / "ensemble.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"format": 99}))
    with pytest.raises(ModelError, match="must have format 1, however: 99"):
        Ensemble.load(tmp_path)


def test_frames_without_their_columns_are_refused(ensemble, panel):
    with pytest.raises(DataError, match="as_of"):
        ensemble.predict(panel.drop("as_of"))
    with pytest.raises(DataError, match="macro_vix"):
        ensemble.predict(panel.drop("macro_vix"))
