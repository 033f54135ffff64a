"""What a run or a study was made of, as it is kept beside it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from stocktrend.atomic import write_bytes, write_json
from stocktrend.config import Settings
from stocktrend.errors import ModelError
from stocktrend.lake import Lake
from stocktrend.provenance import plain, read_yaml
from stocktrend.recipe import Recipe
from stocktrend.universe import Universe
from stocktrend.workflow.places import (
    lake_folder,
    libraries,
    program_digest,
    runs_folder,
    studies_folder,
)

CONFIG_FILE = "config.yaml"
ORIGIN_FILE = "origin.json"


def write_config(folder: Path, settings: Settings, preset: str, recipe: Recipe) -> None:
    """Write the settings as YAML, with the preset and the recipe that they came to."""
    content = settings.model_dump(mode="json", exclude_none=True)
    content |= {"preset": preset, "recipe": recipe.model_dump(mode="json")}
    write_bytes(folder / CONFIG_FILE, yaml.safe_dump(content, sort_keys=False).encode())


def read_config(folder: Path) -> Settings:
    """Read what ``write_config`` wrote.

    Raises:
        ValueError: it is no YAML, or not of these settings.
        OSError: it is missing.
    """
    tree, problems = read_yaml(folder / CONFIG_FILE)
    if problems:
        raise ValueError("; ".join(problems))
    return Settings.model_validate(plain(tree))


def write_origin(
    folder: Path,
    kind: str,
    *,
    versions: Mapping[str, int],
    files: Mapping[str, str],
    universe: Universe | None,
) -> None:
    """Write what a ``kind`` ("run" or "study") was made of, named as its folder is."""
    origin = {
        kind: folder.name,
        "lake_versions": dict(versions),
        "universe": None if universe is None else universe.to_dict(),
        "lake_tables": Lake(lake_folder(folder.parents[1])).ids(),
        "feature_files": dict(files),
        "program": program_digest(),
        "libraries": libraries(),
    }
    write_json(folder / ORIGIN_FILE, origin)


def read_origin(folder: Path) -> dict[str, Any]:
    """What it was made of: lake versions, ids of the tables, own features, program, libraries.

    Runs of older programs tell the versions alone.

    Raises:
        ModelError: the file is missing or damaged.
    """
    try:
        origin: dict[str, Any] = json.loads((folder / ORIGIN_FILE).read_text("utf-8"))
        return origin | {"lake_versions": dict(origin["lake_versions"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"the folder of a run or study must be complete and readable, however {folder}: "
            f"{error!r}. Remove it and make it again"
        ) from error


def recorded_versions(root: Path) -> dict[str, dict[str, int]]:
    """Id of each run and study of a data root -> the lake tables' versions it was made from.

    Raises:
        ModelError: a folder is damaged.
    """
    folders = (runs_folder(root), studies_folder(root))
    files = [file for folder in folders for file in sorted(folder.glob(f"*/{ORIGIN_FILE}"))]
    return {file.parent.name: read_origin(file.parent)["lake_versions"] for file in files}
