"""The steps that an audit runs: those of production, or others put in their place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import polars as pl

from stocktrend.config import Settings
from stocktrend.dataset.scaling import Scaler, training_scaler
from stocktrend.dataset.splits import time_split
from stocktrend.evaluation.calibration import Calibrator
from stocktrend.lake import Records
from stocktrend.panel import build_panel

PanelStep: TypeAlias = Callable[[Records, Settings], pl.DataFrame]


@dataclass(frozen=True)
class Steps:
    """What stands between records and training, one function a step.

    Attributes:
        panel: Records and settings to rows with features and labels.
        split: Panel, split settings and horizons to the panel with ``split`` and masked labels.
        scaler: The split panel, the kind of scaling and the model's inputs to a scaler.
        calibrator: Predictions beside ``split`` and targets, and horizons, to a calibration.
    """

    panel: PanelStep = build_panel
    split: Callable[..., pl.DataFrame] = time_split
    scaler: Callable[..., Scaler] = training_scaler
    calibrator: Callable[..., Calibrator] = Calibrator.fit
