"""Whether the files of a table are as they were written: their length, and a sum beside each.

Of a Parquet file with one bit flipped most reads give other numbers rather than an error, and a
truncated one stops the program. So a CRC-32 lies beside every file, as ``.<name>.crc32``, and is
compared before the file is read. Files written before there were sums are compared by their length.
"""

import zlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable

from stocktrend.atomic import write_bytes

CHUNK: Final = 1 << 22


def is_local(path: str) -> bool:
    """Whether a table lies in a folder rather than in an object store."""
    return "://" not in path


def files_of(table: DeltaTable) -> dict[str, int]:
    """Name -> bytes of the files of a version, as its log says."""
    actions = pl.DataFrame(table.get_add_actions(flatten=True))
    return {unquote(name): size for name, size in actions.select("path", "size_bytes").rows()}


def seal(path: str, names: Iterable[str]) -> None:
    """Write the sums of files that were just committed."""
    if is_local(path):
        for name in names:
            write_bytes(sum_of(Path(path) / name), f"{_crc(Path(path) / name):08x}".encode())


def sum_of(file: Path) -> Path:
    """Where the sum of a file lies."""
    return file.with_name(f".{file.name}.crc32")


def damage(path: str, files: dict[str, int], *, thorough: bool = False) -> dict[str, str]:
    """What is wrong with files of a table that are not as they were written.

    Args:
        path: The table.
        files: Name -> bytes, as the log says.
        thorough: Read those without a sum as Parquet.

    Returns:
        Name -> what is wrong.
    """
    found = {}
    for name, size in files.items() if is_local(path) else ():
        file, sealed = Path(path) / name, sum_of(Path(path) / name)
        if not file.is_file() or file.stat().st_size != size:
            found[name] = f"is missing or not of its {size} bytes"
        elif sealed.is_file():
            if f"{_remembered(file, file.stat().st_mtime_ns):08x}" != sealed.read_text("ascii"):
                found[name] = "is not what was written: its checksum differs"
        elif thorough and (reason := _unreadable(file)):
            found[name] = reason
    return found


def _unreadable(file: Path) -> str:
    try:
        pl.read_parquet(file)
    except pl.exceptions.PolarsError as error:
        return f"cannot be read: {str(error).splitlines()[0]}"
    return ""


@lru_cache(maxsize=4096)
def _remembered(file: Path, modified: int) -> int:
    """A process reads the same files many times; they are never written twice."""
    return _crc(file)


def _crc(file: Path) -> int:
    total = 0
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            total = zlib.crc32(chunk, total)
    return total
