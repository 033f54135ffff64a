"""Two runs or studies, compared on the test rows that both have."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from stocktrend.errors import ConfigError, DataError
from stocktrend.evaluation.comparing import HorizonDifference, compare_predictions
from stocktrend.evaluation.results import MAIN
from stocktrend.settings import leaves
from stocktrend.workflow.origin import read_origin
from stocktrend.workflow.places import runs_folder, studies_folder
from stocktrend.workflow.run import Run, load_run
from stocktrend.workflow.study import Study, load_study

Tested = Run | Study


@dataclass(frozen=True)
class Compared:
    """What tells two runs or studies apart.

    Attributes:
        one, other: Their ids.
        settings: Name -> values of both, where they differ: settings, the fields of the recipe, and
            what they were made from.
        horizons: The differences by days.
        notes: What to know about the rows.
    """

    one: str
    other: str
    settings: Mapping[str, tuple[Any, Any]]
    horizons: Mapping[int, HorizonDifference]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(found.verdict for found in self.horizons.values())

    def _repr_html_(self) -> str:
        return "".join(f"<p>{escape(line)}</p>" for line in str(self).splitlines())

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "one": self.one,
            "other": self.other,
            "settings": {name: list(values) for name, values in self.settings.items()},
            "notes": list(self.notes),
            "horizons": {f"{h}d": found.to_dict() for h, found in self.horizons.items()},
        }


def compare(one: Tested, other: Tested, *, seed: int = 0) -> Compared:
    """Compare two runs or studies, of whatever kind, on the test rows that both have.

    Of a study its model counts. Outcomes are those of the first; where the second knew others, as
    after a revision, the notes tell so.

    Args:
        one: The first, which positive differences favour.
        other: The second.
        seed: Of the bootstrap.

    Raises:
        DataError: they have no horizon, or no test row, in common.
    """
    horizons = [h for h in one.settings.horizons if h in other.settings.horizons]
    if not horizons:
        raise DataError(
            "two models can be compared at horizons that both have, however these have "
            f"{list(one.settings.horizons)} and {list(other.settings.horizons)}. Train one again "
            "with horizons of the other"
        )
    known, theirs = _outcomes(one, horizons), _outcomes(other, horizons)
    found = compare_predictions(_tested(one), _tested(other), known, horizons, seed=seed)
    return Compared(one.id, other.id, _differing(one, other), found, _notes(known, theirs))


def load_tested(root: Path | str, name: str) -> Tested:
    """Read a run or a study by its id.

    Raises:
        ConfigError: the data root has neither.
    """
    for folder, load in ((runs_folder, load_run), (studies_folder, load_study)):
        if (folder(Path(root)) / name).is_dir():
            return load(root, name)
    known = sorted(
        path.name
        for folder in (runs_folder, studies_folder)
        for path in folder(Path(root)).glob("*")
        if path.is_dir()
    )
    raise ConfigError(
        f"{name!r} must be a run or a study of {root}, however it has "
        f"{', '.join(known) or 'none'}. Take two of these, or run `stocktrend train` or "
        "`stocktrend evaluate`"
    )


def _tested(tested: Tested) -> pl.DataFrame:
    """The predictions of the model itself on its test rows."""
    rows = tested.predictions
    if isinstance(tested, Study):
        return rows.filter(pl.col("model") == MAIN)
    return rows.filter(pl.col("split") == "test")


def _outcomes(tested: Tested, horizons: list[int]) -> pl.DataFrame:
    rows = tested.outcomes if isinstance(tested, Study) else _tested(tested)
    return rows.select("ticker", "as_of", *(f"target_{h}d" for h in horizons))


def _notes(known: pl.DataFrame, theirs: pl.DataFrame) -> tuple[str, ...]:
    both = known.join(theirs, on=["ticker", "as_of"], suffix="_other")
    targets = [name for name in known.columns if name.startswith("target_")]
    moved = both.filter(
        pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_other")) for name in targets)
    )
    if moved.is_empty():
        return ()
    return (
        f"{len(moved):,} of {len(both):,} rows have other outcomes in the second, as after a "
        "revision or where more has become known; judged by those of the first",
    )


def _differing(one: Tested, other: Tested) -> dict[str, tuple[Any, Any]]:
    first, second = _described(one), _described(other)
    names = dict.fromkeys([*first, *second])
    return {
        name: (first.get(name), second.get(name))
        for name in names
        if first.get(name) != second.get(name)
    }


def _described(tested: Tested) -> dict[str, Any]:
    """Settings by their dotted names, and what the model was made from."""
    settings = tested.settings.model_dump(mode="json")
    settings |= {"preset": tested.preset, "recipe": tested.recipe.model_dump(mode="json")}
    found = {"kind": "study" if isinstance(tested, Study) else "run"} | dict(leaves(settings))
    found |= {f"lake.{name}": number for name, number in tested.versions.items()}
    found |= {f"file {name}": digest for name, digest in tested.files.items()}
    if tested.folder is not None:
        found["program"] = read_origin(tested.folder)["program"][:12]
    return found
