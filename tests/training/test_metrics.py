"""Validation metrics against numpy."""

import math

import numpy as np
import pytest
import torch

from stocktrend.training.metrics import VALIDATION_METRICS, measure


def test_metrics_agree_with_numpy_over_known_targets_only():
    generator = np.random.default_rng(0)
    score, target = generator.normal(size=(2, 200)) * 0.3
    known = target.copy()
    target[::7] = np.nan
    keep = ~np.isnan(target)
    measured = measure(VALIDATION_METRICS, {7: torch.tensor(score)}, {7: torch.tensor(target)})
    score, known = score[keep], known[keep]
    moved = known != 0
    assert measured == pytest.approx(
        {
            "mse_7d": np.mean((score - known) ** 2),
            "mae_7d": np.mean(np.abs(score - known)),
            "correlation_7d": np.corrcoef(score, known)[0, 1],
            "direction_accuracy_7d": np.mean(np.sign(score[moved]) == np.sign(known[moved])),
        }
    )


def test_a_constant_score_has_no_correlation():
    measured = measure(VALIDATION_METRICS, {7: torch.ones(5)}, {7: torch.linspace(-1, 1, 5)})
    assert math.isnan(measured["correlation_7d"])
    assert measured["direction_accuracy_7d"] == 0.5


def test_a_horizon_without_known_targets_measures_nothing():
    measured = measure(VALIDATION_METRICS, {7: torch.ones(2)}, {7: torch.full((2,), math.nan)})
    assert all(math.isnan(value) for value in measured.values())


def test_metrics_can_be_ones_own():
    worst = {"worst": lambda score, target: float((score - target).abs().max())}
    scores, targets = {5: torch.tensor([0.0, 1.0])}, {5: torch.tensor([0.5, -1.0])}
    assert measure(worst, scores, targets) == {"worst_5d": 2.0}
