"""A study: contenders that walked forward through the same folds, judged, and its folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from stocktrend.atomic import write_json, write_parquet
from stocktrend.config import Settings
from stocktrend.errors import ConfigError, ModelError
from stocktrend.evaluation.folds import Dates, Fold
from stocktrend.evaluation.metrics import Metrics
from stocktrend.evaluation.results import Evaluation
from stocktrend.recipe import Recipe
from stocktrend.universe import UNKNOWN, Universe, survivorship
from stocktrend.workflow.finished import named_or_newest, whole
from stocktrend.workflow.origin import read_config, read_origin, write_config, write_origin
from stocktrend.workflow.places import studies_folder
from stocktrend.workflow.run import METRICS_FILE, PREDICTIONS_FILE

OUTCOMES_FILE = "outcomes.parquet"
CONTENDERS_FOLDER = "contenders"


@dataclass(frozen=True, repr=False)
class Study:
    """What a walk-forward study found.

    Attributes:
        id: Made of the last date, the preset and a digest of all that decides the study.
        settings: With ``walk_forward``, preset, horizons and seed.
        preset: ``original`` or ``cross_sectional``.
        recipe: Of the dual tower.
        folds: The steps of the walk.
        predictions: The test rows of all folds and contenders, sorted by ``model, as_of, ticker``:
            these, ``fold`` and, per horizon, ``raw_{h}d`` and what is displayed of it.
        outcomes: ``ticker``, ``as_of`` and what came after, null where unknown.
        evaluation: The judgement.
        candidates: Contender -> settings among which it chose on validation rows; 1 chooses none.
        versions: The lake tables' versions that the panel was read from.
        files: Digests of the files that make features.
        universe: How much of the lake's universe the panel holds; None where it has none.
        folder: None for a study of a panel alone.
        panel: What was walked through; an empty frame in a study read back.
    """

    id: str
    settings: Settings
    preset: str
    recipe: Recipe
    folds: tuple[Fold, ...]
    predictions: pl.DataFrame
    outcomes: pl.DataFrame
    evaluation: Evaluation
    candidates: dict[str, int]
    versions: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    universe: Universe | None = None
    folder: Path | None = None
    panel: pl.DataFrame = field(default_factory=pl.DataFrame)

    def __repr__(self) -> str:
        return f"Study({self.id!r}, {len(self.folds)} folds, {self.evaluation.headline!r})"

    def _repr_html_(self) -> str:
        return f"<p>Study <code>{escape(self.id)}</code></p>{self.evaluation._repr_html_()}"

    @property
    def metrics(self) -> dict[str, Metrics]:
        """The dual tower's figures by horizon: ``study.metrics["7d"].rank_ic``."""
        return self.evaluation.metrics

    @property
    def verdicts(self) -> dict[str, str]:
        """One sentence a horizon, under "7d", "30d", ..."""
        return self.evaluation.verdicts

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes the figures look better than they are, beside what they say themselves."""
        return (UNKNOWN,) if self.folder is None else survivorship(self.universe)

    def to_dict(self) -> dict[str, Any]:
        """The content of ``metrics.json``."""
        return {
            "study": self.id,
            "preset": self.preset,
            "seed": self.settings.seed,
            "lake_versions": self.versions,
            "universe": None if self.universe is None else self.universe.to_dict(),
            "warnings": list(self.warnings),
            "folds": [_plain(fold) for fold in self.folds],
            "candidates": self.candidates,
            "evaluation": self.evaluation.to_dict(),
        }


def save_study(study: Study) -> None:
    """Write all but the contenders' own files; ``metrics.json`` last, as the sign of the end."""
    folder = study.folder
    if folder is None:
        raise ModelError(
            f"study {study.id} has no folder, as it is of a panel alone: study a data root to keep "
            "it on disk"
        )
    write_config(folder, study.settings, study.preset, study.recipe)
    write_origin(
        folder, "study", versions=study.versions, files=study.files, universe=study.universe
    )
    write_parquet(folder / PREDICTIONS_FILE, study.predictions)
    write_parquet(folder / OUTCOMES_FILE, study.outcomes)
    write_json(folder / METRICS_FILE, study.to_dict())


def find_study(root: Path, study_id: str | None = None) -> Path:
    """The folder of a study; the newest finished one by default.

    Raises:
        ConfigError: there is no such study.
    """
    finished = {mark.parent: mark for mark in studies_folder(root).glob(f"*/{METRICS_FILE}")}
    if not finished:
        raise ConfigError(
            f"{root} must hold a study, however there is none in {studies_folder(root)}: run "
            f"`stocktrend evaluate --data-root {root}` first"
        )
    return named_or_newest(finished, study_id, "study")


def load_study(root: Path | str, study_id: str | None = None) -> Study:
    """Read a study back from its folder.

    Args:
        root: The data root.
        study_id: Name of the folder under ``studies/``; default: the newest.

    Raises:
        ConfigError: no such study.
        ModelError: its folder is not complete, or damaged.
    """
    folder = find_study(Path(root), study_id)
    with whole(folder, "study", "stocktrend evaluate"):
        return _read(folder)


def _read(folder: Path) -> Study:
    settings, origin = read_config(folder), read_origin(folder)
    content = json.loads((folder / METRICS_FILE).read_text())
    universe = origin["universe"]
    return Study(
        id=folder.name,
        settings=settings,
        preset=settings.preset,
        recipe=Recipe.model_validate(settings.recipe),
        folds=tuple(_fold(values) for values in content["folds"]),
        predictions=pl.read_parquet(folder / PREDICTIONS_FILE),
        outcomes=pl.read_parquet(folder / OUTCOMES_FILE),
        evaluation=Evaluation.from_dict(content["evaluation"]),
        candidates=dict(content["candidates"]),
        versions=origin["lake_versions"],
        files=origin["feature_files"],
        universe=None if universe is None else Universe.from_dict(universe),
        folder=folder,
    )


def _plain(fold: Fold) -> dict[str, Any]:
    parts = {name: getattr(fold, name) for name in ("train", "validation", "test")}
    dates = {
        name: {"first": str(part.first), "last": str(part.last)} for name, part in parts.items()
    }
    return {"number": fold.number, **dates}


def _fold(values: Mapping[str, Any]) -> Fold:
    parts = {
        name: Dates(*(date.fromisoformat(values[name][end]) for end in ("first", "last")))
        for name in ("train", "validation", "test")
    }
    return Fold(number=values["number"], **parts)
