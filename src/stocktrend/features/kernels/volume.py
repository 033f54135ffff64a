"""How much was traded, against the ticker's own habit."""

import numpy as np

from stocktrend.features.kernels.compiled import NEGLIGIBLE, Array, compiled
from stocktrend.features.kernels.windows import (
    window_correlation,
    window_mean,
    window_std,
    window_sum,
)

SMALLEST_SHARE = 1e-3
"""A bar's volume counts as at least this share of its mean, so that zero has a logarithm."""


@compiled
def log_volume_ratio(volumes: Array, n: int, out: Array) -> None:
    """``ln(max(V, mean_n(V) / 1000) / mean_n(V))``."""
    mean = window_mean(volumes, n)
    for t in range(n - 1, len(volumes)):
        if mean[t] > 0.0:
            out[t] = np.log(max(volumes[t] / mean[t], SMALLEST_SHARE))


@compiled
def dollar_volume(dollars: Array, n: int, out: Array) -> None:
    """``ln(mean_n(raw close * V))``."""
    mean = window_mean(dollars, n)
    for t in range(n - 1, len(dollars)):
        if mean[t] > 0.0:
            out[t] = np.log(mean[t])


@compiled
def amihud(returns: Array, dollars: Array, n: int, out: Array) -> None:
    """Amihud's illiquidity (2002): ``ln(1 + 1e9 * mean(abs(r) / dollars))`` over traded bars."""
    impact = np.full(len(returns), np.nan)
    traded = np.zeros(len(returns))
    for t in range(1, len(returns)):
        impact[t] = 0.0
        if dollars[t] > 0.0:
            impact[t] = abs(returns[t]) / dollars[t]
            traded[t] = 1.0
    total = window_sum(impact, n)
    count = window_sum(traded, n)
    for t in range(n, len(returns)):
        if count[t] > 0.0:
            out[t] = np.log1p(1e9 * total[t] / count[t])


@compiled
def volume_statistics(
    volumes: Array, short: int, n: int, variation: Array, trend: Array, zscore: Array
) -> None:
    """``std / mean`` of ``short`` bars, ``mean_short / mean_n - 1``, ``(V - mean_n) / std_n``."""
    short_mean = window_mean(volumes, short)
    short_std = window_std(volumes, short_mean, short)
    mean = window_mean(volumes, n)
    std = window_std(volumes, mean, n)
    for t in range(len(volumes)):
        if short_mean[t] > 0.0:
            variation[t] = short_std[t] / short_mean[t]
        if mean[t] > 0.0:
            trend[t] = short_mean[t] / mean[t] - 1.0
        if std[t] > NEGLIGIBLE * mean[t]:
            zscore[t] = (volumes[t] - mean[t]) / std[t]


@compiled
def price_volume_correlation(
    returns: Array, volumes: Array, n: int, mean_of: int, out: Array
) -> None:
    """Correlation of r with the change of ``ln(max(V, mean(V) / 1000))``, each its own mean."""
    mean = window_mean(volumes, mean_of)
    logs = np.full(len(volumes), np.nan)
    changes = np.full(len(volumes), np.nan)
    for t in range(mean_of - 1, len(volumes)):
        if mean[t] > 0.0:
            logs[t] = np.log(max(volumes[t], mean[t] * SMALLEST_SHARE))
    for t in range(mean_of, len(volumes)):
        changes[t] = logs[t] - logs[t - 1]
    correlation = window_correlation(returns, changes, n)
    for t in range(len(returns)):
        out[t] = correlation[t]
