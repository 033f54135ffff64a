"""Who takes part in a comparison: the model, and what it must beat to be worth its trouble.

All of them learn from the same rows of a fold, choose on the same validation rows, and score the
same validation and test rows. What each chose among is counted in ``candidates``.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import polars as pl

from stocktrend.catalog import OURS, Inputs
from stocktrend.errors import ConfigError
from stocktrend.evaluation.blend import Blend
from stocktrend.evaluation.boosting import LEAVES, BoostedTrees
from stocktrend.evaluation.conformal import COVERAGE, calibrated
from stocktrend.evaluation.neural import Neural
from stocktrend.evaluation.regression import Regression
from stocktrend.evaluation.results import MAIN
from stocktrend.evaluation.ridge import PENALTIES, Ridge
from stocktrend.evaluation.signals import UNTRAINED
from stocktrend.progress import Progress, silent
from stocktrend.recipe import Recipe

CHEAP: Final = ("constant", "always_up", "momentum", "reversal", "ridge", "lightgbm")
"""Those that train no network: a single run is judged beside them."""

_INTERACTIONS: Final[Mapping[str, str | None]] = {
    "mlp": "mlp",
    "stock_tower": "stock",
    "context_tower": "context",
    "additive": "additive",
    "shuffled_context": None,
}
"""What the heads of each other network read; None is what the recipe says."""

CONTENDERS: Final = (MAIN, *CHEAP, *_INTERACTIONS, "blend")


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
    recipe: Recipe,
    names: Sequence[str] = CONTENDERS,
    *,
    inputs: Inputs = OURS,
    threads: int | None = None,
    device: str = "cpu",
) -> tuple[Contender, ...]:
    """The contenders of these names, in their order.

    Args:
        recipe: The model's; the others take their inputs and target from it.
        names: Which, of ``CONTENDERS``.
        inputs: Columns that the model reads.
        threads: At work at a time; default: as many as there are cores. No result depends on it.
        device: Of the networks.

    Raises:
        ConfigError: a name is not known, or given twice.

    >>> [(c.name, c.candidates) for c in contenders(Recipe(), ("momentum", "ridge"))]
    [('momentum', 1), ('ridge', 5)]
    """
    known: dict[str, Contender] = {
        **{contender.name: contender for contender in UNTRAINED},
        "ridge": Regression("ridge", Ridge.fit, len(PENALTIES), recipe, inputs, threads),
        "lightgbm": Regression("lightgbm", BoostedTrees.fit, len(LEAVES), recipe, inputs, threads),
    }
    for name, interaction in ((MAIN, None), *_INTERACTIONS.items()):
        changed = {} if interaction is None else {"interaction": interaction}
        known[name] = Neural(
            name,
            recipe.model_copy(update=changed),
            inputs,
            shuffled=name == "shuffled_context",
            threads=threads,
            device=device,
        )
    known["blend"] = Blend("blend", (known[MAIN], known["lightgbm"]))
    strange = [name for name in names if name not in known]
    if strange or len(set(names)) < len(names):
        raise ConfigError(
            f"contenders must be distinct names of {', '.join(known)}, however: "
            f"{', '.join(strange or names)}. Take these, or leave the setting out for all"
        )
    return tuple(known[name] for name in names)


def displayed(
    contender: Contender,
    raw: pl.DataFrame,
    panel: pl.DataFrame,
    horizons: Sequence[int],
    *,
    coverage: float = COVERAGE,
) -> pl.DataFrame:
    """What a contender shows of a fold: its scores in units of the target.

    Args:
        contender: Whose ``in_target_units`` decides.
        raw: A frame of its ``scores``.
        panel: The fold's panel.
        horizons: Days.
        coverage: Share of targets that an interval is to hold.

    Returns:
        The test rows of ``raw`` with ``model`` first and ``score_{h}d`` and the other columns of
        ``calibrated``, which is fitted on validation rows; the score alone where ``raw`` is shown
        as it is.
    """
    if contender.in_target_units:
        shown = raw.with_columns(pl.col(f"raw_{h}d").alias(f"score_{h}d") for h in horizons)
    else:
        shown = calibrated(raw, panel, horizons, coverage=coverage)
    test = shown.filter(pl.col("split") == "test").drop("split")
    return test.select(pl.lit(contender.name).alias("model"), pl.all())
