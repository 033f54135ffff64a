"""Reading and writing one Delta table, with errors that say what to do."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl
import pyarrow as pa
from deltalake import (
    CommitProperties,
    DeltaTable,
    PostCommitHookProperties,
    WriterProperties,
    write_deltalake,
)

from stocktrend.errors import LakeError
from stocktrend.lake.checksums import damage, files_of, is_local, seal
from stocktrend.lake.faults import damaged, let_go, mapped
from stocktrend.lake.migrations import Change

ROWS_PER_GROUP: Final = 131_072
"""Small enough that reading a few tickers skips most of a sorted table."""
SCHEMA: Final = b"stocktrend.schema"
"""Key of the schema's number, in the metadata of a table's first column: each version keeps it."""
BESIDE: Final = "stocktrend.beside"
"""Key of the versions of other tables, in what an entry of the log says of its commit."""
MIDWAY: Final = "stocktrend.midway"
"""Key of a mark, there too: the tables are about to change, and do not fit together until then."""
KEEP_LOG: Final = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)
"""delta-rs would remove entries of a month ago, and with them the versions that runs recorded."""


@dataclass(frozen=True)
class State:
    """How many files and rows a table consists of, and the number of its schema."""

    parts: int
    rows: int
    schema: int


def version(path: str) -> int | None:
    """The table's newest version, None where there is no table."""
    with mapped(path):
        if not DeltaTable.is_deltatable(path):
            return None
        return _opened(path).version()


def table_id(path: str) -> str:
    """What tells the table from another one made later in its place."""
    with mapped(path):
        return str(_opened(path).metadata().id)


def state(path: str) -> State:
    """What a writer has to know of a table."""
    with mapped(path):
        table = _opened(path)
        counts = pl.DataFrame(table.get_add_actions(flatten=True))["num_records"]
        return State(len(counts), int(counts.sum()), _schema(table))


def check_known(path: str, known: int) -> None:
    """Refuse a table that a newer program made.

    Args:
        path: The table; it need not be there.
        known: The number of its schema in this program.

    Raises:
        LakeError: its schema has a higher number, or it is damaged.
    """
    with mapped(path):
        if DeltaTable.is_deltatable(path):
            _known(path, _schema(_opened(path)), known)


def read(
    path: str,
    columns: list[str],
    at: int | None = None,
    where: pl.Expr | None = None,
    changes: Sequence[Change] = (),
) -> pl.DataFrame:
    """Columns of the rows that satisfy a condition, in stored order.

    Args:
        path: The table.
        columns: To read.
        at: Version; the newest where None.
        where: Rows to keep.
        changes: Of the table's columns, see ``stocktrend.lake.migrations``.

    Raises:
        LakeError: the table, a version or one of its files is missing or damaged, or a newer
            program made it.
    """
    with mapped(path):
        table = _opened(path, at)
        for name, reason in damage(path, files_of(table)).items():
            if at is not None and at < _opened(path).version():
                raise let_go(path, at, f"{name} {reason}")
            raise damaged(path, f"{name} {reason}")
        number = _schema(table)
        _known(path, number, 1 + len(changes))
        rows = pl.scan_delta(table)
        if number <= len(changes):
            migrated = rows.collect()
            for change in changes[number - 1 :]:
                migrated = change(migrated)
            rows = migrated.lazy()
        if where is not None:
            rows = rows.filter(where)
        return rows.select(columns).collect()


def files(path: str, at: int | None = None) -> dict[str, int]:
    """Name -> bytes of the files of a version."""
    with mapped(path):
        return files_of(_opened(path, at))


def rows(path: str, at: int) -> int:
    """How many rows a version has, as its log says."""
    with mapped(path):
        counts = pl.DataFrame(_opened(path, at).get_add_actions(flatten=True))
        return int(counts["num_records"].sum())


