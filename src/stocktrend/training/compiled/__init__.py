"""The training loop of one member, compiled."""

from stocktrend.training.compiled.trainer import CompiledTraining

__all__ = ["CompiledTraining"]
