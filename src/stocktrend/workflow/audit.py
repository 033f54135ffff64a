"""The look-ahead audit as a step: of a data root, and of the run that was trained there."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import polars as pl

from stocktrend.atomic import write_json
from stocktrend.auditing import AuditReport, Steps, Stored, Trained, examine
from stocktrend.config import Settings
from stocktrend.errors import ConfigError
from stocktrend.features.own import Feature
from stocktrend.features.own_files import load_features
from stocktrend.lake import Lake
from stocktrend.panel import build_panel as compute_panel
from stocktrend.progress import Progress, silent
from stocktrend.workflow.fit import torch_threads
from stocktrend.workflow.page import report
from stocktrend.workflow.places import lake_folder
from stocktrend.workflow.run import AUDIT_FILE, Run, features_of, finished_runs, load_run
from stocktrend.workflow.steps import rows_of, settings_of

Root = Path | str


def audit(
    root: Root,
    run_id: str | None = None,
    *,
    samples: int = 200,
    seed: int = 0,
    settings: Settings | None = None,
    steps: Steps | None = None,
    created: datetime | None = None,
    progress: Progress = silent,
) -> AuditReport:
    """Look for look-ahead in the features of a data root, and in a trained run.

    With a run its own settings and the lake as it was then are audited, and its ``report.html``
    is written again with the result. Without one the features alone are.

    Args:
        run_id: Which run; default: the newest, or none where there is none.
        samples: Pairs (ticker, as_of) at least.
        seed: Of their choice and of the changes.
        settings: Without a run; default: those of the data root.
        steps: In place of production's.
        created: Time shown in the run's report. Default: now.

    Returns:
        What was found; it is also kept as ``audit.json``, in the run's folder or the data root.

    Raises:
        ConfigError: no such run, or ``samples`` or ``seed`` is wrong.
    """
    folder = Path(root)
    if run_id is None and not finished_runs(folder):
        chosen = settings_of(folder, settings)
        found = examine(
            Lake(lake_folder(folder)),
            chosen,
            steps=steps or _production(load_features(chosen, folder)),
            samples=samples,
            seed=seed,
            progress=progress,
        )
        write_json(folder / AUDIT_FILE, found.to_dict())
        return found
    run = load_run(folder, run_id)
    if settings is not None:
        raise ConfigError(
            f"settings must be left out where a run is audited, however they are given: {run.id} "
            "has its own. Leave them out"
        )
    panel = rows_of(run, folder, progress)
    with torch_threads(run.settings.threads):
        found = examine(
            Lake(lake_folder(folder), versions=run.versions),
            run.settings,
            steps=steps or _production(features_of(run, folder)),
            trained=_trained(run, panel),
            samples=samples,
            seed=seed,
            progress=progress,
        )
    assert run.folder is not None
    write_json(run.folder / AUDIT_FILE, found.to_dict())
    report(replace(run, panel=panel), created=created)
    return found


def _production(own: Sequence[Feature]) -> Steps:
    return Steps(panel=partial(compute_panel, features=own))


def _trained(run: Run, panel: pl.DataFrame) -> Trained:
    ensemble = run.forecaster.ensemble
    stored = Stored(
        ensemble.scaler,
        run.forecaster.calibrator,
        run.predictions,
        ensemble.predict,
        run.forecaster.predict,
    )
    inputs = run.forecaster.inputs
    return Trained(run.id, run.recipe, panel, run.predictions, inputs, stored)
