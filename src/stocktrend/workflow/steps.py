"""The steps from raw files to a report, each usable alone; ``run`` takes them all.

Each step takes over what an earlier call finished on the same inputs: files already ingested, a
panel with the same fingerprint, ensemble members already trained. So a stopped run goes on where
it was when it is called again.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from stocktrend.atomic import write_json, write_parquet
from stocktrend.config import Settings
from stocktrend.dataset.frames import Frame
from stocktrend.dataset.splits import time_split
from stocktrend.errors import DataError, LakeError
from stocktrend.evaluation.study import evaluate as evaluate_predictions
from stocktrend.ingestion import IngestReport
from stocktrend.ingestion import ingest as ingest_files
from stocktrend.lake import Lake
from stocktrend.panel import build_panel as compute_panel
from stocktrend.progress import Progress, silent
from stocktrend.sessions import as_of_grid
from stocktrend.settings import load_settings
from stocktrend.workflow.fit import fit
from stocktrend.workflow.forecast import score_columns
from stocktrend.workflow.page import report
from stocktrend.workflow.places import (
    fingerprint,
    lake_folder,
    panel_file,
    panel_settings,
)
from stocktrend.workflow.run import Run, load_run, save_evaluation

Root = Path | str


def settings_of(root: Root, settings: Settings | None = None, **overrides: Any) -> Settings:
    """The settings given, else those of the data root; ``overrides`` that are not None win.

    Raises:
        ConfigError: with every problem found.
    """
    if settings is None:
        return load_settings(Path(root), overrides=overrides, environ=os.environ).settings
    given = {name: value for name, value in overrides.items() if value is not None}
    return Settings.model_validate(settings.model_dump() | given)


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


def stored_panel(root: Path, settings: Settings, progress: Progress = silent) -> pl.DataFrame:
    """The panel of the lake as it stands, from its file where that is still right."""
    lake = Lake(lake_folder(root))
    file = panel_file(root, settings)
    mark = file.with_suffix(".json")
    now = {"fingerprint": fingerprint(panel_settings(settings), lake.versions())}
    if file.is_file() and mark.is_file() and read_mark(mark) == now:
        return pl.read_parquet(file)
    panel = compute_panel(lake, settings, progress=progress)
    mark.unlink(missing_ok=True)
    write_parquet(file, panel)
    write_json(mark, now)
    return panel


def read_mark(file: Path) -> Any:
    """The stored fingerprint; None where the file is damaged."""
    try:
        return json.loads(file.read_text())
    except json.JSONDecodeError:
        return None


def train(
    source: "Root | Frame",
    *,
    settings: Settings | None = None,
    preset: str | None = None,
    horizons: Sequence[int] | None = None,
    seed: int | None = None,
    progress: Progress = silent,
) -> Run:
    """Train a model on a data root's panel, or on a panel alone.

    Args:
        source: A data root, or a panel (polars or pandas).
        settings: Default: the data root's, or the defaults.
        preset: ``original``, ``cross_sectional`` or ``auto``.
        horizons: Days ahead; the panel must have their targets.
        seed: Of weights, batches and dropout.

    Returns:
        The run, evaluated. From a data root it is also kept in ``runs/<id>/``.
    """
    chosen = tuple(horizons) if horizons is not None else None
    if isinstance(source, str | Path):
        root = Path(source)
        effective = settings_of(root, settings, preset=preset, horizons=chosen, seed=seed)
        panel = stored_panel(root, effective, progress)
        run = fit(panel, effective, root=root, progress=progress)
    else:
        base = settings or Settings()
        effective = settings_of(".", base, preset=preset, horizons=chosen, seed=seed)
        run = fit(source, effective, root=None, progress=progress)
    return evaluate(run, progress=progress)


def evaluate(run: Run, *, seed: int = 0, progress: Progress = silent) -> Run:
    """Judge a run on its test dates, beside the controls on the same rows.

    Returns:
        The run with its evaluation; ``metrics.json`` is written where the run has a folder.
    """
    settings, panel = run.settings, run.panel
    if panel.is_empty() and run.folder is not None:
        whole = stored_panel(run.folder.parents[1], settings)
        panel = time_split(whole, settings.split, settings.horizons)
    judged = evaluate_predictions(
        panel,
        run.predictions,
        settings.horizons,
        seed=seed,
        features=run.recipe.features,
        target=run.recipe.target,
        progress=progress,
    )
    run = replace(run, panel=panel, evaluation=judged)
    if run.folder is not None:
        save_evaluation(run)
    return run


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


def predict(
    root: Root,
    *,
    as_of: date | None = None,
    tickers: Sequence[str] | None = None,
    run_id: str | None = None,
    progress: Progress = silent,
) -> pl.DataFrame:
    """Score one date with a trained run, from the records known then and no others.

    Args:
        as_of: A day of the grid (the last session of its week, with weekly rows). Default: the
            newest with rows.
        tickers: These only; ranks are still taken within the whole universe of the date.
        run_id: Which run; default: the newest.

    Returns:
        ``ticker, as_of, close``, the scores and probabilities, then the 87 features and what is
        known of the labels: the panel's rows of that date, bit for bit.

    Raises:
        DataError: the date has no rows, or a ticker is unknown then.
    """
    folder = Path(root)
    run = load_run(folder, run_id)
    settings = run.settings.model_copy(update={"start": None, "end": None})
    lake = Lake(lake_folder(folder))
    day, moment = _decision(lake, settings, as_of)
    rows = compute_panel(lake, settings, start=day, end=day, known_by=moment, progress=progress)
    scores = run.predict(rows)
    chosen = score_columns(run.forecaster.horizons)
    out = rows.join(scores.select("ticker", "as_of", *chosen), on=["ticker", "as_of"])
    front = ["ticker", "as_of", "close", *chosen]
    out = out.select(*front, pl.exclude(front))
    return out if tickers is None else _only(out, tickers, day)


def _decision(lake: Lake, settings: Settings, as_of: date | None) -> tuple[date, datetime]:
    """The grid point asked for, or the newest one that the bars reach."""
    last = lake.read("bars").select(pl.col("session").max()).item()
    if last is None:
        raise LakeError("the lake must hold bars, however it is empty: run `stocktrend ingest`")
    grid = as_of_grid(settings.frequency, None, last, settings.exchange)
    if as_of is None:
        return grid["session"][-1], grid["as_of"][-1]
    chosen = grid.filter(pl.col("session") == as_of)
    if chosen.is_empty():
        before = grid.filter(pl.col("session") < as_of)["session"]
        nearest = f"the nearest before it is {before[-1]}" if len(before) else "none is before it"
        raise DataError(
            f"--as-of must be the last session of its {settings.frequency[:-2]} period with bars "
            f"(the bars end on {last}), however: {as_of}; {nearest}"
        )
    return as_of, chosen["as_of"][0]


def _only(rows: pl.DataFrame, tickers: Sequence[str], day: date) -> pl.DataFrame:
    known = set(rows["ticker"])
    unknown = [ticker for ticker in tickers if ticker not in known]
    if unknown:
        raise DataError(
            "\n".join(
                f"tickers must have a row on {day}, however {ticker!r} has none: it is not in the "
                "lake, has no bar that day or fewer than 60 bars of history"
                for ticker in unknown
            )
        )
    return rows.filter(pl.col("ticker").is_in(list(tickers)))


def _names(tickers: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if tickers is None else tuple(tickers)
