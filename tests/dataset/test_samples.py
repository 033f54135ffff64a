"""Datasets, batches and loaders."""

import numpy as np
import polars as pl
import pytest
import torch

from planted import planted_panel
from stocktrend.catalog import CONTEXT_FEATURES, STOCK_FEATURES
from stocktrend.dataset import (
    BatchLoader,
    DualTowerDataModule,
    DualTowerDataset,
    Scaler,
    create_data_loaders,
    time_split,
)
from stocktrend.errors import ConfigError, DataError


def contexts(loader: BatchLoader) -> torch.Tensor:
    return torch.cat([context for context, _, _ in loader])


def test_a_batch_is_context_stock_and_labels_in_float32():
    train, _, _ = create_data_loaders(planted_panel(), batch_size=32)
    context, stock, labels = next(iter(train))
    assert (context.shape, stock.shape) == ((32, 25), (32, 62))
    assert {name: tuple(value.shape) for name, value in labels.items()} == {
        "target_7d": (32,),
        "target_30d": (32,),
    }
    assert {t.dtype for t in (context, stock, *labels.values())} == {torch.float32}


def test_features_reach_the_tower_that_the_catalogue_names():
    panel = planted_panel(dates=4)
    context, stock, labels = DualTowerDataset(panel)[torch.arange(40)]
    for values, names in ((context, CONTEXT_FEATURES), (stock, STOCK_FEATURES)):
        raw = panel.select(names).to_numpy()
        expected = (raw - raw.mean(axis=0)) / raw.std(axis=0)
        np.testing.assert_allclose(values.numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(labels["target_30d"], panel["target_30d"], atol=1e-7)


def test_an_item_is_one_row():
    dataset = DualTowerDataset(planted_panel(dates=4))
    context, stock, labels = dataset[3]
    assert (context.shape, stock.shape, labels["target_7d"].shape) == ((25,), (62,), ())
    assert len(dataset) == 40


def test_unknown_labels_are_nan_and_never_zero():
    panel = planted_panel(dates=4).with_columns(
        pl.when(pl.col("ticker") != "T003").then(pl.col("target_30d")).alias("target_30d")
    )
    _, _, labels = DualTowerDataset(panel)[torch.arange(40)]
    assert labels["target_30d"].isnan().sum() == 4
    assert not labels["target_7d"].isnan().any()


def test_rank_targets_are_ranks_of_the_return_within_the_date():
    panel = planted_panel(dates=2, tickers=3).with_columns(
        pl.Series("return_7d", [0.5, -0.1, 0.2, None, 0.3, 0.3])
    )
    _, _, labels = DualTowerDataset(panel, target="rank")[torch.arange(6)]
    assert labels["target_7d"].nan_to_num(nan=9).tolist() == [1, -1, 0, 9, 0, 0]


@pytest.mark.parametrize("target", ["tanh", "rank"])
def test_returns_of_later_entries_are_neither_inputs_nor_labels(target):
    panel = planted_panel(dates=4)
    told = panel.with_columns(
        pl.lit(value).alias(f"return_{h}d_{entry}")
        for value, (h, entry) in enumerate(
            (h, e) for h in (7, 30) for e in ("next_open", "next_close")
        )
    )
    assert torch.equal(
        DualTowerDataset(told, target=target).rows, DualTowerDataset(panel, target=target).rows
    )


def test_shuffled_batches_cover_every_row_once():
    dataset = DualTowerDataset(planted_panel(dates=7))
    seen = contexts(BatchLoader(dataset, 16, shuffle=True))
    assert torch.equal(seen.sort(dim=0).values, dataset.rows[:, :25].sort(dim=0).values)


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [(64, [32, 32]), (65, [32, 33]), (66, [32, 32, 2]), (33, [33]), (1, [1]), (20, [20])],
)
@pytest.mark.parametrize("shuffle", [True, False])
def test_a_last_batch_of_one_row_joins_the_one_before(rows, sizes, shuffle):
    dataset = DualTowerDataset(planted_panel(dates=7).head(rows))
    loader = BatchLoader(dataset, 32, shuffle=shuffle)
    assert [len(context) for context, _, _ in loader] == sizes
    assert len(loader) == len(sizes)


