"""Law 2: a later dividend or split, which rescales a ticker's past, changes no stock feature."""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markets import Coverage, Covered, World

from stocktrend.auditing.changes import LATER_DIVIDEND, LATER_SPLIT, rescaled
from stocktrend.catalog import STOCK_FEATURES
from stocktrend.features.stock import stock_features

RESCALINGS = pytest.mark.parametrize(
    "rescaling",
    [pytest.param(LATER_DIVIDEND, id="dividend"), pytest.param(LATER_SPLIT, id="split")],
)


def changed(first: pl.DataFrame, second: pl.DataFrame) -> list[str]:
    """Features beyond 1e-9 of max(abs, 1), or undefined in one of the two alone."""
    assert first.select("ticker").equals(second.select("ticker"))
    found = []
    for name in STOCK_FEATURES:
        a, b = first[name].to_numpy(), second[name].to_numpy()
        close = np.abs(a - b) <= 1e-9 * np.fmax(np.fmax(np.abs(a), np.abs(b)), 1.0)
        if not np.all(close | (np.isnan(a) & np.isnan(b))):
            found.append(name)
    return found


@RESCALINGS
def test_rescaled_bars_give_the_same_panel(
    world: World, rescaling: tuple[pl.Expr, ...], covered: Covered
) -> None:
    bars = world.records.tables["bars"]
    tickers = bars["ticker"].unique().sort().to_list()
    log = st.builds(math.copysign, st.floats(0.5, 7.0), st.sampled_from([-1.0, 1.0]))
    factors = st.fixed_dictionaries(dict.fromkeys(tickers, log))

    @settings(max_examples=4)
    @given(factors)
    def law(logs: dict[str, float]) -> None:
        alone = replace(world.records, tables={"bars": rescaled(bars, logs, rescaling)})
        assert changed(world.panel, alone.panel()) == []

    law()
    covered(Coverage(STOCK_FEATURES).add(world.panel))


@RESCALINGS
def test_rescaled_bars_of_a_whole_index_give_the_same_features(
    index_bars: pl.DataFrame, rescaling: tuple[pl.Expr, ...], covered: Covered
) -> None:
    tickers = index_bars["ticker"].unique().sort().to_list()
    logs = dict(zip(tickers, np.random.default_rng(4).uniform(-7, 7, len(tickers)), strict=True))
    features = stock_features(index_bars)
    assert changed(features, stock_features(rescaled(index_bars, logs, rescaling))) == []
    covered(Coverage(STOCK_FEATURES).add(features))
