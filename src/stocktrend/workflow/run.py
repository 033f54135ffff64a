"""A run: one trained model with all that it scored, and the folder that it lives in."""

import json
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from stocktrend.atomic import write_json, write_parquet
from stocktrend.config import Settings
from stocktrend.errors import ConfigError, ModelError
from stocktrend.evaluation.metrics import Metrics
from stocktrend.evaluation.results import Evaluation
from stocktrend.features.own import Feature
from stocktrend.features.own_files import feature_files, load_features
from stocktrend.recipe import Recipe
from stocktrend.universe import UNKNOWN, Universe, survivorship
from stocktrend.workflow.finished import named_or_newest, whole
from stocktrend.workflow.forecast import CALIBRATION_FILE, Forecaster
from stocktrend.workflow.origin import read_config, read_origin, write_config, write_origin
from stocktrend.workflow.places import runs_folder

MODEL_FOLDER = "model"
PREDICTIONS_FILE = "predictions.parquet"
METRICS_FILE = "metrics.json"
REPORT_FILE = "report.html"
AUDIT_FILE = "audit.json"


@dataclass(frozen=True, repr=False)
class Run:
    """What training left: the model, its scores for every row of the panel, its evaluation.

    ``predictions`` has ``ticker, as_of, split`` and, per horizon, ``score_{h}d``,
    ``pos_prob_{h}d``, ``neg_prob_{h}d``, ``low_{h}d``, ``high_{h}d``, ``call_{h}d`` and
    ``target_{h}d`` (null where it is not known or where its window crosses the end of its split).
    ``versions`` are the lake tables' versions that the panel was read from, ``files`` the digests
    of the files that make features, ``universe`` how much of the lake's universe the panel holds,
    None where it has none; ``folder`` is None for a run on a panel alone.
    """

    id: str
    settings: Settings
    preset: str
    recipe: Recipe
    forecaster: Forecaster
    predictions: pl.DataFrame
    panel: pl.DataFrame
    evaluation: Evaluation | None = None
    versions: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    universe: Universe | None = None
    folder: Path | None = None

    def __repr__(self) -> str:
        judged = "not evaluated" if self.evaluation is None else self.evaluation.headline
        return f"Run({self.id!r}, {len(self.predictions)} predictions, {judged!r})"

    def _repr_html_(self) -> str:
        found = "" if self.evaluation is None else self.evaluation._repr_html_()
        return f"<p>Run <code>{escape(self.id)}</code></p>{found}"

    @property
    def metrics(self) -> dict[str, Metrics]:
        """The model's test metrics by horizon: ``run.metrics["7d"].rank_ic``."""
        if self.evaluation is None:
            raise ModelError(
                f"run {self.id} must be evaluated before its metrics are read: call "
                "stocktrend.evaluate(run)"
            )
        return self.evaluation.metrics

    @property
    def verdicts(self) -> dict[str, str]:
        """One sentence a horizon, under "7d", "30d", ...: does the model beat the controls?"""
        return {} if self.evaluation is None else self.evaluation.verdicts

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes the figures look better than they are, beside what they say themselves."""
        return (UNKNOWN,) if self.folder is None else survivorship(self.universe)

    def predict(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Scores of panel rows; see ``Forecaster.predict``."""
        return self.forecaster.predict(rows)

    def latest(self) -> pl.DataFrame:
        """The predictions of the newest date, the strongest score of the first horizon first."""
        score = f"score_{self.settings.horizons[0]}d"
        newest = self.predictions.filter(pl.col("as_of") == pl.col("as_of").max())
        return newest.sort(score, descending=True)

    def to_dict(self) -> dict[str, Any]:
        """The content of ``metrics.json``."""
        evaluation = None if self.evaluation is None else self.evaluation.to_dict()
        return {
            "run": self.id,
            "preset": self.preset,
            "seed": self.settings.seed,
            "lake_versions": self.versions,
            "universe": None if self.universe is None else self.universe.to_dict(),
            "warnings": list(self.warnings),
            "evaluation": evaluation,
        }


