"""Intervals from a block bootstrap over dates.

Rows of one date share the market's move, and labels of neighbouring dates overlap, so neither rows
nor dates are independent. Whole dates are therefore drawn, in blocks that outlast the overlap
(circular block bootstrap: Politis and Romano 1992, from ``arch``). Every statistic is a function
of sums per date, so a replicate is one row of a matrix product and 1,000 of them cost milliseconds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

Floats = npt.NDArray[np.float64]

REPETITIONS = 1000
CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
MIN_BLOCKS = 3
"""Below this many blocks no interval is given: their spread says next to nothing."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95% interval; ``None`` where it is not defined or cannot be judged."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "not defined"
        if self.low is None or self.high is None:
            return f"{self.value:.3f} [no interval]"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def to_dict(self) -> dict[str, float | None]:
        return {"value": self.value, "low": self.low, "high": self.high}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Estimate":
        return cls(values["value"], values["low"], values["high"])


def overlap(dates: npt.NDArray[np.datetime64], horizon: int) -> int:
    """How many consecutive dates a label of ``horizon`` days spans, as a rule: at least 1.

    The median over the labels that end by the last date: neither a holiday, a gap between dates nor
    a clock put forward changes it. All dates where none ends by then.

    Args:
        dates: The distinct dates, ascending, any datetime64 unit.
        horizon: Days.

    Example:
        >>> weeks = np.arange("2020-01-03", "2020-12-31", 7, dtype="datetime64[D]")
        >>> overlap(weeks, 7), overlap(weeks, 30)
        (1, 5)
    """
    days = dates.astype("datetime64[D]")
    ends = days + np.timedelta64(horizon, "D")
    spans = np.searchsorted(days, ends) - np.arange(len(days))
    known = spans[ends <= days[-1:]] if len(days) else spans
    return math.ceil(np.median(known)) if len(known) else max(1, len(days))


def block_length(dates: npt.NDArray[np.datetime64], horizon: int) -> int:
    """Length of a bootstrap block in dates: never shorter than the horizon.

    Twice the overlap, and at least the cube root of the number of dates (the rate of Künsch 1989),
    as neighbouring dates may be alike beyond the overlap; less where not five blocks would remain.
    """
    span = overlap(dates, horizon)
    wanted = max(2 * span, math.ceil(round(float(np.cbrt(len(dates))), 6)))
    return min(len(dates), max(span, min(wanted, len(dates) // 5)))


@dataclass(frozen=True)
class DateBootstrap:
    """Replicates of one set of dates. Use the same one for all that is to be compared (paired).

    Attributes:
        weights: (1 + repetitions, dates): how often each date is drawn; row 0 is the sample itself.
        block: Length of a block in dates.
        span: How many consecutive dates a label spans.
    """

    weights: Floats
    block: int
    span: int = 1

    @classmethod
    def of(
        cls,
        dates: npt.NDArray[np.datetime64],
        horizon: int,
        *,
        seed: int,
        repetitions: int = REPETITIONS,
    ) -> "DateBootstrap":
        """Draw replicates for figures of distinct, ascending ``dates`` and a horizon in days."""
        block, span = block_length(dates, horizon), overlap(dates, horizon)
        return cls.draw(len(dates), block, seed=seed, repetitions=repetitions, span=span)

    @classmethod
    def draw(
        cls, dates: int, block: int, *, seed: int, repetitions: int = REPETITIONS, span: int = 1
    ) -> "DateBootstrap":
        """Draw ``repetitions`` replicates of ``dates`` dates in circular blocks of ``block``."""
        # arch brings pandas and statsmodels with it: two seconds that only an evaluation pays
        from arch.bootstrap import CircularBlockBootstrap

        weights = np.ones((1 + repetitions, dates))
        bootstrap = CircularBlockBootstrap(block, np.arange(dates), seed=seed)
        for row, (drawn, _) in enumerate(bootstrap.bootstrap(repetitions), start=1):
            weights[row] = np.bincount(drawn[0], minlength=dates)
        return cls(weights, block, span)

    @property
    def blocks(self) -> float:
        """Number of blocks that fit into the sample."""
        return len(self.weights[0]) / self.block

    @property
    def inflation(self) -> float:
        """By how much the replicates' spread falls short of the true one, as a factor.

        Of B blocks it falls short by sqrt((B - 1) / B). Blocks of b dates see the covariance of two
        dates k apart only (b - k) / b times; labels that span q dates are correlated by (q - k) / q
        there, so a share of the variance that is known goes missing.
        """
        apart = np.arange(1, self.span)
        shared = 1 - apart / self.span
        seen = 1 + 2 * float(shared @ np.clip(1 - apart / self.block, 0.0, None))
        return math.sqrt(float(self.blocks / (self.blocks - 1) * self.span / seen))

    def stretch(self, tail: float = TAIL) -> float | None:
        """How much wider than the replicates an interval must be; None with too few blocks.

        The inflation, times the ratio of the quantiles of Student's t with B - 1 degrees of freedom
        and the normal: the interval of a mean of B independent blocks is the usual t interval.

        Args:
            tail: Probability beyond either bound.
        """
        if self.blocks < MIN_BLOCKS:
            return None
        return self.inflation * float(stdtrit(self.blocks - 1, tail) / ndtri(tail))

    def replicate(self, statistic: Callable[[Floats], Floats], sums: Floats) -> Floats:
        """The statistic on the sample (row 0) and on every replicate.

        Args:
            statistic: Maps sums (..., k) to values (...); NaN where it is not defined.
            sums: (dates, k) sums of each date.

        Returns:
            (1 + repetitions,).
        """
        return statistic(self.weights @ sums)

    def estimate(
        self, values: Floats, *, lowest: float = -np.inf, highest: float = np.inf
    ) -> Estimate:
        """Percentile interval of replicated values, its distances to the value times ``stretch``.

        Args:
            values: (1 + repetitions,) from ``replicate``, or a difference of two such.
            lowest: Smallest value that the statistic can take.
            highest: Largest value that the statistic can take.
        """
        value = float(values[0])
        if not np.isfinite(value):
            return Estimate(None)
        drawn = values[1:][np.isfinite(values[1:])]
        stretch = self.stretch()
        if stretch is None or len(drawn) < 0.9 * (len(values) - 1):
            return Estimate(value)
        low, high = np.quantile(drawn, [TAIL, 1 - TAIL])
        return Estimate(
            value,
            float(np.clip(value + stretch * (low - value), lowest, highest)),
            float(np.clip(value + stretch * (high - value), lowest, highest)),
        )
