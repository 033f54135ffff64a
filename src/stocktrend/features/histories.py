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
        DataError: columns are missing, a ticker has a session twice, or a session lies outside
            the calendar; all that is found.
    """
    missing = [name for name in BAR_COLUMNS if name not in bars.columns]
    if missing:
        raise DataError(
            f"bars must have the columns {', '.join(BAR_COLUMNS)}, however {', '.join(missing)} "
            f"not found among {', '.join(bars.columns)}. Rename or add them"
        )
    bars = bars.select(
        "ticker",
        pl.col("session").cast(pl.Date),
        pl.col(*PRICES, "volume").cast(pl.Float64),
    )
    same_ticker = _same_ticker(bars)
    days = bars["session"].to_physical().to_numpy()
    if not _is_sorted(bars, same_ticker, days):
        bars = bars.sort("ticker", "session")
        same_ticker = _same_ticker(bars)
        days = bars["session"].to_physical().to_numpy()
    numbers = _session_numbers(bars, days, same_ticker, exchange)
    prices = [bars[name].fill_null(np.nan).to_numpy() for name in PRICES]
    known = np.isfinite(bars["volume"].fill_null(np.nan).to_numpy())
    known &= bars["volume"].fill_null(np.nan).to_numpy() >= 0.0
    broken = np.zeros(len(bars), np.bool_)
    for price in prices:
        known &= np.isfinite(price)
        broken |= price <= 0.0
    valid = np.flatnonzero(known & ~broken)
    restart = np.ones(len(valid), np.bool_)
    ticker = np.cumsum(~same_ticker)[valid] if len(bars) else np.zeros(0, np.int64)
    breaks = np.cumsum(broken)[valid]
    close = prices[PRICES.index("adj_close")][valid]
    if len(valid):
        before, now = close[:-1], close[1:]
        restart[1:] = (
            (ticker[1:] != ticker[:-1])
            | (breaks[1:] != breaks[:-1])
            | (np.diff(numbers[valid]) > LONGEST_GAP)
            | (now > before * (LARGEST_RISE * (1.0 + ROUNDING)))
            | (now < before * (LARGEST_FALL * (1.0 - ROUNDING)))
        )
    starts = np.append(np.flatnonzero(restart), len(valid))
    return Histories(bars, valid, starts)


def _same_ticker(bars: pl.DataFrame) -> NDArray[np.bool_]:
    """Whether each row has the ticker of the row before it."""
    ticker = bars["ticker"]
    return (ticker == ticker.shift(1)).fill_null(False).to_numpy()


def _is_sorted(
    bars: pl.DataFrame, same_ticker: NDArray[np.bool_], days: NDArray[np.int32]
) -> bool:
    """Whether rows are in the order of ticker and session, which saves sorting them."""
    first_rows = bars["ticker"].filter(pl.Series(~same_ticker))
    return bool(np.all(~same_ticker[1:] | (np.diff(days) >= 0))) and first_rows.is_sorted()


def _session_numbers(
    bars: pl.DataFrame,
    days: NDArray[np.int32],
    same_ticker: NDArray[np.bool_],
    exchange: str,
) -> Integers:
    """Each bar's session number; a day without a session has that of the session before it."""
    calendar = sessions(exchange)["session"].to_physical().to_numpy()
    problems = []
    twice = np.flatnonzero(same_ticker[1:] & (np.diff(days) == 0)) + 1
    if len(twice):
        ticker, session = bars.select("ticker", "session").row(int(twice[0]))
        problems.append(
            f"a ticker must have a session once, however {len(twice)} bars repeat one, "
            f"the first is {ticker} on {session}. Remove the repeated bars"
        )
    outside = np.flatnonzero((days < calendar[0]) | (days > calendar[-1]))
    if len(outside):
        ticker, session = bars.select("ticker", "session").row(int(outside[0]))
        problems.append(
            f"sessions must lie in the calendar of {exchange}, however {len(outside)} bars do "
            f"not, the first is {ticker} on {session}. Remove the bars outside it"
        )
    if problems:
        raise DataError("\n".join(problems))
    return np.searchsorted(calendar, days, side="right").astype(np.int64)
