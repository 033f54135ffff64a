"""Ridge regression, its penalty chosen on validation rows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from stocktrend.evaluation.bootstrap import Floats

Inputs = npt.NDArray[np.float32]

PENALTIES = (1e1, 1e2, 1e3, 1e4, 1e5)


@dataclass(frozen=True)
class Ridge:
    """``intercept + inputs @ coefficients``; the penalty is the one that did best on validation."""

    coefficients: Floats
    intercept: float
    penalty: float

    @classmethod
    def fit(cls, inputs: Inputs, outcome: Floats, split: pl.Series, *, seed: int = 0) -> "Ridge":
        """Fit on training rows with a finite outcome; choose the penalty on validation rows.

        Args:
            inputs: (rows, features), finite.
            outcome: (rows,), NaN where it is unknown.
            split: (rows,) of "train", "validation", "test". Rows of "test" are never read.
            seed: Not read: nothing is drawn.
        """
        from sklearn.linear_model import Ridge as Regression

        known = np.isfinite(outcome)
        train = known & (split == "train").to_numpy()
        held_out = known & (split == "validation").to_numpy()
        if train.sum() < 2:
            return cls(np.zeros(inputs.shape[1]), 0.0, PENALTIES[-1])
        candidates = []
        for penalty in PENALTIES:
            fitted = Regression(alpha=penalty).fit(inputs[train], outcome[train])
            coefficients = fitted.coef_.astype(np.float64)
            candidates.append(cls(coefficients, float(fitted.intercept_), penalty))
        if not held_out.any():
            return candidates[len(candidates) // 2]
        seen, truth = inputs[held_out], outcome[held_out]
        return min(candidates, key=lambda ridge: float(np.mean((ridge.predict(seen) - truth) ** 2)))

    def predict(self, inputs: Inputs) -> Floats:
        """(rows,) in units of the outcome that it was fitted to."""
        return inputs @ self.coefficients + self.intercept
