"""Scaling against scikit-learn and pandas, and what the scaler may not see."""

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from planted import planted_panel
from stocktrend.catalog import (
    CONTEXT_FEATURES,
    FEATURES,
    MACRO_FEATURES,
    NEWS_FEATURES,
    POLICY_FEATURES,
    STOCK_FEATURES,
    Inputs,
)
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
        held = np.clip(column(zscores, name), -2, 2)
        expected = held if name in market else ranks[name]
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


def test_a_feature_in_small_units_is_scaled_like_any_other():
    panel = planted_panel(dates=4)
    small = panel.with_columns(pl.col("stock_amihud_20") * 1e-12)
    scaled, usual = (Scaler.fit(frame).transform(frame).values for frame in (small, panel))
    np.testing.assert_allclose(
        column(scaled, "stock_amihud_20"), column(usual, "stock_amihud_20"), rtol=1e-5
    )


def test_variation_of_rounding_around_a_large_mean_counts_as_constant():
    panel = planted_panel(dates=4).with_columns(
        (100 + 1e-8 * pl.col("macro_vix")).alias("macro_vix"),
        (100 + 1e-6 * pl.col("macro_cpi_yoy")).alias("macro_cpi_yoy"),
    )
    scaler = Scaler.fit(panel)
    assert scaler.std["macro_vix"] == 0
    assert scaler.std["macro_cpi_yoy"] > 0


def test_zscores_of_three_rows_by_hand():
    panel = planted_panel(dates=3, tickers=1).with_columns(
        pl.Series("news_count", [1.0, 2.0, 6.0]), pl.Series("macro_vix", [1.0, None, 3.0])
    )
    scaler = Scaler.fit(panel)
    assert (scaler.mean["news_count"], scaler.mean["macro_vix"]) == (3.0, 2.0)
    assert scaler.std["news_count"] == pytest.approx((14 / 3) ** 0.5)
    assert scaler.std["macro_vix"] == 1.0
    assert scaler.missing["macro_vix"] == pytest.approx(1 / 3)
    assert scaler.missing["news_count"] == 0
    scaled = scaler.transform(panel).values
    expected = np.array([-2.0, -1.0, 3.0]) / (14 / 3) ** 0.5
    np.testing.assert_allclose(column(scaled, "news_count"), expected, rtol=1e-6)
    assert column(scaled, "macro_vix").tolist() == [-1.0, 0.0, 1.0]


def test_ranks_are_of_the_known_values_of_a_date_and_ties_share_theirs():
    values = [5.0, None, 1.0, 5.0, 9.0, 2.0, None, None, 3.0, None]
    panel = planted_panel(dates=2, tickers=5).with_columns(pl.Series("news_count", values))
    scaled = Scaler.fit(panel, "rank").transform(panel).values
    # The first date knows 1, 5, 5, 9, of ranks 1, 2.5, 2.5, 4; the second 2 and 3.
    expected = [0.0, 0.0, -1.0, 0.0, 1.0, -1.0, 0.0, 0.0, 1.0, 0.0]
    np.testing.assert_allclose(column(scaled, "news_count"), expected, atol=1e-7)


def test_own_features_stand_behind_those_of_their_tower_and_ours_stay_as_they_were():
    panel = planted_panel(dates=4, tickers=5)
    own = pl.Series(np.linspace(-1, 3, 20))
    inputs = Inputs((*CONTEXT_FEATURES, "season"), (*STOCK_FEATURES, "gap"))
    season = pl.col("as_of").dt.day().cast(pl.Float64).alias("season")
    wide = panel.with_columns(season, own.alias("gap"))
    for kind in ("zscore", "rank"):
        scaler = Scaler.fit(wide, kind, inputs)
        assert Scaler.from_json(scaler.to_json()).inputs == inputs
        scaled, ours = scaler.transform(wide).values, Scaler.fit(panel, kind).transform(panel)
        assert (np.delete(scaled, [25, 88], axis=1) == ours.values).all()
        # One value a date is no rank: the season is standardised in both.
        days = np.repeat([2.0, 9.0, 16.0, 23.0], 5)
        np.testing.assert_allclose(scaled[:, 25], (days - 12.5) / 61.25**0.5, atol=1e-6)
        if kind == "rank":
            np.testing.assert_allclose(scaled[:, 88], [-1, -0.5, 0, 0.5, 1] * 4, atol=1e-6)
        else:
            expected = (own - own.mean()) / own.std(ddof=0)
            np.testing.assert_allclose(scaled[:, 88], expected, atol=1e-6)


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


def test_rows_in_several_pieces_give_the_same_bits() -> None:
    rows = planted_panel(dates=60, tickers=20)
    pieces = pl.concat([rows[:7], rows[7:411], rows[411:]], rechunk=False)
    assert pieces.n_chunks() == 3
    assert Scaler.fit(pieces).to_json() == Scaler.fit(rows).to_json()
