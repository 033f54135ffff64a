"""Skill of a score on rows with a known target.

With y the target, tanh(10 * return), and s the score:

``mse``, ``mae``: in units of the target. ``r2``: out of sample against a forecast of zero,
1 - sum (y - s)^2 / sum y^2 (Gu, Kelly and Xiu 2020). ``correlation``: Pearson, all rows pooled;
``demeaned_correlation``: the same after the mean of its date is taken from both.

``rank_ic``: mean over dates of the Spearman correlation of raw score and target within the date,
over dates with at least 5 rows on which both sides vary. ``icir``: that mean over the standard
deviation between dates (ddof 1): per date, not annualised, as labels of neighbouring dates overlap.

Direction, on rows with y != 0: ``direction_accuracy``: share on which the score has the target's
sign (a score of exactly 0 has no sign and misses); ``direction_gain``: that less the share of
rises, which who always says up would have; ``f1`` of the class y > 0, predicted by s > 0; ``mcc``:
Matthews' correlation of the two classes. ``median_accuracy``: share of the rows off their date's
median target that lie on the same side of its median score; a score at the median counts half.

Probability: the label is 1 for a rise, 0 for a fall and 0.5 where y is neutral
(``targets.direction``), since the probability displayed is the mean of that label. ``brier``: mean
squared difference of the two. ``calibration_error``: see ``reliability``.

Intervals: ``coverage``: share of targets within [low, high]; ``width``: mean of high - low.

Figures of what a contender does not give (probability, interval) are not defined; where it gives
them on some of the rows they are of these.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl

from stocktrend.evaluation.bootstrap import DateBootstrap, Estimate, Floats
from stocktrend.evaluation.reliability import Reliability, calibration_gaps
from stocktrend.evaluation.rows import Dates, Said
from stocktrend.targets import direction

MIN_ROWS_OF_A_DATE = 5

_ANY, _POSITIVE, _UNIT, _SIGNED = (
    (-np.inf, np.inf),
    (0.0, np.inf),
    (0.0, 1.0),
    (-1.0, 1.0),
)
_RANGE = {
    "rank_ic": _SIGNED,
    "icir": _ANY,
    "correlation": _SIGNED,
    "demeaned_correlation": _SIGNED,
    "mse": _POSITIVE,
    "mae": _POSITIVE,
    "r2": (-np.inf, 1.0),
    "direction_accuracy": _UNIT,
    "direction_gain": _SIGNED,
    "median_accuracy": _UNIT,
    "f1": _UNIT,
    "mcc": _SIGNED,
    "brier": _UNIT,
    "calibration_error": _UNIT,
    "coverage": _UNIT,
    "width": _POSITIVE,
}
METRICS = tuple(_RANGE)
LOWER_IS_BETTER = frozenset({"mse", "mae", "brier", "calibration_error", "width"})


@dataclass(frozen=True)
class Metrics:
    """One score's figures on one horizon's test rows."""

    rank_ic: Estimate
    icir: Estimate
    correlation: Estimate
    demeaned_correlation: Estimate
    mse: Estimate
    mae: Estimate
    r2: Estimate
    direction_accuracy: Estimate
    direction_gain: Estimate
    median_accuracy: Estimate
    f1: Estimate
    mcc: Estimate
    brier: Estimate
    calibration_error: Estimate
    coverage: Estimate
    width: Estimate

    @classmethod
    def undefined(cls, **known: Estimate) -> "Metrics":
        """Nothing is defined but what is ``known``."""
        return cls(**(dict.fromkeys(METRICS, Estimate(None)) | known))

    def to_dict(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name).to_dict() for field in fields(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Metrics":
        """What ``to_dict`` gave, or that of an older program, which knew fewer metrics."""
        return cls.undefined(**{name: Estimate.from_dict(v) for name, v in values.items()})


@dataclass(frozen=True)
class Replicates:
    """Every metric on the sample (index 0) and on each replicate of the dates.

    ``reliability`` is None where no probability was given.
    """

    values: dict[str, Floats]
    bootstrap: DateBootstrap
    reliability: Reliability | None

    def metrics(self) -> Metrics:
        return Metrics(**{name: self.estimate(name) for name in METRICS})

    def estimate(self, metric: str) -> Estimate:
        if metric == "calibration_error":
            return Estimate(None) if self.reliability is None else self.reliability.error
        lowest, highest = _RANGE[metric]
        return self.bootstrap.estimate(self.values[metric], lowest=lowest, highest=highest)

    def better_than(self, other: "Replicates", metric: str) -> Estimate:
        """Paired difference on the same replicates, signed so that positive favours ``self``."""
        difference = self.values[metric] - other.values[metric]
        sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
        return self.bootstrap.estimate(sign * difference)


@dataclass(frozen=True)
class Outcomes:
    """Targets (rows,) of rows in the order of their dates, with what all contenders share."""

    target: Floats
    dates: Dates
    ranks: Floats
    medians: Floats
    centred: Floats
    label: Floats

    @classmethod
    def of(cls, target: Floats, dates: Dates) -> "Outcomes":
        return cls(
            target,
            dates,
            dates.ranks(target),
            dates.medians(target),
            dates.centred(target),
            direction(target)[:, 0],
        )


def replicate_metrics(said: Said, outcomes: Outcomes, bootstrap: DateBootstrap) -> Replicates:
    """All metrics of a contender.

    Args:
        said: On the rows of ``outcomes``; raw and score finite.
        outcomes: Targets, finite.
        bootstrap: Drawn for the same dates.
    """
    sums = date_sums(said, outcomes)
    names = list(sums)
    values = bootstrap.weights @ np.column_stack([sums[name] for name in names])
    figures = _statistics({name: values[:, i] for i, name in enumerate(names)})
    gaps = calibration_gaps(said.rise, outcomes.label, outcomes.dates, bootstrap)
    figures["calibration_error"] = np.full(len(values), np.nan) if gaps is None else gaps.errors()
    return Replicates(figures, bootstrap, None if gaps is None else gaps.reliability())


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
    rows = pl.DataFrame({"as_of": as_of, "score": score, "target": target}).cast(
        {"score": pl.Float64, "target": pl.Float64}
    )
    finite = pl.all_horizontal(pl.col("score", "target").is_finite()).fill_null(value=False)
    rows = rows.filter(finite).sort("as_of")
    if rows.is_empty():
        return Metrics.undefined()
    of_row = (rows["as_of"].rank("dense") - 1).cast(pl.Int64).to_numpy()
    dates = Dates(of_row, int(of_row[-1]) + 1)
    days = rows["as_of"].unique().sort().to_numpy()
    bootstrap = DateBootstrap.of(days, horizon, seed=seed, repetitions=repetitions)
    said = Said.of_scores(rows["score"].to_numpy())
    outcomes = Outcomes.of(rows["target"].to_numpy(), dates)
    return replicate_metrics(said, outcomes, bootstrap).metrics()


def rankable(as_of: pl.Series) -> bool:
    """Whether the median date has rows enough for a rank IC."""
    rows_of_a_date = as_of.value_counts(name="rows")["rows"].to_numpy()
    return bool(len(rows_of_a_date) and np.median(rows_of_a_date) >= MIN_ROWS_OF_A_DATE)


def rank_ics(raw: Floats, outcomes: Outcomes) -> Floats:
    """(dates,) Spearman correlation within each date; NaN where it is not defined."""
    dates = outcomes.dates
    rows = dates.rows()
    middle = ((rows + 1) / 2)[dates.of_row]
    x, y = dates.ranks(raw) - middle, outcomes.ranks - middle
    xx, yy, xy = dates.sums(np.column_stack([x * x, y * y, x * y])).T
    defined = (rows >= MIN_ROWS_OF_A_DATE) & (xx > 0) & (yy > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(defined, xy / np.sqrt(xx * yy), np.nan)
    return found


def date_sums(said: Said, outcomes: Outcomes) -> dict[str, Floats]:
    """What every metric is made of, summed over the rows of each date: name -> (dates,)."""
    s, y, dates = said.score, outcomes.target, outcomes.dates
    up, rose, decided = s > 0, y > 0, y != 0
    side = np.sign(said.raw - dates.medians(said.raw)) * np.sign(y - outcomes.medians)
    # sums of squares of centred values lose no digits; a constant stays exactly constant
    x, z = _centred(s), _centred(y)
    x_date, z_date = dates.centred(s), outcomes.centred
    given = np.isfinite(said.rise)
    bounded = np.isfinite(said.low) & np.isfinite(said.high)
    within = (said.low <= y) & (y <= said.high)
    columns = {
        "n": np.ones(len(y)),
        "squared": (s - y) ** 2,
        "absolute": np.abs(s - y),
        "power": y * y,
        "x": x,
        "z": z,
        "xx": x * x,
        "zz": z * z,
        "xz": x * z,
        "xx_date": x_date * x_date,
        "zz_date": z_date * z_date,
        "xz_date": x_date * z_date,
        "decided": decided,
        "hits": decided & (np.sign(s) == np.sign(y)),
        "true_up": up & rose,
        "called_up": up & decided,
        "rose": rose,
        "off_median": y != outcomes.medians,
        "right_side": np.where(y != outcomes.medians, (side + 1) / 2, 0.0),
        "given": given,
        "brier": np.where(given, (said.rise - outcomes.label) ** 2, 0.0),
        "bounded": bounded,
        "within": bounded & within,
        "width": np.where(bounded, said.high - said.low, 0.0),
    }
    sums = dates.sums(np.column_stack(list(columns.values())).astype(np.float64))
    ic = rank_ics(said.raw, outcomes)
    known = np.isfinite(ic)
    ic = np.where(known, ic, 0.0)
    return dict(zip(columns, sums.T, strict=True)) | {
        "ic": ic,
        "ic_squared": ic * ic,
        "ic_dates": known.astype(np.float64),
    }


def _centred(values: Floats) -> Floats:
    if not len(values) or values.max() == values.min():
        return np.zeros(len(values))
    centred: Floats = values - values.mean()
    return centred


def _statistics(t: dict[str, Floats]) -> dict[str, Floats]:
    """Metrics of totals over dates, NaN where they are not defined."""
    n, decided, rose, called = t["n"], t["decided"], t["rose"], t["called_up"]
    xx, zz = n * t["xx"] - t["x"] ** 2, n * t["zz"] - t["z"] ** 2
    varies = (xx > 1e-12 * n * t["xx"]) & (zz > 1e-12 * n * t["zz"])
    true_down = decided - called - rose + t["true_up"]
    wrong_up, wrong_down = called - t["true_up"], rose - t["true_up"]
    with np.errstate(divide="ignore", invalid="ignore"):
        ic = t["ic"] / t["ic_dates"]
        spread = (t["ic_squared"] - t["ic_dates"] * ic**2) / (t["ic_dates"] - 1)
        agreement = t["true_up"] * true_down - wrong_up * wrong_down
        found = {
            "rank_ic": ic,
            "icir": ic / np.sqrt(np.where(spread > 1e-12, spread, np.nan)),
            "correlation": np.where(
                varies, (n * t["xz"] - t["x"] * t["z"]) / np.sqrt(np.abs(xx * zz)), np.nan
            ),
            "demeaned_correlation": t["xz_date"] / np.sqrt(t["xx_date"] * t["zz_date"]),
            "mse": t["squared"] / n,
            "mae": t["absolute"] / n,
            "r2": 1 - t["squared"] / t["power"],
            "direction_accuracy": t["hits"] / decided,
            "direction_gain": (t["hits"] - rose) / decided,
            "median_accuracy": t["right_side"] / t["off_median"],
            "f1": 2 * t["true_up"] / (called + rose),
            "mcc": agreement / np.sqrt(called * rose * (decided - called) * (decided - rose)),
            "brier": t["brier"] / t["given"],
            "coverage": t["within"] / t["bounded"],
            "width": t["width"] / t["bounded"],
        }
    return {name: np.where(np.isfinite(values), values, np.nan) for name, values in found.items()}
