"""Two contenders as one: the mean of their rankings."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from stocktrend.dataset.scaling import rank_within
from stocktrend.evaluation.signals import KEYS


@dataclass(frozen=True)
class Blend:
    """The mean of its parts' ranks within each date, in [-1, 1]; nothing is trained for it.

    Attributes:
        parts: Names of the contenders that it is made of.
        candidates: Among which its parts choose.
    """

    name: str
    parts: tuple[str, ...]
    candidates: int = 1
    in_target_units: bool = False

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