def clear(path: str) -> None:
    """Leave no row, as one commit."""
    with mapped(path):
        table = _opened(path)
        write(path, pl.scan_delta(table).head(0).collect(), "overwrite", _schema(table))


def restore(path: str, to: int) -> None:
    """Make a past version the newest one again, as one commit; the versions between stay.

    Raises:
        LakeError: the folder cannot be written, or the version is not there.
    """
    with mapped(path):
        _opened(path).restore(to, post_commithook_properties=KEEP_LOG)


def log_entries(path: str) -> list[Path]:
    """The files of the log of a local table, one a version, oldest first."""
    return sorted(Path(path, "_delta_log").glob("[0-9]*.json"))


def commit_info(entry: Path) -> dict[str, Any] | None:
    """What an entry of a log says of its commit; None where the entry cannot be read."""
    try:
        actions = [json.loads(line) for line in entry.read_text("utf-8").splitlines()]
    except (OSError, ValueError):
        return None
    if not actions:
        return None
    return next((dict(action["commitInfo"]) for action in actions if "commitInfo" in action), {})


def _opened(path: str, at: int | None = None) -> DeltaTable:
    """A version of the table; entries of its log that hold nothing would pass for none at all."""
    if is_local(path):
        for entry in log_entries(path):
            if entry.stat().st_size == 0 and (at is None or int(entry.stem) <= at):
                raise damaged(path, f"_delta_log/{entry.name} is empty")
    return DeltaTable(path, version=at)


def _schema(table: DeltaTable) -> int:
    metadata: list[dict[str, Any]] = [field.metadata for field in table.schema().fields]
    return max((int(m[SCHEMA.decode()]) for m in metadata if SCHEMA.decode() in m), default=1)


def _known(path: str, number: int, known: int) -> None:
    if number > known:
        raise LakeError(
            f"A lake table must be of a schema that this program knows, however {path} was made by "
            f"a newer stocktrend (schema {number}, this program knows {known}). Upgrade "
            f"stocktrend; nothing was changed"
        )


def write(
    path: str,
    frame: pl.DataFrame,
    mode: Literal["append", "overwrite"],
    schema: int = 1,
    beside: Mapping[str, int] | None = None,
    midway: bool = False,
) -> None:
    """Write one commit: all of the frame or nothing of it.

    Args:
        path: The table; made where it does not exist.
        frame: Its rows. Those appended have the columns of the rows that are there.
        mode: Beside the rows that are there, or in their place.
        schema: The number of the columns' schema.
        beside: Versions of other tables, noted with the commit.
        midway: Noted too: see ``MIDWAY``.

    Raises:
        LakeError: the folder cannot be written, or another program wrote meanwhile.
    """
    notes = ({BESIDE: json.dumps(beside)} if beside else {}) | ({MIDWAY: "yes"} if midway else {})
    with mapped(path):
        before = set(files_of(DeltaTable(path))) if DeltaTable.is_deltatable(path) else set()
        write_deltalake(
            path,
            _numbered(frame, schema),
            mode=mode,
            schema_mode="overwrite" if mode == "overwrite" else None,
            writer_properties=WriterProperties(
                compression="ZSTD", compression_level=3, max_row_group_size=ROWS_PER_GROUP
            ),
            commit_properties=CommitProperties(notes or None),
            post_commithook_properties=KEEP_LOG,
        )
        seal(path, files_of(DeltaTable(path)).keys() - before)


def _numbered(frame: pl.DataFrame, schema: int) -> pa.RecordBatchReader:
    """The frame with the number of its schema, piece by piece: all at once would be a copy."""
    pieces = pa.RecordBatchReader.from_stream(frame)
    first = pieces.schema.field(0).with_metadata({SCHEMA: str(schema).encode()})
    named = pieces.schema.set(0, first)
    batches = (pa.RecordBatch.from_arrays(piece.columns, schema=named) for piece in pieces)
    return pa.RecordBatchReader.from_batches(named, batches)
