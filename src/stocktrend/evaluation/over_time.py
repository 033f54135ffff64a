"""Skill along the dates: date by date, as a rolling mean, and in each fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from stocktrend.evaluation.bootstrap import DateBootstrap, Estimate, Floats
from stocktrend.evaluation.metrics import Outcomes, rank_ics
from stocktrend.evaluation.rows import Tables

MOST_WINDOWS = 250
"""Of longer series the rolling mean is taken at every k-th date, the last among them."""

DAYS_A_YEAR = 365.25


@dataclass(frozen=True)
class OverTime:
    """The rank ICs of one horizon.

    Attributes:
        horizon: Days.
        days: (dates,) those on which any contender has one, ascending.
        by_date: Contender -> (dates,) rank IC, NaN where it is not defined.
        window: Dates of a rolling mean: those of a year, or half of all where there are fewer than
            two years.
        ends: Positions in ``days`` of the last date of each window.
        rolling: Contender -> mean of each window.
        folds: Numbers of the folds.
        by_fold: Contender -> mean of each fold.
    """

    horizon: int
    days: npt.NDArray[np.datetime64]
    by_date: Mapping[str, Floats]
    window: int
    ends: tuple[int, ...]
    rolling: Mapping[str, tuple[Estimate, ...]]
    folds: tuple[int, ...]
    by_fold: Mapping[str, tuple[Estimate, ...]]


def over_time(
    predictions: pl.DataFrame,
    outcomes: pl.DataFrame,
    horizons: Sequence[int],
    *,
    models: Sequence[str],
    seed: int,
) -> tuple[OverTime, ...]:
    """Follow contenders through the dates on which ``judge`` judges them.

    Args:
        predictions: As for ``judge``, with ``fold``.
        outcomes: As for ``judge``.
        horizons: Days.
        models: Which contenders to follow, in this order; those that are not there are left out.
        seed: Of the bootstrap.

    Returns:
        One a horizon; none for a horizon without a rank IC.

    Raises:
        DataError: as ``judge``.
    """
    tables = Tables.match(predictions, outcomes, horizons)
    fold_of = predictions.select("as_of", "fold").unique("as_of")
    found = []
    for horizon in horizons:
        sample = tables.sample(horizon)
        truth = Outcomes.of(sample.floats(f"target_{horizon}d"), sample.dates)
        series = {
            name: rank_ics(sample.said[name].raw, truth) for name in models if name in sample.said
        }
        wide = pl.DataFrame({"as_of": sample.rows["as_of"].unique().sort(), **series})
        wide = wide.filter(pl.any_horizontal(pl.col(*series).is_finite()))
        if len(wide):
            wide = wide.join(fold_of, on="as_of", how="left", maintain_order="left")
            found.append(_of_horizon(wide, list(series), horizon, seed))
    return tuple(found)


def _of_horizon(wide: pl.DataFrame, models: Sequence[str], horizon: int, seed: int) -> OverTime:
    days = wide["as_of"].to_numpy()
    values = {name: wide[name].to_numpy() for name in models}
    window = _window(days)
    step = -(-(len(days) - window + 1) // MOST_WINDOWS)
    ends = tuple(range(len(days) - 1, window - 2, -step))[::-1]
    bootstrap = DateBootstrap.of(days[:window], horizon, seed=seed)
    inside = [slice(end + 1 - window, end + 1) for end in ends]
    folds = tuple(wide["fold"].drop_nulls().unique().sort().to_list())
    by_fold: dict[str, list[Estimate]] = {name: [] for name in models}
    for fold in folds:
        member = (wide["fold"] == fold).to_numpy()
        of_fold = DateBootstrap.of(days[member], horizon, seed=seed)
        for name in models:
            by_fold[name].append(_mean(values[name][member], of_fold))
    return OverTime(
        horizon=horizon,
        days=days,
        by_date=values,
        window=window,
        ends=ends,
        rolling={n: tuple(_mean(v[part], bootstrap) for part in inside) for n, v in values.items()},
        folds=folds,
        by_fold={name: tuple(means) for name, means in by_fold.items()},
    )


def _window(days: npt.NDArray[np.datetime64]) -> int:
    if len(days) < 2:
        return len(days)
    span = float((days[-1] - days[0]) / np.timedelta64(1, "D"))
    a_year = round(DAYS_A_YEAR * (len(days) - 1) / span)
    return max(1, min(a_year, len(days) // 2))


def _mean(values: Floats, bootstrap: DateBootstrap) -> Estimate:
    """The mean over the dates on which it is defined."""
    known = np.isfinite(values)
    sums = np.column_stack([np.where(known, values, 0.0), known])
    with np.errstate(divide="ignore", invalid="ignore"):
        means = bootstrap.replicate(lambda total: total[..., 0] / total[..., 1], sums)
    return bootstrap.estimate(means, lowest=-1.0, highest=1.0)
