"""Volume weighted by what the price did: money flowing in or out."""

import numpy as np

from stocktrend.features.kernels.compiled import NEGLIGIBLE, Array, change, compiled
from stocktrend.features.kernels.recursive import exponential_average
from stocktrend.features.kernels.windows import window_mean, window_sum


@compiled
def on_balance_slope(returns: Array, volumes: Array, n: int, out: Array) -> None:
    """Least-squares slope of on-balance volume over n bars, in mean volumes a bar.

    On-balance volume is a sum over all of history, but its slope needs only its steps inside the
    window: a step at position j lifts every later one, and so weighs the sum of their deviations.
    """
    windows = len(volumes) - n + 1
    if windows <= 0:
        return
    steps = np.empty(len(volumes))
    for t in range(len(volumes)):
        steps[t] = volumes[t] * np.sign(returns[t])
    slope = np.zeros(windows)
    weight = 0.0
    for j in range(n - 1, 0, -1):
        weight += (j - (n - 1) / 2.0) * 12.0 / (n * (n * n - 1.0))
        shifted = steps[j : j + windows]
        for i in range(windows):
            slope[i] += weight * shifted[i]
    mean = window_mean(volumes, n)[n - 1 :]
    for i in range(windows):
        if mean[i] > 0.0:
            out[n - 1 + i] = slope[i] / mean[i]


@compiled
def money_flow_index(typical: Array, volumes: Array, n: int, out: Array) -> None:
    """Share of typical price * volume on bars whose typical price rose, 0 to 100."""
    rising = np.full(len(typical), np.nan)
    falling = np.full(len(typical), np.nan)
    for t in range(1, len(typical)):
        move = change(typical[t], typical[t - 1])
        flow = typical[t] * volumes[t]
        rising[t] = flow if move > 0.0 else 0.0
        falling[t] = flow if move < 0.0 else 0.0
    inflow = window_sum(rising, n)
    outflow = window_sum(falling, n)
    for t in range(n, len(typical)):
        total = inflow[t] + outflow[t]
        if total > 0.0:
            out[t] = 100.0 * inflow[t] / total


@compiled
def chaikin_money_flow(
    highs: Array, lows: Array, closes: Array, volumes: Array, n: int, out: Array
) -> None:
    """Volume weighted by where the close lies in its bar, -1 to 1, over all volume.

    A bar without a range has no such place, and leaves its windows undefined.
    """
    weighted = np.full(len(closes), np.nan)
    for t in range(len(closes)):
        spread = highs[t] - lows[t]
        if spread > NEGLIGIBLE * closes[t]:
            place = ((closes[t] - lows[t]) - (highs[t] - closes[t])) / spread
            weighted[t] = place * volumes[t]
    flow = window_sum(weighted, n)
    total = window_sum(volumes, n)
    for t in range(n - 1, len(closes)):
        if total[t] > 0.0:
            out[t] = flow[t] / total[t]


@compiled
def ratio_to_average_paid(
    typical: Array, volumes: Array, closes: Array, n: int, out: Array
) -> None:
    """``C / VWAP_n - 1``, with VWAP the volume-weighted mean of the typical price."""
    paid = window_sum(typical * volumes, n)
    total = window_sum(volumes, n)
    for t in range(n - 1, len(closes)):
        if total[t] > 0.0:
            out[t] = closes[t] / (paid[t] / total[t]) - 1.0


@compiled
def force_index(closes: Array, volumes: Array, n: int, mean_of: int, out: Array) -> None:
    """EMA of ``(C - C[-1]) * V`` over ``C * mean(V)``, from bar 5n and a filled mean."""
    force = np.full(len(closes), np.nan)
    for t in range(1, len(closes)):
        force[t] = change(closes[t], closes[t - 1]) * volumes[t]
    average = exponential_average(force, n, 1)
    mean = window_mean(volumes, mean_of)
    for t in range(5 * n - 1, len(closes)):
        if mean[t] > 0.0:
            out[t] = average[t] / (closes[t] * mean[t])


@compiled
def up_volume_share(returns: Array, volumes: Array, n: int, out: Array) -> None:
    """Volume on bars that rose, over all volume."""
    rising = np.full(len(volumes), np.nan)
    for t in range(1, len(volumes)):
        rising[t] = volumes[t] if returns[t] > 0.0 else 0.0
    up = window_sum(rising, n)
    total = window_sum(volumes, n)
    for t in range(n, len(volumes)):
        if total[t] > 0.0:
            out[t] = up[t] / total[t]
