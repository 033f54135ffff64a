"""Intervals that hold the target nine times in ten, also after the market has changed.

Work is done in units of 10 x return: ``z = (atanh(target) - atanh(score)) / s`` is how far an
outcome lay from the score, in units of what the stock usually moves in the time,
``s = 10 x volatility x sqrt(horizon in years)``. The volatility is that known at ``as_of``: the
root mean square of those of 20, 60 and 252 sessions, since the shortest alone makes intervals of
calm stocks too narrow and of wild ones too wide.

1. *Start.* The bounds of z come from validation dates, each side with half of what may be missed.
   Stocks of a date move together, so dates count and not rows: a row of one of K dates with n rows
   weighs 1 / ((K + 1) n), and 1 / (K + 1) is kept for the date to come, which may be worse than
   all. Where dates are exchangeable the interval holds at least as often as it says (Lee, Barber
   and Willett 2023; with a row a date the split conformal interval of Papadopoulos et al. 2002),
   but for what the score itself took from them: its calibration, and the choice of an epoch.
   Below 2 / (1 - coverage) - 1 dates (19 for 90%) nothing bounds it, and the interval is all of
   [-1, 1] until test dates whose outcomes are known by then make up the number.
2. *Step.* Dates are not exchangeable for long. As outcomes become known, each bound moves by
   ``PACE`` x (share of the date beyond it - share that may be), in units of half the first width:
   the quantile tracker of conformal PID control (Angelopoulos, Candes and Tibshirani 2023). Misses
   then average to what was promised whatever the market does. At ``as_of`` only outcomes with
   ``label_known_at <= as_of`` have moved it.

tanh is increasing, so bounds of the return and of the target hold alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from stocktrend.dataset.frames import require_columns
from stocktrend.evaluation.bootstrap import Floats
from stocktrend.evaluation.calibration import Calibrator
from stocktrend.schema import UTC_TIME
from stocktrend.targets import TARGET_SCALE, label_columns

COVERAGE: Final = 0.9
PACE = 0.25
"""Of a weekly date; dates closer together step in proportion."""

VOLATILITIES: Final = tuple(f"stock_volatility_{n}" for n in (20, 60, 252))
LEAST_VOLATILITY: Final = 0.05
"""Annualised: a stock that was not traded for weeks is no safe one."""

CALLS: Final = ("up", "down", "no call")
DAYS_OF_A_YEAR: Final = 365.25
A_WEEK: Final = 7 * 86_400_000_000
"""In microseconds."""

_LARGEST: Final = 1 - 1e-15


@dataclass(frozen=True)
class Bounds:
    """Lowest and highest z of an interval; None where nothing bounds it.

    Attributes:
        since: The first ``as_of`` that they hold for; None for the first bounds.
    """

    since: datetime | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Intervals:
    """Bounds of each horizon, in the order of time, and the share that they are to hold."""

    coverage: float
    horizons: Mapping[int, tuple[Bounds, ...]]

    @classmethod
    def fit(
        cls, rows: pl.DataFrame, horizons: Sequence[int], coverage: float = COVERAGE
    ) -> "Intervals":
        """Bounds from validation rows, then stepped through the test rows' known outcomes.

        Args:
            rows: ``as_of``, ``split``, the columns of ``VOLATILITIES`` and, per horizon, the
                displayed ``score_{h}d``, ``target_{h}d`` and ``label_known_at_{h}d``. Rows of
                "train" are not read; a target that is null or masked teaches nothing.
            horizons: Days.
            coverage: Share of targets that an interval is to hold, in (0, 1).

        Raises:
            DataError: columns are missing.
        """
        labels = [f"{name}_{h}d" for h in horizons for name in ("target", "label_known_at")]
        scores = [f"score_{h}d" for h in horizons]
        require_columns(rows, ["as_of", "split", *VOLATILITIES, *scores, *labels], "intervals")
        miss = (1 - coverage) / 2
        return cls(coverage, {h: _path(rows, h, miss) for h in horizons})

    def apply(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Append ``low_{h}d``, ``high_{h}d`` and ``call_{h}d`` of every horizon.

        Args:
            rows: ``as_of``, the columns of ``VOLATILITIES`` and ``score_{h}d``.

        Returns:
            The rows with bounds of the target in [-1, 1], and "up" where both are above 0, "down"
            where both are below, else "no call". Null where the score is null.
        """
        moment = _instants(rows["as_of"])
        columns, calls = [], []
        for horizon, path in self.horizons.items():
            since = _instants(pl.Series([bounds.since for bounds in path[1:]], dtype=UTC_TIME))
            at = np.searchsorted(since, moment, side="right")
            centre, unit = _centre(rows, horizon), _unit(rows, horizon)
            free = np.isinf(unit)
            unit = np.where(free, 1.0, unit)
            ends = {"low": -np.inf, "high": np.inf}
            for name, unbounded in ends.items():
                z = [getattr(bounds, name) for bounds in path]
                reach = np.array([unbounded if end is None else end for end in z])[at]
                end = np.tanh(centre + unit * np.where(free, unbounded, reach))
                columns.append(pl.Series(f"{name}_{horizon}d", end).fill_nan(None))
            calls.append(_call(horizon))
        return rows.with_columns(columns).with_columns(calls)

    def to_dict(self) -> dict[str, Any]:
        """A JSON object: the coverage, and per horizon the columns since, low and high."""
        horizons = {
            str(horizon): {
                "since": [None if b.since is None else b.since.isoformat() for b in path],
                "low": [b.low for b in path],
                "high": [b.high for b in path],
            }
            for horizon, path in self.horizons.items()
        }
        return {"coverage": self.coverage, "horizons": horizons}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Intervals":
        paths = {}
        for horizon, path in values["horizons"].items():
            since = [None if at is None else datetime.fromisoformat(at) for at in path["since"]]
            ends = zip(since, path["low"], path["high"], strict=True)
            paths[int(horizon)] = tuple(Bounds(*bounds) for bounds in ends)
        return cls(values["coverage"], paths)


