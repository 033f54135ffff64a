"""Where things lie under a data root, and when work already done still stands."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from stocktrend._version import __version__
from stocktrend.config import Settings


def lake_folder(root: Path) -> Path:
    """The Delta tables."""
    return root / "lake"


def panel_file(root: Path, settings: Settings) -> Path:
    """The panel as Parquet, one file a frequency."""
    return root / "panel" / f"{settings.frequency}.parquet"


def runs_folder(root: Path) -> Path:
    """One folder a run."""
    return root / "runs"


def fingerprint(settings: Settings, versions: Mapping[str, int]) -> str:
    """Twelve hex digits of everything that decides a panel: settings, lake versions, program.

    Equal fingerprints mean that work already done can be taken over.
    """
    content = {
        "settings": settings.model_dump(mode="json", exclude={"threads"}),
        "versions": dict(sorted(versions.items())),
        "program": __version__,
    }
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def panel_settings(settings: Settings) -> Settings:
    """The settings that decide a panel, the others at their defaults."""
    relevant = {"exchange", "frequency", "horizons", "start", "end", "tickers", "sources"}
    return Settings.model_validate(settings.model_dump(include=relevant))
