"""Contenders: what they find where it was planted, and what they must not see."""

import numpy as np
import polars as pl
import pytest

from planted import SIGNAL, planted_panel
from stocktrend.catalog import FEATURES
from stocktrend.dataset import time_split
from stocktrend.errors import ConfigError
from stocktrend.evaluation.contenders import CONTENDERS, Contender, contenders
from stocktrend.recipe import PRESETS, Recipe

HORIZONS = (7, 30)
SMALL = Recipe.model_validate(
    PRESETS["cross_sectional"].model_dump()
    | {
        "members": 2,
        "epochs": 4,
        "batch_size": 64,
        "min_steps": 0,
        "context_hidden_dims": (16,),
        "stock_hidden_dims": (16,),
        "context_embedding_dim": 8,
        "stock_embedding_dim": 8,
    }
)

LEARNT = SMALL.model_copy(
    update=dict.fromkeys(("context_lr", "stock_lr", "head_lr"), 5e-3)
    | {"epochs": 15, "context_dropout": 0.0, "stock_dropout": 0.0}
)
"""Long enough to find what is planted."""


def of_name(name: str, recipe: Recipe = SMALL) -> Contender:
    return contenders(recipe, (name,))[0]


def scores_of(
    name: str, panel: pl.DataFrame, recipe: Recipe = SMALL, **more: object
) -> pl.DataFrame:
    return of_name(name, recipe).scores((panel,), HORIZONS, seed=1, **more)[0]  # type: ignore[arg-type]


def rank_ic(scores: pl.DataFrame, panel: pl.DataFrame) -> float:
    rows = scores.filter(pl.col("split") == "test").join(panel, on=["ticker", "as_of"])
    ic = rows.group_by("as_of").agg(pl.corr("raw_7d", "target_7d", method="spearman"))
    return float(ic["raw_7d"].fill_nan(0.0).mean())  # type: ignore[arg-type]


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


@pytest.mark.parametrize(
    ("name", "planted"),
    [
        ("momentum", pl.col("stock_return_252d") - pl.col("stock_return_20d")),
        ("reversal", -pl.col("stock_return_20d")),
        ("ridge", pl.col(SIGNAL)),
        ("dual_tower", pl.col(SIGNAL)),
    ],
)
def test_each_contender_finds_what_is_planted_for_it(name, planted):
    found, blind = (
        rank_ic(scores_of(name, frame, LEARNT), frame)
        for frame in (with_returns(planted), with_returns(pl.col("stock_volume")))
    )
    assert found > 0.8
    if name in ("momentum", "reversal"):
        assert abs(blind) < 0.15


def with_returns(planted: pl.Expr, dates: int = 120, tickers: int = 12) -> pl.DataFrame:
    """A split panel whose returns are a multiple of ``planted`` and a little noise."""
    panel = planted_panel(dates, tickers, signal=0.0)
    returns = [(0.03 * planted + pl.col(f"return_{h}d")).alias(f"return_{h}d") for h in HORIZONS]
    panel = panel.with_columns(returns)
    targets = [(10 * pl.col(f"return_{h}d")).tanh().alias(f"target_{h}d") for h in HORIZONS]
    return time_split(panel.with_columns(targets), horizons=HORIZONS)


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
