"""The evaluation of one run: the model beside its controls on the test rows.

Per horizon: rows of split "test" with a known target and a score; every metric of the model and of
each control on exactly these rows, on one set of bootstrap replicates, so that differences are
paired by date.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import polars as pl

from stocktrend.catalog import OURS, Inputs
from stocktrend.dataset.frames import require_columns
from stocktrend.errors import DataError
from stocktrend.evaluation.bootstrap import DateBootstrap, block_length
from stocktrend.evaluation.controls import CONTROLS, DIRECTION_ONLY, control_scores
from stocktrend.evaluation.metrics import (
    Metrics,
    Replicates,
    dated,
    rankable,
    replicate_metrics,
)
from stocktrend.evaluation.results import (
    Comparison,
    Decile,
    Evaluation,
    HorizonEvaluation,
    outcome_of,
)
from stocktrend.evaluation.verdict import comparison_sentence, headline, horizon_verdict
from stocktrend.progress import Progress, silent

MIN_ROWS_OF_A_DECILE = 10

_OWN_METRIC = {"constant": "mse", "always_up": "direction_accuracy"}
"""Controls that rank nothing are compared by what they do say."""


def evaluate(
    panel: pl.DataFrame,
    predictions: pl.DataFrame,
    horizons: Sequence[int],
    *,
    seed: int,
    features: Literal["zscore", "rank"] = "zscore",
    target: Literal["tanh", "rank"] = "tanh",
    inputs: Inputs = OURS,
    progress: Progress = silent,
) -> Evaluation:
    """Judge a model's scores on the test split.

    Args:
        panel: From ``time_split``: ``ticker``, ``as_of``, ``split``, the 87 features and, per
            horizon, ``target_{h}d`` (null where unknown or masked).
        predictions: ``ticker``, ``as_of`` and ``score_{h}d`` in units of the target; other columns
            are not read.
        horizons: Days.
        seed: Of the bootstrap.
        features: Inputs of the ridge control, as in the model's recipe.
        target: What the ridge control is fitted to, as in the model's recipe.
        inputs: Columns that the ridge control reads, as the model does; default: the 87.
        progress: Called once a horizon.

    Raises:
        DataError: columns are missing, or the two frames have no row in common.
    """
    names = [f"target_{h}d" for h in horizons]
    require_columns(panel, ["ticker", "as_of", "split", *names], "evaluation")
    scores = [f"score_{h}d" for h in horizons]
    require_columns(predictions, ["ticker", "as_of", *scores], "evaluation")
    rows = panel.select("ticker", "as_of", "split", *names).join(
        predictions.select("ticker", "as_of", *scores), on=["ticker", "as_of"], how="inner"
    )
    if rows.is_empty():
        raise DataError(
            "predictions must hold rows of the panel, however: no ticker and as_of in common. "
            "Pass the predictions that were made from this panel"
        )
    controls = control_scores(panel, horizons, features=features, target=target, inputs=inputs)
    rows = rows.join(controls.drop("split"), on=["ticker", "as_of"], how="left")
    test = rows.filter(pl.col("split") == "test")
    found = {}
    for done, horizon in enumerate(horizons, start=1):
        found[horizon] = _evaluate_horizon(test, horizon, seed)
        progress("evaluate", done, len(horizons), "horizons")
    return Evaluation(headline(list(found.values())), found, seed)


def _evaluate_horizon(test: pl.DataFrame, horizon: int, seed: int) -> HorizonEvaluation:
    names = {"model": f"score_{horizon}d"} | {name: f"{name}_{horizon}d" for name in CONTROLS}
    rows = dated(test.select("as_of", target=f"target_{horizon}d", **names), *names)
    dates = rows["as_of"].unique().sort()
    block = block_length(dates.to_numpy(), horizon)
    judged_by = "rank_ic"
    comparisons: tuple[Comparison, ...] = ()
    deciles: tuple[Decile, ...] = ()
    figures = dict.fromkeys(names, Metrics.undefined())
    if len(rows):
        bootstrap = DateBootstrap.draw(len(dates), block, seed=seed)
        replicates = {name: replicate_metrics(rows, name, bootstrap) for name in names}
        figures = {name: _applicable(name, r.metrics()) for name, r in replicates.items()}
        judged_by = "rank_ic" if rankable(rows["as_of"]) else "correlation"
        comparisons = _compare(replicates, horizon, judged_by)
        deciles = _deciles(rows, bootstrap)
    skill = getattr(figures["model"], judged_by)
    return HorizonEvaluation(
        horizon=horizon,
        rows=len(rows),
        dates=len(dates),
        first=str(dates[0])[:10] if len(dates) else None,
        last=str(dates[-1])[:10] if len(dates) else None,
        block=block,
        judged_by=judged_by,
        model=figures.pop("model"),
        controls=figures,
        comparisons=comparisons,
        deciles=deciles,
        skill=outcome_of(skill),
        verdict=horizon_verdict(
            horizon, judged_by, skill, comparisons, dates=len(dates), block=block
        ),
    )


def _applicable(name: str, figures: Metrics) -> Metrics:
    """A control that says nothing about size is judged by its direction alone."""
    if name not in DIRECTION_ONLY:
        return figures
    return Metrics.undefined(
        direction_accuracy=figures.direction_accuracy,
        f1=figures.f1,
    )


def _compare(
    replicates: Mapping[str, Replicates], horizon: int, judged_by: str
) -> tuple[Comparison, ...]:
    found = []
    for control in CONTROLS:
        metric = _OWN_METRIC.get(control, judged_by)
        difference = replicates["model"].better_than(replicates[control], metric)
        sentence = comparison_sentence(control, metric, difference, horizon)
        found.append(Comparison(control, metric, difference, sentence))
    return tuple(found)


def _deciles(rows: pl.DataFrame, bootstrap: DateBootstrap) -> tuple[Decile, ...]:
    """Rows in tenths of the score (fifths where rows are few), ties in the order of the rows."""
    bins = next((n for n in (10, 5) if len(rows) >= n * MIN_ROWS_OF_A_DECILE), 0)
    if not bins:
        return ()
    rows = rows.with_columns(bin=(pl.col("model").rank("ordinal") - 1) * bins // pl.len())
    deciles = []
    for (_,), members in rows.sort("bin").group_by("bin", maintain_order=True):
        sums = np.zeros((bootstrap.weights.shape[1], 2))
        date, outcome = members["date"].to_numpy(), members["target"].to_numpy()
        np.add.at(sums, date, np.column_stack([outcome, np.ones(len(date))]))
        with np.errstate(divide="ignore", invalid="ignore"):
            means = bootstrap.replicate(lambda total: total[..., 0] / total[..., 1], sums)
        deciles.append(
            Decile(
                rows=len(members),
                score=float(members["model"].to_numpy().mean()),
                target=bootstrap.estimate(means, lowest=-1.0, highest=1.0),
                rose=float((outcome > 0).mean()),
            )
        )
    return tuple(deciles)
