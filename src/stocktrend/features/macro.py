"""The 12 macro features: market-wide, each as it stood in the vintage known at ``as_of``.

A change takes both of its periods from one vintage, the latest known at ``as_of``, and needs the
exact earlier period in the same basis. A series whose newest value is older than its frequency
can explain is stale and gives null.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import polars as pl

from stocktrend.catalog import MACRO_FEATURES
from stocktrend.features.vintages import SeriesState, grid_times, require, series_states
from stocktrend.schema import UTC_TIME

DAILY: Final = timedelta(days=30)
MONTHLY: Final = timedelta(days=160)
QUARTERLY: Final = timedelta(days=300)
"""Oldest label date (first day of the period) that still counts as current.

The longest true delays stay inside: 153 days for a monthly series (industrial production in the
vintages of the 2025 shutdown), 266 for a quarterly one (GDP in the same autumn).
"""

OBSERVATION_COLUMNS: Final = {"series", "period", "value", "basis", "known_at", "source"}


@dataclass(frozen=True)
class Level:
    """The newest value of a series, in its own unit."""

    series: str
    oldest: timedelta

    def at(self, state: SeriesState, today: date) -> float | None:
        """The feature of one state, or null."""
        if state.newest is None or today - state.newest > self.oldest:
            return None
        return state.values[state.newest].value


@dataclass(frozen=True)
class LogChange:
    """``100 * scale * ln(x / x[months earlier])``, %; null across two bases or signs."""

    series: str
    oldest: timedelta
    months: int
    scale: float = 1.0

    def at(self, state: SeriesState, today: date) -> float | None:
        """The feature of one state, or null."""
        if state.newest is None or today - state.newest > self.oldest:
            return None
        new = state.values[state.newest]
        old = state.values.get(months_before(state.newest, self.months))
        if old is None or old.basis != new.basis or min(old.value, new.value) <= 0:
            return None
        return 100 * self.scale * math.log(new.value / old.value)


FORMULAS: Final[dict[str, Level | LogChange]] = {
    "macro_cpi_yoy": LogChange("CPIAUCSL", MONTHLY, 12),
    "macro_core_cpi_yoy": LogChange("CPILFESL", MONTHLY, 12),
    "macro_unemployment": Level("UNRATE", MONTHLY),
    "macro_payrolls_growth": LogChange("PAYEMS", MONTHLY, 3, scale=4.0),
    "macro_gdp_growth": LogChange("GDPC1", QUARTERLY, 12),
    "macro_industrial_production_yoy": LogChange("INDPRO", MONTHLY, 12),
    "macro_consumer_sentiment": Level("UMCSENT", MONTHLY),
    "macro_fed_funds": Level("DFF", DAILY),
    "macro_yield_10y": Level("DGS10", DAILY),
    "macro_credit_spread": Level("BAA10Y", DAILY),
    "macro_vix": Level("VIXCLS", DAILY),
}
"""All but the term spread, which takes two series."""


def macro_features(observations: pl.DataFrame, grid: pl.DataFrame) -> pl.DataFrame:
    """The macro features of each ``as_of``.

    Args:
        observations: Macro records, every version of every period. Other series are ignored.
        grid: A frame with ``as_of`` (UTC), in any order.

    Returns:
        ``as_of`` and the 12 columns of ``MACRO_FEATURES`` (Float64, null where unknown), one row
        per row of the grid, in its order.

    Raises:
        DataError: a frame lacks columns.

    Example:
        >>> from datetime import UTC, date, datetime
        >>> known = datetime(2020, 1, 2, 15, tzinfo=UTC)
        >>> vix = {"series": ["VIXCLS"], "period": [date(2020, 1, 1)], "value": [13.5],
        ...        "basis": [None], "known_at": [known], "source": ["demo"]}
        >>> macro_features(pl.DataFrame(vix), pl.DataFrame({"as_of": [known]}))["macro_vix"].item()
        13.5
    """
    require(observations, "observations", OBSERVATION_COLUMNS)
    times = grid_times(grid)
    columns: dict[str, list[float | None]] = {}
    for name in MACRO_FEATURES:
        if name == "macro_term_spread":
            columns[name] = list(_term_spread(observations, times))
        else:
            formula = FORMULAS[name]
            states = series_states(observations, formula.series, times)
            columns[name] = [
                formula.at(state, as_of.date()) for state, as_of in zip(states, times, strict=True)
            ]
    table = pl.DataFrame(
        {"as_of": times, **columns},
        schema={"as_of": UTC_TIME, **dict.fromkeys(MACRO_FEATURES, pl.Float64)},
    )
    return grid.select(pl.col("as_of").cast(UTC_TIME)).join(
        table, on="as_of", how="left", maintain_order="left"
    )


def months_before(period: date, months: int) -> date:
    """The label date ``months`` earlier. Labels of monthly and quarterly series are first days."""
    index = period.year * 12 + period.month - 1 - months
    return period.replace(year=index // 12, month=index % 12 + 1)


def _term_spread(observations: pl.DataFrame, times: Sequence[datetime]) -> Iterator[float | None]:
    """DGS10 - DGS2 on the newest day for which both are known."""
    long = series_states(observations, "DGS10", times)
    short = series_states(observations, "DGS2", times)
    for ten, two, as_of in zip(long, short, times, strict=True):
        yield _spread_on_common_day(ten, two, as_of.date())


def _spread_on_common_day(ten: SeriesState, two: SeriesState, today: date) -> float | None:
    if ten.newest is None or two.newest is None:
        return None
    day = min(ten.newest, two.newest)
    while today - day <= DAILY:
        if day in ten.values and day in two.values:
            return ten.values[day].value - two.values[day].value
        day -= timedelta(days=1)
    return None
