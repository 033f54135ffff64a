"""Skill of a score on rows with a known target.

``mse``, ``mae``: in units of the target, tanh(10 * return). ``correlation``: Pearson, all rows
pooled. ``direction_accuracy``: share of rows with target != 0 on which the score has the target's
sign (a score of exactly 0 has no sign and misses). ``f1``: of the class "target > 0" on the same
rows, predicted by score > 0. ``rank_ic``: mean over dates of the Spearman correlation across the
date's rows, over dates with at least 5 rows on which both sides vary.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl

from stocktrend.evaluation.bootstrap import DateBootstrap, Estimate, Floats, block_length

MIN_ROWS_OF_A_DATE = 5

_RANGE = {
    "mse": (0.0, np.inf),
    "mae": (0.0, np.inf),
    "correlation": (-1.0, 1.0),
    "direction_accuracy": (0.0, 1.0),
    "f1": (0.0, 1.0),
    "rank_ic": (-1.0, 1.0),
}
METRICS = tuple(_RANGE)
LOWER_IS_BETTER = frozenset({"mse", "mae"})


@dataclass(frozen=True)
class Metrics:
    """One score's figures on one horizon's test rows."""

    mse: Estimate
    mae: Estimate
    correlation: Estimate
    direction_accuracy: Estimate
    f1: Estimate
    rank_ic: Estimate

    @classmethod
    def undefined(cls, **known: Estimate) -> "Metrics":
        """Nothing is defined but what is ``known``."""
        return cls(**(dict.fromkeys(METRICS, Estimate(None)) | known))

    def to_dict(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name).to_dict() for field in fields(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Metrics":
        return cls(**{name: Estimate.from_dict(values[name]) for name in METRICS})


@dataclass(frozen=True)
class Replicates:
    """Every metric on the sample (index 0) and on each replicate of the dates."""

    values: dict[str, Floats]
    bootstrap: DateBootstrap

    def metrics(self) -> Metrics:
        return Metrics(**{name: self.estimate(name) for name in METRICS})

    def estimate(self, metric: str) -> Estimate:
        lowest, highest = _RANGE[metric]
        return self.bootstrap.estimate(self.values[metric], lowest=lowest, highest=highest)

    def better_than(self, other: "Replicates", metric: str) -> Estimate:
        """Paired difference on the same replicates, signed so that positive favours ``self``."""
        difference = self.values[metric] - other.values[metric]
        sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
        return self.bootstrap.estimate(sign * difference)


def replicate_metrics(rows: pl.DataFrame, score: str, bootstrap: DateBootstrap) -> Replicates:
    """All metrics of a score column.

    Args:
        rows: ``date`` (index of the date, 0 to dates - 1, all present), ``target`` and the score
            column, without nulls.
        score: Name of the score column.
        bootstrap: Drawn for the same dates.
    """
    return Replicates(_statistics(bootstrap.weights @ date_sums(rows, score)), bootstrap)


def metrics(
    as_of: pl.Series,
    score: pl.Series,
    target: pl.Series,
    *,
    horizon: int,
    seed: int,
    repetitions: int = 1000,
) -> Metrics:
    """All metrics of one score; rows where the score or the target is null or NaN are left out.

    Args:
        as_of: Date or Datetime of each row, in any order.
        score: Prediction of each row, in units of the target.
        target: Outcome of each row.
        horizon: Days that a target looks ahead; sets the length of the bootstrap blocks.
        seed: Of the bootstrap.
        repetitions: Of the bootstrap.
    """
    rows = dated(pl.DataFrame({"as_of": as_of, "score": score, "target": target}), "score")
    if rows.is_empty():
        return Metrics.undefined()
    dates = rows["as_of"].unique().sort().to_numpy()
    bootstrap = DateBootstrap.draw(
        len(dates), block_length(dates, horizon), seed=seed, repetitions=repetitions
    )
    return replicate_metrics(rows, "score", bootstrap).metrics()


def rankable(as_of: pl.Series) -> bool:
    """Whether the median date has rows enough for a rank IC."""
    rows_of_a_date = as_of.value_counts(name="rows")["rows"].to_numpy()
    return bool(len(rows_of_a_date) and np.median(rows_of_a_date) >= MIN_ROWS_OF_A_DATE)


def dated(rows: pl.DataFrame, *scores: str) -> pl.DataFrame:
    """Rows on which the target and all scores are finite, sorted by date, with ``date`` index."""
    known = pl.all_horizontal(pl.col("target", *scores).cast(pl.Float64).is_finite())
    return (
        rows.filter(known.fill_null(value=False))
        .with_columns((pl.col("as_of").rank("dense") - 1).alias("date"))
        .sort("date")
    )


def date_sums(rows: pl.DataFrame, score: str) -> Floats:
    """What every metric is made of, summed over the rows of each date: (dates, 15)."""
    s, y = pl.col("s"), pl.col("y")
    up, rose, decided = s > 0, y > 0, y != 0
    sums = (
        rows.select("date", s=score, y="target")
        # sums of squares of centred values lose no digits; a constant stays exactly constant
        .with_columns(x=_centred(s), z=_centred(y))
        .group_by("date", maintain_order=True)
        .agg(
            n=pl.len(),
            squared=((s - y) ** 2).sum(),
            absolute=(s - y).abs().sum(),
            x=pl.col("x").sum(),
            z=pl.col("z").sum(),
            xx=(pl.col("x") ** 2).sum(),
            zz=(pl.col("z") ** 2).sum(),
            xz=(pl.col("x") * pl.col("z")).sum(),
            decided=decided.sum(),
            hits=(decided & (s.sign() == y.sign())).sum(),
            true_up=(up & rose).sum(),
            called_up=(up & decided).sum(),
            rose=rose.sum(),
            ic=pl.when(pl.len() >= MIN_ROWS_OF_A_DATE).then(pl.corr(s.rank(), y.rank())),
        )
        .with_columns(pl.col("ic").fill_nan(None))
        .with_columns(pl.col("ic").fill_null(0.0), ic_dates=pl.col("ic").is_not_null())
    )
    return sums.drop("date").cast(pl.Float64).to_numpy()


def _centred(column: pl.Expr) -> pl.Expr:
    spread = column.max() - column.min()
    return pl.when(spread > 0).then(column - column.mean()).otherwise(0.0)


def _statistics(sums: Floats) -> dict[str, Floats]:
    """Metrics of sums (..., 15), NaN where they are not defined."""
    (n, squared, absolute, x, z, xx, zz, xz, decided, hits, true_up, called_up, rose, ic, dates) = (
        np.moveaxis(sums, -1, 0)
    )
    variance_x, variance_z = n * xx - x * x, n * zz - z * z
    defined = (variance_x > 1e-12 * n * xx) & (variance_z > 1e-12 * n * zz)
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = (n * xz - x * z) / np.sqrt(np.abs(variance_x * variance_z))
        return {
            "mse": squared / n,
            "mae": absolute / n,
            "correlation": np.where(defined, correlation, np.nan),
            "direction_accuracy": hits / decided,
            "f1": 2 * true_up / (called_up + rose),
            "rank_ic": ic / dates,
        }
