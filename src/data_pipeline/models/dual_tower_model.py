"""Re-export of the model. Run as a module or as a file, it verifies the installation."""

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
    modules = [
        "stocktrend",
        "data_pipeline.core.training_data",
        *(
            f"data_pipeline.models.dual_tower_{part}"
            for part in ("model", "loss", "data", "trainer")
        ),
    ]
    print(verify_installation(modules))  # noqa: T201
