"""The log of what was judged on a data root: of many variants tried the best looks good by chance.

``<data_root>/trials/<run or study>.json``: the digest of what was tried, its settings, and its rank
IC on each date. A judgement adds its own and is corrected for all that are there.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from stocktrend.atomic import write_json
from stocktrend.config import Settings
from stocktrend.errors import ModelError
from stocktrend.evaluation.results import Evaluation
from stocktrend.evaluation.significance import Attempt, Trial
from stocktrend.evaluation.study import judge
from stocktrend.progress import Progress, silent
from stocktrend.recipe import Recipe
from stocktrend.workflow.places import trials_folder, variant_fingerprint

NOT_TRIED: Final[dict[str, Any]] = dict.fromkeys(
    ("threads", "end", "checks", "sectors", "costs_bp", "coverage"), True
) | {"walk_forward": {"controls"}}
"""Settings that are no choice of a model: the same on newer records is the same variant."""


def judge_and_log(
    predictions: pl.DataFrame,
    outcomes: pl.DataFrame,
    settings: Settings,
    recipe: Recipe,
    *,
    name: str,
    root: Path | None,
    files: Mapping[str, str],
    seed: int,
    progress: Progress = silent,
) -> Evaluation:
    """Judge a run or study among all that was judged on its data root, and add it to them.

    Args:
        predictions: As for ``judge``.
        outcomes: As for ``judge``.
        settings: With those of ``recipe``, what was tried.
        recipe: Of the main model.
        name: Of the run or study: judged again, it takes its own place in the log.
        root: The data root; None keeps no log and corrects for nothing.
        files: Digests of the files that make features.
        seed: Of the bootstrap.
        progress: Called once a horizon.

    Raises:
        DataError: as ``judge`` does.
        ModelError: a file of the log is damaged.
    """
    chosen = settings.model_dump(mode="json", exclude=NOT_TRIED)
    chosen |= {"recipe": recipe.model_dump(mode="json"), "files": dict(files)}
    attempt = None
    if root is not None:
        attempt = Attempt(name, variant_fingerprint(chosen), trials_of(root))
    found = judge(
        predictions,
        outcomes,
        settings.horizons,
        seed=seed,
        costs_bp=settings.costs_bp,
        attempt=attempt,
        progress=progress,
    )
    if root is not None and attempt is not None:
        series = {h: one.rank_ics for h, one in found.horizons.items()}
        trial = Trial(name, attempt.variant, series)
        write_json(_file(root, name), trial.to_dict() | {"settings": chosen})
    return found


def trials_of(root: Path) -> tuple[Trial, ...]:
    """All that was judged on a data root, by name.

    Raises:
        ModelError: a file of the log is damaged.
    """
    found = []
    for file in sorted(trials_folder(root).glob("*.json"), key=lambda file: file.stem):
        try:
            found.append(Trial.from_dict(json.loads(file.read_text("utf-8"))))
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise ModelError(
                f"the log of what was tried must be readable, however {file}: {error!r}. Remove "
                "it and judge its run again with `stocktrend evaluate`"
            ) from error
    return tuple(found)


def lend_trials(root: Path, names: Sequence[str], other: Path) -> None:
    """Copy the trials of these names, as far as they are there, to another data root."""
    for name in names:
        if _file(root, name).is_file():
            write_json(_file(other, name), json.loads(_file(root, name).read_text("utf-8")))


def _file(root: Path, name: str) -> Path:
    return trials_folder(root) / f"{name}.json"
