"""The original design's module names give stocktrend's own objects, and nothing else."""

import importlib

import pytest

import stocktrend.dataset
import stocktrend.model
import stocktrend.panel
import stocktrend.training


@pytest.mark.parametrize(
    ("module", "origin", "names"),
    [
        (
            "models.dual_tower_model",
            stocktrend.model,
            "ContextTower StockTower RelevanceHead DualTowerRelevanceModel create_model",
        ),
        (
            "models.dual_tower_loss",
            stocktrend.model,
            "RelevanceRegressionLoss RelevanceDirectionLoss TowerRegularizationLoss "
            "EmbeddingMagnitudeLoss DualTowerLoss",
        ),
        (
            "models.dual_tower_data",
            stocktrend.dataset,
            "DualTowerDataset DualTowerDataModule create_data_loaders",
        ),
        (
            "models.dual_tower_trainer",
            stocktrend.training,
            "DualTowerTrainer create_optimizer create_scheduler",
        ),
        ("core.training_data", stocktrend.panel, "UnifiedTrainingDataProcessor"),
    ],
)
def test_every_name_of_the_design_is_stocktrends_own(module, origin, names):
    exported = importlib.import_module(f"data_pipeline.{module}")
    assert sorted(exported.__all__) == sorted(names.split())
    for name in exported.__all__:
        assert getattr(exported, name) is getattr(origin, name)
