"""Training as a step: split, train the members, calibrate, score every row, keep it on disk."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import polars as pl

from stocktrend.config import Settings, WalkForward
from stocktrend.dataset.frames import Frame, to_polars
from stocktrend.dataset.splits import time_split
from stocktrend.errors import ModelError
from stocktrend.evaluation.calibration import Calibrator
from stocktrend.evaluation.conformal import VOLATILITIES, Intervals
from stocktrend.features.own import Feature, model_inputs
from stocktrend.features.own_files import require_loaded
from stocktrend.lake.lock import only_writer
from stocktrend.progress import Progress, silent
from stocktrend.threads import one_torch_thread
from stocktrend.training import train_ensemble
from stocktrend.universe import Universe
from stocktrend.workflow.forecast import Forecaster, score_columns
from stocktrend.workflow.places import fingerprint, runs_folder
from stocktrend.workflow.run import MODEL_FOLDER, Run, save_model


def fit(
    panel: Frame,
    settings: Settings,
    *,
    root: Path | None,
    versions: Mapping[str, int] | None = None,
    features: Sequence[Feature] = (),
    files: Mapping[str, str] | None = None,
    universe: Universe | None = None,
    run_id: str | None = None,
    progress: Progress = silent,
) -> Run:
    """Train on the training dates, calibrate on the validation dates, score all.

    Args:
        panel: As ``build_panel`` makes it.
        settings: Preset, recipe, split, horizons and seed.
        root: Data root to keep the run in; None keeps it in memory.
        versions: The lake tables' versions that the panel was read from.
        features: Own features of the panel that the model is to read too.
        files: Digests of their files.
        universe: How much of their universe the panel holds.
        run_id: Default: made of the last date, the preset and a digest of settings and panel, so
            that the same inputs give the same id.

    Returns:
        The run, not evaluated yet. A training that was stopped goes on from its last saved epoch.

    Raises:
        ModelError: another program trains the same run.
        ConfigError: own features that the settings name are not given.
    """
    require_loaded(settings, features)
    settings = settings.model_copy(update={"walk_forward": WalkForward()})  # does not decide a run
    inputs = model_inputs(features)
    frame = time_split(to_polars(panel), settings.split, settings.horizons)
    preset, recipe = settings.recipe_for(frame["ticker"].n_unique())
    last = frame.select(pl.col("as_of").max().dt.strftime("%Y-%m-%d")).item()
    name = run_id or f"{last}-{preset}-{fingerprint(settings, recipe, frame, inputs)}"
    folder = None if root is None else runs_folder(root) / name
    with one_torch_thread(), alone(folder, f"run {name}"):
        ensemble = train_ensemble(
            frame,
            recipe,
            horizons=settings.horizons,
            seed=settings.seed,
            inputs=inputs,
            folder=None if folder is None else folder / MODEL_FOLDER,
            threads=settings.threads,
            progress=progress,
        )
        raw = with_outcomes(ensemble.predict(frame), frame, settings)
        calibrator = Calibrator.fit(raw, settings.horizons) if recipe.calibrate else None
        shown = raw if calibrator is None else calibrator.apply(raw)
        intervals = Intervals.fit(shown, settings.horizons, settings.coverage)
        run = Run(
            id=name,
            settings=settings,
            preset=preset,
            recipe=recipe,
            forecaster=Forecaster(ensemble, calibrator, intervals),
            predictions=_kept(intervals.apply(shown), settings),
            panel=frame,
            versions=dict(versions or {}),
            files=dict(files or {}),
            universe=universe,
            folder=folder,
        )
        if folder is not None:
            save_model(run)
    return run


def alone(folder: Path | None, what: str) -> AbstractContextManager[object]:
    """The folder of ``what`` held against other programs that would make the same; None: nothing.

    Raises:
        ModelError: another program holds it.
    """
    return nullcontext() if folder is None else only_writer(folder, what, ModelError)


def with_outcomes(
    predictions: pl.DataFrame, panel: pl.DataFrame, settings: Settings
) -> pl.DataFrame:
    """Predictions beside what calibration and intervals are fitted to."""
    names = [f"{name}_{h}d" for h in settings.horizons for name in ("target", "label_known_at")]
    facts = panel.select("ticker", "as_of", "split", *VOLATILITIES, *names)
    return predictions.join(facts, on=["ticker", "as_of"], maintain_order="left")


def _kept(shown: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    targets = [f"target_{h}d" for h in settings.horizons]
    return shown.select("ticker", "as_of", "split", *score_columns(settings.horizons), *targets)
