"""Files that appear whole or not at all: written beside their place, then moved into it."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import polars as pl

UNFINISHED: Final = ".part"
"""End of the name of what a killed writer leaves beside its file; it begins with a dot."""


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write; it takes its place when all is written, and its folder is made.

    Raises:
        OSError: it cannot be written, with the file's name; what was written of it is removed.
    """
    temporary = path.with_name(f".{path.name}{UNFINISHED}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder to fill; it takes the place of an empty one, or of none, when all is in it."""
    temporary = path.with_name(f".{path.name}{UNFINISHED}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Readers see the old file or the new one; the folder is made where it is missing."""
    with _whole(path) as file:
        file.write(content)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Strict JSON: NaN is refused."""
    write_bytes(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def write_parquet(path: Path, frame: pl.DataFrame) -> None:
    """A frame as Parquet."""
    with _whole(path) as file:
        frame.write_parquet(file)


def write_csv(path: Path, frame: pl.DataFrame) -> None:
    """A frame as CSV."""
    with _whole(path) as file:
        frame.write_csv(file)
