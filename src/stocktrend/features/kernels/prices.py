"""Adjusted bars, and where the price stands against its own past."""

import numpy as np

from stocktrend.features.kernels.compiled import Array, compiled, log_change
from stocktrend.features.kernels.windows import window_max, window_mean, window_min


@compiled
def adjusted_bars(
    raw_open: Array, raw_high: Array, raw_low: Array, raw_close: Array, adj_close: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """Open, high, low, typical price and log return, all adjusted, of each bar.

    High and low are widened to contain open and close. The return of the first bar is NaN.
    """
    bars = len(adj_close)
    opens = np.empty(bars)
    highs = np.empty(bars)
    lows = np.empty(bars)
    typical = np.empty(bars)
    returns = np.full(bars, np.nan)
    for t in range(bars):
        close = adj_close[t]
        factor = close / raw_close[t]
        opens[t] = raw_open[t] * factor
        highs[t] = max(raw_high[t] * factor, opens[t], close)
        lows[t] = min(raw_low[t] * factor, opens[t], close)
        typical[t] = (highs[t] + lows[t] + close) / 3.0
    for t in range(1, bars):
        returns[t] = log_change(adj_close[t], adj_close[t - 1])
    return opens, highs, lows, typical, returns


@compiled
def bar_against_last_close(
    opens: Array,
    highs: Array,
    lows: Array,
    closes: Array,
    stock_open: Array,
    stock_high: Array,
    stock_low: Array,
) -> None:
    """``ln(O / C[-1])``, ``ln(H / C[-1])`` and ``ln(L / C[-1])``."""
    for t in range(1, len(closes)):
        before = closes[t - 1]
        stock_open[t] = log_change(opens[t], before)
        stock_high[t] = log_change(highs[t], before)
        stock_low[t] = log_change(lows[t], before)


@compiled
def log_return(closes: Array, n: int, out: Array) -> None:
    """``ln(C / C[-n])``."""
    for t in range(n, len(closes)):
        out[t] = log_change(closes[t], closes[t - n])


@compiled
def log_ratio_to_mean(closes: Array, n: int, out: Array) -> None:
    """``ln(C / mean_n(C))``."""
    mean = window_mean(closes, n)
    for t in range(n - 1, len(closes)):
        out[t] = np.log(closes[t] / mean[t])


@compiled
def ratio_to_mean(closes: Array, n: int, out: Array) -> None:
    """``C / mean_n(C) - 1``."""
    mean = window_mean(closes, n)
    for t in range(len(closes)):
        out[t] = closes[t] / mean[t] - 1.0


@compiled
def ratio_to_extremes(
    highs: Array, lows: Array, closes: Array, n: int, high_ratio: Array, low_ratio: Array
) -> None:
    """``C / max_n(H) - 1`` and ``C / min_n(L) - 1``."""
    highest = window_max(highs, n)
    lowest = window_min(lows, n)
    for t in range(len(closes)):
        high_ratio[t] = closes[t] / highest[t] - 1.0
        low_ratio[t] = closes[t] / lowest[t] - 1.0
