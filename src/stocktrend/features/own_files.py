"""Own features from the files that the settings name; nothing else of a user's is ever executed."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from stocktrend.config import Settings, feature_parts
from stocktrend.errors import ConfigError
from stocktrend.features.own import Feature, require_distinct
from stocktrend.features.text.chosen import model_files
from stocktrend.own_code import definitions, source_of


def load_features(settings: Settings, root: Path | str) -> tuple[Feature, ...]:
    """The own features of a data root, in the order of the settings and of their files.

    Runs the files that ``settings.features`` names, with all rights of the program: name none that
    you have not read.

    Args:
        settings: ``features`` has paths, relative to the data root; ``path.py:name`` takes one
            feature of a file, a path alone all of them.
        root: The data root.

    Raises:
        ConfigError: a file is missing or fails, has no such feature, or two have one name.
    """
    found: list[Feature] = []
    loaded: dict[Path, list[Feature]] = {}
    for entry in settings.features:
        path, name = _parts(entry, root)
        if path not in loaded:
            loaded[path] = definitions(path, Feature, "features")
        chosen = [own for own in loaded[path] if name in (None, own.name)]
        if not chosen:
            known = ", ".join(own.name for own in loaded[path]) or "none"
            raise ConfigError(
                f"features must name features, however {entry!r} has none of that name: {path} "
                f"defines {known}. Put @stocktrend.feature(...) above a function, or mend the name"
            )
        found += chosen
    require_distinct(found)
    return tuple(found)


def feature_files(settings: Settings, root: Path | str) -> dict[str, str]:
    """Twelve hex digits of the content of each of a user's files that make features.

    Returns:
        Those of own features and of the model that scores texts, by the settings' entry.

    Raises:
        ConfigError: a file is missing.
    """
    paths = {entry: _parts(entry, root)[0] for entry in settings.features}
    own = {
        e: hashlib.sha256(source_of(path, "features")).hexdigest()[:12] for e, path in paths.items()
    }
    return own | model_files(settings, root)


def require_loaded(settings: Settings, features: Sequence[Feature]) -> None:
    """Raise a ConfigError where settings name own features and none are there."""
    if settings.features and not features:
        raise ConfigError(
            f"the settings name features, {', '.join(settings.features)}, however none were given. "
            "Pass features=load_features(settings, data_root)"
        )


def _parts(entry: str, root: Path | str) -> tuple[Path, str | None]:
    path, name = feature_parts(entry)
    return Path(root) / path, name
