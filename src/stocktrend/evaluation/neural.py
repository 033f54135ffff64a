"""The model as a contender, and what is left of it without one of its parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from stocktrend.catalog import OURS, Inputs
from stocktrend.evaluation.signals import KEYS, judged
from stocktrend.progress import Progress, silent
from stocktrend.recipe import Recipe
from stocktrend.training import train_ensemble


@dataclass(frozen=True)
class Neural:
    """An ensemble of a recipe, trained anew in every fold.

    Attributes:
        recipe: Of its members.
        inputs: Columns that the towers read.
        device: ``cpu``, ``cuda`` or ``auto``.
    """

    name: str
    recipe: Recipe
    inputs: Inputs = OURS
    device: str = "cpu"
    candidates: int = 1
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
        """As ``Contender.scores``; the folder has an ensemble's folder a fold."""
        found = []
        for number, panel in enumerate(panels):
            ensemble = train_ensemble(
                panel,
                self.recipe,
                horizons=horizons,
                seed=seed,
                device=self.device,
                inputs=self.inputs,
                folder=None if folder is None else folder / f"fold_{number:02d}",
                progress=progress,
            )
            rows = judged(panel)
            raw = ensemble.raw_scores(rows).drop("ticker", "as_of")
            found.append(rows.select(*KEYS).hstack(raw))
        return tuple(found)
