"""Two contenders as one: the mean of their rankings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from stocktrend.dataset.scaling import rank_within
from stocktrend.evaluation.signals import KEYS
from stocktrend.progress import Progress, silent

if TYPE_CHECKING:
    from stocktrend.evaluation.contenders import Contender


@dataclass(frozen=True)
class Blend:
    """The mean of its parts' ranks within each date, in [-1, 1].

    Attributes:
        parts: The contenders that it is made of.
    """

    name: str
    parts: tuple[Contender, ...]
    in_target_units: bool = False

    @property
    def candidates(self) -> int:
        """Combinations of what its parts choose among."""
        return prod(part.candidates for part in self.parts)

    def scores(
        self,
        panels: Sequence[pl.DataFrame],
        horizons: Sequence[int],
        *,
        seed: int,
        folder: Path | None = None,
        progress: Progress = silent,
    ) -> tuple[pl.DataFrame, ...]:
        """As ``Contender.scores``; the folders of its parts lie beside its own, by their names.

        With a folder nothing is trained again that a part has there. Where the parts' scores are
        at hand, ``of`` makes the blend of them.
        """
        parts = [
            part.scores(
                panels,
                horizons,
                seed=seed,
                folder=None if folder is None else folder.with_name(part.name),
                progress=progress,
            )
            for part in self.parts
        ]
        return self.of(parts, horizons)

    def of(
        self, parts: Sequence[Sequence[pl.DataFrame]], horizons: Sequence[int]
    ) -> tuple[pl.DataFrame, ...]:
        """Blend what the parts' ``scores`` gave, fold by fold; the same rows in the same order."""
        names = [f"raw_{h}d" for h in horizons]
        found = []
        for frames in zip(*parts, strict=True):
            keys = frames[0].select(*KEYS)
            ranks = [
                keys.select("as_of")
                .hstack(keys.join(frame, on=list(KEYS), how="left", maintain_order="left")[names])
                .select(rank_within("as_of", names))
                for frame in frames
            ]
            means = [pl.mean_horizontal(frame[name] for frame in ranks) for name in names]
            found.append(keys.with_columns(m.alias(n) for m, n in zip(means, names, strict=True)))
        return tuple(found)
