"""Reading the lake: what was known when, as the tables are now or as they were."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Self

import polars as pl

from stocktrend import schema
from stocktrend.errors import DataError, LakeError
from stocktrend.lake import delta, withheld
from stocktrend.lake.ledger import Ledger
from stocktrend.lake.migrations import MIGRATIONS, Change, Migrations
from stocktrend.lake.order import in_order, narrow, newest
from stocktrend.lake.revisions import ORIGIN
from stocktrend.schema import KEYS, MARKET, TABLES, UTC_TIME

QUARANTINED: Final = "quarantine"
READ: Final = (*TABLES, withheld.TABLE, QUARANTINED)
LEDGER: Final = "files"
STORED: Final = (*READ, LEDGER)
"""All tables, in the order in which an ingest commits to them."""


class LakeReader:
    """What a ``Lake`` can do without writing.

    Args:
        path: A folder, or a URL of an object store that delta-rs reads.
        versions: Table versions to read; without them the newest. A table that they do not name
            was not there, but for the quarantine: runs did not always record it.
        migrations: Changes of the tables' columns that this program knows.
    """

    def __init__(
        self,
        path: Path | str,
        versions: Mapping[str, int] | None = None,
        migrations: Migrations = MIGRATIONS,
    ) -> None:
        self.path = str(path).rstrip("/")
        self._pinned = dict(versions) if versions is not None else None
        self._migrations = migrations

    def __repr__(self) -> str:
        return f"Lake({self.path!r})"

    @property
    def exists(self) -> bool:
        """Whether any table of records is there."""
        return any(self._version(table) is not None for table in TABLES)

    @property
    def ledger(self) -> Ledger:
        """The files that were ingested."""
        return Ledger(self.table_path(LEDGER), self.versions, self._changes(LEDGER))

    def versions(self) -> dict[str, int]:
        """Version of each table that decides what is read; hand them to ``Lake`` to read it so."""
        found = {table: self._version(table) for table in READ}
        return {table: version for table, version in found.items() if version is not None}

    def as_now(self) -> Self:
        """The lake as it is now; what is written from here on is not seen."""
        return type(self)(self.path, self.versions(), self._migrations)

    def ids(self) -> dict[str, str]:
        """Id of each table of ``versions()``; a lake that was made anew has others."""
        return {table: delta.table_id(self.table_path(table)) for table in self.versions()}

    def read(
        self, table: str, as_of: datetime | None = None, tickers: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """The newest version of each key that was known at a time.

        Args:
            table: One of ``schema.TABLES``.
            as_of: With a time zone; nothing known later is seen. Everything where None.
            tickers: Of tables with tickers only these; news of the whole market always.

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
        return newest(table, self._shown(table, tickers, where)).select(schema.columns(table))

    def history(
        self,
        table: str,
        tickers: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Every version of every key, sorted by key and ``known_at``.

        Args:
            columns: These only, beside the key and ``known_at``: less memory. All where None.

        Other arguments, Returns, Raises: as ``read``.
        """
        rows = self._shown(table, tickers, None, columns)
        return rows.select(schema.columns(table) if columns is None else narrow(table, columns))

    def withheld(self) -> pl.DataFrame:
        """Intervals of bars that reading leaves out, see ``stocktrend.lake.withheld``."""
        return withheld.read_intervals(
            self.table_path(withheld.TABLE), self._version(withheld.TABLE)
        )

    def quarantine(self) -> pl.DataFrame:
        """What was refused or is withheld, with source, path, row, reason and the raw record."""
        intervals = self.withheld()
        if intervals.is_empty():
            return self._refused()
        bars = self._load("bars", intervals["ticker"].unique().to_list(), None)
        spells = withheld.as_quarantine(newest("bars", bars), intervals)
        return pl.concat([self._refused(), spells]).sort("table", "path", "row", "session")

    def _refused(self) -> pl.DataFrame:
        version = self._version(QUARANTINED)
        if version is None:
            return pl.DataFrame(schema=schema.QUARANTINE)
        return self._read(QUARANTINED, list(schema.QUARANTINE), version).sort(
            "table", "path", "row"
        )

    def spans(self, table: str) -> pl.DataFrame:
        """First and last ``known_at`` of each ticker: ``origin, ticker, first, last``, sorted."""
        version = self._version(table)
        columns = [ORIGIN, "ticker", "known_at"]
        if version is None:
            rows = pl.DataFrame(
                schema={**dict.fromkeys(columns[:2], pl.String), "known_at": UTC_TIME}
            )
        else:
            rows = self._read(table, columns, version)
        known = pl.col("known_at")
        return (
            rows.group_by(ORIGIN, "ticker")
            .agg(known.min().alias("first"), known.max().alias("last"))
            .sort(ORIGIN, "ticker")
        )

    def origins(self, table: str) -> pl.DataFrame:
        """Versions stored from each origin, and the last ``known_at``: ``origin, rows, last``."""
        version = self._version(table)
        if version is None:
            return pl.DataFrame(schema={ORIGIN: pl.String, "rows": pl.UInt32, "last": UTC_TIME})
        rows = self._read(table, [ORIGIN, "known_at"], version)
        return rows.group_by(ORIGIN).agg(
            pl.len().alias("rows"), pl.col("known_at").max().alias("last")
        )

    def _shown(
        self,
        table: str,
        tickers: Sequence[str] | None,
        where: pl.Expr | None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Stored rows without the withheld ones."""
        rows = self._load(table, tickers, where, columns)
        return withheld.without(rows, self.withheld()) if table == "bars" else rows

    def _load(
        self,
        table: str,
        tickers: Sequence[str] | None,
        where: pl.Expr | None,
        columns: Sequence[str] | None = None,
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
        names = [*schema.columns(table), ORIGIN] if columns is None else narrow(table, columns)
        return in_order(table, self._read(table, names, version, where))

    def _read(
        self, table: str, columns: list[str], version: int, where: pl.Expr | None = None
    ) -> pl.DataFrame:
        return delta.read(self.table_path(table), columns, version, where, self._changes(table))

    def _changes(self, table: str) -> tuple[Change, ...]:
        return self._migrations.get(table, ())

    def _number(self, table: str) -> int:
        """The number of the table's schema in this program."""
        return 1 + len(self._changes(table))

    def _version(self, table: str) -> int | None:
        if self._pinned is not None and (table in self._pinned or table != QUARANTINED):
            return self._pinned.get(table)
        return delta.version(self.table_path(table))

    def table_path(self, table: str) -> str:
        """Where a table lies."""
        return f"{self.path}/{table}"
