"""Whether what was said to happen in 60 of 100 cases did.

Rows are cut into ten parts of equal size by the probability given (Naeini, Cooper and Hauskrecht
2015; equal probabilities stay together, so there may be fewer). The gap of a part is its mean
probability less the mean label: 1 for a rise, 0 for a fall, 0.5 for a neutral outcome. The expected
calibration error is the mean size of the gaps, weighted by rows.

Noise alone makes gaps, and an error above 0. Its interval therefore is [error - c, error + c], with
c the 95% quantile of the error that resampled dates make of gaps that are 0: by the triangle
inequality the error moves by no more than the gaps' own noise, so the true error lies within at
least 95 times in 100, and a calibrated probability gets an interval that reaches 0.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stocktrend.evaluation.bootstrap import CONFIDENCE, DateBootstrap, Estimate, Floats
from stocktrend.evaluation.rows import Dates, Ints

PARTS = 10


@dataclass(frozen=True)
class Part:
    """Rows of neighbouring probabilities, lowest first.

    Attributes:
        rows: How many.
        probability: Mean probability of a rise that was given.
        rose: Mean label: share of rises, neutral outcomes as one half.
    """

    rows: int
    probability: float
    rose: Estimate


@dataclass(frozen=True)
class Reliability:
    """A probability beside what came.

    Attributes:
        parts: By probability.
        error: Expected calibration error.
        by_chance: The error that a calibrated probability would show on so many dates.
    """

    parts: tuple[Part, ...]
    error: Estimate
    by_chance: float | None

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Reliability":
        parts = (Part(**{**p, "rose": Estimate.from_dict(p["rose"])}) for p in values["parts"])
        return cls(tuple(parts), Estimate.from_dict(values["error"]), values["by_chance"])


@dataclass(frozen=True)
class Gaps:
    """Rows, probability and label summed over each part: (1 + repetitions, parts)."""

    rows: Floats
    given: Floats
    label: Floats
    bootstrap: DateBootstrap

    def errors(self) -> Floats:
        """(1 + repetitions,) calibration error of the sample and of each replicate."""
        errors: Floats = np.abs(self.given - self.label).sum(axis=1) / self.rows.sum(axis=1)
        return errors

    def reliability(self) -> Reliability:
        """The sample's table and error."""
        with np.errstate(divide="ignore", invalid="ignore"):
            rose = self.label / self.rows
        parts = tuple(
            Part(
                int(self.rows[0, part]),
                float(self.given[0, part] / self.rows[0, part]),
                self.bootstrap.estimate(rose[:, part], lowest=0.0, highest=1.0),
            )
            for part in range(self.rows.shape[1])
        )
        error = float(self.errors()[0])
        stretch = self.bootstrap.stretch()
        if stretch is None:
            return Reliability(parts, Estimate(error), None)
        gaps = self.given - self.label
        total = self.rows.sum(axis=1, keepdims=True)
        noise = np.abs(gaps[1:] / total[1:] - gaps[0] / total[0]).sum(axis=1)
        reach = stretch * float(np.quantile(noise, CONFIDENCE))
        return Reliability(
            parts,
            Estimate(error, max(0.0, error - reach), min(1.0, error + reach)),
            self.bootstrap.inflation * float(noise.mean()),
        )


def calibration_gaps(
    rise: Floats, label: Floats, dates: Dates, bootstrap: DateBootstrap
) -> Gaps | None:
    """Sums of each part on every replicate; None where no row has a probability.

    Args:
        rise: (rows,) probability of a rise, NaN where there is none.
        label: (rows,) in [0, 1].
        dates: Of the rows.
        bootstrap: Drawn for the same dates.
    """
    given = np.isfinite(rise)
    if not given.any():
        return None
    rise, label, of_row = rise[given], label[given], dates.of_row[given]
    part = _parts(rise)
    count = int(part.max()) + 1
    cell = of_row * count + part
    rows, said, came = (
        bootstrap.weights
        @ np.bincount(cell, weights, minlength=dates.count * count).reshape(dates.count, count)
        for weights in (np.ones(len(rise)), rise, label)
    )
    return Gaps(rows, said, came, bootstrap)


def _parts(rise: Floats) -> Ints:
    """(rows,) index of each row's part; equal probabilities are in one."""
    edges = np.unique(np.quantile(rise, np.arange(1, PARTS) / PARTS))
    _, part = np.unique(np.searchsorted(edges, rise), return_inverse=True)
    return part.astype(np.int64)
