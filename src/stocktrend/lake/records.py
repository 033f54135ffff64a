"""What features are made from: records by table, whether they lie in a lake or in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self

import polars as pl

from stocktrend import schema
from stocktrend.lake.order import in_order, narrow
from stocktrend.schema import MARKET, TABLES


class Records(Protocol):
    """Every version of every record, and what was refused; a ``Lake`` is one."""

    def history(
        self,
        table: str,
        tickers: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Every version of every key of a table, sorted by key and ``known_at``.

        All columns, or these alone beside the key and ``known_at``.
        """

    def quarantine(self) -> pl.DataFrame:
        """What was refused, ``schema.QUARANTINE``."""


@dataclass(frozen=True)
class Tables:
    """Records in memory.

    Attributes:
        tables: Frames of ``schema.columns(table)``, by table; a table that is not there is empty.
        refused: ``schema.QUARANTINE``.

    Example:
        >>> Tables({}).history("bars").height
        0
    """

    tables: Mapping[str, pl.DataFrame]
    refused: pl.DataFrame | None = None

    @classmethod
    def of(cls, records: Records, tickers: Sequence[str] | None = None) -> Self:
        """All records of another place; of bars and news only those of ``tickers``, if given."""
        tables = {table: records.history(table, tickers) for table in TABLES}
        return cls(tables, records.quarantine())

    def history(
        self,
        table: str,
        tickers: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Every version of every key, sorted by key and ``known_at``; news of the market always."""
        names = schema.columns(table) if columns is None else narrow(table, columns)
        rows = self.tables.get(table)
        if rows is None:
            return TABLES[table].create_empty().select(names)
        if tickers is not None and "ticker" in rows.columns:
            rows = rows.filter(pl.col("ticker").is_in([*tickers, MARKET]))
        return in_order(table, rows.select(names))

    def quarantine(self) -> pl.DataFrame:
        """What was refused."""
        return pl.DataFrame(schema=schema.QUARANTINE) if self.refused is None else self.refused

    def known_by(self, moment: datetime) -> Self:
        """The records that were known at a time, all their later versions left out."""
        seen = {
            name: rows.filter(pl.col("known_at") <= moment) for name, rows in self.tables.items()
        }
        return type(self)(seen, self.refused)