def calibrated(
    raw: pl.DataFrame,
    panel: pl.DataFrame,
    horizons: Sequence[int],
    *,
    coverage: float = COVERAGE,
) -> pl.DataFrame:
    """What is displayed of raw scores: expected target, probabilities, interval, call.

    Args:
        raw: ``ticker``, ``as_of`` and ``raw_{h}d`` of validation and test rows of one fold.
        panel: The fold's rows: ``ticker``, ``as_of``, ``split``, the columns of ``VOLATILITIES``
            and, per horizon, ``target_{h}d`` (null where unknown or masked) and
            ``label_known_at_{h}d``.
        horizons: Days.
        coverage: Share of targets that an interval is to hold.

    Returns:
        ``raw`` with ``score_{h}d``, ``pos_prob_{h}d``, ``neg_prob_{h}d``, ``low_{h}d``,
        ``high_{h}d`` and ``call_{h}d``. Scores and probabilities are fitted on validation rows,
        their level on training rows too; intervals follow outcomes as they become known.

    Raises:
        DataError: columns are missing.
    """
    key = ["ticker", "as_of"]
    names = [name for h in horizons for name in label_columns(h)[1:]]
    require_columns(panel, [*key, "split", *VOLATILITIES, *names], "calibration")
    require_columns(raw, [*key, *(f"raw_{h}d" for h in horizons)], "calibration")
    scores = raw.select(*key, *(pl.col(f"raw_{h}d").alias(f"score_{h}d") for h in horizons))
    rows = panel.select(*key, "split", *VOLATILITIES, *names)
    known = rows.join(scores, on=key, how="left", maintain_order="left")
    calibrator = Calibrator.fit(known, horizons)
    shown = calibrator.apply(scores.join(rows, on=key, how="left", maintain_order="left"))
    shown = Intervals.fit(shown, horizons, coverage).apply(shown)
    kinds = ("score", "pos_prob", "neg_prob", "low", "high", "call")
    return raw.with_columns(shown.select(f"{kind}_{h}d" for h in horizons for kind in kinds))


def first_bounds(z: Floats, date: npt.NDArray[Any], miss: float) -> tuple[float, float]:
    """The bounds that the z of past dates give a row of a date to come.

    Args:
        z: (n,) standardised outcomes.
        date: (n,) the date of each, as any number.
        miss: Share that may lie beyond either bound.

    Returns:
        Lower and upper bound, infinite where there are too few dates for one.

    Example:
        >>> nineteen = np.arange(1.0, 20.0)
        >>> first_bounds(nineteen, nineteen, 0.05)
        (1.0, 19.0)
        >>> first_bounds(nineteen[:18], nineteen[:18], 0.05)
        (-inf, inf)
    """
    _, of_row, rows = np.unique(date, return_inverse=True, return_counts=True)
    weight = 1 / ((len(rows) + 1) * rows[of_row])
    return -_quantile(-z, weight, 1 - miss), _quantile(z, weight, 1 - miss)


