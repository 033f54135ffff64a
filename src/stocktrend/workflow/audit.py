"""The look-ahead audit as a step: of a data root, and of the run that was trained there."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import polars as pl

from stocktrend.atomic import write_json
from stocktrend.auditing import (
    ROW_SETTINGS,
    AuditReport,
    Made,
    Steps,
    Stored,
    Trained,
    examine,
)
from stocktrend.catalog import FEATURES
from stocktrend.config import Settings
from stocktrend.features.own import Feature
from stocktrend.features.own_files import load_features
from stocktrend.features.text import TextScorer, load_scorer
from stocktrend.lake import Lake
from stocktrend.panel import build_panel as compute_panel
from stocktrend.progress import Progress, silent
from stocktrend.threads import one_torch_thread
from stocktrend.workflow.material import settings_of
from stocktrend.workflow.page import report
from stocktrend.workflow.places import lake_folder
from stocktrend.workflow.run import AUDIT_FILE, Run, features_of, finished_runs, load_run
from stocktrend.workflow.steps import rows_of

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

    The features are audited as the settings give them now, beside those of the run; its training
    with its own settings and the lake as it was then. Its ``report.html`` is written again with
    the result. Where there is no run the features alone are audited.

    Args:
        run_id: Which run; default: the newest, or none where there is none.
        samples: Pairs (ticker, as_of) at least.
        seed: Of their choice and of the changes.
        settings: Of the features; default: those of the data root.
        steps: In place of production's.
        created: Time shown in the run's report. Default: now.

    Returns:
        What was found; it is also kept as ``audit.json``, in the run's folder or the data root.

    Raises:
        ConfigError: no such run, or ``samples`` or ``seed`` is wrong.
    """
    folder = Path(root)
    chosen = settings_of(folder, settings)
    lake, own = Lake(lake_folder(folder)).as_now(), load_features(chosen, folder)
    scorer = load_scorer(chosen, folder)
    look = partial(examine, lake, chosen, samples=samples, seed=seed, progress=progress)
    if run_id is None and not finished_runs(folder):
        found = look(steps=steps or _production(own, scorer))
        write_json(folder / AUDIT_FILE, found.to_dict())
        return found
    run = load_run(folder, run_id)
    panel = rows_of(run, folder, progress)
    both, distinct = _united(own, features_of(run, folder))
    used = steps or _production(both, scorer)
    made = Made(
        lake if lake.versions() == run.versions else Lake(lake.path, versions=run.versions),
        run.settings,
        used
        if steps or (distinct and run.settings.text == chosen.text)
        else _production(features_of(run, folder), load_scorer(run.settings, folder)),
    )
    trained = replace(_trained(run, panel), made=made, notes=_apart(run, chosen, own, lake))
    with one_torch_thread():
        found = look(steps=used, trained=trained)
    assert run.folder is not None
    write_json(run.folder / AUDIT_FILE, found.to_dict())
    report(replace(run, panel=panel), created=created)
    return found


def _united(now: Sequence[Feature], then: Sequence[Feature]) -> tuple[list[Feature], bool]:
    """The settings' features and the run's, and whether no name stands for two of them.

    A name that stands for two is the settings'; the run's gets another.
    """
    ours = {own.name: own for own in now}
    others = [own for own in then if own.name not in ours]
    clashing = [own for own in then if own.name in ours and not _alike(own, ours[own.name])]
    renamed = [replace(own, name=f"{own.name}_of_the_run") for own in clashing]
    return [*now, *others, *renamed], not clashing


def _alike(first: Feature, second: Feature) -> bool:
    """Whether two are one function of one file, each loaded by itself."""
    one, other = (getattr(own.compute, "__code__", None) for own in (first, second))
    if one is None or other is None:
        return False
    return bool(one == other and one.co_filename == other.co_filename)


def _apart(run: Run, settings: Settings, own: Sequence[Feature], lake: Lake) -> tuple[str, ...]:
    """In what a run is not what the settings and the lake would give now."""
    learnt, now = set(run.forecaster.inputs.names), {feature.name for feature in own}
    new = [feature.name for feature in own if feature.name not in learnt]
    gone = [name for name in run.forecaster.inputs.names if name not in {*FEATURES, *now}]
    pairs = {n: (getattr(run.settings, n), getattr(settings, n)) for n in ROW_SETTINGS}
    notes = []
    if new:
        listed = ", ".join(new)
        notes.append(f"Run {run.id} was trained before {listed}: train again to have it.")
    if gone:
        listed = ", ".join(gone)
        notes.append(f"Run {run.id} reads {listed}, which the settings no longer name.")
    notes += [
        f"Run {run.id} was trained with {name} {theirs}, the settings have {ours}: "
        "its training was audited with its own, the features with the settings'."
        for name, (theirs, ours) in pairs.items()
        if theirs != ours
    ]
    if lake.versions() != run.versions:
        notes.append(
            f"Records came after run {run.id} was trained: the features were audited on all, the "
            "training on those that it read."
        )
    return tuple(notes)


def _production(own: Sequence[Feature], scorer: TextScorer) -> Steps:
    return Steps(panel=partial(compute_panel, features=own, scorer=scorer))


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
