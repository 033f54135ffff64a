"""Re-export of the panel builder."""

from stocktrend.panel import UnifiedTrainingDataProcessor

__all__ = ["UnifiedTrainingDataProcessor"]
