"""Who takes part in a comparison: the model, and what it must beat to be worth its trouble.

All of them learn from the same rows of a fold, choose on the same validation rows, and score the
same validation and test rows. What each chose among is counted in ``candidates``.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import polars as pl

from stocktrend.catalog import OURS, Inputs
from stocktrend.errors import ConfigError
from stocktrend.evaluation.blend import Blend
from stocktrend.evaluation.boosting import LEAVES, BoostedTrees
from stocktrend.evaluation.neural import Neural
from stocktrend.evaluation.regression import Regression
from stocktrend.evaluation.results import MAIN
from stocktrend.evaluation.ridge import PENALTIES, Ridge
from stocktrend.evaluation.signals import AlwaysUp, Constant, Signal
from stocktrend.progress import Progress, silent
from stocktrend.recipe import Recipe

CHEAP: Final = ("constant", "always_up", "momentum", "reversal", "ridge", "lightgbm")
"""Those that train no network: a single run is judged beside them."""

_INTERACTIONS: Final[Mapping[str, str | None]] = {
    MAIN: None,
    "mlp": "mlp",
    "stock_tower": "stock",
    "context_tower": "context",
    "additive": "additive",
    "shuffled_context": None,
}
"""What the heads of each network read; None is what the recipe says."""

CONTENDERS: Final = (*CHEAP, *_INTERACTIONS, "blend")


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
    threads: int = 1,
    device: str = "cpu",
) -> tuple[Contender, ...]:
    """The contenders of these names, in their order.

    Args:
        recipe: The model's; the others take their inputs and target from it.
        names: Which, of ``CONTENDERS``.
        inputs: Columns that the model reads.
        threads: Of LightGBM.
        device: Of the networks.

    Raises:
        ConfigError: a name is not known, or given twice.

    >>> [(c.name, c.candidates) for c in contenders(Recipe(), ("momentum", "ridge"))]
    [('momentum', 1), ('ridge', 5)]
    """
    known: dict[str, Contender] = {
        "constant": Constant(),
        "always_up": AlwaysUp(),
        "momentum": Signal.momentum(),
        "reversal": Signal.reversal(),
        "ridge": Regression("ridge", Ridge.fit, len(PENALTIES), recipe, inputs),
        "lightgbm": Regression(
            "lightgbm", partial(BoostedTrees.fit, threads=threads), len(LEAVES), recipe, inputs
        ),
    }
    for name, interaction in _INTERACTIONS.items():
        changed = {} if interaction is None else {"interaction": interaction}
        known[name] = Neural(
            name,
            recipe.model_copy(update=changed),
            inputs,
            shuffled=name == "shuffled_context",
            device=device,
        )
    known["blend"] = Blend("blend", (known[MAIN], known["lightgbm"]))
    strange = [name for name in names if name not in known]
    if strange or len(set(names)) < len(names):
        raise ConfigError(
            f"contenders must be distinct names of {', '.join(known)}, however: {', '.join(names)}"
        )
    return tuple(known[name] for name in names)


def compete(
    taking_part: Sequence[Contender],
    panels: Sequence[pl.DataFrame],
    horizons: Sequence[int],
    *,
    seed: int,
    folder: Path | None = None,
    progress: Progress = silent,
) -> dict[str, tuple[pl.DataFrame, ...]]:
    """Let all learn from the same folds; a blend takes what its parts said, if they take part.

    Args:
        taking_part: From ``contenders``.
        panels: And the others: as for ``Contender.scores``; each contender has a folder of its
            own in ``folder``, and ``progress`` is called with its name as the step.

    Returns:
        By name, in the order of ``taking_part``: a frame a fold, as from ``Contender.scores``.
    """
    found: dict[str, tuple[pl.DataFrame, ...]] = {}
    for contender in sorted(taking_part, key=lambda contender: isinstance(contender, Blend)):
        if isinstance(contender, Blend) and {part.name for part in contender.parts} <= found.keys():
            found[contender.name] = contender.of(
                [found[part.name] for part in contender.parts], horizons
            )
        else:
            found[contender.name] = contender.scores(
                panels,
                horizons,
                seed=seed,
                folder=None if folder is None else folder / contender.name,
                progress=_named(progress, contender.name),
            )
    return {contender.name: found[contender.name] for contender in taking_part}


def _named(progress: Progress, name: str) -> Progress:
    def report(step: str, done: int, total: int | None, unit: str) -> None:
        progress(name, done, total, unit)

    return report
