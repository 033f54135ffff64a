"""Re-export of data sets and loaders."""

from stocktrend.dataset import DualTowerDataModule, DualTowerDataset, create_data_loaders

__all__ = ["DualTowerDataModule", "DualTowerDataset", "create_data_loaders"]
