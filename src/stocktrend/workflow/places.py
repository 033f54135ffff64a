"""Where things lie under a data root, and when work already done still stands."""

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import polars as pl

from stocktrend.catalog import Inputs
from stocktrend.config import Settings
from stocktrend.lake import Lake
from stocktrend.recipe import Recipe

LIBRARIES = (
    *("polars", "numpy", "scipy", "numba", "torch", "deltalake", "exchange_calendars"),
    *("scikit-learn", "lightgbm", "arch"),
)
OF_EXTRAS = ("transformers", "tokenizers")
"""Recorded where they are installed: they may score texts."""


def lake_folder(root: Path) -> Path:
    """The Delta tables."""
    return root / "lake"


def panel_file(root: Path, settings: Settings) -> Path:
    """The panel as Parquet, one file a frequency."""
    return root / "panel" / f"{settings.frequency}.parquet"


def runs_folder(root: Path) -> Path:
    """One folder a run."""
    return root / "runs"


def studies_folder(root: Path) -> Path:
    """One folder a walk-forward study."""
    return root / "studies"


def trials_folder(root: Path) -> Path:
    """One file a run or study that was judged."""
    return root / "trials"


def panel_fingerprint(settings: Settings, lake: Lake, files: Mapping[str, str]) -> str:
    """Twelve hex digits of what decides a panel: settings, own features, lake tables, program.

    A table counts with its own id beside its version: a lake that was removed and ingested anew
    starts again at version 0. ``files`` are the digests of the user's files that make features.
    """
    ids = lake.ids()
    tables = {name: f"{ids[name]} at {version}" for name, version in lake.versions().items()}
    chosen = panel_settings(settings).model_dump(mode="json")
    own = dict(files)
    return _digest(
        {"settings": chosen, "files": own, "tables": tables, "program": program_digest()}
    )


def libraries() -> dict[str, str]:
    """Versions of what decides the numbers of a run beside the program itself."""
    found = {"machine": f"{platform.system()} {platform.machine()}"}
    found |= {"Python": platform.python_version()}
    found |= {name: version(name) for name in LIBRARIES}
    for name in OF_EXTRAS:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def fingerprint(
    settings: Settings,
    recipe: Recipe,
    panel: pl.DataFrame,
    inputs: Inputs,
    contenders: Sequence[str] = (),
) -> str:
    """Twelve hex digits of everything that decides a run: settings, recipe, panel, program.

    Of a study the names of its contenders count too. The panel counts with its content, so the same
    records in two data roots give one id.
    """
    chosen = settings.model_dump(mode="json", exclude={"threads"})
    content = hashlib.sha256(panel.hash_rows().to_numpy().tobytes()).hexdigest()
    return _digest(
        {
            "settings": chosen,
            "recipe": recipe.model_dump(mode="json"),
            "columns": panel.columns,
            "inputs": asdict(inputs),
            "panel": content,
            "contenders": list(contenders),
            "program": program_digest(),
            "torch": version("torch"),
        }
    )


def variant_fingerprint(chosen: Mapping[str, Any]) -> str:
    """Twelve hex digits of what was chosen, whatever the records that it was tried on."""
    return _digest({"chosen": dict(chosen), "program": program_digest()})


@cache
def program_digest() -> str:
    """Digest of the package's own sources and word lists: a changed formula is another program."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*")):
        if file.suffix in (".py", ".txt"):
            digest.update(file.relative_to(package).as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def panel_settings(settings: Settings) -> Settings:
    """The settings that decide a panel, the others at their defaults."""
    relevant = {
        *("exchange", "frequency", "horizons", "start", "end", "tickers", "sources"),
        *("text", "features"),
    }
    return Settings.model_validate(settings.model_dump(include=relevant))