def _quantile(values: Floats, weight: Floats, level: float) -> float:
    """Smallest value with ``level`` of the weight at or below it; infinite where none has."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order]) >= level - 1e-9
    return float(values[order][np.argmax(reached)]) if reached.any() else np.inf


def _path(rows: pl.DataFrame, horizon: int, miss: float) -> tuple[Bounds, ...]:
    """The first bounds, and those from each test date on that has something new to learn from."""
    target = rows[f"target_{horizon}d"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    outcome, unit = np.arctanh(np.clip(target, -_LARGEST, _LARGEST)), _unit(rows, horizon)
    z = np.where(np.isinf(unit), np.nan, (outcome - _centre(rows, horizon)) / unit)
    known = pl.col(f"label_known_at_{horizon}d")
    facts = rows.select("split", "as_of", known=known, z=pl.Series(z))
    test = facts.filter(pl.col("split") == "test")
    for since in (None, *test["as_of"].unique().sort()):
        seen = facts.filter(_seen(since), pl.col("z").is_finite())
        dates = _instants(seen["as_of"])
        low, high = first_bounds(seen["z"].to_numpy(), dates, miss)
        if np.isfinite(high - low):
            break
    else:
        return (Bounds(None, None, None),)
    apart = float(np.median(np.diff(np.unique(dates)))) / A_WEEK
    stride = PACE * min(1.0, apart) * (high - low) / 2
    if since is None:
        return (Bounds(None, low, high), *_steps(test, low, high, stride, miss))
    later = _steps(test.filter(pl.col("as_of") >= since), low, high, stride, miss)
    return (Bounds(None, None, None), Bounds(since, low, high), *later)


def _seen(since: datetime | None) -> pl.Expr:
    """Validation rows, and from a test date on the test rows whose outcomes were known by then."""
    validation = pl.col("split") == "validation"
    if since is None:
        return validation
    known = (pl.col("as_of") < since) & (pl.col("known") <= since)
    return validation | ((pl.col("split") == "test") & known)


def _steps(test: pl.DataFrame, low: float, high: float, stride: float, miss: float) -> list[Bounds]:
    """Walk the test dates; a row teaches on the first date on which its outcome is known."""
    dates = test["as_of"].unique().sort()
    days = _instants(dates)
    made = np.searchsorted(days, _instants(test["as_of"]))
    test = test.with_columns(made=pl.Series(made), rows=pl.len().over("as_of"))
    taught = test.filter(pl.col("z").is_finite(), pl.col("known").is_not_null())
    due = np.searchsorted(days, _instants(taught["known"]))
    # no outcome teaches its own date, whatever its record says of when it was known
    taught = taught.with_columns(due=np.maximum(due, taught["made"].to_numpy() + 1))
    lessons = taught.sort("due", maintain_order=True).partition_by("due", as_dict=True)
    lows, highs, found = np.empty(len(days)), np.empty(len(days)), []
    for number, since in enumerate(dates):
        if (lesson := lessons.get((number,))) is not None:
            z, then = lesson["z"].to_numpy(), lesson["made"].to_numpy()
            weight = stride / lesson["rows"].to_numpy()
            high += float(weight @ ((z > highs[then]) - miss))
            low -= float(weight @ ((z < lows[then]) - miss))
            found.append(Bounds(since, low, high))
        lows[number], highs[number] = low, high
    return found


def _instants(times: pl.Series) -> npt.NDArray[np.int64]:
    """Microseconds since 1970."""
    instants: npt.NDArray[np.int64] = times.cast(UTC_TIME).to_physical().to_numpy()
    return instants


def _centre(rows: pl.DataFrame, horizon: int) -> Floats:
    score = rows[f"score_{horizon}d"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    centre: Floats = np.arctanh(np.clip(score, -_LARGEST, _LARGEST))
    return centre


def _unit(rows: pl.DataFrame, horizon: int) -> Floats:
    """What a stock usually moves, times 10; infinite where nothing is known of it."""
    squares = [pl.col(name).cast(pl.Float64).fill_nan(None) ** 2 for name in VOLATILITIES]
    volatility = rows.select(pl.mean_horizontal(squares).sqrt()).to_series()
    usual = volatility.clip(LEAST_VOLATILITY).fill_null(np.inf).to_numpy()
    unit: Floats = TARGET_SCALE * usual * np.sqrt(horizon / DAYS_OF_A_YEAR)
    return unit


def _call(horizon: int) -> pl.Expr:
    low, high = pl.col(f"low_{horizon}d"), pl.col(f"high_{horizon}d")
    up, down, neither = (pl.lit(call) for call in CALLS)
    call = pl.when(low > 0).then(up).when(high < 0).then(down).when(low.is_not_null()).then(neither)
    return call.alias(f"call_{horizon}d")
