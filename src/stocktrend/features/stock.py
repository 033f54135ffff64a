"""The 62 features that a stock's own bars make.

Bars are cut into histories that no window crosses; threads take one history after the other and
run every formula over it; the result is one column a feature. A history's features depend on
nothing but its bars, so the number of threads changes nothing.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stocktrend.catalog import STOCK_FEATURES
from stocktrend.errors import DataError
from stocktrend.features.histories import PRICES, Histories, histories
from stocktrend.features.kernels.placing import NOT_WANTED, scatter
from stocktrend.features.kernels.prices import adjusted_bars
from stocktrend.features.stock_formulas import FORMULAS, Input

Floats = NDArray[np.float64]

_POSITION = {name: position for position, name in enumerate(STOCK_FEATURES)}


def stock_features(
    bars: pl.DataFrame,
    *,
    keep: pl.DataFrame | None = None,
    exchange: str = "XNYS",
    threads: int | None = None,
) -> pl.DataFrame:
    """The 62 stock features of every bar, each from that bar and earlier ones alone.

    Args:
        bars: ``ticker``, ``session`` (Date), raw ``open``, ``high``, ``low``, ``close``,
            ``adj_close`` and ``volume``, in any order; more columns are ignored.
        keep: Frame with ``session``: only bars of these sessions are returned, and take memory.
            All bars are read either way.
        exchange: The calendar in which a gap of more than 5 sessions restarts a history.
        threads: Histories computed at a time; all cores by default. It does not change a bit.

    Returns:
        ``ticker``, ``session``, raw ``close``, ``adj_close``, ``n_bars`` (Int32, bars since the
        last restart of the history, this one included; 0 for a bar that is no bar because a
        price is not positive or a value is missing) and the 62 features (Float64, null where
        undefined), sorted by ticker and session.

    Raises:
        DataError: columns are missing, a ticker has a session twice, or a session lies outside
            the exchange's calendar.
    """
    cut = histories(bars, exchange)
    rows = _kept_rows(cut.bars, keep)
    values = _compute(cut, rows, threads)
    frame = cut.bars.select("ticker", "session", "close", "adj_close").with_columns(
        pl.Series("n_bars", cut.bar_numbers())
    )
    if keep is not None:
        frame = frame[rows]
    return frame.with_columns(
        pl.Series(name, column, nan_to_null=True)
        for name, column in zip(STOCK_FEATURES, values, strict=True)
    )


def stock_matrix(
    bars: pl.DataFrame, *, exchange: str = "XNYS", threads: int | None = None
) -> Floats:
    """The 62 stock features as a matrix, without the cost of a frame.

    Arguments and errors are those of :func:`stock_features`.

    Returns:
        Shape (bars, 62), Float64, NaN where undefined; rows by ticker and session, columns in
        the order of the catalogue, each contiguous in memory (Fortran order).
    """
    cut = histories(bars, exchange)
    return _compute(cut, _kept_rows(cut.bars, None), threads).T


def _kept_rows(bars: pl.DataFrame, keep: pl.DataFrame | None) -> NDArray[np.int64]:
    """Rows of the sorted bars that the caller wants, ascending."""
    if keep is None:
        return np.arange(len(bars))
    if "session" not in keep.columns:
        raise DataError(
            f"keep must have the column session, however it has {', '.join(keep.columns)}. "
            "Pass the frame of the grid"
        )
    wanted = bars["session"].is_in(keep["session"].cast(pl.Date).unique().implode())
    return np.flatnonzero(wanted.to_numpy())


def _compute(cut: Histories, rows: NDArray[np.int64], threads: int | None) -> Floats:
    """Features of the given rows of ``cut.bars``, shape (62, len(rows)), NaN where undefined."""
    result = np.empty((len(STOCK_FEATURES), len(rows)))
    place = np.full(len(cut.bars), NOT_WANTED)
    place[rows] = np.arange(len(rows))
    no_history = np.delete(place, cut.valid)
    result[:, no_history[no_history != NOT_WANTED]] = np.nan
    place = place[cut.valid]
    columns = [cut.column(name) for name in (*PRICES, "volume")]

    def compute(start: int, end: int) -> None:
        target = place[start:end]
        if np.any(target != NOT_WANTED):
            scatter(_history_features(*(column[start:end] for column in columns)), target, result)

    workers = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        # The list waits for all, and raises what a thread raised.
        list(pool.map(compute, cut.starts[:-1], cut.starts[1:]))
    return result


def _history_features(
    raw_open: Floats,
    raw_high: Floats,
    raw_low: Floats,
    raw_close: Floats,
    adj_close: Floats,
    volumes: Floats,
) -> Floats:
    """All features of one history, shape (62, bars)."""
    opens, highs, lows, typical, returns = adjusted_bars(
        raw_open, raw_high, raw_low, raw_close, adj_close
    )
    series: dict[Input, Floats] = {
        "open": opens,
        "high": highs,
        "low": lows,
        "close": adj_close,
        "typical": typical,
        "return": returns,
        "volume": volumes,
        "dollars": raw_close * volumes,
    }
    features = np.full((len(STOCK_FEATURES), len(adj_close)), np.nan)
    for formula in FORMULAS:
        inputs = (series.get(key, key) for key in formula.inputs)
        formula.kernel(*inputs, *(features[_POSITION[name]] for name in formula.outputs))
    return features
