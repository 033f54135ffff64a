"""Contenders that fit nothing, or one number.

``constant``: the mean target of the training rows. ``always_up``: a rise, always; it says nothing
about size, so only its direction is judged. ``momentum``: return of the last 252 bars without the
last 20 (Jegadeesh and Titman 1993). ``reversal``: minus the return of the last 20 bars (Jegadeesh
1990).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import polars as pl

from stocktrend.dataset.scaling import rank_within
from stocktrend.evaluation.metrics import rankable
from stocktrend.progress import Progress, silent

KEYS = ("ticker", "as_of", "split")
DIRECTION_ONLY = frozenset({"always_up"})


def judged(panel: pl.DataFrame) -> pl.DataFrame:
    """The rows that a contender scores: those of validation and test."""
    return panel.filter(pl.col("split").is_in(["validation", "test"]))


@dataclass(frozen=True)
class Constant:
    """The mean target of the training rows, 0 where none is known."""

    name: str = "constant"
    candidates: int = 1
    in_target_units: bool = True

    def scores(
        self,
        panels: Sequence[pl.DataFrame],
        horizons: Sequence[int],
        *,
        seed: int,
        folder: Path | None = None,
        progress: Progress = silent,
    ) -> tuple[pl.DataFrame, ...]:
        """As ``Contender.scores``."""
        return tuple(
            judged(panel).select(*KEYS, *(_mean_target(panel, h) for h in horizons))
            for panel in panels
        )


@dataclass(frozen=True)
class AlwaysUp:
    """A rise of every stock on every date."""

    name: str = "always_up"
    candidates: int = 1
    in_target_units: bool = True

    def scores(
        self,
        panels: Sequence[pl.DataFrame],
        horizons: Sequence[int],
        *,
        seed: int,
        folder: Path | None = None,
        progress: Progress = silent,
    ) -> tuple[pl.DataFrame, ...]:
        """As ``Contender.scores``."""
        up = [pl.lit(1.0).alias(f"raw_{h}d") for h in horizons]
        return tuple(judged(panel).select(*KEYS, *up) for panel in panels)


@dataclass(frozen=True)
class Signal:
    """Past returns as they are: their rank within the date, where dates have 5 rows or more.

    A stock without the history is in the middle.

    Attributes:
        added: The feature that it is made of.
        taken: One that is taken off it; None is none.
        sign: -1 turns it around.
    """

    name: str
    added: str
    taken: str | None = None
    sign: float = 1.0
    candidates: int = 1
    in_target_units: bool = False

    @classmethod
    def momentum(cls) -> Self:
        return cls("momentum", "stock_return_252d", "stock_return_20d")

    @classmethod
    def reversal(cls) -> Self:
        return cls("reversal", "stock_return_20d", sign=-1.0)

    def scores(
        self,
        panels: Sequence[pl.DataFrame],
        horizons: Sequence[int],
        *,
        seed: int,
        folder: Path | None = None,
        progress: Progress = silent,
    ) -> tuple[pl.DataFrame, ...]:
        """As ``Contender.scores``."""
        return tuple(self._of(judged(panel), horizons) for panel in panels)

    def _of(self, rows: pl.DataFrame, horizons: Sequence[int]) -> pl.DataFrame:
        value = self.sign * pl.col(self.added)
        if self.taken is not None:
            value = value - self.sign * pl.col(self.taken)
        found = rows.select(*KEYS, raw=value.cast(pl.Float64).fill_nan(None))
        if rankable(rows["as_of"]):
            found = found.with_columns(rank_within("as_of", ["raw"]))
        raw = pl.col("raw").fill_null(0.0)
        return found.select(*KEYS, *(raw.alias(f"raw_{h}d") for h in horizons))


def _mean_target(panel: pl.DataFrame, horizon: int) -> pl.Expr:
    target = panel.filter(pl.col("split") == "train")[f"target_{horizon}d"].cast(pl.Float64)
    known = target.filter(target.is_finite()).rechunk()
    mean = known.mean() if len(known) else 0.0
    return pl.lit(mean, pl.Float64).alias(f"raw_{horizon}d")
