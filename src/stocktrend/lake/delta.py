"""Reading and writing one Delta table, with errors that say what to do."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from stocktrend.errors import LakeError

ROWS_PER_GROUP: Final = 131_072
"""Small enough that reading a few tickers skips most of a sorted table."""


@contextmanager
def _mapped(path: str) -> Iterator[None]:
    try:
        yield
    except CommitFailedError as error:
        raise LakeError(
            f"One program at a time may write to the lake, however {path} changed meanwhile. "
            f"Run the command again"
        ) from error
    except PermissionError as error:
        raise _refused(path, error) from error
    except (DeltaError, OSError, ValueError, pl.exceptions.PolarsError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _damaged(path, first) from error


def _damaged(path: str, reason: str) -> LakeError:
    return LakeError(
        f"A lake table must be readable and complete, however {path}: {reason}. Remove the lake "
        f"folder and ingest again: the raw files are all that is needed"
    )


def _refused(path: str | Path, error: OSError) -> LakeError:
    return LakeError(
        f"The lake's files must be yours to read, write and remove, however {path}: {error}. Give "
        f"yourself that right, then run the command again; nothing is lost"
    )


def version(path: str) -> int | None:
    """The table's newest version, None where there is no table."""
    with _mapped(path):
        return DeltaTable(path).version() if DeltaTable.is_deltatable(path) else None


def parts(path: str) -> int:
    """How many files the table consists of."""
    with _mapped(path):
        return len(DeltaTable(path).file_uris())


def read(
    path: str, columns: list[str], at: int | None = None, where: pl.Expr | None = None
) -> pl.DataFrame:
    """Columns of the rows that satisfy a condition, in stored order.

    Args:
        path: The table.
        columns: To read.
        at: Version; the newest where None.
        where: Rows to keep.

    Raises:
        LakeError: the table, a version or one of its files is missing or damaged.
    """
    with _mapped(path):
        table = DeltaTable(path, version=at)
        _check_sizes(path, table)
        rows = pl.scan_delta(table)
        if where is not None:
            rows = rows.filter(where)
        return rows.select(columns).collect()


def _check_sizes(path: str, table: DeltaTable) -> None:
    """Local files as long as the log says: a truncated one would stop the program, not raise."""
    if "://" in path:
        return
    for name, size in (
        pl.DataFrame(table.get_add_actions(flatten=True)).select("path", "size_bytes").rows()
    ):
        file = Path(path) / unquote(name)
        if not file.is_file() or file.stat().st_size != size:
            raise _damaged(path, f"{name} is missing or not of its {size} bytes")


def remove_unfinished(path: str) -> None:
    """Remove what a writer left that was killed before its commit.

    Such files are newer than the newest commit and in none, or still have a temporary name. Those
    of a writer that is at work look the same: the caller has to hold the lake against others.

    Raises:
        LakeError: a file of the log is damaged, or a file cannot be removed.
    """
    if "://" in path:
        return
    folder, log = Path(path), Path(path) / "_delta_log"
    with _mapped(path):
        for part in (*folder.glob("*.parquet#*"), *log.glob("*#*"), *log.glob("*.tmp")):
            _unlink(part)
        last = max((file.stat().st_mtime_ns for file in log.glob("*.json")), default=0)
        newer = [file for file in folder.glob("*.parquet") if file.stat().st_mtime_ns >= last]
        committed = _committed(log) if newer else set()
        for file in newer:
            if file.name not in committed:
                _unlink(file)


def _unlink(file: Path) -> None:
    try:
        file.unlink()
    except OSError as error:
        raise _refused(file, error) from error


def _committed(log: Path) -> set[str]:
    """Names of the files that any version of the table had, as far as the log goes back."""
    lines = [line for file in log.glob("*.json") for line in file.read_text("utf-8").splitlines()]
    actions = [json.loads(line) for line in lines]
    for file in log.glob("*.checkpoint*.parquet"):
        actions += pl.read_parquet(file, columns=["add", "remove"]).to_dicts()
    changes = [action.get(kind) for action in actions for kind in ("add", "remove")]
    return {unquote(change["path"]) for change in changes if change and change["path"]}


def write(path: str, frame: pl.DataFrame, mode: Literal["append", "overwrite"]) -> None:
    """Write one commit: all of the frame or nothing of it.

    Raises:
        LakeError: the folder cannot be written, or another program wrote meanwhile.
    """
    with _mapped(path):
        write_deltalake(
            path,
            frame,
            mode=mode,
            writer_properties=WriterProperties(
                compression="ZSTD", compression_level=3, max_row_group_size=ROWS_PER_GROUP
            ),
        )
