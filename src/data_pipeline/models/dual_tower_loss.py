"""Re-export of the losses."""

from stocktrend.model.losses import (
    DualTowerLoss,
    EmbeddingMagnitudeLoss,
    RelevanceDirectionLoss,
    RelevanceRegressionLoss,
    TowerRegularizationLoss,
)

__all__ = [
    "DualTowerLoss",
    "EmbeddingMagnitudeLoss",
    "RelevanceDirectionLoss",
    "RelevanceRegressionLoss",
    "TowerRegularizationLoss",
]