def test_the_order_follows_from_seed_and_epoch_alone():
    dataset = DualTowerDataset(planted_panel(dates=7))
    first, again, other = (BatchLoader(dataset, 16, shuffle=True, seed=seed) for seed in (1, 1, 2))
    epochs = [contexts(first) for _ in range(3)]
    assert not torch.equal(epochs[0], epochs[1])
    assert not torch.equal(epochs[0], contexts(other))
    again.set_epoch(2)
    torch.manual_seed(99)
    assert torch.equal(contexts(again), epochs[2])


def test_validation_and_test_rows_keep_the_order_of_the_panel():
    data = DualTowerDataModule(planted_panel(), batch_size=16)
    rows = data.panel.filter(pl.col("split") == "test")
    assert torch.equal(contexts(data.test_dataloader()), data.test.rows[:, :25])
    scaled = data.scaler.transform(rows).values[:, :25]
    np.testing.assert_array_equal(contexts(data.test_dataloader()).numpy(), scaled)


def test_rows_without_any_known_label_are_left_out_of_every_part():
    data = DualTowerDataModule(planted_panel(dates=40, tickers=10))
    # 28 + 6 + 6 dates; the last date of training and of validation has no label left.
    assert (len(data.train), len(data.validation), len(data.test)) == (270, 50, 60)
    for part in (data.train, data.validation, data.test):
        assert not part.rows[:, :87].isnan().any()


def test_pandas_and_polars_frames_give_the_same_tensors():
    panel = planted_panel(dates=20).with_columns(
        pl.when(pl.col("ticker") != "T003").then(pl.col("target_30d")).alias("target_30d"),
        pl.when(pl.col("ticker") != "T004").then(pl.col("macro_vix")).alias("macro_vix"),
    )
    ours, theirs = DualTowerDataModule(panel), DualTowerDataModule(panel.to_pandas())
    assert ours.scaler == theirs.scaler
    np.testing.assert_array_equal(ours.train.rows.numpy(), theirs.train.rows.numpy())


def test_a_split_column_is_used_as_it_is():
    panel = time_split(planted_panel()).with_columns(
        pl.col("split").replace({"test": "validation", "validation": "test"})
    )
    assert len(DualTowerDataModule(panel).validation) == 60


def test_wrong_input_is_refused_with_the_remedy():
    panel = planted_panel()
    with pytest.raises(ConfigError, match="batch_size must be at least 2"):
        create_data_loaders(panel, batch_size=1)
    with pytest.raises(DataError, match="polars or pandas DataFrame, however: dict"):
        create_data_loaders({})
    with pytest.raises(DataError, match="the train part must have rows with a known label"):
        create_data_loaders(
            time_split(panel).with_columns(
                pl.lit(None, pl.Float64).alias("target_7d"),
                pl.lit(None, pl.Float64).alias("target_30d"),
            )
        )
    with pytest.raises(DataError, match="target_90d"):
        create_data_loaders(panel, horizons=(90,))


def test_a_scaler_of_training_rows_serves_other_rows():
    panel = planted_panel(dates=8)
    scaler = Scaler.fit(panel.head(40))
    expected = scaler.transform(panel.tail(40)).values
    dataset = DualTowerDataset(panel.tail(40), scaler)
    np.testing.assert_array_equal(dataset.rows[:, :87].numpy(), expected)


def test_a_negative_seed_is_refused():
    train, _, _ = create_data_loaders(planted_panel(), seed=-1)
    with pytest.raises(ConfigError, match="seed must be 0 or more, however: -1"):
        next(iter(train))


def test_every_item_is_named_by_its_ticker_and_date():
    panel = planted_panel().with_columns(
        pl.when(pl.col("ticker") != "T003").then(pl.col("^target_.*$")).name.keep()
    )
    data = DualTowerDataModule(panel)
    keys = data.test.keys
    named = keys.join(data.panel, on=["ticker", "as_of"], how="left", maintain_order="left")
    assert len(keys) == len(data.test)
    assert "T003" not in keys["ticker"]
    _, _, labels = data.test[torch.arange(len(keys))]
    np.testing.assert_allclose(labels["target_7d"], named["target_7d"].to_numpy(), atol=1e-7)
