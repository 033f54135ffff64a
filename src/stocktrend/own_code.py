"""Users' own code: Python files that the settings name; nothing else of a user's is executed."""

import hashlib
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from stocktrend.errors import ConfigError

Kind = TypeVar("Kind")


def source_of(path: Path, setting: str) -> bytes:
    """A file's content.

    Raises:
        ConfigError: it cannot be read; ``setting`` names what named it.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{setting} must name readable files, however {path}: {error.strerror}. Paths are "
            "relative to the data root: put the file there or mend the setting"
        ) from error


def definitions(path: Path, kind: type[Kind], setting: str) -> list[Kind]:
    """Run a file, with all rights of the program, and take what it defines of a kind, in order.

    Raises:
        ConfigError: the file is missing or fails; names the line.
    """
    source = source_of(path, setting)
    module = ModuleType(f"own_{setting}_{hashlib.sha256(source).hexdigest()[:12]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses of the file look for their module there
    try:
        exec(compile(source, str(path), "exec"), vars(module))
    except Exception as error:
        steps = traceback.extract_tb(error.__traceback__)
        lines = [step.lineno for step in steps if step.filename == str(path)]
        where = f", line {lines[-1]}" if lines else ""
        raise ConfigError(
            f"a file of {setting} must run, however {path}{where}: {type(error).__name__}: "
            f"{error}. Mend the file"
        ) from error
    defined = [value for value in vars(module).values() if isinstance(value, kind)]
    return list({id(value): value for value in defined}.values())
