"""Who takes part in a comparison: the model, and what it must beat to be worth its trouble.

All of them learn from the same rows of a fold, choose on the same validation rows, and score the
same validation and test rows. What each chose among is counted in ``candidates``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import polars as pl

from stocktrend.catalog import OURS, Inputs
from stocktrend.errors import ConfigError
from stocktrend.evaluation.neural import Neural
from stocktrend.evaluation.regression import Regression
from stocktrend.evaluation.ridge import PENALTIES, Ridge
from stocktrend.evaluation.signals import AlwaysUp, Constant, Signal
from stocktrend.progress import Progress, silent
from stocktrend.recipe import Recipe

MAIN: Final = "dual_tower"
CHEAP: Final = ("constant", "always_up", "momentum", "reversal", "ridge")
"""Those that take seconds: a single run is judged beside them."""
CONTENDERS: Final = (MAIN, *CHEAP)


class Contender(Protocol):
    """One way to score stocks, learnt anew in every fold.

    Attributes:
        name: Its name in tables and files.
        candidates: Settings among which it chooses on validation rows, itself included: 1 chooses
            nothing. Early stopping on validation rows is not counted.
        in_target_units: Whether ``raw_{h}d`` is displayed as it is; others are calibrated first.
    """

    @property
    def name(self) -> str: ...

    @property
    def candidates(self) -> int: ...

    @property
    def in_target_units(self) -> bool: ...

    def scores(
        self,
        panels: Sequence[pl.DataFrame],
        horizons: Sequence[int],
        *,
        seed: int,
        folder: Path | None = None,
        progress: Progress = silent,
    ) -> tuple[pl.DataFrame, ...]:
        """Learn from each fold's training and validation rows, and score.

        Args:
            panels: One a fold, with ``split`` and masked labels, from ``fold_panel`` or
                ``time_split``. Labels of test rows are not read.
            horizons: Days.
            seed: Same seed, panels, machine and threads: same bits.
            folder: Keeps what is done, so that work that was stopped goes on.
            progress: Called as the work goes on.

        Returns:
            Of each fold its validation and test rows in the panel's order: ``ticker``, ``as_of``,
            ``split``, ``raw_{h}d`` and, where it has members, ``spread_{h}d``, their standard
            deviation.
        """


def contenders(
    recipe: Recipe, names: Sequence[str] = CONTENDERS, *, inputs: Inputs = OURS
) -> tuple[Contender, ...]:
    """The contenders of these names.

    Args:
        recipe: The model's; the others take their inputs and target from it.
        names: Which, of ``CONTENDERS``.
        inputs: Columns that the model reads.

    Raises:
        ConfigError: a name is not known, or given twice.

    >>> [contender.name for contender in contenders(Recipe(), ("momentum", "ridge"))]
    ['momentum', 'ridge']
    """
    known: dict[str, Contender] = {
        MAIN: Neural(MAIN, recipe, inputs),
        "constant": Constant(),
        "always_up": AlwaysUp(),
        "momentum": Signal.momentum(),
        "reversal": Signal.reversal(),
        "ridge": Regression("ridge", Ridge.fit, len(PENALTIES), recipe, inputs),
    }
    strange = [name for name in names if name not in known]
    if strange or len(set(names)) < len(names):
        raise ConfigError(
            f"contenders must be distinct names of {', '.join(known)}, however: {', '.join(names)}"
        )
    return tuple(known[name] for name in names)
