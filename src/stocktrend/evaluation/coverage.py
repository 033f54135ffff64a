"""Whether intervals and probabilities hold in every group, and not on average alone.

Intervals that hold nine outcomes in ten may do so with too many misses among wild stocks, or in one
year, paid for by the others. A group is all rows, a year, or a third of each date's stocks by
volatility; what is said of it are plain figures of its rows. Misses of a date come together, so a
year of 52 dates strays from what is promised by some points on its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from stocktrend.dataset.frames import require_columns
from stocktrend.evaluation.bootstrap import DateBootstrap
from stocktrend.evaluation.reliability import calibration_gaps
from stocktrend.evaluation.rows import Dates
from stocktrend.targets import direction

Kind = Literal["all", "year", "volatility"]
KINDS: tuple[Kind, ...] = ("all", "year", "volatility")


@dataclass(frozen=True)
class GroupCoverage:
    """One contender's intervals and probabilities on the rows of one group.

    Attributes:
        model: The contender.
        horizon: Days.
        kind: What the groups are made by.
        group: "all", the year, or the name of the third.
        rows: With a known target and an interval.
        dates: Their distinct dates.
        coverage: Share of targets within the interval.
        below, above: Shares of targets below and above it.
        width: Mean of high - low, in units of the target: at most 2.
        called: Share of rows whose interval has 0 outside.
        right: Share of these whose target is on the interval's side; None where there are none.
        calibration_error: Of the probability of a rise (see ``reliability``), a plain figure of
            the rows: noise alone makes it larger in small groups. None without probabilities.
    """

    model: str
    horizon: int
    kind: Kind
    group: str
    rows: int
    dates: int
    coverage: float
    below: float
    above: float
    width: float
    called: float
    right: float | None
    calibration_error: float | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "GroupCoverage":
        return cls(**values)


def coverage(
    predictions: pl.DataFrame, outcomes: pl.DataFrame, horizons: Sequence[int]
) -> tuple[GroupCoverage, ...]:
    """Coverage and calibration of every contender, by year and by third of volatility.

    Args:
        predictions: ``model``, ``ticker``, ``as_of`` and, per horizon, ``low_{h}d``, ``high_{h}d``
            and ``pos_prob_{h}d``, null where a contender gives none. Test rows alone.
        outcomes: ``ticker``, ``as_of``, ``target_{h}d`` (null where unknown) and, where it is
            there, ``volatility_bucket``.
        horizons: Days.

    Returns:
        By model, horizon, kind and group; contenders and groups without intervals are left out.

    Raises:
        DataError: columns are missing.
    """
    said = [f"{name}_{h}d" for h in horizons for name in ("low", "high", "pos_prob")]
    require_columns(predictions, ["model", "ticker", "as_of", *said], "coverage")
    require_columns(outcomes, ["ticker", "as_of", *(f"target_{h}d" for h in horizons)], "coverage")
    bucket = "volatility_bucket"
    third = pl.col(bucket) if bucket in outcomes.columns else pl.lit(None, pl.String)
    truth = outcomes.select(
        *("ticker", "as_of", *(f"target_{h}d" for h in horizons)),
        all=pl.lit("all"),
        year=pl.col("as_of").dt.year().cast(pl.String),
        volatility=third,
    )
    rows = predictions.select("model", "ticker", "as_of", *said).join(truth, on=["ticker", "as_of"])
    return tuple(
        figures
        for (model,), part in rows.sort("model", "as_of").group_by("model", maintain_order=True)
        for horizon in horizons
        for figures in _of_horizon(part, str(model), horizon)
    )


def _of_horizon(rows: pl.DataFrame, model: str, horizon: int) -> Iterator[GroupCoverage]:
    names = {name: f"{name}_{horizon}d" for name in ("low", "high", "target")}
    floats = {name: pl.col(column).cast(pl.Float64) for name, column in names.items()}
    known = rows.select(
        "as_of", *KINDS, rise=pl.col(f"pos_prob_{horizon}d").cast(pl.Float64), **floats
    ).filter(pl.all_horizontal(pl.col(*floats).is_finite()))
    for kind in KINDS:
        for (group,), part in (
            known.drop_nulls(kind).sort(kind, "as_of").group_by(kind, maintain_order=True)
        ):
            yield _figures(part, model, horizon, kind, str(group))


def _figures(rows: pl.DataFrame, model: str, horizon: int, kind: Kind, group: str) -> GroupCoverage:
    low, high, target = (rows[name].to_numpy() for name in ("low", "high", "target"))
    below, above = target < low, target > high
    up, down = low > 0, high < 0
    called = up | down
    right = (up & (target > 0)) | (down & (target < 0))
    return GroupCoverage(
        model=model,
        horizon=horizon,
        kind=kind,
        group=group,
        rows=len(rows),
        dates=rows["as_of"].n_unique(),
        coverage=float(1 - below.mean() - above.mean()),
        below=float(below.mean()),
        above=float(above.mean()),
        width=float((high - low).mean()),
        called=float(called.mean()),
        right=float(right[called].mean()) if called.any() else None,
        calibration_error=_calibration_error(rows),
    )


def _calibration_error(rows: pl.DataFrame) -> float | None:
    of_row = (rows["as_of"].rank("dense") - 1).cast(pl.Int64).to_numpy()
    dates = Dates(of_row, int(of_row[-1]) + 1)
    as_it_is = DateBootstrap(np.ones((1, dates.count)), dates.count)
    label = direction(rows["target"].to_numpy())[:, 0]
    gaps = calibration_gaps(rows["rise"].fill_null(np.nan).to_numpy(), label, dates, as_it_is)
    return None if gaps is None else float(gaps.errors()[0])
