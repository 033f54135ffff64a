"""The lake's tables: what was known when, written so that nothing is half there."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from stocktrend.lake.ledger import Ledger
from stocktrend.lake.lock import only_writer
from stocktrend.lake.order import in_order, newest
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
from stocktrend.schema import KEYS, MARKET, TABLES, UTC_TIME

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


class Lake:
    """Delta tables ``bars``, ``news``, ``policy``, ``macro``, ``quarantine`` and ``files``.

    Args:
        path: A folder, or a URL of an object store that delta-rs reads.
        versions: Table versions to read, as ``versions()`` returned them: the lake as it was
            then, read-only. Without it the newest.

    Example:
        >>> Lake("no/such/folder").exists
        False
    """

    def __init__(self, path: Path | str, versions: Mapping[str, int] | None = None) -> None:
        self.path = str(path).rstrip("/")
        self._pinned = dict(versions) if versions is not None else None
        self._held = False

    def __repr__(self) -> str:
        return f"Lake({self.path!r})"

    @property
    def exists(self) -> bool:
        """Whether any table of records is there."""
        return any(self._version(table) is not None for table in TABLES)

    @property
    def ledger(self) -> Ledger:
        """The files that were ingested."""
        return Ledger(self._at("files"))

    def versions(self) -> dict[str, int]:
        """Version of each table of records; hand them to ``Lake`` to read it as it is now."""
        found = {table: self._version(table) for table in TABLES}
        return {table: version for table, version in found.items() if version is not None}

    # --- reading -------------------------------------------------------------------------------

    def read(
        self, table: str, as_of: datetime | None = None, tickers: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """The newest version of each key that was known at a time.

        Args:
            table: bars, news, policy or macro.
            as_of: With a time zone; nothing known later is seen. Everything where None.
            tickers: Of bars and news only these; news of the whole market always.

        Returns:
            The schema's columns, sorted by key; empty where nothing was ingested.

        Raises:
            LakeError: the lake is missing or damaged.
            DataError: the table's name or ``as_of`` is wrong.
        """
        if as_of is not None and as_of.tzinfo is None:
            raise DataError(
                f"as_of must have a time zone, however: {as_of!r}. Use datetime(..., tzinfo=UTC)"
            )
        where = None if as_of is None else pl.col("known_at") <= as_of
        return newest(table, self._load(table, tickers, where)).select(schema.columns(table))

    def history(self, table: str, tickers: Sequence[str] | None = None) -> pl.DataFrame:
        """Every version of every key, sorted by key and ``known_at``.

        Args, Returns, Raises: as ``read``.
        """
        return self._load(table, tickers, None).select(schema.columns(table))

    def quarantine(self) -> pl.DataFrame:
        """What was refused, with source, path, row, reason and the raw record."""
        if self._version("quarantine") is None:
            return pl.DataFrame(schema=schema.QUARANTINE)
        columns = list(schema.QUARANTINE)
        return delta.read(self._at("quarantine"), columns).sort("table", "path", "row")

    def spans(self, table: str) -> pl.DataFrame:
        """First and last ``known_at`` of each ticker: ``origin, ticker, first, last``, sorted."""
        version = self._version(table)
        columns = [ORIGIN, "ticker", "known_at"]
        if version is None:
            rows = pl.DataFrame(
                schema={**dict.fromkeys(columns[:2], pl.String), "known_at": UTC_TIME}
            )
        else:
            rows = delta.read(self._at(table), columns, version)
        known = pl.col("known_at")
        return (
            rows.group_by(ORIGIN, "ticker")
            .agg(known.min().alias("first"), known.max().alias("last"))
            .sort(ORIGIN, "ticker")
        )

    def _load(
        self, table: str, tickers: Sequence[str] | None, where: pl.Expr | None
    ) -> pl.DataFrame:
        """Stored rows with ``origin``, sorted by key and ``known_at``."""
        if table not in TABLES:
            raise DataError(f"table must be one of {', '.join(TABLES)}, however: {table!r}")
        version = self._version(table)
        if version is None:
            if not self.exists:
                raise LakeError(
                    f"There must be a lake to read from, however {self.path} holds none. Put files "
                    f"into raw/ and run `stocktrend ingest`"
                )
            return TABLES[table].create_empty().with_columns(pl.lit("").alias(ORIGIN))
        if tickers is not None and "ticker" in KEYS[table]:
            wanted = [*tickers, *([MARKET] if table == "news" else [])]
            chosen = pl.col("ticker").is_in(wanted)
            where = chosen if where is None else where & chosen
        columns = [*schema.columns(table), ORIGIN]
        return in_order(table, delta.read(self._at(table), columns, version, where))

    def _version(self, table: str) -> int | None:
        if self._pinned is not None:
            return self._pinned.get(table)
        return delta.version(self._at(table))

    def _at(self, table: str) -> str:
        return f"{self.path}/{table}"

    # --- writing -------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lake against other programs; each write does so itself where this does not.

        What killed programs left is removed first, where the system can hold others off.

        Raises:
            LakeError: another program writes to the lake, or it is damaged or read-only.
        """
        if self._pinned is not None:
            raise LakeError(
                f"A lake opened at past versions is read-only, however {self.path} was to be "
                f"written. Open Lake(path) without versions"
            )
        if self._held or "://" in self.path:
            yield
            return
        with only_writer(Path(self.path)) as alone:
            self._held = True
            try:
                for table in (*TABLES, "quarantine", "files") if alone else ():
                    delta.remove_unfinished(self._at(table))
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
            table: bars, news, policy or macro.
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
        elif table == "bars":
            judged, notes = merge_files(newest(table, stored), incoming, retrieved_at)
        else:
            judged = revise(table, stored, incoming, retrieved_at)
        added = judged.filter(pl.col("status").is_in([NEW, REVISED]))
        if added.height:
            self._add(table, added.select(columns), present)
        counts = dict(judged["status"].value_counts().iter_rows())
        return Upserted(
            **{
                name: counts.get(name, 0) for name in (NEW, REVISED, UNCHANGED, DUPLICATE, REJECTED)
            },
            status=judged["status"],
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
            delta.write(self._at(table), kept, "overwrite")
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
        before = self.quarantine()
        kept = before.filter(~pl.col("path").is_in(list(names)))
        order = ["table", "path", "row", "reason"]
        after = pl.concat([kept, frame.select(list(schema.QUARANTINE))]).sort(order)
        if not after.equals(before.sort(order)):
            delta.write(self._at("quarantine"), after, "overwrite")

    def _add(self, table: str, rows: pl.DataFrame, present: bool) -> None:
        path = self._at(table)
        if present and delta.parts(path) < MOST_PARTS:
            held = delta.read(path, ["known_at"]).height
            if rows.height * REWRITE_SHARE < held:
                delta.write(path, in_order(table, rows), "append")
                return
        if present:
            rows = pl.concat([self._load(table, None, None), rows])
        delta.write(path, in_order(table, rows), "overwrite")
