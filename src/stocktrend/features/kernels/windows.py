"""Statistics of the last n bars, for every bar of a history.

Nothing runs along: a running sum drifts, and leaves a residue of large values long gone where
zeros follow. Sums and extremes of 2w bars are made from those of w bars, so that n bars cost
log(n) passes; central moments take n passes, each over all windows at once.

All functions return an array as long as ``x``, NaN before bar n and where the window holds a NaN.
"""

import numpy as np

from stocktrend.features.kernels.compiled import NEGLIGIBLE, Array, compiled


@compiled
def window_sum(x: Array, n: int) -> Array:
    """Sum of the last n values, added up by halves."""
    total = np.full(len(x), np.nan)
    windows = len(x) - n + 1
    if windows <= 0:
        return total
    filled = total[n - 1 :]
    filled[:] = 0.0
    part = x  # part[i] is the sum of the `width` values that begin at i
    width = 1
    covered = 0
    while True:
        if n & width:
            addend = part[covered : covered + windows]
            for i in range(windows):
                filled[i] += addend[i]
            covered += width
        if covered == n:
            return total
        later = part[width:]
        wider = np.empty(len(later))
        for i in range(len(wider)):
            wider[i] = part[i] + later[i]
        part = wider
        width *= 2


@compiled
def window_mean(x: Array, n: int) -> Array:
    """Mean of the last n values."""
    mean = window_sum(x, n)
    for i in range(len(mean)):
        mean[i] /= n
    return mean


@compiled
def window_max(x: Array, n: int) -> Array:
    """Largest of the last n values; ``x`` has no NaN."""
    largest = np.full(len(x), np.nan)
    windows = len(x) - n + 1
    if windows <= 0:
        return largest
    part = x
    width = 1
    while 2 * width <= n:
        later = part[width:]
        wider = np.empty(len(later))
        for i in range(len(wider)):
            wider[i] = max(part[i], later[i])
        part = wider
        width *= 2
    filled = largest[n - 1 :]
    last = part[n - width :]
    for i in range(windows):
        filled[i] = max(part[i], last[i])
    return largest


@compiled
def window_min(x: Array, n: int) -> Array:
    """Smallest of the last n values; ``x`` has no NaN."""
    return -window_max(-x, n)


@compiled
def window_moment(x: Array, mean: Array, n: int, power: int) -> Array:
    """Sum over the last n values of ``abs(x - mean)`` (power 1) or of its 2nd or 3rd power.

    The 3rd power keeps its sign. ``mean`` is that of each window.
    """
    total = np.full(len(x), np.nan)
    windows = len(x) - n + 1
    if windows <= 0:
        return total
    filled = total[n - 1 :]
    filled[:] = 0.0
    centre = mean[n - 1 :]
    for lag in range(n):
        shifted = x[lag : lag + windows]
        if power == 1:
            for i in range(windows):
                filled[i] += abs(shifted[i] - centre[i])
        elif power == 2:
            for i in range(windows):
                filled[i] += (shifted[i] - centre[i]) ** 2
        else:
            for i in range(windows):
                filled[i] += (shifted[i] - centre[i]) ** 3
    return total


@compiled
def window_std(x: Array, mean: Array, n: int) -> Array:
    """Standard deviation (ddof 1) of the last n values around the mean of each window."""
    return np.sqrt(window_moment(x, mean, n, 2) / (n - 1))


@compiled
def window_correlation(x: Array, y: Array, n: int) -> Array:
    """Pearson correlation of the last n values of two series of log changes.

    NaN where either series does not vary: log changes carry rounding of about 1e-16, whatever
    their size, so their level is 1.
    """
    result = np.full(len(x), np.nan)
    windows = len(x) - n + 1
    if windows <= 0:
        return result
    x_mean = window_mean(x, n)[n - 1 :]
    y_mean = window_mean(y, n)[n - 1 :]
    xx = np.zeros(windows)
    yy = np.zeros(windows)
    xy = np.zeros(windows)
    for lag in range(n):
        x_lagged = x[lag : lag + windows]
        y_lagged = y[lag : lag + windows]
        for i in range(windows):
            dx = x_lagged[i] - x_mean[i]
            dy = y_lagged[i] - y_mean[i]
            xx[i] += dx * dx
            yy[i] += dy * dy
            xy[i] += dx * dy
    negligible = n * NEGLIGIBLE**2
    for i in range(windows):
        if xx[i] > negligible and yy[i] > negligible:
            result[n - 1 + i] = xy[i] / np.sqrt(xx[i] * yy[i])
    return result
