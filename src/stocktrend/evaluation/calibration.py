"""From a ranking to a displayed score: the expected target, and the probability of a rise.

The score becomes ``level + slope * (raw - centre)``, squeezed smoothly into (-1, 1); the
probability is the logistic function of such a line (Platt 1999), fitted to the direction labels.
Both lines read the raw score, so score and probability order the stocks alike.

Two numbers per line rather than isotonic regression: on a few dozen dates of weak signal isotonic
steps tie most stocks together and follow noise, and a straight line is what an expected rank asks
for. What is not clear from the validation dates is shrunk away (positive-part James-Stein with
standard errors from blocks of dates): without signal every score is the level. The slope never
falls below a tiny positive floor, so that the order of the raw scores always stands.

The level is the mean of training and validation rows together, and leaves it for that of the
validation rows as far as they are clearly apart: a year of validation has about ten labels of 30
days that do not overlap, and its own mean follows what the market happened to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from stocktrend.errors import DataError
from stocktrend.evaluation.bootstrap import Floats, overlap
from stocktrend.targets import direction

FLOOR = 1e-3
"""Smallest slope, in standard deviations of the outcome per standard deviation of the score."""

MIN_BLOCKS = 3
"""Blocks of validation dates below which a slope cannot be told from noise."""

CLEARLY = 2.0
"""Standard errors within which the level of validation rows is that of all rows."""

_KNEE = 0.8


@dataclass(frozen=True)
class Line:
    """``level + slope * (raw - centre)`` of one horizon."""

    centre: float
    level: float
    slope: float

    def __call__(self, raw: Floats) -> Floats:
        return self.level + self.slope * (raw - self.centre)


@dataclass(frozen=True)
class HorizonCalibration:
    """The two lines of one horizon; ``log_odds`` gives the probability of the positive side."""

    score: Line
    log_odds: Line


@dataclass(frozen=True)
class Calibrator:
    """A strictly increasing map of raw scores per horizon.

    Example:
        >>> raw = pl.DataFrame({
        ...     "as_of": pl.date_range(pl.date(2020, 1, 3), pl.date(2022, 1, 1), "1w", eager=True),
        ... }).with_columns(score_7d=pl.int_range(pl.len()) % 7 / 7.0)
        >>> known = raw.with_columns(target_7d=pl.col("score_7d") * 0.2 - 0.1)
        >>> round(Calibrator.fit(known, (7,)).horizons[7].score.slope, 6)
        0.2
    """

    horizons: Mapping[int, HorizonCalibration]

    @classmethod
    def fit(cls, predictions: pl.DataFrame, horizons: Sequence[int]) -> "Calibrator":
        """Fit on validation dates.

        Args:
            predictions: ``as_of`` and, per horizon, ``score_{h}d`` (raw) and ``target_{h}d``
                (tanh(10 * return), null where it is unknown or masked). With a column ``split``
                the slopes come from "validation" rows alone, and rows of "train", where there are
                any, steady the level. Rows of "test" are never read.
            horizons: Days.

        Raises:
            DataError: columns are missing.
        """
        needed = ["as_of"] + [f"{name}_{h}d" for h in horizons for name in ("score", "target")]
        missing = [name for name in needed if name not in predictions.columns]
        if missing:
            raise DataError(
                f"calibration needs the columns {', '.join(needed)}, however these are missing: "
                f"{', '.join(missing)}. Pass the model's predictions joined with the targets"
            )
        fitted = {}
        for horizon in horizons:
            rows = predictions.select(
                "as_of",
                split=pl.col("split") if "split" in predictions.columns else pl.lit("validation"),
                score=f"score_{horizon}d",
                target=f"target_{horizon}d",
            ).filter(pl.col("target").is_finite())
            fitted[horizon] = _fit(
                rows.filter(pl.col("split") == "validation", pl.col("score").is_finite()),
                rows.filter(pl.col("split") == "train"),
                horizon,
            )
        return cls(fitted)

    def apply(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Replace ``score_{h}d``, ``pos_prob_{h}d`` and ``neg_prob_{h}d`` of every horizon.

        Scores lie in (-1, 1), probabilities in (0, 1) and sum to 1. Nulls stay null.
        """
        columns = []
        for horizon, lines in self.horizons.items():
            raw = predictions[f"score_{horizon}d"].cast(pl.Float64)
            values = raw.fill_null(np.nan).to_numpy()
            rise = _logistic(lines.log_odds(values))
            columns += [
                _series(f"score_{horizon}d", squeeze(lines.score(values))),
                _series(f"pos_prob_{horizon}d", rise),
                _series(f"neg_prob_{horizon}d", 1 - rise),
            ]
        return predictions.with_columns(columns)

    def to_dict(self) -> dict[str, Any]:
        """A JSON object: horizon -> score and log_odds -> centre, level, slope."""
        return {str(horizon): asdict(lines) for horizon, lines in self.horizons.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Calibrator":
        return cls(
            {
                int(horizon): HorizonCalibration(Line(**lines["score"]), Line(**lines["log_odds"]))
                for horizon, lines in values.items()
            }
        )


def squeeze(expected: Floats) -> Floats:
    """Into (-1, 1): unchanged up to 0.8 in size, then bent smoothly; increasing throughout."""
    size = np.abs(expected)
    bent = _KNEE + (1 - _KNEE) * np.tanh((size - _KNEE) / (1 - _KNEE))
    return np.sign(expected) * np.where(size <= _KNEE, size, np.minimum(bent, 1 - 1e-9))


def _fit(validation: pl.DataFrame, train: pl.DataFrame, horizon: int) -> HorizonCalibration:
    dates = validation["as_of"].unique().sort().to_numpy()
    block = (validation["as_of"].rank("dense").to_numpy() - 1) // overlap(dates, horizon)
    raw = validation["score"].cast(pl.Float64).to_numpy()
    target = validation["target"].cast(pl.Float64).to_numpy()
    past = train["target"].cast(pl.Float64).to_numpy()
    rose, rose_before = direction(target)[:, 0], direction(past)[:, 0]
    level = _level(target, block, past, 0.0)
    share = float(np.clip(_level(rose, block, rose_before, 0.5), 0.01, 0.99))
    return HorizonCalibration(_linear(raw, target, block, level), _logit(raw, rose, block, share))


def _linear(raw: Floats, outcome: Floats, block: Floats, level: float) -> Line:
    """Least squares, shrunk."""
    centre, spread = _moments(raw)
    if spread == 0:
        return Line(centre, level, FLOOR)
    x = raw - centre
    residual = outcome - outcome.mean()
    slope = float(x @ residual / (x @ x))
    error = _clustered(x * (residual - slope * x), block) / float(x @ x)
    return Line(centre, level, _shrunk(slope, error, FLOOR * float(outcome.std()) / spread))


def _logit(raw: Floats, outcome: Floats, block: Floats, share: float) -> Line:
    """Logistic regression of an outcome in [0, 1] by Newton's method, shrunk."""
    centre, spread = _moments(raw)
    odds = float(np.log(share / (1 - share)))
    if spread == 0:
        return Line(centre, odds, FLOOR)
    design = np.column_stack([np.ones(len(raw)), (raw - centre) / spread])
    weights = np.zeros(2)
    ridge = 1e-3 * np.eye(2)  # a separable sample would send the slope to infinity
    for _ in range(25):
        chance = _logistic(design @ weights)
        hessian = (design.T * (chance * (1 - chance))) @ design + ridge
        step = np.linalg.solve(hessian, design.T @ (outcome - chance) - ridge @ weights)
        weights += step
        if np.abs(step).max() < 1e-9:
            break
    gradient = np.linalg.solve(hessian, design.T * (outcome - chance))[1]
    slope = _shrunk(float(weights[1]), _clustered(gradient, block), FLOOR) / spread
    return Line(centre, _intercept(slope * (raw - centre), share, odds), slope)


def _intercept(tilt: Floats, share: float, start: float) -> float:
    """The log odds at which the mean probability is ``share``."""
    level = start
    for _ in range(25):
        chance = _logistic(level + tilt)
        level -= (chance.mean() - share) / max(float((chance * (1 - chance)).mean()), 1e-9)
    return float(level)


def _level(outcome: Floats, block: Floats, past: Floats, neutral: float) -> float:
    """The mean of past and present outcomes, drawn to the present where it clearly differs."""
    common = float(np.concatenate([past, outcome]).mean()) if len(past) else neutral
    if not len(outcome):
        return common
    own = float(outcome.mean())
    error = CLEARLY * _clustered(outcome - own, block) / len(outcome)
    return common + float(np.sign(own - common)) * _shrunk(abs(own - common), error, 0.0)


def _shrunk(value: float, error: float, floor: float) -> float:
    """Positive-part James-Stein: ``value * (1 - error^2 / value^2)``, never below the floor."""
    if value <= error:
        return floor
    return float(max(floor, value * (1 - (error / value) ** 2)))


def _clustered(influence: Floats, block: Floats) -> float:
    """Standard error of a sum whose terms are independent between blocks only."""
    sums = np.bincount(block.astype(np.int64), weights=influence)
    if len(sums) < MIN_BLOCKS:
        return float("inf")
    return float(np.sqrt((sums**2).sum() * len(sums) / (len(sums) - 1)))


def _moments(raw: Floats) -> tuple[float, float]:
    if not len(raw) or raw.max() == raw.min():
        return (float(raw[0]) if len(raw) else 0.0), 0.0
    return float(raw.mean()), float(raw.std())


def _logistic(odds: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(odds, -30.0, 30.0)))


def _series(name: str, values: Floats) -> pl.Series:
    return pl.Series(name, values).fill_nan(None)
