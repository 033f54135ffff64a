"""Contenders that are one regression a horizon, on the model's own inputs and its own target."""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stocktrend._version import __version__
from stocktrend.atomic import write_parquet
from stocktrend.catalog import OURS, Inputs
from stocktrend.dataset.samples import training_targets
from stocktrend.dataset.scaling import training_scaler
from stocktrend.evaluation.bootstrap import Floats
from stocktrend.evaluation.signals import KEYS
from stocktrend.progress import Progress, silent
from stocktrend.recipe import Recipe
from stocktrend.threads import available_cores, one_blas_thread


@dataclass(frozen=True)
class Rows:
    """A fold as a regression sees it.

    Attributes:
        keys: ``ticker``, ``as_of``, ``split`` of n rows.
        inputs: (n, features) float32, scaled as the model's, on the same training rows.
        outcomes: (n, horizons): what the model learns, NaN where it is not known.
    """

    keys: pl.DataFrame
    inputs: NDArray[np.float32]
    outcomes: Floats

    @classmethod
    def of(
        cls, panel: pl.DataFrame, horizons: Sequence[int], recipe: Recipe, inputs: Inputs = OURS
    ) -> Self:
        """Scale a fold's panel as the recipe says.

        Raises:
            DataError: columns are missing, or there are no training rows.
        """
        scaler = training_scaler(panel, recipe.features, inputs)
        outcomes = training_targets(panel, horizons, recipe.target).astype(np.float64)
        # What a test row came to is no business of a regression: it cannot even be read.
        outcomes[(panel["split"] == "test").to_numpy()] = np.nan
        return cls(panel.select(*KEYS), scaler.transform(panel).values, outcomes)

    def of_split(self, *splits: str) -> NDArray[np.bool_]:
        """(n,) which rows are of these splits."""
        return self.keys["split"].is_in(splits).to_numpy()

    def digest(self) -> str:
        """Hex digits of all that is in here."""
        found = hashlib.sha256(self.inputs.tobytes())
        found.update(self.outcomes.tobytes())
        found.update(self.keys.hash_rows().to_numpy().tobytes())
        return found.hexdigest()


class Regressor(Protocol):
    """What a fit gives."""

    def predict(self, inputs: NDArray[np.float32]) -> Floats:
        """(n, features) -> (n,) in units of the outcome."""


class Fit(Protocol):
    """Learns one outcome."""

    def __call__(
        self, inputs: NDArray[np.float32], outcome: Floats, split: pl.Series, *, seed: int
    ) -> Regressor:
        """Fit on training rows with a finite outcome, choose on validation rows."""


@dataclass(frozen=True)
class Regression:
    """A contender of one regression a horizon.

    Attributes:
        fit: Fits one, and chooses among ``candidates`` settings on validation rows: the one of
            the least mean squared error of what the model learns, a target or its rank.
        recipe: Of the model: inputs and target are its.
        inputs: Columns that the model reads.
        threads: Folds fitted at a time; default: as many as there are cores. No result depends on
            it.
    """

    name: str
    fit: Fit
    candidates: int
    recipe: Recipe
    inputs: Inputs = OURS
    threads: int | None = None
    in_target_units: bool = False

    def scores(
        self,
        panels: Sequence[pl.DataFrame],
        horizons: Sequence[int],
        *,
        seed: int,
        folder: Path | None = None,
        progress: Progress = silent,
    ) -> tuple[pl.DataFrame, ...]:
        """As ``Contender.scores``; the folder has a file a fold, named by a digest of its rows."""
        found = []
        with one_blas_thread(), ThreadPoolExecutor(self.threads or available_cores()) as pool:
            scored = pool.map(lambda panel: self._fold(panel, horizons, seed, folder), panels)
            for number, rows in enumerate(scored, start=1):
                found.append(rows)
                progress(self.name, number, len(panels), "folds")
        return tuple(found)

    def _fold(
        self, panel: pl.DataFrame, horizons: Sequence[int], seed: int, folder: Path | None
    ) -> pl.DataFrame:
        """A fold's scores; those that are kept, where it was fitted before."""
        rows = Rows.of(panel, horizons, self.recipe, self.inputs)
        if folder is None:
            return self._scores(rows, horizons, seed)
        kept = folder / f"{self._plan(rows, horizons, seed)}.parquet"
        if not kept.is_file():
            write_parquet(kept, self._scores(rows, horizons, seed))
        return pl.read_parquet(kept)

    def _scores(self, rows: Rows, horizons: Sequence[int], seed: int) -> pl.DataFrame:
        asked = rows.of_split("validation", "test")
        raw = {
            f"raw_{horizon}d": self.fit(
                rows.inputs, rows.outcomes[:, column], rows.keys["split"], seed=seed
            ).predict(rows.inputs[asked])
            for column, horizon in enumerate(horizons)
        }
        return rows.keys.filter(pl.Series(asked)).with_columns(pl.DataFrame(raw))

    def _plan(self, rows: Rows, horizons: Sequence[int], seed: int) -> str:
        content = [__version__, self.name, self.candidates, list(horizons), seed, rows.digest()]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]
