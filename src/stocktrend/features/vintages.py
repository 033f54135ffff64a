"""What a dated series looked like at each ``as_of``, revisions and withdrawals included.

The state at ``as_of`` maps each period to its latest version with ``known_at <= as_of``. Versions
are applied in the order in which they became known and the states are read on the way, so a
version known later cannot touch an earlier state.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from stocktrend.errors import DataError


@dataclass(frozen=True, slots=True)
class Value:
    """One period's value and the basis (an index's base year, say) in which it is stated."""

    value: float
    basis: str | None


@dataclass(slots=True)
class SeriesState:
    """A series as it was known at one moment: period -> value. Withdrawn periods are absent."""

    values: dict[date, Value] = field(default_factory=dict)
    newest: date | None = None

    def put(self, period: date, value: float | None, basis: str | None) -> None:
        """Apply one version; a null value withdraws the period."""
        if value is not None:
            self.values[period] = Value(value, basis)
            if self.newest is None or period > self.newest:
                self.newest = period
        elif self.values.pop(period, None) is not None and period == self.newest:
            self.newest = max(self.values, default=None)


def series_states(
    observations: pl.DataFrame, series: str, as_ofs: Sequence[datetime]
) -> Iterator[SeriesState]:
    """The series as known at each ``as_of``.

    Args:
        observations: Macro records, every version: ``series``, ``period``, ``value``, ``basis``,
            ``known_at`` and ``source``.
        series: The series to follow.
        as_ofs: UTC times, ascending.

    Yields:
        One state per ``as_of``. It is the same object each time: read it before the next.
    """
    versions = (
        observations.filter(pl.col("series") == series)
        .sort("known_at", "period", "source", "value", "basis")
        .select("known_at", "period", "value", "basis")
        .iter_rows()
    )
    state = SeriesState()
    pending = next(versions, None)
    for as_of in as_ofs:
        while pending is not None and pending[0] <= as_of:
            state.put(*pending[1:])
            pending = next(versions, None)
        yield state


def grid_times(grid: pl.DataFrame) -> list[datetime]:
    """The distinct ``as_of`` of a grid, ascending.

    Raises:
        DataError: the grid has no ``as_of`` or a null one.
    """
    require(grid, "grid", {"as_of"})
    if grid["as_of"].null_count():
        raise DataError("every row of the grid must have an as_of, however: some are null")
    times: list[datetime] = grid["as_of"].unique().sort().to_list()
    return times


def require(frame: pl.DataFrame, name: str, columns: set[str]) -> None:
    """Raise DataError where the frame lacks columns."""
    missing = sorted(columns - set(frame.columns))
    if missing:
        raise DataError(
            f"{name} must have the columns {sorted(columns)}, however {missing} are missing. "
            f"Columns found: {frame.columns}"
        )
