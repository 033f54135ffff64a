"""The lake's tables: what was known when, written so that nothing is half there."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar

import polars as pl

from stocktrend import schema
from stocktrend.errors import DataError, LakeError
from stocktrend.lake import delta
from stocktrend.lake.journal import finish
from stocktrend.lake.leftovers import remove_unfinished
from stocktrend.lake.lock import only_writer
from stocktrend.lake.membership import restate
from stocktrend.lake.migrations import MIGRATIONS, Migrations
from stocktrend.lake.order import in_order, newest
from stocktrend.lake.reading import QUARANTINED, STORED, LakeReader
from stocktrend.lake.rebase import merge_files
from stocktrend.lake.revisions import (
    DUPLICATE,
    NEW,
    ORIGIN,
    REJECTED,
    REVISED,
    UNCHANGED,
    add_versions,
    revise,
)
from stocktrend.schema import TABLES

P = ParamSpec("P")
Result = TypeVar("Result")

MOST_PARTS: Final = 8
REWRITE_SHARE: Final = 4
"""An append of more than a quarter of a table, or to many files, rewrites it sorted instead."""


@dataclass(frozen=True)
class Upserted:
    """What became of the records of one upsert.

    ``rejected`` records contradict a stored vintage. ``status`` says for each record, in order,
    which of the five it was; ``notes`` what was handled on the way.
    """

    new: int
    revised: int
    unchanged: int
    duplicate: int
    rejected: int
    status: pl.Series = field(repr=False)
    notes: Mapping[str, int] = field(default_factory=dict)


def _alone(
    write: Callable[Concatenate["Lake", P], Result],
) -> Callable[Concatenate["Lake", P], Result]:
    """A method that writes while no other program does."""

    @wraps(write)
    def alone(lake: "Lake", /, *args: P.args, **kwargs: P.kwargs) -> Result:
        with lake.writing():
            return write(lake, *args, **kwargs)

    return alone


class Lake(LakeReader):
    """A Delta table a kind of records (``schema.TABLES``), ``quarantine`` and ``files``.

    Args:
        path: A folder, or a URL of an object store that delta-rs reads.
        versions: Table versions to read, as ``versions()`` returned them: the lake as it was
            then, read-only. Without it the newest.
        migrations: Changes of the tables' columns that this program knows.

    Example:
        >>> Lake("no/such/folder").exists
        False
    """

    def __init__(
        self,
        path: Path | str,
        versions: Mapping[str, int] | None = None,
        migrations: Migrations = MIGRATIONS,
    ) -> None:
        super().__init__(path, versions, migrations)
        self._held = False

    @contextmanager
    def writing(self, wait: Callable[[str], None] | None = None) -> Iterator[None]:
        """Hold the lake against other programs; each write does so itself where this does not.

        What killed programs left is removed first, where the system can hold others off, and a
        restore that was stopped is finished.

        Args:
            wait: Told that another program is waited for; None: that is an error.

        Raises:
            LakeError: another program writes to the lake, or it is damaged or read-only, or made
                by a newer stocktrend.
        """
        if self._pinned is not None:
            raise LakeError(
                f"A lake opened at past versions is read-only, however {self.path} was to be "
                f"written. Open Lake(path) without versions"
            )
        if self._held or "://" in self.path:
            yield
            return
        with only_writer(Path(self.path), wait=wait) as alone:
            self._held = True
            try:
                for table in STORED:
                    delta.check_known(self.table_path(table), self._number(table))
                for table in STORED if alone else ():
                    remove_unfinished(self.table_path(table))
                finish(self.path)
                yield
            finally:
                self._held = False

    @_alone
    def upsert(
        self,
        table: str,
        records: pl.DataFrame,
        retrieved_at: datetime,
        *,
        versioned: bool = False,
    ) -> Upserted:
        """Store what is new in records; storing them again changes nothing.

        Content that differs from the newest stored version of its key is a revision, known when
        it was retrieved (or by its own rule where that is later). Bars are first brought into
        the basis of the stored ones, see ``stocktrend.lake.rebase``.

        Args:
            table: One of ``schema.TABLES``.
            records: The schema's columns and, if wanted, ``origin``; further columns are ignored.
            retrieved_at: When the records were retrieved, with a time zone.
            versioned: The records carry their own vintages; each ``known_at`` of a key is kept.

        Returns:
            Counts and the fate of each record.

        Raises:
            LakeError: the lake is damaged, read-only, or another program writes to it.
            DataError: two bars of one session differ within ``records``.
        """
        if retrieved_at.tzinfo is None:
            raise DataError(f"retrieved_at must have a time zone, however: {retrieved_at!r}")
        columns = [*schema.columns(table), ORIGIN]
        origin = [] if ORIGIN in records.columns else [pl.col("source").alias(ORIGIN)]
        incoming = records.with_columns(*origin).select(columns)
        present = self._version(table) is not None
        tickers = incoming["ticker"].unique().to_list() if "ticker" in columns else None
        empty = TABLES[table].create_empty().with_columns(pl.lit("").alias(ORIGIN))
        stored = self._load(table, tickers, None) if present and incoming.height else empty
        notes: Mapping[str, int] = {}
        if versioned:
            judged = add_versions(table, stored, incoming)
        elif table == "universe":
            judged, notes = restate(stored, incoming, retrieved_at)
        elif table == "bars":
            judged, notes = merge_files(newest(table, stored), incoming, retrieved_at)
        else:
            judged = revise(table, stored, incoming, retrieved_at)
        added = judged.filter(pl.col("status").is_in([NEW, REVISED]))
        if added.height:
            self._add(table, added.select(columns), present)
        fates = judged["status"].head(incoming.height)
        counts = dict(fates.value_counts().iter_rows())
        return Upserted(
            **{
                name: counts.get(name, 0) for name in (NEW, REVISED, UNCHANGED, DUPLICATE, REJECTED)
            },
            status=fates,
            notes={name: count for name, count in notes.items() if count},
        )

    @_alone
    def remove(self, table: str, origins: Iterable[str]) -> int:
        """Delete all records of some files, as their settings changed; returns how many."""
        if self._version(table) is None:
            return 0
        everything = self._load(table, None, None)
        kept = everything.filter(~pl.col(ORIGIN).is_in(list(origins)))
        if kept.height < everything.height:
            self._overwrite(table, kept)
        return everything.height - kept.height

    @_alone
    def add_quarantine(self, frame: pl.DataFrame, paths: Iterable[str] | None = None) -> None:
        """Replace what is in quarantine from some files by what they hold now.

        Args:
            frame: ``schema.QUARANTINE`` columns.
            paths: The files that were read, also those without a refused row; default: those in
                the frame.
        """
        names = set(frame["path"]) if paths is None else set(paths)
        before = self._refused()
        kept = before.filter(~pl.col("path").is_in(list(names)))
        order = ["table", "path", "row", "reason"]
        after = pl.concat([kept, frame.select(list(schema.QUARANTINE))]).sort(order)
        if self._version(QUARANTINED) is None or not after.equals(before.sort(order)):
            self._overwrite(QUARANTINED, after)

    @_alone
    def extend_quarantine(self, frame: pl.DataFrame) -> None:
        """Add to what is in quarantine; rows that differ in nothing but their number stay one.

        Args:
            frame: ``schema.QUARANTINE`` columns.
        """
        said = [name for name in schema.QUARANTINE if name != "row"]
        before = self._refused()
        more = frame.select(list(schema.QUARANTINE)).unique(said, keep="first", maintain_order=True)
        more = more.join(before, on=said, how="anti", nulls_equal=True)
        if more.height:
            after = pl.concat([before, more]).sort("table", "path", "row", "reason")
            self._overwrite(QUARANTINED, after)

    def _add(self, table: str, rows: pl.DataFrame, present: bool) -> None:
        path, number = self.table_path(table), self._number(table)
        if present:
            state = delta.state(path)
            beside = rows.height * REWRITE_SHARE < state.rows and state.parts < MOST_PARTS
            if beside and state.schema == number:
                delta.write(path, in_order(table, rows), "append", number)
                return
            rows = pl.concat([self._load(table, None, None), rows])
        self._overwrite(table, in_order(table, rows))

    def _overwrite(self, table: str, rows: pl.DataFrame) -> None:
        delta.write(self.table_path(table), rows, "overwrite", self._number(table))
