"""Where a ticker's history begins anew.

A history is a run of bars that windows may cross. It ends at a gap of more than 5 sessions, at a
one-day move that no split-adjusted price makes, and at a price that is not positive; the next
valid bar is the first of a new one. Each decision reads that bar and the ones before it, so a
later bar never changes an earlier history.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stocktrend.errors import DataError
from stocktrend.sessions import sessions

PRICES: Final = ("open", "high", "low", "close", "adj_close")
BAR_COLUMNS: Final = ("ticker", "session", *PRICES, "volume")

LONGEST_GAP: Final = 5
"""Sessions from one bar to the next; the next session is 1 away."""
LARGEST_RISE: Final = 3.0
LARGEST_FALL: Final = 0.25
ROUNDING: Final = 1e-12

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Histories:
    """Bars cut into histories.

    Attributes:
        bars: The frame, sorted by ticker and session, ``BAR_COLUMNS`` alone, Float64 values.
        valid: Rows of ``bars`` that have a usable bar, ascending; others belong to no history.
        starts: Positions in ``valid`` at which a history begins, ascending, then ``len(valid)``.
    """

    bars: pl.DataFrame
    valid: Integers
    starts: Integers

    def column(self, name: str) -> Floats:
        """One column at the valid rows, shape (len(valid),)."""
        values = self.bars[name].to_numpy()
        # A copy: polars hands out read-only memory, for which kernels would compile anew.
        return values[self.valid] if len(self.valid) < len(values) else values.copy()

    def bar_numbers(self) -> NDArray[np.int32]:
        """Bars since the last restart, that one included, per row of ``bars``; 0 if not valid."""
        numbers = np.zeros(len(self.bars), np.int32)
        lengths = np.diff(self.starts)
        numbers[self.valid] = np.arange(len(self.valid)) - np.repeat(self.starts[:-1], lengths) + 1
        return numbers


def histories(bars: pl.DataFrame, exchange: str = "XNYS") -> Histories:
    """Sort bars and find where each ticker's history restarts.

    Args:
        bars: ``BAR_COLUMNS``, in any order; more columns are ignored. A bar with a null, a NaN or
            a negative volume counts as missing: it belongs to no history and restarts none.
        exchange: The calendar that gaps are counted in.

    Raises:
        DataError: columns are missing or of another type, a ticker has a session twice, or a
            session lies outside the calendar.
    """
    _check_columns(bars)
    bars = bars.select("ticker", "session", pl.col(*PRICES, "volume").cast(pl.Float64))
    if not _is_sorted(bars):
        bars = bars.sort("ticker", "session")
    new_ticker = _new_ticker(bars)
    numbers = _session_numbers(bars, new_ticker, exchange)
    values = {name: bars[name].fill_null(np.nan).to_numpy() for name in (*PRICES, "volume")}
    broken = np.any([values[name] <= 0.0 for name in PRICES], axis=0)
    known = np.all([np.isfinite(column) for column in values.values()], axis=0)
    valid = np.flatnonzero(known & ~broken & (values["volume"] >= 0.0))
    # Counts of what went before a bar: two neighbours differ where it happened between them.
    tickers, breaks = np.cumsum(new_ticker)[valid], np.cumsum(broken)[valid]
    close = values["adj_close"][valid]
    restart = np.ones(len(valid), np.bool_)
    restart[1:] = (
        (tickers[1:] != tickers[:-1])
        | (breaks[1:] != breaks[:-1])
        | (np.diff(numbers[valid]) > LONGEST_GAP)
        | (close[1:] > close[:-1] * (LARGEST_RISE * (1.0 + ROUNDING)))
        | (close[1:] < close[:-1] * (LARGEST_FALL * (1.0 - ROUNDING)))
    )
    return Histories(bars, valid, np.append(np.flatnonzero(restart), len(valid)))


def _check_columns(bars: pl.DataFrame) -> None:
    """Raise DataError naming every column that is missing or of a type that is no bar's."""
    problems = []
    for name in BAR_COLUMNS:
        if name not in bars.columns:
            problems.append(
                f"bars must have the column {name}, however they have {', '.join(bars.columns)}. "
                "Add or rename it"
            )
        elif name == "session" and bars.schema[name] != pl.Date:
            problems.append(f"session must be a Date, however: {bars.schema[name]}. Cast it")
        elif name not in ("ticker", "session") and not bars.schema[name].is_numeric():
            problems.append(f"{name} must be a number, however: {bars.schema[name]}. Cast it")
    if problems:
        raise DataError("\n".join(problems))


def _new_ticker(bars: pl.DataFrame) -> NDArray[np.bool_]:
    """Whether each row has another ticker than the row before it."""
    return (
        bars.select(pl.col("ticker").ne_missing(pl.col("ticker").shift(1))).to_series().to_numpy()
    )


def _is_sorted(bars: pl.DataFrame) -> bool:
    """Whether rows are in the order of ticker and session, which saves sorting them."""
    new_ticker = _new_ticker(bars)
    days = bars["session"].to_physical().to_numpy()
    firsts = bars["ticker"].filter(pl.Series(new_ticker))
    return bool(np.all(new_ticker[1:] | (np.diff(days) >= 0))) and firsts.is_sorted()


def _session_numbers(bars: pl.DataFrame, new_ticker: NDArray[np.bool_], exchange: str) -> Integers:
    """Each bar's session number; a day without a session has that of the session before it."""
    days = bars["session"].to_physical().to_numpy()
    calendar = sessions(exchange)["session"].to_physical().to_numpy()
    repeated = np.flatnonzero(~new_ticker[1:] & (np.diff(days) == 0)) + 1
    outside = np.flatnonzero((days < calendar[0]) | (days > calendar[-1]))
    problems = []
    if len(repeated):
        ticker, session = bars.select("ticker", "session").row(int(repeated[0]))
        problems.append(
            f"a ticker must have a session once, however {len(repeated)} bars repeat one, "
            f"the first is {ticker} on {session}. Remove the repeated bars"
        )
    if len(outside):
        ticker, session = bars.select("ticker", "session").row(int(outside[0]))
        problems.append(
            f"sessions must lie in the calendar of {exchange}, however {len(outside)} bars do "
            f"not, the first is {ticker} on {session}. Remove the bars outside it"
        )
    if problems:
        raise DataError("\n".join(problems))
    return np.searchsorted(calendar, days, side="right").astype(np.int64)
