"""What is trained on: the panel of a data root, or one that is given, with its settings."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from stocktrend.atomic import write_json, write_parquet
from stocktrend.config import Settings
from stocktrend.dataset.frames import Frame, to_polars
from stocktrend.errors import ConfigError
from stocktrend.features.own import Feature
from stocktrend.features.own_files import feature_files, load_features
from stocktrend.features.text import load_scorer
from stocktrend.lake import Lake
from stocktrend.lake.lock import only_writer
from stocktrend.panel import build_panel as compute_panel
from stocktrend.progress import Progress, silent
from stocktrend.settings import load_settings, with_arguments
from stocktrend.universe import Universe
from stocktrend.workflow.places import lake_folder, panel_file, panel_fingerprint

Root = Path | str


@dataclass(frozen=True, repr=False)
class Material:
    """A panel with all that is to be recorded of where it came from.

    ``root`` is None for a panel alone; ``versions`` are those of the lake's tables, ``files`` the
    digests of the files that make features, ``universe`` how much of it the panel holds.
    """

    panel: pl.DataFrame
    settings: Settings
    root: Path | None = None
    versions: dict[str, int] = field(default_factory=dict)
    features: tuple[Feature, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    universe: Universe | None = None


def material_of(
    source: "Root | Frame",
    settings: Settings | None,
    features: Sequence[Feature],
    progress: Progress,
    **overrides: Any,
) -> Material:
    """The panel of a data root as its lake stands, or the one given.

    Args:
        source: A data root, or a panel (polars or pandas).
        settings: Default: the data root's, or the defaults.
        features: Own features of a panel alone.
        overrides: Settings that win where they are not None.

    Raises:
        ConfigError: features are given beside a data root, or the settings are wrong.
    """
    if not isinstance(source, str | Path):
        chosen = settings_of(".", settings or Settings(), **overrides)
        return Material(to_polars(source), chosen, features=tuple(features))
    if features:
        raise ConfigError(
            f"features must be given with a panel alone, however {source} is a data root: "
            "name their file in its settings, as in features: [my_features.py]"
        )
    root = Path(source)
    chosen = settings_of(root, settings, **overrides)
    lake = Lake(lake_folder(root)).as_now()
    panel = stored_panel(root, chosen, progress, lake)
    return Material(
        panel,
        chosen,
        root,
        lake.versions(),
        load_features(chosen, root),
        feature_files(chosen, root),
        Universe.of(lake, panel, chosen.tickers),
    )


def settings_of(root: Root, settings: Settings | None = None, **overrides: Any) -> Settings:
    """The settings given, else those of the data root; ``overrides`` that are not None win.

    Raises:
        ConfigError: with every problem found.
    """
    if settings is None:
        return load_settings(Path(root), overrides=overrides, environ=os.environ).settings
    return with_arguments(settings, overrides)


def stored_panel(
    root: Path,
    settings: Settings,
    progress: Progress = silent,
    lake: Lake | None = None,
    wait: Callable[[str], None] | None = None,
) -> pl.DataFrame:
    """The panel of the lake as it stands, from its file where that is still right.

    Args:
        wait: Told in a line that another program, which makes the panel, is waited for.

    Raises:
        LakeError: another program makes the panel, and is not to be waited for.
    """
    lake = lake or Lake(lake_folder(root)).as_now()
    file = panel_file(root, settings)
    mark = file.with_suffix(".json")
    now = {"fingerprint": panel_fingerprint(settings, lake, feature_files(settings, root))}
    kept = _kept_panel(file, mark, now)
    if kept is not None:
        return kept
    own, scorer = load_features(settings, root), load_scorer(settings, root)
    with only_writer(file.parent, "the panel", wait=wait):
        panel = compute_panel(lake, settings, features=own, scorer=scorer, progress=progress)
        mark.unlink(missing_ok=True)
        write_parquet(file, panel)
        write_json(mark, now)
    return panel


def _kept_panel(file: Path, mark: Path, now: Mapping[str, str]) -> pl.DataFrame | None:
    """The stored panel; None where it is of other inputs, or a file is missing or damaged."""
    try:
        return pl.read_parquet(file) if json.loads(mark.read_bytes()) == now else None
    except (FileNotFoundError, ValueError, PolarsError):
        return None
