"""Re-export of the model. Run as a module it verifies the installation."""

from stocktrend.model import (
    ContextTower,
    DualTowerRelevanceModel,
    RelevanceHead,
    StockTower,
    create_model,
)
from stocktrend.model.verification import verify_installation

__all__ = [
    "ContextTower",
    "DualTowerRelevanceModel",
    "RelevanceHead",
    "StockTower",
    "create_model",
]

if __name__ == "__main__":
    print(verify_installation())  # noqa: T201
