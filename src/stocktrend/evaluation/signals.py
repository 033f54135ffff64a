"""Contenders that fit nothing, or one number.

``constant``: the mean target of the training rows. ``always_up``: a rise, always; it says nothing
about size, so only its direction is judged. ``momentum``: return of the last 252 bars without the
last 20 (Jegadeesh and Titman 1993). ``reversal``: minus the return of the last 20 bars (Jegadeesh
1990).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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
class Untrained:
    """A contender without a training.

    Attributes:
        of: A fold's panel and horizons -> its frame of ``Contender.scores``.
    """

    name: str
    of: Callable[[pl.DataFrame, Sequence[int]], pl.DataFrame]
    in_target_units: bool = False
    candidates: int = 1

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
        return tuple(self.of(panel, horizons) for panel in panels)


def _constant(panel: pl.DataFrame, horizons: Sequence[int]) -> pl.DataFrame:
    """The mean target of the training rows, 0 where none is known."""
    return judged(panel).select(*KEYS, *(_mean_target(panel, h) for h in horizons))


def _always_up(panel: pl.DataFrame, horizons: Sequence[int]) -> pl.DataFrame:
    """A rise of every stock on every date."""
    return judged(panel).select(*KEYS, *(pl.lit(1.0).alias(f"raw_{h}d") for h in horizons))


def _momentum(panel: pl.DataFrame, horizons: Sequence[int]) -> pl.DataFrame:
    return _ranked(panel, horizons, pl.col("stock_return_252d") - pl.col("stock_return_20d"))


def _reversal(panel: pl.DataFrame, horizons: Sequence[int]) -> pl.DataFrame:
    return _ranked(panel, horizons, -pl.col("stock_return_20d"))


def _ranked(panel: pl.DataFrame, horizons: Sequence[int], signal: pl.Expr) -> pl.DataFrame:
    """A signal's rank within the date, or as it is where dates have fewer than 5 rows.

    A stock without the history is in the middle.
    """
    rows = judged(panel)
    found = rows.select(*KEYS, raw=signal.cast(pl.Float64).fill_nan(None))
    if rankable(rows["as_of"]):
        found = found.with_columns(rank_within("as_of", ["raw"]))
    raw = pl.col("raw").fill_null(0.0)
    return found.select(*KEYS, *(raw.alias(f"raw_{h}d") for h in horizons))


def _mean_target(panel: pl.DataFrame, horizon: int) -> pl.Expr:
    target = panel.filter(pl.col("split") == "train")[f"target_{horizon}d"].cast(pl.Float64)
    known = target.filter(target.is_finite()).rechunk()
    mean = known.mean() if len(known) else 0.0
    return pl.lit(mean, pl.Float64).alias(f"raw_{horizon}d")


UNTRAINED: Final = (
    Untrained("constant", _constant, in_target_units=True),
    Untrained("always_up", _always_up, in_target_units=True),
    Untrained("momentum", _momentum),
    Untrained("reversal", _reversal),
)
