"""Contenders: what they return, and what they must not see."""

import lightgbm
import numpy as np
import polars as pl
import pytest
from scipy.stats import rankdata

from planted import SIGNAL, planted_panel
from stocktrend.catalog import CONTEXT_FEATURES, FEATURES, OURS
from stocktrend.dataset import time_split
from stocktrend.errors import ConfigError
from stocktrend.evaluation.blend import Blend
from stocktrend.evaluation.boosting import LEAVES, PATIENCE, ROUNDS, SETTINGS, BoostedTrees
from stocktrend.evaluation.contenders import (
    CHEAP,
    CONTENDERS,
    Contender,
    contenders,
)
from stocktrend.evaluation.neural import shuffled_contexts
from stocktrend.recipe import PRESETS, Recipe

HORIZONS = (7, 30)
SMALL = Recipe.model_validate(
    PRESETS["cross_sectional"].model_dump()
    | {
        "members": 2,
        "epochs": 2,
        "batch_size": 64,
        "min_steps": 0,
        "context_hidden_dims": (16,),
        "stock_hidden_dims": (16,),
        "context_embedding_dim": 8,
        "stock_embedding_dim": 8,
    }
)


def of_name(name: str, recipe: Recipe = SMALL) -> Contender:
    return contenders(recipe, (name,))[0]


def scores_of(
    name: str, panel: pl.DataFrame, recipe: Recipe = SMALL, **more: object
) -> pl.DataFrame:
    return of_name(name, recipe).scores((panel,), HORIZONS, seed=1, **more)[0]  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def panel() -> pl.DataFrame:
    return time_split(planted_panel(60, 12), horizons=HORIZONS)


@pytest.mark.parametrize("name", CONTENDERS)
def test_every_contender_scores_the_rows_of_validation_and_test(name, panel):
    found = scores_of(name, panel)
    asked = panel.filter(pl.col("split") != "train").select("ticker", "as_of", "split")
    assert found.select("ticker", "as_of", "split").equals(asked)
    assert found.select(pl.col("raw_7d", "raw_30d").is_finite().all()).row(0) == (True, True)


@pytest.mark.parametrize("name", CONTENDERS)
def test_labels_of_test_rows_change_no_bit_of_any_score(name, panel):
    in_test = pl.col("split") == "test"
    labels = [f"{kind}_{h}d" for kind in ("target", "return") for h in HORIZONS]
    spoiled = panel.with_columns(
        pl.when(in_test).then(-3 * pl.col(label)).otherwise(label).alias(label) for label in labels
    )
    assert scores_of(name, spoiled).equals(scores_of(name, panel))


@pytest.mark.parametrize("name", CONTENDERS)
def test_later_rows_change_no_bit_of_an_earlier_score(name, panel):
    in_test = pl.col("split") == "test"
    spoiled = panel.with_columns(
        pl.when(in_test).then(-3 * pl.col(feature)).otherwise(feature).alias(feature)
        for feature in FEATURES
    )
    validation = pl.col("split") == "validation"
    changed, found = (scores_of(name, frame) for frame in (spoiled, panel))
    assert changed.filter(validation).equals(found.filter(validation))


def test_the_constant_is_the_mean_target_of_the_training_rows(panel):
    train = panel.filter(pl.col("split") == "train")["target_7d"].drop_nulls().to_list()
    raw = scores_of("constant", panel)["raw_7d"].unique().to_list()
    assert raw == [pytest.approx(sum(train) / len(train))]


def test_a_stock_without_the_history_is_in_the_middle(panel):
    young = panel.with_columns(
        pl.when(pl.col("ticker") != "T003").then("stock_return_252d").alias("stock_return_252d")
    )
    found = scores_of("momentum", young).group_by("ticker").agg(pl.col("raw_7d").abs().max())
    middle = dict(found.iter_rows())
    assert middle.pop("T003") == 0
    assert min(middle.values()) > 0.5


def test_of_an_ensemble_the_spread_is_the_standard_deviation_of_its_members(panel):
    whole = scores_of("dual_tower", panel)
    one, two = (
        of_name("dual_tower", SMALL.model_copy(update={"members": 1})).scores(
            (panel,), HORIZONS, seed=seed
        )[0]
        for seed in (1, 2)
    )
    assert "spread_7d" not in one.columns
    np.testing.assert_allclose(whole["raw_7d"], (one["raw_7d"] + two["raw_7d"]) / 2, atol=1e-12)
    apart = (one["raw_7d"] - two["raw_7d"]).abs() / np.sqrt(2)
    np.testing.assert_allclose(whole["spread_7d"], apart, atol=1e-12)


@pytest.mark.parametrize("name", ["constant", "ridge", "dual_tower"])
def test_every_fold_is_learnt_from_its_own_rows(name, panel):
    shorter = time_split(planted_panel(60, 12).head(40 * 12), horizons=HORIZONS)
    both = of_name(name).scores((shorter, panel), HORIZONS, seed=1)
    assert both[0].equals(scores_of(name, shorter))
    assert both[1].equals(scores_of(name, panel))


