"""Tensors and batches.

The rows of a part lie in memory as one float32 matrix: inputs of the context tower, inputs of the
stock tower, one target per horizon. A batch is one gather of that matrix; its parts are views. No
Python runs per row.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

import numpy as np
import polars as pl
import torch
from torch import Tensor
from torch.utils.data import Dataset

from stocktrend.catalog import OURS, Inputs
from stocktrend.config import Split
from stocktrend.dataset.frames import Frame, require_columns, to_polars
from stocktrend.dataset.scaling import Scaler, Scaling, rank_within, training_scaler
from stocktrend.dataset.seeds import epoch_seed
from stocktrend.dataset.splits import SPLITS, time_split
from stocktrend.errors import ConfigError, DataError

Sample: TypeAlias = tuple[Tensor, Tensor, dict[str, Tensor]]
Target = Literal["tanh", "rank"]


class DualTowerDataset(Dataset[Sample]):
    """Rows of a panel as tensors.

    An item is (context (25,), stock (62,), labels) with labels ``target_{h}d``, NaN where not
    known; an index may be an int or a tensor of positions, which gives a batch. With own features
    among the scaler's inputs context and stock have more columns.

    Args:
        df: Panel rows, polars or pandas; those without any known label may be among them.
        scaler: Fitted on training rows. None fits one on these rows: right for training rows only.
        horizons: Days.
        target: ``tanh`` takes ``target_{h}d``; ``rank`` takes the rank of ``return_{h}d`` within
            ``as_of``, scaled to [-1, 1]: the frame then has to hold whole dates.

    Attributes:
        keys: ``ticker`` and ``as_of`` of each item, in their order.

    Raises:
        DataError: columns are missing or features infinite.
    """

    def __init__(
        self,
        df: Frame,
        scaler: Scaler | None = None,
        horizons: Sequence[int] = (7, 30),
        target: Target = "tanh",
    ) -> None:
        panel = to_polars(df)
        require_columns(panel, ["ticker", "as_of"], "DualTowerDataset")
        self.keys = panel.select("ticker", "as_of")
        self.horizons = tuple(horizons)
        self.scaler = scaler or Scaler.fit(panel)
        scaled = self.scaler.transform(panel)
        self.width, self.context_width = scaled.values.shape[1], len(self.scaler.inputs.context)
        self.filled = scaled.filled
        labels = training_targets(panel, self.horizons, target)
        self.rows = torch.from_numpy(np.concatenate([scaled.values, labels], axis=1))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int | Tensor) -> Sample:
        return self.unpack(self.rows[index])

    def unpack(self, rows: Tensor) -> Sample:
        """(..., 87 + H) -> context (..., 25), stock (..., 62), labels of (...): views."""
        context, width = self.context_width, self.width
        labels = {f"target_{h}d": rows[..., width + i] for i, h in enumerate(self.horizons)}
        return rows[..., :context], rows[..., context:width], labels


class BatchLoader:
    """Batches of a dataset straight from memory.

    A last batch of one row joins the batch before, since batch norm cannot train on it. With
    ``shuffle`` the order is a permutation drawn from (seed, epoch), so an epoch's batches do not
    depend on what ran before; ``set_epoch`` chooses the epoch, and each pass advances it.

    Raises:
        ConfigError: the batch size is below 2.
    """

    def __init__(
        self, dataset: DualTowerDataset, batch_size: int = 32, *, shuffle: bool, seed: int = 0
    ) -> None:
        if batch_size < 2:
            raise ConfigError(f"batch_size must be at least 2, however: {batch_size}")
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """The next pass uses this epoch's order."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Number of batches."""
        return len(self._sizes())

    def __iter__(self) -> Iterator[Sample]:
        rows = self.dataset.rows
        unpack = self.dataset.unpack
        if self.shuffle:
            order, sizes = self.epoch_order(self.epoch)
            self.epoch += 1
            for positions in torch.split(order, sizes):
                yield unpack(rows.index_select(0, positions))
        else:
            for block in torch.split(rows, self._sizes()):
                yield unpack(block)

    def epoch_order(self, epoch: int) -> tuple[Tensor, list[int]]:
        """Positions of an epoch's rows in their order, and the sizes of its batches."""
        rows = len(self.dataset)
        if not self.shuffle:
            return torch.arange(rows), self._sizes()
        generator = torch.Generator().manual_seed(epoch_seed(self.seed, epoch, "order"))
        return torch.randperm(rows, generator=generator), self._sizes()

    def _sizes(self) -> list[int]:
        full, rest = divmod(len(self.dataset), self.batch_size)
        sizes = [self.batch_size] * full
        if rest == 1 and full:
            sizes[-1] += 1
        elif rest:
            sizes.append(rest)
        return sizes


