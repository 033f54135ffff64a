"""The model as a contender, and what is left of it without one of its parts.

``mlp``: one tower that reads all features. ``stock_tower`` and ``context_tower``: what the heads
make of one embedding alone. ``additive``: of both, without their product. ``shuffled_context``: the
whole model, each date with the context of another date. All have the recipe of the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from stocktrend.catalog import OURS, Inputs
from stocktrend.evaluation.signals import KEYS, judged
from stocktrend.progress import Progress, silent
from stocktrend.recipe import Recipe
from stocktrend.training import train_ensembles


@dataclass(frozen=True)
class Neural:
    """An ensemble of a recipe, trained anew in every fold.

    Attributes:
        recipe: Of its members.
        inputs: Columns that the towers read.
        shuffled: Whether contexts change places between dates, in every part of a fold.
        threads: Members trained at a time; default: as many as there are cores.
        device: ``cpu``, ``cuda`` or ``auto``.
    """

    name: str
    recipe: Recipe
    inputs: Inputs = OURS
    shuffled: bool = False
    threads: int | None = None
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
        seen = [
            shuffled_contexts(panel, self.inputs, seed) if self.shuffled else panel
            for panel in panels
        ]
        folders = (
            None
            if folder is None
            else [folder / f"fold_{number:02d}" for number in range(len(seen))]
        )
        ensembles = train_ensembles(
            seen,
            self.recipe,
            horizons=horizons,
            seed=seed,
            device=self.device,
            inputs=self.inputs,
            folders=folders,
            threads=self.threads,
            progress=progress,
        )
        found = []
        for ensemble, panel in zip(ensembles, seen, strict=True):
            rows = judged(panel)
            raw = ensemble.raw_scores(rows).drop("ticker", "as_of")
            found.append(rows.select(*KEYS).hstack(raw))
        return tuple(found)


def shuffled_contexts(panel: pl.DataFrame, inputs: Inputs = OURS, seed: int = 0) -> pl.DataFrame:
    """Every date with the whole context of another date of its part, the same for all stocks.

    A ticker takes its own context of that date, so its news moves with the market's state. Where
    it has no row then, it takes that of the date's first ticker: half of a context would be none.
    The other date may come later, which can only favour this control over the model.

    Args:
        panel: ``ticker``, ``as_of``, ``split`` and the inputs.
        inputs: Whose context columns change places.
        seed: Of the one order in which a part's dates pass their contexts on; with two dates or
            more no date keeps its own.

    Returns:
        The rows in their order; all other columns as they were.
    """
    givers = []
    for (part,), rows in panel.group_by("split", maintain_order=True):
        dates = rows["as_of"].unique().sort()
        order = np.random.default_rng([seed, len(dates)]).permutation(len(dates))
        giver = np.empty_like(order)
        giver[order] = np.roll(order, 1)
        givers.append(
            pl.DataFrame({"as_of": dates, "giver": dates[giver]}).with_columns(split=pl.lit(part))
        )
    places = panel.select("ticker", "as_of", place=pl.int_range(pl.len()))
    of_ticker = places.rename({"as_of": "giver", "place": "own"})
    of_date = places.group_by(giver="as_of").agg(first=pl.col("place").sort_by("ticker").first())
    taken = (
        panel.select("ticker", "as_of", "split")
        .join(pl.concat(givers), on=["as_of", "split"], how="left", maintain_order="left")
        .join(of_ticker, on=["ticker", "giver"], how="left", maintain_order="left")
        .join(of_date, on="giver", how="left", maintain_order="left")
        .select(pl.coalesce("own", "first"))
    )
    return panel.with_columns(panel.select(inputs.context)[taken.to_series()])
