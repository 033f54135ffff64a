"""The judgement: every contender on the same rows, beside each other and beside chance."""

from collections.abc import Sequence

import polars as pl

from stocktrend.catalog import OURS, Inputs
from stocktrend.dataset.frames import require_columns
from stocktrend.errors import DataError
from stocktrend.evaluation.conformal import COVERAGE
from stocktrend.evaluation.contenders import CHEAP, contenders, displayed
from stocktrend.evaluation.horizon import judge_horizon
from stocktrend.evaluation.outcomes import outcomes as outcomes_of
from stocktrend.evaluation.portfolio import COSTS_BP
from stocktrend.evaluation.results import MAIN, Evaluation
from stocktrend.evaluation.rows import Tables
from stocktrend.evaluation.significance import Attempt
from stocktrend.evaluation.verdict import headline
from stocktrend.progress import Progress, silent
from stocktrend.recipe import Recipe


def judge(
    predictions: pl.DataFrame,
    outcomes: pl.DataFrame,
    horizons: Sequence[int],
    *,
    seed: int,
    main: str = MAIN,
    costs_bp: float = COSTS_BP,
    attempt: Attempt | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Judge all contenders on the rows that they share.

    Args:
        predictions: ``model``, ``ticker``, ``as_of`` and, per horizon, ``score_{h}d`` in units of
            the target; where they are there also ``raw_{h}d`` (orders the stocks, default: the
            score), ``pos_prob_{h}d``, ``low_{h}d`` and ``high_{h}d``. Test rows alone.
        outcomes: ``ticker``, ``as_of`` and, per horizon, ``target_{h}d``; as far as they are there
            also the returns and groups of ``evaluation.outcomes``. Null where unknown.
        horizons: Days.
        seed: Of the bootstrap.
        main: The contender that is judged against the others.
        costs_bp: Basis points that a portfolio pays for each unit it trades.
        attempt: Says which variant the main model is, and what was judged on the same data before.
        progress: Called once a horizon.

    Raises:
        DataError: columns are missing, rows occur twice, the two frames have no row in common, or
            ``main`` is not among the models.
    """
    tables = Tables.match(predictions, outcomes, horizons)
    if main not in tables.predictions:
        raise DataError(
            f"main must be one of the models of the predictions, however: {main!r}. Take one of "
            f"{', '.join(sorted(tables.predictions))}"
        )
    found = {}
    for done, horizon in enumerate(horizons, start=1):
        found[horizon] = judge_horizon(
            tables.sample(horizon),
            horizon,
            main=main,
            costs_bp=costs_bp,
            attempt=attempt,
            seed=seed,
        )
        progress("evaluate", done, len(horizons), "horizons")
    return Evaluation(headline(list(found.values())), found, seed, main)


def beside_controls(
    panel: pl.DataFrame,
    predictions: pl.DataFrame,
    horizons: Sequence[int],
    recipe: Recipe,
    *,
    seed: int,
    inputs: Inputs = OURS,
    coverage: float = COVERAGE,
    threads: int | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What ``judge`` reads of one model on the test split, and of the simple controls.

    Args:
        panel: From ``time_split``: ``ticker``, ``as_of``, ``split``, the features and, per horizon,
            the return, the target (null where unknown or masked) and when it is known.
        predictions: ``ticker``, ``as_of`` and ``score_{h}d`` in units of the target; where they are
            there also the other columns that ``judge`` reads.
        horizons: Days.
        recipe: The model's, which the controls take their inputs and target from.
        seed: Of the controls.
        inputs: Columns that the controls read, as the model does; default: the 87.
        coverage: Share of targets that the controls' intervals are to hold, as the model's.
        threads: As for ``contenders``.

    Returns:
        Predictions of all, and the outcomes of the test split.

    Raises:
        DataError: columns are missing.
    """
    targets = [f"target_{h}d" for h in horizons]
    scores = [f"score_{h}d" for h in horizons]
    kinds = ("raw", "score", "pos_prob", "low", "high")
    said = [f"{kind}_{h}d" for h in horizons for kind in kinds]
    require_columns(panel, ["ticker", "as_of", "split", *targets], "evaluation")
    require_columns(predictions, ["ticker", "as_of", *scores], "evaluation")
    of_control = []
    for control in contenders(recipe, CHEAP, inputs=inputs, threads=threads):
        [raw] = control.scores((panel,), horizons, seed=seed)
        of_control.append(displayed(control, raw, panel, horizons, coverage=coverage))
    given = [name for name in said if name in predictions.columns]
    own = predictions.select(pl.lit(MAIN).alias("model"), "ticker", "as_of", *given)
    judged = outcomes_of(panel.filter(pl.col("split") == "test"), horizons)
    return pl.concat([own, *of_control], how="diagonal_relaxed"), judged
