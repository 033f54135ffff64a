"""How good the scores are on dates that the model never saw, beside simple controls."""

from stocktrend.evaluation.bootstrap import Estimate
from stocktrend.evaluation.calibration import Calibrator
from stocktrend.evaluation.deciles import Decile
from stocktrend.evaluation.metrics import METRICS, Metrics, metrics
from stocktrend.evaluation.results import Comparison, Evaluation, HorizonEvaluation

__all__ = [
    "METRICS",
    "Calibrator",
    "Comparison",
    "Decile",
    "Estimate",
    "Evaluation",
    "HorizonEvaluation",
    "Metrics",
    "metrics",
]
