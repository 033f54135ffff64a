"""Each contender finds the kind of effect that it is made for, and no other."""

import polars as pl
import pytest

from planted import SIGNAL, planted_panel
from stocktrend.catalog import FEATURES
from stocktrend.dataset import time_split
from stocktrend.evaluation.contenders import contenders
from stocktrend.recipe import Recipe

RANKS = Recipe.model_validate(
    dict.fromkeys(("context_lr", "stock_lr", "head_lr"), 5e-3)
    | dict.fromkeys(("context_hidden_dims", "stock_hidden_dims"), (16,))
    | dict.fromkeys(("context_embedding_dim", "stock_embedding_dim"), 8)
    | dict.fromkeys(("context_dropout", "stock_dropout"), 0.0)
    | {"features": "rank", "target": "rank", "optimizer": "adamw", "scheduler": "none"}
    | {"members": 1, "epochs": 20, "batch_size": 64, "warmup_epochs": 0}
)

PAST = pl.col("stock_return_252d") - pl.col("stock_return_20d")
RISK = pl.col("macro_vix")


PLANTED = {SIGNAL, "macro_vix", "news_sentiment", "stock_return_252d", "stock_return_20d"}
"""The features that effects are made of; the others are 0, so that little has to be learnt."""


def with_returns(planted: pl.Expr) -> pl.DataFrame:
    """A split panel of 100 dates whose returns are a multiple of ``planted`` and noise."""
    noise = [name for name in FEATURES if name not in PLANTED]
    panel = planted_panel(100, 20, signal=0.0).with_columns(pl.lit(0.0).alias(n) for n in noise)
    # Calm and anxious dates take turns: what a stock alone says is then right on half of them.
    panel = panel.with_columns(macro_vix=2.0 * (pl.col("as_of").rank("dense") % 2) - 1)
    panel = panel.with_columns(return_7d=0.03 * planted + pl.col("return_7d"))
    panel = panel.with_columns(target_7d=(10 * pl.col("return_7d")).tanh())
    return time_split(panel, horizons=(7,))


def judged_rows(name: str, panel: pl.DataFrame, recipe: Recipe = RANKS) -> pl.DataFrame:
    contender = contenders(recipe, (name,))[0]
    scores = contender.scores((panel,), (7,), seed=1)[0]
    return scores.filter(pl.col("split") == "test").join(panel, on=["ticker", "as_of"])


def rank_ic(name: str, panel: pl.DataFrame) -> float:
    ic = judged_rows(name, panel).group_by("as_of")
    values = ic.agg(found=pl.corr("raw_7d", "target_7d", method="spearman"))["found"]
    return float(values.fill_nan(0.0).mean())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def panels() -> dict[str, pl.DataFrame]:
    planted = {
        "product": RISK * pl.col(SIGNAL),
        "stock": pl.col(SIGNAL),
        "news": pl.col("news_sentiment"),
        "context": RISK,
        "momentum": PAST,
    }
    return {name: with_returns(effect) for name, effect in planted.items()}


@pytest.mark.parametrize("name", ["dual_tower", "mlp", "lightgbm"])
def test_a_product_of_context_and_stock_is_found(name, panels):
    assert rank_ic(name, panels["product"]) > 0.8


@pytest.mark.parametrize(
    "name", ["additive", "ridge", "stock_tower", "context_tower", "shuffled_context"]
)
def test_a_product_is_not_found_without_products_or_without_one_of_its_factors(name, panels):
    assert abs(rank_ic(name, panels["product"])) < 0.15


@pytest.mark.parametrize("name", ["ridge", "lightgbm", "stock_tower", "additive"])
def test_an_effect_of_the_stock_alone_is_found(name, panels):
    assert rank_ic(name, panels["stock"]) > 0.8


@pytest.mark.parametrize(("name", "found"), [("context_tower", True), ("shuffled_context", False)])
def test_an_effect_of_news_is_in_the_context_of_the_date_itself(name, found, panels):
    assert (rank_ic(name, panels["news"]) > 0.8) == found


@pytest.mark.parametrize(("name", "found"), [("momentum", 0.8), ("reversal", 0.3)])
def test_past_returns_find_what_follows_from_them(name, found, panels):
    # The one is the planted effect itself, the other a part of it; neither is in other panels.
    assert rank_ic(name, panels["momentum"]) > found
    assert abs(rank_ic(name, panels["stock"])) < 0.15


def test_an_effect_of_the_market_alone_ranks_no_stocks_but_moves_them_together(panels):
    panel = panels["context"]
    assert abs(rank_ic("context_tower", panel)) < 0.15
    size = RANKS.model_copy(update={"features": "zscore", "target": "tanh"})
    found = {
        name: judged_rows(name, panel, size).select(pl.corr("raw_7d", "target_7d")).item()
        for name in ("context_tower", "stock_tower")
    }
    assert found["context_tower"] > 0.7
    assert abs(found["stock_tower"]) < 0.2