def save_model(run: Run) -> None:
    """Write config, predictions and model to the run's folder, the model's last file last."""
    folder = _folder(run)
    write_config(folder, run.settings, run.preset, run.recipe)
    write_origin(folder, "run", versions=run.versions, files=run.files, universe=run.universe)
    write_parquet(folder / PREDICTIONS_FILE, run.predictions)
    run.forecaster.save(folder / MODEL_FOLDER)


def save_evaluation(run: Run) -> None:
    """Write ``metrics.json``."""
    write_json(_folder(run) / METRICS_FILE, run.to_dict())


def _folder(run: Run) -> Path:
    if run.folder is None:
        raise ModelError(
            f"run {run.id} has no folder, as it was trained on a panel alone: train from a data "
            "root to keep it on disk, or save run.forecaster yourself"
        )
    return run.folder


def find_run(root: Path, run_id: str | None = None) -> Path:
    """The folder of a run; the newest finished one by default.

    Raises:
        ConfigError: there is no such run.
    """
    finished = finished_runs(root)
    if not finished:
        raise ConfigError(
            f"{root} must hold a trained run, however there is none in {runs_folder(root)}: run "
            f"`stocktrend run --data-root {root}` first"
        )
    return named_or_newest(finished, run_id, "run")


def changed_files(run: Run, root: Path | str) -> list[str]:
    """Entries of the run's settings whose file, or model of texts, is not what it was in training.

    Raises:
        ConfigError: a file is missing.
    """
    now = feature_files(run.settings, root)
    return [entry for entry in now if now[entry] != run.files.get(entry)]


def features_of(run: Run, root: Path) -> tuple[Feature, ...]:
    """The own features that a run was trained with, from their files.

    Raises:
        ModelError: the content of a file, or of the model that scores texts, is not what it was.
        ConfigError: one is missing.
    """
    if changed := changed_files(run, root):
        raise ModelError(
            f"run {run.id} must be used with the features that it was trained with, however "
            f"{', '.join(changed)} has changed since. Put it back as it was, or run "
            "`stocktrend train` again; new features may go into a new file, a new model of texts "
            "into a new folder"
        )
    return load_features(run.settings, root)


def finished_runs(root: Path) -> dict[Path, Path]:
    """The folders of all runs whose training came to its end, each with its last file."""
    marks = runs_folder(root).glob(f"*/{MODEL_FOLDER}/{CALIBRATION_FILE}")
    return {mark.parent.parent: mark for mark in marks}


def kept_audit(run: Run) -> dict[str, Any] | None:
    """The content of the run's ``audit.json``; None before its first audit."""
    if run.folder is None or not (run.folder / AUDIT_FILE).is_file():
        return None
    content: dict[str, Any] = json.loads((run.folder / AUDIT_FILE).read_text())
    return content


def load_run(root: Path | str, run_id: str | None = None) -> Run:
    """Read a run back from its folder.

    Args:
        root: The data root.
        run_id: Name of the folder under ``runs/``; default: the newest.

    Returns:
        The run, without the panel's features (an empty frame); ``evaluate`` reads them again.

    Raises:
        ConfigError: no such run.
        ModelError: its folder is not complete, or damaged.
    """
    folder = find_run(Path(root), run_id)
    with whole(folder, "run", "stocktrend train"):
        return _read(folder)


def _read(folder: Path) -> Run:
    settings = read_config(folder)
    origin = read_origin(folder)
    universe = origin.get("universe")
    metrics = folder / METRICS_FILE
    evaluation = None
    if metrics.is_file():
        stored = json.loads(metrics.read_text())["evaluation"]
        evaluation = None if stored is None else Evaluation.from_dict(stored)
    return Run(
        id=folder.name,
        settings=settings,
        preset=settings.preset,
        recipe=Recipe.model_validate(settings.recipe),
        forecaster=Forecaster.load(folder / MODEL_FOLDER),
        predictions=pl.read_parquet(folder / PREDICTIONS_FILE),
        panel=pl.DataFrame(),
        evaluation=evaluation,
        versions=origin["lake_versions"],
        files=origin.get("feature_files", {}),
        universe=None if universe is None else Universe.from_dict(universe),
        folder=folder,
    )
