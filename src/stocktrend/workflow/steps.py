"""The steps from raw files to a report, each usable alone; ``run`` takes them all.

Each step takes over what an earlier call finished on the same inputs: files already ingested, a
panel with the same fingerprint, ensemble members already trained. So a stopped run goes on where
it was when it is called again.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from stocktrend.config import Settings
from stocktrend.dataset.frames import Frame
from stocktrend.dataset.splits import time_split
from stocktrend.errors import LakeError, ModelError
from stocktrend.evaluation.study import beside_controls
from stocktrend.features.own import Feature
from stocktrend.features.text import load_scorer
from stocktrend.ingestion import IngestReport
from stocktrend.ingestion import ingest as ingest_files
from stocktrend.lake import Lake
from stocktrend.panel import build_panel as compute_panel
from stocktrend.progress import Progress, silent
from stocktrend.workflow.fit import fit
from stocktrend.workflow.material import Root, material_of, settings_of, stored_panel
from stocktrend.workflow.page import report
from stocktrend.workflow.places import lake_folder
from stocktrend.workflow.run import Run, features_of, save_evaluation
from stocktrend.workflow.trials import judge_and_log


def ingest(
    root: Root,
    *,
    settings: Settings | None = None,
    retrieved_at: datetime | None = None,
    progress: Progress = silent,
) -> IngestReport:
    """Read the raw files that the lake has not seen.

    Args:
        root: The data root.
        settings: Default: those of the data root.
        retrieved_at: When the files were retrieved: revisions are known from then on. Default: now.
        progress: Told how far it is.

    Returns:
        Per source: rows read, new, revised, unchanged, duplicate and quarantined.
    """
    moment = retrieved_at or datetime.now(UTC)
    return ingest_files(
        Path(root), settings_of(root, settings), retrieved_at=moment, progress=progress
    )


def build_panel(
    root: Root,
    *,
    settings: Settings | None = None,
    start: date | None = None,
    end: date | None = None,
    tickers: Sequence[str] | None = None,
    retrieved_at: datetime | None = None,
    progress: Progress = silent,
) -> pl.DataFrame:
    """Ingest what is new and compute the panel; it is also left as Parquet under ``panel/``.

    Args:
        start, end: First and last day of the rows. Default: the settings', else all.
        tickers: These only. Default: the settings', else all.

    Returns:
        One row a (ticker, as_of); see ``stocktrend.panel.build_panel`` for the columns.
    """
    folder = Path(root)
    chosen = settings_of(folder, settings, start=start, end=end, tickers=_names(tickers))
    ingest(folder, settings=chosen, retrieved_at=retrieved_at, progress=progress)
    return stored_panel(folder, chosen, progress)


def train(
    source: "Root | Frame",
    *,
    settings: Settings | None = None,
    preset: str | None = None,
    horizons: Sequence[int] | None = None,
    seed: int | None = None,
    features: Sequence[Feature] = (),
    progress: Progress = silent,
) -> Run:
    """Train a model on a data root's panel, or on a panel alone.

    Args:
        source: A data root, or a panel (polars or pandas).
        settings: Default: the data root's, or the defaults.
        preset: ``original``, ``cross_sectional`` or ``auto``.
        horizons: Days ahead; the panel must have their targets.
        seed: Of weights, batches and dropout.
        features: Own features of a panel alone, which the model is to read beside the 87. Those of
            a data root its settings name.

    Returns:
        The run, evaluated. From a data root it is also kept in ``runs/<id>/``.

    Raises:
        ConfigError: features are given beside a data root, or the settings are wrong.
    """
    material = material_of(
        source, settings, features, progress, preset=preset, horizons=horizons, seed=seed
    )
    run = fit(
        material.panel,
        material.settings,
        root=material.root,
        versions=material.versions,
        features=material.features,
        files=material.files,
        universe=material.universe,
        progress=progress,
    )
    return evaluate(run, progress=progress)


def evaluate(run: Run, *, seed: int = 0, progress: Progress = silent) -> Run:
    """Judge a run on its test dates, beside the controls on the same rows.

    The run is added to the log of what was tried on its data root, and corrected for it.

    A run read back from its folder is judged on the records that it was trained on, whatever was
    ingested since: more dates would move the split, and training dates would pass for test dates.

    Returns:
        The run with its evaluation; ``metrics.json`` is written where the run has a folder.

    Raises:
        ModelError: the lake, own features or the model that scores texts no longer give the panel
            of the run.
    """
    settings, panel = run.settings, run.panel
    if panel.is_empty() and run.folder is not None:
        panel = _panel_of(run, run.folder.parents[1], progress)
    table, came = beside_controls(
        panel,
        run.predictions,
        settings.horizons,
        run.recipe,
        seed=settings.seed,
        inputs=run.forecaster.inputs,
        coverage=settings.coverage,
        threads=settings.threads,
    )
    judged = judge_and_log(
        table,
        came,
        settings,
        run.recipe,
        name=run.id,
        root=None if run.folder is None else run.folder.parents[1],
        files=run.files,
        seed=seed,
        progress=progress,
    )
    run = replace(run, panel=panel, evaluation=judged)
    if run.folder is not None:
        save_evaluation(run)
    return run


def _panel_of(run: Run, root: Path, progress: Progress) -> pl.DataFrame:
    """The panel that a run on disk was trained on, split, from the lake as it was then."""
    whole = rows_of(run, root, progress)
    panel = time_split(whole, run.settings.split, run.settings.horizons)
    names = ["ticker", "as_of", "split", *(f"target_{h}d" for h in run.settings.horizons)]
    if not panel.select(names).equals(run.predictions.select(names)):
        raise _changed(run, "it was removed or made anew since")
    return panel


def rows_of(run: Run, root: Path, progress: Progress = silent) -> pl.DataFrame:
    """The panel of a run on disk from the lake as it was then, not split.

    Raises:
        ModelError: the lake no longer has these versions, or own features or the model that scores
            texts have changed.
    """
    settings, lake, own = run.settings, Lake(lake_folder(root)), features_of(run, root)
    if lake.versions() == run.versions:
        return stored_panel(root, settings, progress)
    scorer, then = load_scorer(settings, root), Lake(lake_folder(root), versions=run.versions)
    try:
        return compute_panel(then, settings, features=own, scorer=scorer, progress=progress)
    except LakeError as error:
        raise _changed(run, str(error)) from error


def _changed(run: Run, why: str) -> ModelError:
    return ModelError(
        f"run {run.id} must be judged on the panel that it was trained on, however the lake no "
        f"longer gives it: {why}. Run `stocktrend train` again"
    )


def run(
    root: Root,
    *,
    settings: Settings | None = None,
    preset: str | None = None,
    seed: int | None = None,
    retrieved_at: datetime | None = None,
    progress: Progress = silent,
) -> Run:
    """All steps: raw files, lake, panel, model, evaluation, report.

    Args:
        retrieved_at: When the raw files were retrieved and the report is made. Default: now.

    Returns:
        The evaluated run; its folder holds ``report.html``, ``metrics.json``,
        ``predictions.parquet``, ``config.yaml`` and ``model/``.
    """
    folder, moment = Path(root), retrieved_at or datetime.now(UTC)
    chosen = settings_of(folder, settings, preset=preset, seed=seed)
    ingest(folder, settings=chosen, retrieved_at=moment, progress=progress)
    trained = train(folder, settings=chosen, progress=progress)
    progress("report", 0, 1, "pages")
    report(trained, created=moment)
    progress("report", 1, 1, "pages")
    return trained


def _names(tickers: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if tickers is None else tuple(tickers)
