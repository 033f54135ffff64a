"""stocktrend: how relevant is today's context to each stock's trend, and in which direction?

The one public door. Names are imported when they are first used, so that ``import stocktrend``
and the command line's help stay quick.

>>> import stocktrend as st
>>> len(st.CONTEXT_FEATURES), len(st.STOCK_FEATURES)
(25, 62)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from stocktrend._version import __version__

if TYPE_CHECKING:
    from stocktrend.auditing import AuditReport
    from stocktrend.catalog import CONTEXT_FEATURES, FEATURES, STOCK_FEATURES
    from stocktrend.config import Settings
    from stocktrend.dataset import DualTowerDataModule, DualTowerDataset, create_data_loaders
    from stocktrend.errors import (
        ConfigError,
        DataError,
        LakeError,
        ModelError,
        SourceError,
        StocktrendError,
    )
    from stocktrend.evaluation.bootstrap import Estimate
    from stocktrend.evaluation.results import Evaluation
    from stocktrend.features.known import known_records
    from stocktrend.features.own import Feature, feature
    from stocktrend.features.own_files import load_features
    from stocktrend.features.stock import stock_features
    from stocktrend.features.text import HeadlineScorer, PolicyScorer, TextScorer
    from stocktrend.ingestion import IngestReport
    from stocktrend.lake import Lake
    from stocktrend.model import (
        ContextTower,
        DualTowerLoss,
        DualTowerRelevanceModel,
        RelevanceHead,
        StockTower,
        create_model,
    )
    from stocktrend.panel import UnifiedTrainingDataProcessor
    from stocktrend.quality import QualityReport, rule
    from stocktrend.recipe import PRESETS, Recipe
    from stocktrend.settings import load_settings
    from stocktrend.sources.market import SimulatedMarket, simulate
    from stocktrend.sources.sample import SampleMarket, sample
    from stocktrend.training import DualTowerTrainer, create_optimizer, create_scheduler
    from stocktrend.workflow.audit import audit
    from stocktrend.workflow.checking import check
    from stocktrend.workflow.comparing import Compared, compare
    from stocktrend.workflow.fetching import FetchReport, fetch
    from stocktrend.workflow.page import report
    from stocktrend.workflow.prediction import predict
    from stocktrend.workflow.rebuilding import Rebuilt, rebuild
    from stocktrend.workflow.run import Run, load_run
    from stocktrend.workflow.steps import (
        build_panel,
        evaluate,
        ingest,
        run,
        train,
    )
    from stocktrend.workflow.study import Study, load_study
    from stocktrend.workflow.update import Update, update
    from stocktrend.workflow.walking import walk_forward

_HOME = {
    "stocktrend.auditing": ("AuditReport",),
    "stocktrend.catalog": ("CONTEXT_FEATURES", "FEATURES", "STOCK_FEATURES"),
    "stocktrend.config": ("Settings",),
    "stocktrend.quality": ("QualityReport", "rule"),
    "stocktrend.recipe": ("PRESETS", "Recipe"),
    "stocktrend.dataset": ("DualTowerDataModule", "DualTowerDataset", "create_data_loaders"),
    "stocktrend.errors": (
        "ConfigError",
        "DataError",
        "LakeError",
        "ModelError",
        "SourceError",
        "StocktrendError",
    ),
    "stocktrend.evaluation.bootstrap": ("Estimate",),
    "stocktrend.evaluation.results": ("Evaluation",),
    "stocktrend.features.known": ("known_records",),
    "stocktrend.features.own": ("Feature", "feature"),
    "stocktrend.features.own_files": ("load_features",),
    "stocktrend.features.stock": ("stock_features",),
    "stocktrend.features.text": ("HeadlineScorer", "PolicyScorer", "TextScorer"),
    "stocktrend.ingestion": ("IngestReport",),
    "stocktrend.lake": ("Lake",),
    "stocktrend.model": (
        "ContextTower",
        "DualTowerLoss",
        "DualTowerRelevanceModel",
        "RelevanceHead",
        "StockTower",
        "create_model",
    ),
    "stocktrend.panel": ("UnifiedTrainingDataProcessor",),
    "stocktrend.settings": ("load_settings",),
    "stocktrend.sources.market": ("SimulatedMarket", "simulate"),
    "stocktrend.sources.sample": ("SampleMarket", "sample"),
    "stocktrend.training": ("DualTowerTrainer", "create_optimizer", "create_scheduler"),
    "stocktrend.workflow.audit": ("audit",),
    "stocktrend.workflow.checking": ("check",),
    "stocktrend.workflow.comparing": ("Compared", "compare"),
    "stocktrend.workflow.fetching": ("FetchReport", "fetch"),
    "stocktrend.workflow.page": ("report",),
    "stocktrend.workflow.prediction": ("predict",),
    "stocktrend.workflow.rebuilding": ("Rebuilt", "rebuild"),
    "stocktrend.workflow.run": ("Run", "load_run"),
    "stocktrend.workflow.steps": (
        "build_panel",
        "evaluate",
        "ingest",
        "run",
        "train",
    ),
    "stocktrend.workflow.study": ("Study", "load_study"),
    "stocktrend.workflow.update": ("Update", "update"),
    "stocktrend.workflow.walking": ("walk_forward",),
}
_WHERE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "CONTEXT_FEATURES",
    "FEATURES",
    "PRESETS",
    "STOCK_FEATURES",
    "AuditReport",
    "Compared",
    "ConfigError",
    "ContextTower",
    "DataError",
    "DualTowerDataModule",
    "DualTowerDataset",
    "DualTowerLoss",
    "DualTowerRelevanceModel",
    "DualTowerTrainer",
    "Estimate",
    "Evaluation",
    "Feature",
    "FetchReport",
    "HeadlineScorer",
    "IngestReport",
    "Lake",
    "LakeError",
    "ModelError",
    "PolicyScorer",
    "QualityReport",
    "Rebuilt",
    "Recipe",
    "RelevanceHead",
    "Run",
    "SampleMarket",
    "Settings",
    "SimulatedMarket",
    "SourceError",
    "StockTower",
    "StocktrendError",
    "Study",
    "TextScorer",
    "UnifiedTrainingDataProcessor",
    "Update",
    "__version__",
    "audit",
    "build_panel",
    "check",
    "compare",
    "create_data_loaders",
    "create_model",
    "create_optimizer",
    "create_scheduler",
    "evaluate",
    "feature",
    "fetch",
    "ingest",
    "known_records",
    "load_features",
    "load_run",
    "load_settings",
    "load_study",
    "predict",
    "rebuild",
    "report",
    "rule",
    "run",
    "sample",
    "simulate",
    "stock_features",
    "train",
    "update",
    "walk_forward",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'stocktrend' has no attribute {name!r}")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