class DualTowerDataModule:
    """Splits a panel by date, fits the scaler on its training rows, and makes the loaders.

    Rows without any known label are left out: nothing can be learnt from or measured on them.

    Args:
        df: Panel, polars or pandas. A ``split`` column (of ``time_split``) is used as it is.
        batch_size: Rows a batch.
        horizons: Days.
        split: Shares or dates; default 70/15/15 of the dates.
        features: ``zscore`` or ``rank`` scaling.
        target: ``tanh`` or ``rank``.
        seed: Of the order of training rows.
        inputs: Columns that the towers read; default: the 87.

    Attributes:
        panel: All rows with ``split`` and masked labels.
        scaler: Fitted on the training rows.
        train: And ``validation``, ``test``: the datasets.

    Raises:
        DataError: columns are missing, or a part has no row with a known label.
        ConfigError: split settings contradict each other.
    """

    def __init__(
        self,
        df: Frame,
        batch_size: int = 32,
        *,
        horizons: Sequence[int] = (7, 30),
        split: Split | None = None,
        features: Scaling = "zscore",
        target: Target = "tanh",
        seed: int = 0,
        inputs: Inputs | None = None,
    ) -> None:
        panel = to_polars(df)
        if "split" not in panel.columns:
            panel = time_split(panel, split, horizons)
        self.panel = panel
        self.batch_size = batch_size
        self.seed = seed
        self.scaler = training_scaler(panel, features, inputs or OURS)
        self.train, self.validation, self.test = (
            self._part(name, horizons, target) for name in SPLITS
        )

    def _part(self, name: str, horizons: Sequence[int], target: Target) -> DualTowerDataset:
        rows = self.panel.filter(pl.col("split") == name)
        dataset = DualTowerDataset(rows, self.scaler, horizons, target)
        labelled = ~dataset.rows[:, dataset.width :].isnan().all(dim=1)
        dataset.rows = dataset.rows[labelled]
        dataset.keys = dataset.keys.filter(pl.Series(labelled.numpy()))
        if not len(dataset):
            raise DataError(
                f"the {name} part must have rows with a known label, however: none of its "
                f"{len(rows)} rows has one. Labels that reach past the part's last date are "
                f"purged: use a longer period or other split settings"
            )
        return dataset

    def train_dataloader(self) -> BatchLoader:
        """Shuffled batches of the training rows."""
        return BatchLoader(self.train, self.batch_size, shuffle=True, seed=self.seed)

    def val_dataloader(self) -> BatchLoader:
        """Batches of the validation rows, in the panel's order."""
        return BatchLoader(self.validation, self.batch_size, shuffle=False)

    def test_dataloader(self) -> BatchLoader:
        """Batches of the test rows, in the panel's order."""
        return BatchLoader(self.test, self.batch_size, shuffle=False)


def create_data_loaders(
    df: Frame,
    batch_size: int = 32,
    *,
    horizons: Sequence[int] = (7, 30),
    split: Split | None = None,
    features: Scaling = "zscore",
    target: Target = "tanh",
    seed: int = 0,
) -> tuple[BatchLoader, BatchLoader, BatchLoader]:
    """Loaders of training, validation and test rows; see ``DualTowerDataModule``.

    Each yields (context (B, 25), stock (B, 62), labels) in float32, with labels ``target_{h}d``
    (B,), NaN where not known.
    """
    data = DualTowerDataModule(
        df,
        batch_size,
        horizons=horizons,
        split=split,
        features=features,
        target=target,
        seed=seed,
    )
    return data.train_dataloader(), data.val_dataloader(), data.test_dataloader()


def training_targets(
    panel: pl.DataFrame, horizons: Sequence[int], target: Target
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """(n, H) float32 targets, NaN where not known."""
    source = "target" if target == "tanh" else "return"
    names = [f"{source}_{h}d" for h in horizons]
    require_columns(panel, [*names, "as_of"], "labels")
    labels = panel.select("as_of", pl.col(names).cast(pl.Float64).fill_nan(None))
    if target == "rank":
        labels = labels.with_columns(rank_within("as_of", names))
    return labels.select(pl.col(names).cast(pl.Float32)).to_numpy(order="c")
