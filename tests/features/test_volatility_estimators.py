"""The estimators of volatility on a Brownian motion whose volatility, drift and gaps are known."""

import numpy as np
import polars as pl
import pytest
from simulated_bars import bars_of

from stocktrend.features.stock import stock_features

STEPS, BARS, STOCKS = 40, 4001, 5
SIGMA = 0.02
"""Of the hours of trading, a session."""
YEAR = 252


def brownian_bars(seed: int, *, drift: float = 0.0, gap: float = 0.0) -> pl.DataFrame:
    """Bars of a geometric Brownian motion.

    The highest and lowest log prices within a step, given its ends, are drawn from the law of the
    Brownian bridge, so that no range is too small for want of steps.

    Args:
        drift: Of a session, in log price.
        gap: Standard deviation of the log price overnight.
    """
    rng = np.random.default_rng(seed)
    variance = SIGMA**2 / STEPS
    moves = rng.normal(drift / STEPS, np.sqrt(variance), (BARS, STEPS))
    paths = np.cumsum(moves, axis=1)
    starts = paths - moves
    reach = np.sqrt(moves**2 - 2 * variance * np.log(rng.random((2, BARS, STEPS))))
    high = ((starts + paths + reach[0]) / 2).max(axis=1)
    low = ((starts + paths - reach[1]) / 2).min(axis=1)
    overnight = rng.normal(0.0, gap, BARS) if gap else np.zeros(BARS)
    close = np.cumsum(overnight + paths[:, -1])
    opens = close - paths[:, -1]
    return bars_of(
        np.exp(close), opens=np.exp(opens), high=np.exp(opens + high), low=np.exp(opens + low)
    )


def daily_variances(**process: float) -> dict[str, np.ndarray]:
    """Squared estimates a session of windows that do not overlap, all stocks together."""
    names = ["volatility", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang"]
    columns = [f"stock_{name}_20" for name in names]
    found = [
        stock_features(brownian_bars(seed, **process), threads=1).select(columns)[20::20]
        for seed in range(STOCKS)
    ]
    every = pl.concat(found)
    return {name: every[f"stock_{name}_20"].to_numpy() ** 2 / YEAR for name in names}


def test_without_drift_and_gaps_all_estimators_find_the_variance() -> None:
    for name, variances in daily_variances().items():
        assert variances.mean() == pytest.approx(SIGMA**2, rel=0.02), name


def test_ranges_are_as_much_more_efficient_as_published() -> None:
    # Parkinson 1980: 5.2 times; Garman and Klass 1980: 7.4; Rogers and Satchell 1991: 6.0. The
    # estimator from closes spends one of its 20 observations on the mean.
    found = daily_variances()
    closes = found["volatility"].var() * 19 / 20
    published = {"parkinson": 5.2, "garman_klass": 7.4, "rogers_satchell": 6.0}
    for name, efficiency in published.items():
        assert closes / found[name].var() == pytest.approx(efficiency, rel=0.2), name


def test_a_drift_misleads_parkinson_and_not_rogers_satchell_nor_yang_zhang() -> None:
    found = {name: x.mean() / SIGMA**2 for name, x in daily_variances(drift=SIGMA / 2).items()}
    for name in ("volatility", "rogers_satchell", "yang_zhang"):
        assert found[name] == pytest.approx(1.0, rel=0.02), name
    assert found["parkinson"] > 1.08


def test_gaps_count_for_closes_and_yang_zhang_alone() -> None:
    gap = SIGMA / 2
    found = daily_variances(gap=gap)
    for name in ("volatility", "yang_zhang"):
        assert found[name].mean() == pytest.approx(SIGMA**2 + gap**2, rel=0.02), name
    for name in ("parkinson", "garman_klass", "rogers_satchell"):
        assert found[name].mean() == pytest.approx(SIGMA**2, rel=0.02), name