def test_a_folder_gives_the_same_bits_again_and_other_rows_their_own(panel, tmp_path):
    first = scores_of("ridge", panel, folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    assert scores_of("ridge", panel, folder=tmp_path).equals(first)
    other = panel.with_columns(pl.col(SIGNAL).abs())
    assert scores_of("ridge", other, folder=tmp_path).equals(scores_of("ridge", other))
    assert len(list(tmp_path.iterdir())) == 2


def test_names_of_contenders_are_checked():
    with pytest.raises(ConfigError, match="momentun"):
        contenders(SMALL, ("momentun",))
    with pytest.raises(ConfigError, match="distinct"):
        contenders(SMALL, ("ridge", "ridge"))


def test_a_blend_is_the_mean_rank_of_what_its_parts_said(panel):
    names = ("dual_tower", "lightgbm")
    parts = {name: of_name(name).scores((panel,), HORIZONS, seed=1) for name in names}
    blend = of_name("blend")
    assert isinstance(blend, Blend)
    found = blend.of(list(parts.values()), HORIZONS)
    assert found[0].equals(scores_of("blend", panel))
    date = panel["as_of"].max()
    one, other, both = (
        frames[0].filter(pl.col("as_of") == date)["raw_7d"].to_numpy()
        for frames in (*parts.values(), found)
    )
    ranks = (rankdata(one) + rankdata(other)) / 2
    np.testing.assert_allclose(both, 2 * (ranks - 1) / (len(ranks) - 1) - 1, atol=1e-12)


def test_a_blend_trains_nothing_that_its_parts_have_left_beside_its_folder(panel, tmp_path):
    for name in ("dual_tower", "lightgbm"):
        scores_of(name, panel, folder=tmp_path / name)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    scores_of("blend", panel, folder=tmp_path / "blend")
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


def test_the_settings_that_a_contender_chooses_among_are_counted():
    counted = {c.name: c.candidates for c in contenders(SMALL)}
    assert tuple(counted) == CONTENDERS
    assert counted.pop("ridge") == counted.pop("lightgbm") == counted.pop("blend") == 5
    assert set(counted.values()) == {1}
    assert set(CHEAP) < set(CONTENDERS)


def test_shuffled_contexts_come_whole_from_another_date_of_the_same_part(panel):
    found = shuffled_contexts(panel, OURS, seed=3)
    assert found.drop(CONTEXT_FEATURES).equals(panel.drop(CONTEXT_FEATURES))
    assert found.equals(shuffled_contexts(panel, OURS, seed=3))
    assert not found.equals(shuffled_contexts(panel, OURS, seed=4))
    # The made contexts never repeat, so each tells the row that it comes from.
    giver = panel.select(*CONTEXT_FEATURES, "split", giver="as_of", of="ticker")
    taken = found.select("ticker", "as_of", "split", *CONTEXT_FEATURES).join(
        giver, on=CONTEXT_FEATURES, suffix="_of_giver"
    )
    assert len(taken) == len(panel)
    assert (taken["of"] == taken["ticker"]).all()
    assert (taken["split_of_giver"] == taken["split"]).all()
    assert (taken["giver"] != taken["as_of"]).all()
    pairs = taken.select("as_of", "giver").unique()
    assert len(pairs) == pairs["giver"].n_unique() == panel["as_of"].n_unique()


def test_a_ticker_without_a_row_at_the_other_date_takes_a_context_of_that_date(panel):
    holes = panel.filter((pl.col("ticker") != "T003") | (pl.col("as_of").rank("dense") % 2 == 0))
    found = shuffled_contexts(holes, OURS, seed=3)
    assert found.select(pl.col(CONTEXT_FEATURES).null_count().sum()).row(0) == (0,) * 25
    for _, rows in found.group_by("as_of"):
        assert rows["macro_vix"].n_unique() == 1


def test_trees_take_the_size_that_errs_least_on_validation_rows_and_stop_there():
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(1500, 3)).astype(np.float32)
    outcome = np.sign(inputs[:, 0] * inputs[:, 1]) + generator.normal(size=1500)
    split = pl.Series(["train"] * 1000 + ["validation"] * 400 + ["test"] * 100)
    found = BoostedTrees.fit(inputs, outcome, split, seed=0)
    held_out = slice(1000, 1400)
    error = np.mean((found.predict(inputs[held_out]) - outcome[held_out]) ** 2)
    assert found.booster is not None
    assert error == pytest.approx(found.booster.best_score["valid_0"]["l2"])
    alone = []
    for leaves in LEAVES:
        settings = {**SETTINGS, "seed": 0, "num_leaves": leaves}
        data = lightgbm.Dataset(inputs[:1000], outcome[:1000], params=settings)
        seen = lightgbm.Dataset(inputs[held_out], outcome[held_out], reference=data)
        errors: dict[str, dict[str, list[float]]] = {}
        keep = lightgbm.record_evaluation(errors)
        lightgbm.train(settings, data, ROUNDS, valid_sets=[seen], callbacks=[keep])
        curve = np.array(errors["valid_0"]["l2"])
        waits = [n for n in range(PATIENCE, ROUNDS) if curve[: n + 1].argmin() == n - PATIENCE]
        alone.append(curve[: waits[0] + 1 if waits else ROUNDS].min())
    assert error == pytest.approx(min(alone))
    assert found.leaves == LEAVES[int(np.argmin(alone))]


def test_trees_of_too_little_say_nothing_and_without_validation_take_the_middle_size():
    inputs = np.random.default_rng(0).normal(size=(600, 2)).astype(np.float32)
    outcome = inputs[:, 0].astype(np.float64)
    train = pl.Series(["train"] * 600)
    assert BoostedTrees.fit(inputs, outcome, train, seed=0).leaves == 16
    nothing = BoostedTrees.fit(inputs, np.full(600, np.nan), train, seed=0)
    assert not nothing.predict(inputs).any()
