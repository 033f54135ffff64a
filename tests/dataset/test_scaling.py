"""Scaling against scikit-learn and pandas, and what the scaler may not see."""

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from planted import planted_panel
from stocktrend.catalog import FEATURES, MACRO_FEATURES, NEWS_FEATURES, POLICY_FEATURES
from stocktrend.dataset import DualTowerDataModule, Scaler, time_split
from stocktrend.errors import DataError, ModelError


def column(scaled: np.ndarray, name: str) -> np.ndarray:
    return scaled[:, FEATURES.index(name)]


def test_zscores_agree_with_scikit_learn():
    panel = planted_panel(dates=20)
    train, rest = panel.head(120), panel.tail(80)
    expected = StandardScaler().fit(train.select(FEATURES).to_numpy())
    scaled = Scaler.fit(train).transform(rest).values
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(
        scaled, expected.transform(rest.select(FEATURES).to_numpy()), atol=1e-5
    )


def test_ranks_agree_with_pandas_within_each_date_and_market_features_are_zscored():
    panel = planted_panel(dates=6, tickers=7).with_columns(pl.col("news_count").round(0))
    scaled = Scaler.fit(panel, "rank").transform(panel).values
    grouped = panel.select("as_of", *FEATURES).to_pandas().groupby("as_of")
    ranks = 2 * (grouped[list(FEATURES)].rank() - 1) / 6 - 1
    market = POLICY_FEATURES + MACRO_FEATURES
    zscores = Scaler.fit(panel).transform(panel).values
    for name in FEATURES:
        expected = column(zscores, name) if name in market else ranks[name]
        np.testing.assert_allclose(column(scaled, name), expected, atol=1e-6, err_msg=name)


def test_missing_values_become_zero_and_are_counted():
    panel = planted_panel(dates=4, tickers=5).with_columns(
        pl.when(pl.int_range(pl.len()) < 3)
        .then(None)
        .otherwise(pl.col("news_count"))
        .alias("news_count"),
        pl.when(pl.int_range(pl.len()) == 7)
        .then(np.nan)
        .otherwise(pl.col("macro_vix"))
        .alias("macro_vix"),
    )
    for kind in ("zscore", "rank"):
        scaler = Scaler.fit(panel, kind)
        scaled = scaler.transform(panel)
        assert scaled.filled == {"news_count": 3, "macro_vix": 1}
        assert scaler.missing["news_count"] == pytest.approx(3 / 20)
        assert column(scaled.values, "news_count")[:3].tolist() == [0, 0, 0]
        assert column(scaled.values, "macro_vix")[7] == 0
        assert np.isfinite(scaled.values).all()


def test_a_feature_constant_or_absent_in_training_is_zero_everywhere():
    panel = planted_panel(dates=4)
    train = panel.head(20).with_columns(
        pl.lit(0.1).alias("macro_vix"), pl.lit(None, pl.Float64).alias("policy_stance")
    )
    scaled = Scaler.fit(train).transform(panel.tail(20)).values
    assert not column(scaled, "macro_vix").any()
    assert not column(scaled, "policy_stance").any()


def test_an_extreme_value_is_held_at_ten_standard_deviations():
    panel = planted_panel(dates=4)
    wild = panel.with_columns(pl.lit(1e9).alias("stock_amihud_20"))
    scaled = Scaler.fit(panel).transform(wild).values
    assert column(scaled, "stock_amihud_20").tolist() == [10.0] * 40


def test_a_stock_alone_on_its_date_has_the_middle_rank():
    panel = planted_panel(dates=4)
    alone = Scaler.fit(panel, "rank").transform(panel.head(1)).values
    assert not column(alone, NEWS_FEATURES[0]).any()


@pytest.mark.parametrize("kind", ["zscore", "rank"])
def test_the_scaler_reads_training_rows_only(kind):
    panel = time_split(planted_panel(dates=40))
    changed = panel.with_columns(
        pl.when(pl.col("split") == "train")
        .then(pl.col(name))
        .otherwise(pl.col(name) * 100 + 7)
        .alias(name)
        for name in FEATURES
    )
    first, second = (DualTowerDataModule(frame, features=kind) for frame in (panel, changed))
    assert first.scaler == second.scaler
    assert torch.equal(first.train.rows.nan_to_num(9), second.train.rows.nan_to_num(9))


@pytest.mark.parametrize("kind", ["zscore", "rank"])
def test_a_scaler_survives_json_bit_for_bit(kind):
    panel = planted_panel(dates=6)
    scaler = Scaler.fit(panel, kind)
    read = Scaler.from_json(scaler.to_json())
    assert read == scaler
    assert (read.transform(panel).values == scaler.transform(panel).values).all()


def test_what_is_not_a_scaler_is_refused():
    with pytest.raises(ModelError, match="not a saved scaler"):
        Scaler.from_json("{}")


def test_infinities_and_missing_columns_are_named():
    panel = planted_panel(dates=4)
    with pytest.raises(DataError, match="stock_open, stock_high"):
        Scaler.fit(panel.drop("stock_open", "stock_high"))
    with pytest.raises(DataError, match="infinities: stock_open"):
        Scaler.fit(panel.with_columns(pl.lit(np.inf).alias("stock_open")))
    with pytest.raises(DataError, match="training rows"):
        Scaler.fit(panel.head(0))
