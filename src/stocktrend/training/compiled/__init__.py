"""The training loop of one member, compiled."""

from stocktrend.training.compiled.blas import one_blas_thread
from stocktrend.training.compiled.trainer import CompiledTraining

__all__ = ["CompiledTraining", "one_blas_thread"]
