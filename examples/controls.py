"""What scores that know nothing would reach."""

from collections.abc import Mapping

import polars as pl
import torch
from torch import Tensor

from stocktrend.training import VALIDATION_METRICS
from stocktrend.training.metrics import measure

WORDS = {
    "mse": "MSE",
    "mae": "MAE",
    "correlation": "correlation",
    "direction_accuracy": "direction accuracy",
}


def beside_controls(metrics: Mapping[str, float], targets: Mapping[int, Tensor]) -> pl.DataFrame:
    """Each metric beside that of a control.

    Returns:
        ``horizon, metric, model, control``. The control is a score of 0 for MSE and MAE, a score
        that is always positive for the direction accuracy, and 0 for the correlation.
    """
    zeros = {h: torch.zeros_like(target) for h, target in targets.items()}
    ones = {h: torch.ones_like(target) for h, target in targets.items()}
    of_zero = measure(VALIDATION_METRICS, zeros, targets)
    of_up = measure(VALIDATION_METRICS, ones, targets)
    controls = {"mse": of_zero, "mae": of_zero, "direction_accuracy": of_up}
    lines = []
    for name, value in metrics.items():
        kind, _, horizon = name.rpartition("_")
        control = controls.get(kind, {}).get(name, 0.0)
        lines.append((horizon, WORDS[kind], value, control))
    return pl.DataFrame(lines, schema=["horizon", "metric", "model", "control"], orient="row")
