"""The dual-tower network and its losses."""

from stocktrend.model.device import resolve_device
from stocktrend.model.dual_tower import (
    DualTowerRelevanceModel,
    Interaction,
    ModelShape,
    create_model,
)
from stocktrend.model.losses import (
    DualTowerLoss,
    EmbeddingMagnitudeLoss,
    RelevanceDirectionLoss,
    RelevanceRegressionLoss,
    TowerRegularizationLoss,
    direction,
)
from stocktrend.model.towers import ContextTower, HeadOutput, RelevanceHead, StockTower

__all__ = [
    "ContextTower",
    "DualTowerLoss",
    "DualTowerRelevanceModel",
    "EmbeddingMagnitudeLoss",
    "HeadOutput",
    "Interaction",
    "ModelShape",
    "RelevanceDirectionLoss",
    "RelevanceHead",
    "RelevanceRegressionLoss",
    "StockTower",
    "TowerRegularizationLoss",
    "create_model",
    "direction",
    "resolve_device",
]
