"""From a panel to batches: split by date, scale on training rows, tensors in memory."""

from stocktrend.dataset.frames import Frame, to_polars
from stocktrend.dataset.samples import (
    BatchLoader,
    DualTowerDataModule,
    DualTowerDataset,
    create_data_loaders,
)
from stocktrend.dataset.scaling import Scaled, Scaler, rank_within
from stocktrend.dataset.splits import SPLITS, time_split

__all__ = [
    "SPLITS",
    "BatchLoader",
    "DualTowerDataModule",
    "DualTowerDataset",
    "Frame",
    "Scaled",
    "Scaler",
    "create_data_loaders",
    "rank_within",
    "time_split",
    "to_polars",
]
