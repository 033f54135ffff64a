"""Volatility of returns and of ranges, annualised by 252 sessions."""

import numpy as np

from stocktrend.features.kernels.compiled import NEGLIGIBLE, Array, compiled, log_change
from stocktrend.features.kernels.recursive import wilder_average
from stocktrend.features.kernels.trend import true_range
from stocktrend.features.kernels.windows import window_mean, window_moment, window_std

SESSIONS_A_YEAR = 252


@compiled
def annual_volatility(returns: Array, n: int) -> Array:
    """``std_n(r) * sqrt(252)``."""
    return window_std(returns, window_mean(returns, n), n) * float(np.sqrt(SESSIONS_A_YEAR))


@compiled
def volatility(returns: Array, n: int, out: Array) -> None:
    """``std_n(r) * sqrt(252)``."""
    annual = annual_volatility(returns, n)
    for t in range(len(returns)):
        out[t] = annual[t]


@compiled
def volatility_of_volatility(returns: Array, short: int, n: int, out: Array) -> None:
    """Standard deviation over n bars of the volatility of ``short`` bars."""
    series = annual_volatility(returns, short)
    std = window_std(series, window_mean(series, n), n)
    for t in range(len(returns)):
        out[t] = std[t]


@compiled
def downside_volatility(returns: Array, n: int, out: Array) -> None:
    """``sqrt(252 * mean_n(min(r, 0)^2))``."""
    squares = np.empty(len(returns))
    for t in range(len(returns)):
        squares[t] = 0.0 if returns[t] > 0.0 else returns[t] * returns[t]
    mean = window_mean(squares, n)
    for t in range(len(returns)):
        out[t] = np.sqrt(SESSIONS_A_YEAR * mean[t])


@compiled
def range_volatility(
    opens: Array,
    highs: Array,
    lows: Array,
    closes: Array,
    n: int,
    parkinson: Array,
    garman_klass: Array,
    rogers_satchell: Array,
    yang_zhang: Array,
) -> None:
    """Volatility from whole bars.

    Parkinson (1980), Garman and Klass (1980), Rogers and Satchell (1991), Yang and Zhang (2000)
    with ``k = 0.34 / (1.34 + (n + 1) / (n - 1))``.
    """
    bars = len(closes)
    range_squared = np.empty(bars)
    body = np.empty(bars)
    drift_free = np.empty(bars)
    overnight = np.full(bars, np.nan)
    for t in range(bars):
        high, low, close, start = highs[t], lows[t], closes[t], opens[t]
        range_squared[t] = log_change(high, low) ** 2
        body[t] = log_change(close, start)
        drift_free[t] = log_change(high, close) * log_change(high, start)
        drift_free[t] += log_change(low, close) * log_change(low, start)
        if t > 0:
            overnight[t] = log_change(start, closes[t - 1])
    ranges = window_mean(range_squared, n)
    bodies = window_mean(body * body, n)
    drift_free_mean = window_mean(drift_free, n)
    overnight_std = window_std(overnight, window_mean(overnight, n), n)
    body_std = window_std(body, window_mean(body, n), n)
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    for t in range(n - 1, bars):
        garman = 0.5 * ranges[t] - (2.0 * np.log(2.0) - 1.0) * bodies[t]
        rogers = max(drift_free_mean[t], 0.0)
        yang = overnight_std[t] ** 2 + k * body_std[t] ** 2 + (1.0 - k) * rogers
        parkinson[t] = np.sqrt(SESSIONS_A_YEAR * ranges[t] / (4.0 * np.log(2.0)))
        garman_klass[t] = np.sqrt(SESSIONS_A_YEAR * max(garman, 0.0))
        rogers_satchell[t] = np.sqrt(SESSIONS_A_YEAR * rogers)
        yang_zhang[t] = np.sqrt(SESSIONS_A_YEAR * yang)


@compiled
def normalised_true_range(highs: Array, lows: Array, closes: Array, n: int, out: Array) -> None:
    """Wilder's average true range over the close, in percent, from bar 5n."""
    ranges = np.zeros(len(closes))
    for t in range(1, len(closes)):
        ranges[t] = true_range(highs, lows, closes, t)
    average = wilder_average(ranges, n)
    for t in range(5 * n - 1, len(closes)):
        out[t] = 100.0 * average[t] / closes[t]


@compiled
def skewness(returns: Array, n: int, out: Array) -> None:
    """Adjusted Fisher-Pearson skewness; undefined where returns do not vary.

    Log returns carry rounding of about 1e-16, whatever their size, so their level is 1.
    """
    mean = window_mean(returns, n)
    second = window_moment(returns, mean, n, 2)
    third = window_moment(returns, mean, n, 3)
    correction = np.sqrt(n * (n - 1.0)) / (n - 2.0)
    for t in range(n, len(returns)):
        deviation = np.sqrt(second[t] / n)
        if deviation > NEGLIGIBLE:
            out[t] = correction * (third[t] / n) / deviation**3


@compiled
def drawdown(closes: Array, n: int, out: Array) -> None:
    """Deepest fall from the highest close so far, both within the last n bars; 0 or negative."""
    windows = len(closes) - n + 1
    if windows <= 0:
        return
    peak = closes[:windows].copy()
    deepest = np.ones(windows)
    for lag in range(1, n):
        shifted = closes[lag : lag + windows]
        for i in range(windows):
            peak[i] = max(peak[i], shifted[i])
            deepest[i] = min(deepest[i], shifted[i] / peak[i])
    for i in range(windows):
        out[n - 1 + i] = deepest[i] - 1.0
