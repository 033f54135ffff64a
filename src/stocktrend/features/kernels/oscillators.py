"""Oscillators: where the price stands inside its recent range."""

import numpy as np

from stocktrend.features.kernels.compiled import NEGLIGIBLE, Array, change, compiled
from stocktrend.features.kernels.recursive import wilder_average
from stocktrend.features.kernels.windows import (
    window_max,
    window_mean,
    window_min,
    window_moment,
)


@compiled
def relative_strength(closes: Array, n: int, out: Array) -> None:
    """Wilder's RSI, 0 to 100, from bar 5n; undefined where the price has not moved."""
    gains = np.zeros(len(closes))
    losses = np.zeros(len(closes))
    for t in range(1, len(closes)):
        move = change(closes[t], closes[t - 1])
        gains[t] = max(move, 0.0)
        losses[t] = max(-move, 0.0)
    gain = wilder_average(gains, n)
    loss = wilder_average(losses, n)
    for t in range(5 * n - 1, len(closes)):
        moved = gain[t] + loss[t]
        if moved > NEGLIGIBLE * closes[t]:
            out[t] = 100.0 * gain[t] / moved


@compiled
def stochastic(
    highs: Array, lows: Array, closes: Array, n: int, smooth: int, k: Array, d: Array
) -> None:
    """Slow stochastic: %K is the mean of ``smooth`` raw values over n bars, %D the mean of %K."""
    highest = window_max(highs, n)
    lowest = window_min(lows, n)
    raw = np.full(len(closes), np.nan)
    for t in range(n - 1, len(closes)):
        spread = highest[t] - lowest[t]
        if spread > NEGLIGIBLE * closes[t]:
            raw[t] = 100.0 * (closes[t] - lowest[t]) / spread
    slow = window_mean(raw, smooth)
    slower = window_mean(slow, smooth)
    for t in range(len(closes)):
        k[t] = slow[t]
        d[t] = slower[t]


@compiled
def commodity_channel(typical: Array, n: int, out: Array) -> None:
    """Lambert's commodity channel index (1980): deviation over 0.015 mean deviations."""
    mean = window_mean(typical, n)
    deviation = window_moment(typical, mean, n, 1)
    for t in range(n - 1, len(typical)):
        mean_deviation = deviation[t] / n
        if mean_deviation > NEGLIGIBLE * mean[t]:
            out[t] = (typical[t] - mean[t]) / (0.015 * mean_deviation)


@compiled
def bollinger(closes: Array, n: int, percent_b: Array, width: Array) -> None:
    """Bollinger %B and band width; bands 2 standard deviations (ddof 0) either side of the mean."""
    middle = window_mean(closes, n)
    squares = window_moment(closes, middle, n, 2)
    for t in range(n - 1, len(closes)):
        half = 2.0 * np.sqrt(squares[t] / n)
        width[t] = 2.0 * half / middle[t]
        if width[t] > NEGLIGIBLE:
            percent_b[t] = (closes[t] - middle[t] + half) / (2.0 * half)
