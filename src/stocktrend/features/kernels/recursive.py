"""Averages that never forget: each value takes in the one before it.

They are seeded as TA-Lib seeds them. A feature made of them is undefined before bar 5n, where
the seed still weighs.
"""

import numpy as np

from stocktrend.features.kernels.compiled import Array, compiled


@compiled
def exponential_average(x: Array, n: int, first: int) -> Array:
    """Average with weight 2 / (n + 1) on the newest value, NaN before the n-th value.

    Args:
        x: Values, defined from index ``first`` on.
        n: Span; the seed is the mean of the first n values.
        first: Index of the first value.
    """
    result = np.full(len(x), np.nan)
    if len(x) < first + n:
        return result
    average = x[first : first + n].mean()
    result[first + n - 1] = average
    weight = 2.0 / (n + 1)
    for t in range(first + n, len(x)):
        average += (x[t] - average) * weight
        result[t] = average
    return result


@compiled
def wilder_average(x: Array, n: int) -> Array:
    """Wilder's average, weight 1 / n on the newest value, of ``x`` from index 1 on.

    The seed, at index n, is the mean of the first n values; NaN before it. Index 0 is left out
    because changes start at the second bar.
    """
    result = np.full(len(x), np.nan)
    if len(x) <= n:
        return result
    average = x[1 : n + 1].mean()
    result[n] = average
    for t in range(n + 1, len(x)):
        average = (average * (n - 1) + x[t]) / n
        result[t] = average
    return result
