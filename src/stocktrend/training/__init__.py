"""Training of one model and of ensembles."""

from stocktrend.training.checkpoints import Checkpoints
from stocktrend.training.ensemble import Ensemble
from stocktrend.training.metrics import VALIDATION_METRICS
from stocktrend.training.optimization import create_optimizer, create_scheduler
from stocktrend.training.standing import History
from stocktrend.training.together import train_ensemble, train_ensembles
from stocktrend.training.trainer import DualTowerTrainer

__all__ = [
    "VALIDATION_METRICS",
    "Checkpoints",
    "DualTowerTrainer",
    "Ensemble",
    "History",
    "create_optimizer",
    "create_scheduler",
    "train_ensemble",
    "train_ensembles",
]
