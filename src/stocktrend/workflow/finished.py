"""Finding what is finished, a run or a study, and reading its folder."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from polars.exceptions import PolarsError

from stocktrend.errors import ConfigError, ModelError


def named_or_newest(finished: Mapping[Path, Path], name: str | None, kind: str) -> Path:
    """A finished folder by its name; the newest by default.

    Args:
        finished: One folder or more, each with the file that was written last.
        name: Of the folder.
        kind: What it holds: "run" or "study".

    Raises:
        ConfigError: there is none of that name.
    """
    if name is None:
        return max(finished, key=lambda folder: (finished[folder].stat().st_mtime, folder.name))
    for folder in finished:
        if folder.name == name:
            return folder
    known = ", ".join(sorted(folder.name for folder in finished))
    raise ConfigError(f"{kind} must be one of {known}, however: {name!r}. Take one of these")


@contextmanager
def whole(folder: Path, kind: str, command: str) -> Iterator[None]:
    """Read a folder within; what is wrong with it is told with the ``command`` that makes it anew.

    Raises:
        ModelError: a file is missing or damaged.
    """
    try:
        yield
    except (OSError, ValueError, LookupError, TypeError, PolarsError) as error:
        raise ModelError(
            f"a {kind}'s folder must be complete and readable, however {folder}: {error}. Remove "
            f"it and run `{command}` again"
        ) from error
