"""Re-export of the trainer and its factories."""

from stocktrend.training import DualTowerTrainer, create_optimizer, create_scheduler

__all__ = ["DualTowerTrainer", "create_optimizer", "create_scheduler"]
