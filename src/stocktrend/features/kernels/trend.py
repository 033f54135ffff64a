"""Trend indicators: averages that follow the price, directional movement, Aroon."""

import numpy as np

from stocktrend.features.kernels.compiled import NEGLIGIBLE, Array, change, compiled
from stocktrend.features.kernels.recursive import exponential_average
from stocktrend.features.kernels.windows import window_max


@compiled
def ratio_to_exponential(closes: Array, n: int, out: Array) -> None:
    """``C / EMA_n(C) - 1``, from bar 5n."""
    average = exponential_average(closes, n, 0)
    for t in range(5 * n - 1, len(closes)):
        out[t] = closes[t] / average[t] - 1.0


@compiled
def macd(closes: Array, fast: int, slow: int, smooth: int, line: Array, signal: Array) -> None:
    """``(EMA_fast - EMA_slow) / C`` and the EMA of that difference over C, from bar 5 * slow."""
    difference = exponential_average(closes, fast, 0) - exponential_average(closes, slow, 0)
    smoothed = exponential_average(difference, smooth, slow - 1)
    for t in range(5 * slow - 1, len(closes)):
        line[t] = difference[t] / closes[t]
        signal[t] = smoothed[t] / closes[t]


@compiled
def true_range(highs: Array, lows: Array, closes: Array, t: int) -> float:
    """Wilder's true range of bar t: the bar together with the close before it."""
    before = closes[t - 1]
    return max(
        change(highs[t], lows[t]),
        abs(change(highs[t], before)),
        abs(change(lows[t], before)),
    )


@compiled
def directional_movement(
    highs: Array,
    lows: Array,
    closes: Array,
    n: int,
    adx: Array,
    plus_di: Array,
    minus_di: Array,
) -> None:
    """Wilder's directional movement (1978): ADX, +DI and -DI, 0 to 100, from bar 5n.

    As in TA-Lib, the sums start from n - 1 bars, and a bar without any movement leaves the
    average of the directional index as it was. Equal moves up and down count as neither.
    """
    plus = minus = ranges = average = 0.0
    for t in range(1, len(closes)):
        level = NEGLIGIBLE * closes[t]
        up = change(highs[t], highs[t - 1])
        down = -change(lows[t], lows[t - 1])
        kept = 1.0 if t < n else 1.0 - 1.0 / n
        plus = plus * kept + (up if up > 0.0 and up - down > level else 0.0)
        minus = minus * kept + (down if down > 0.0 and down - up > level else 0.0)
        ranges = ranges * kept + true_range(highs, lows, closes, t)
        if t < n or ranges <= n * level:
            continue
        mature = t >= 5 * n - 1
        if mature:
            plus_di[t] = 100.0 * plus / ranges
            minus_di[t] = 100.0 * minus / ranges
        moved = plus + minus
        if moved <= NEGLIGIBLE * ranges:
            continue
        index = 100.0 * abs(plus - minus) / moved
        average = average + index / n if t < 2 * n else (average * (n - 1) + index) / n
        if mature:
            adx[t] = average


@compiled
def bars_since(x: Array, extreme: Array, n: int) -> Array:
    """Age of the latest of the last n values that equals its window's maximum; ties by rounding."""
    age = np.full(len(x), np.nan)
    windows = len(x) - n + 1
    if windows <= 0:
        return age
    filled = age[n - 1 :]
    top = extreme[n - 1 :]
    for lag in range(n):
        shifted = x[lag : lag + windows]
        bars_ago = float(n - 1 - lag)
        for i in range(windows):
            tied = top[i] - shifted[i] <= NEGLIGIBLE * abs(top[i])
            filled[i] = bars_ago if tied else filled[i]
    return age


@compiled
def aroon_oscillator(highs: Array, lows: Array, n: int, out: Array) -> None:
    """Aroon up minus Aroon down over n + 1 bars, -100 to 100."""
    since_high = bars_since(highs, window_max(highs, n + 1), n + 1)
    since_low = bars_since(-lows, window_max(-lows, n + 1), n + 1)
    for t in range(len(highs)):
        out[t] = 100.0 * (since_low[t] - since_high[t]) / n
