"""Gradient boosted trees (LightGBM: Ke et al. 2017), their size chosen on validation rows."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stocktrend.errors import StocktrendError
from stocktrend.evaluation.bootstrap import Floats

if TYPE_CHECKING:
    from lightgbm import Booster

LEAVES: Final = (4, 8, 16, 32, 64)
"""The candidates: leaves of a tree at most. Everything else stays the same."""

ROUNDS: Final = 500
PATIENCE: Final = 50
"""Trees at most, and how many may pass without a better validation error."""

ROUNDS_UNSEEN: Final = 100
"""Trees where no validation row has a known outcome."""

SETTINGS: Final[dict[str, Any]] = {
    "objective": "regression",
    "learning_rate": 0.05,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.5,
    "bagging_freq": 1,
    "max_bin": 63,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
    # Folds are fitted side by side; threads within one would wait for each other at every split.
    "num_threads": 1,
}


@dataclass(frozen=True)
class BoostedTrees:
    """Trees of one outcome.

    Attributes:
        booster: None where too few rows were known to learn from: it predicts 0.
        leaves: Of the candidate that did best on validation rows.
    """

    booster: "Booster | None"
    leaves: int

    @classmethod
    def fit(
        cls,
        inputs: NDArray[np.float32],
        outcome: Floats,
        split: pl.Series,
        *,
        seed: int,
    ) -> "BoostedTrees":
        """Fit every candidate on training rows, and keep the least validation error.

        Validation rows end each candidate's growth too, after ``PATIENCE`` trees that do not help.

        Args:
            inputs: (rows, features), finite.
            outcome: (rows,), NaN where it is unknown.
            split: (rows,) of "train", "validation", "test". Rows of "test" are never read.
            seed: Of the rows and features that a tree sees.

        Raises:
            StocktrendError: LightGBM cannot be loaded.
        """
        lightgbm = _lightgbm()
        known = np.isfinite(outcome)
        train = known & (split == "train").to_numpy()
        held_out = known & (split == "validation").to_numpy()
        middle = LEAVES[len(LEAVES) // 2]
        if train.sum() < 2:
            return cls(None, middle)
        settings = {**SETTINGS, "seed": seed}
        data = lightgbm.Dataset(inputs[train], outcome[train], params=settings)
        if not held_out.any():
            return cls(
                lightgbm.train({**settings, "num_leaves": middle}, data, ROUNDS_UNSEEN), middle
            )
        seen = lightgbm.Dataset(inputs[held_out], outcome[held_out], reference=data)
        grown = [
            (
                lightgbm.train(
                    {**settings, "num_leaves": leaves},
                    data,
                    ROUNDS,
                    valid_sets=[seen],
                    callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
                ),
                leaves,
            )
            for leaves in LEAVES
        ]
        return cls(*min(grown, key=lambda pair: float(pair[0].best_score["valid_0"]["l2"])))

    def predict(self, inputs: NDArray[np.float32]) -> Floats:
        """(rows,) in units of the outcome that they were fitted to."""
        if self.booster is None:
            return np.zeros(len(inputs))
        return np.asarray(self.booster.predict(inputs, num_threads=1), dtype=np.float64)


def _lightgbm() -> Any:
    # torch first: it has the OpenMP library that LightGBM takes from the system otherwise.
    import torch  # noqa: F401

    try:
        import lightgbm
    except OSError as error:
        raise StocktrendError(
            f"LightGBM needs the OpenMP library of the system, however: {error}. Install it "
            "(apt-get install libgomp1)"
        ) from error
    return lightgbm
