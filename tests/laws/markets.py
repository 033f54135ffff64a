"""Records of a market in memory, and the panel that a lake of them gives."""

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

import polars as pl

from stocktrend.catalog import FEATURES
from stocktrend.config import Settings
from stocktrend.lake import Lake, delta
from stocktrend.lake.order import in_order
from stocktrend.panel import build_panel
from stocktrend.schema import TABLES

KEY = ["ticker", "as_of", "close"]


@dataclass
class Coverage:
    """How many values each feature had in the rows that a law compared."""

    names: tuple[str, ...] = FEATURES
    rows: int = 0
    values: Counter[str] = field(default_factory=Counter)

    def add(self, panel: pl.DataFrame) -> Self:
        """Count the rows of a frame."""
        self.rows += panel.height
        self.values.update({name: panel[name].count() for name in self.names})
        return self

    def least(self) -> tuple[float, str]:
        """The smallest share of rows with a value, and the feature that has it."""
        return min((self.values[name] / self.rows, name) for name in self.names)


Covered = Callable[[Coverage], None]
"""Told what a law compared."""


@dataclass(frozen=True)
class Records:
    """Every version of every record, and what was refused."""

    settings: Settings
    tables: Mapping[str, pl.DataFrame]
    quarantine: pl.DataFrame

    @classmethod
    def of(cls, lake: Lake, settings: Settings, since: datetime) -> "Records":
        """What a lake holds about the time since a moment."""
        tables = {
            table: lake.history(table).filter(pl.col("event_time") >= since) for table in TABLES
        }
        return cls(settings, tables, lake.quarantine())

    def known_at(self, moment: datetime) -> "Records":
        """The records that existed at a moment, as if no other would ever come."""
        known = {t: f.filter(pl.col("known_at") <= moment) for t, f in self.tables.items()}
        past = pl.col("session").is_null() | (pl.col("session") <= moment.date())
        return replace(self, tables=known, quarantine=self.quarantine.filter(past))

    def panel(self, known_by: datetime | None = None) -> pl.DataFrame:
        """The keys and the 87 features of each row."""
        return self._built(known_by).select(*KEY, *FEATURES)

    def labels(self) -> pl.DataFrame:
        """The keys, returns, targets and times of knowing of each row."""
        return self._built(None).drop("timestamp", *FEATURES)

    def _built(self, known_by: datetime | None) -> pl.DataFrame:
        """Write a lake of these records and compute its panel."""
        with tempfile.TemporaryDirectory() as folder:
            for table, frame in self.tables.items():
                if frame.height:
                    stored = in_order(table, frame.with_columns(origin=pl.lit("")))
                    delta.write(str(Path(folder) / table), stored, "overwrite")
            lake = Lake(folder)
            lake.add_quarantine(self.quarantine)
            return build_panel(lake, self.settings, known_by=known_by)


@dataclass(frozen=True)
class World:
    """A market's records at one cadence, with the panel that they give."""

    name: str
    records: Records
    panel: pl.DataFrame
    revisions: tuple[datetime, ...]

    @property
    def moments(self) -> list[datetime]:
        """Each ``as_of`` of the middle half: rows come before it, records after it."""
        times: list[datetime] = self.panel["as_of"].unique().sort().to_list()
        return times[len(times) // 4 : 3 * len(times) // 4]

    @property
    def just_revised(self) -> list[datetime]:
        """Moments a few days after a revision."""
        few = timedelta(days=5)
        return [t for t in self.moments if any(timedelta(0) < t - r < few for r in self.revisions)]

    def until(self, moment: datetime) -> pl.DataFrame:
        """The rows at or before a moment."""
        return self.panel.filter(pl.col("as_of") <= moment)


def differing(
    first: pl.DataFrame, second: pl.DataFrame, names: tuple[str, ...] = FEATURES
) -> list[str]:
    """Features in which two frames of the same rows differ in a bit, or are undefined in one."""
    keys = [name for name in first.columns if name not in names]
    assert first.select(keys).equals(second.select(keys))
    return [
        name
        for name in names
        if first[name].null_count() != second[name].null_count()
        or first[name].to_numpy().tobytes() != second[name].to_numpy().tobytes()
    ]
