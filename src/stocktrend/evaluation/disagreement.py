"""Whether the members of an ensemble disagree where the model errs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from stocktrend.evaluation.bootstrap import DateBootstrap, Estimate
from stocktrend.evaluation.deciles import Decile, deciles
from stocktrend.evaluation.metrics import Outcomes, rank_ics
from stocktrend.evaluation.rows import Dates


@dataclass(frozen=True)
class Disagreement:
    """The members' spread beside the size of the error, at one horizon.

    Attributes:
        horizon: Days.
        rows: With a spread and an error.
        tenths: By spread, lowest first: ``score`` is the mean spread, ``target`` the mean size of
            the error.
        rank_correlation: Mean over dates of the Spearman correlation of the two within the date.
    """

    horizon: int
    rows: int
    tenths: tuple[Decile, ...]
    rank_correlation: Estimate


def disagreements(
    predictions: pl.DataFrame, outcomes: pl.DataFrame, horizons: Sequence[int], *, seed: int
) -> tuple[Disagreement, ...]:
    """Errors of one contender by the spread of its members.

    Args:
        predictions: Of one contender: ``ticker``, ``as_of`` and, per horizon, ``score_{h}d`` and,
            where it has members, ``spread_{h}d``.
        outcomes: ``ticker``, ``as_of``, ``target_{h}d``.
        horizons: Days.
        seed: Of the bootstrap.

    Returns:
        One a horizon that has spreads which differ.
    """
    found = []
    for horizon in horizons:
        spread, target = f"spread_{horizon}d", f"target_{horizon}d"
        if spread not in predictions.columns:
            continue
        error = (pl.col(f"score_{horizon}d") - pl.col(target)).abs()
        rows = (
            predictions.join(outcomes.select("ticker", "as_of", target), on=["ticker", "as_of"])
            .select("as_of", spread=pl.col(spread).cast(pl.Float64), error=error.cast(pl.Float64))
            .filter(pl.all_horizontal(pl.col("spread", "error").is_finite()))
            .sort("as_of", maintain_order=True)
        )
        if rows["spread"].n_unique() > 1:
            found.append(_of_rows(rows, horizon, seed))
    return tuple(found)


def _of_rows(rows: pl.DataFrame, horizon: int, seed: int) -> Disagreement:
    of_row = (rows["as_of"].rank("dense").cast(pl.Int64) - 1).to_numpy()
    dates = Dates(of_row, int(of_row[-1]) + 1)
    bootstrap = DateBootstrap.of(rows["as_of"].unique().sort().to_numpy(), horizon, seed=seed)
    spread, error = rows["spread"].to_numpy(), rows["error"].to_numpy()
    by_date = rank_ics(spread, Outcomes.of(error, dates))
    known = np.isfinite(by_date)
    sums = np.column_stack([np.where(known, by_date, 0.0), known])
    with np.errstate(divide="ignore", invalid="ignore"):
        means = bootstrap.replicate(lambda total: total[..., 0] / total[..., 1], sums)
    return Disagreement(
        horizon=horizon,
        rows=len(rows),
        tenths=deciles(spread, error, dates, bootstrap),
        rank_correlation=bootstrap.estimate(means, lowest=-1.0, highest=1.0),
    )
