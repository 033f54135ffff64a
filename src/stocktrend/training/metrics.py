"""Validation metrics of one horizon: functions of scores and known targets, both (n,) float64."""

import math
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import torch
from torch import Tensor

Metric: TypeAlias = Callable[[Tensor, Tensor], float]


def mse(score: Tensor, target: Tensor) -> float:
    """Mean squared error."""
    return float((score - target).square().mean())


def mae(score: Tensor, target: Tensor) -> float:
    """Mean absolute error."""
    return float((score - target).abs().mean())


def correlation(score: Tensor, target: Tensor) -> float:
    """Pearson correlation; NaN where either is constant or there are fewer than two rows."""
    if len(score) < 2:
        return math.nan
    a, b = score - score.mean(), target - target.mean()
    spread = float(a.norm() * b.norm())
    return float(a @ b) / spread if spread > 0 else math.nan


def direction_accuracy(score: Tensor, target: Tensor) -> float:
    """Share of rows with the score on the target's side, of those with a target other than 0."""
    moved = target != 0
    return float((score[moved].sign() == target[moved].sign()).double().mean())


VALIDATION_METRICS: Final[Mapping[str, Metric]] = {
    "mse": mse,
    "mae": mae,
    "correlation": correlation,
    "direction_accuracy": direction_accuracy,
}


def measure(
    metrics: Mapping[str, Metric], scores: Mapping[int, Tensor], targets: Mapping[int, Tensor]
) -> dict[str, float]:
    """Every metric of every horizon, as ``{metric}_{h}d``, over the rows whose target is known.

    NaN where a horizon has no known target.
    """
    result = {}
    for h, target in targets.items():
        known = ~target.isnan()
        score, truth = scores[h][known].double(), target[known].double()
        for name, metric in metrics.items():
            result[f"{name}_{h}d"] = float(metric(score, truth)) if len(truth) else math.nan
    return result


def concatenate(batches: list[dict[int, Tensor]]) -> dict[int, Tensor]:
    """Batches of (B,) per horizon -> (n,) per horizon, on the CPU."""
    return {h: torch.cat([batch[h] for batch in batches]).cpu() for h in batches[0]}
