"""Whether intervals and probabilities hold in every group, and not on average alone.

Intervals that hold nine outcomes in ten may do so with too many misses among wild stocks, or in one
year, paid for by the others. A group is all rows, a year, or a third of each date's stocks by
volatility; what is said of it are plain figures of its rows. Misses of a date come together, so a
year of 52 dates strays from what is promised by some points on its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from stocktrend.evaluation.bootstrap import DateBootstrap
from stocktrend.evaluation.outcomes import THIRDS
from stocktrend.evaluation.reliability import calibration_gaps
from stocktrend.evaluation.rows import Dates, Sample
from stocktrend.targets import direction

Kind = Literal["all", "year", "volatility"]
KINDS: tuple[Kind, ...] = ("all", "year", "volatility")


@dataclass(frozen=True)
class GroupCoverage:
    """One contender's intervals and probabilities on the rows of one group.

    Attributes:
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


def coverages(sample: Sample, horizon: int) -> dict[str, tuple[GroupCoverage, ...]]:
    """Coverage and calibration of every contender, by year and by third of volatility.

    Args:
        sample: The judged rows; as far as it is there, ``volatility_bucket`` of the outcomes.
        horizon: Days.

    Returns:
        By contender: all rows first, then the groups in the order of ``KINDS``, years and thirds
        from the first. Contenders and groups without intervals are left out.
    """
    bucket = "volatility_bucket"
    rows = sample.rows.select(
        "as_of",
        all=pl.lit("all"),
        year=pl.col("as_of").dt.year().cast(pl.String),
        volatility=bucket if bucket in sample.rows.columns else pl.lit(None, pl.String),
        target=pl.Series(sample.floats(f"target_{horizon}d")),
    )
    found = {}
    for name, said in sample.said.items():
        given = rows.with_columns(
            low=pl.Series(said.low), high=pl.Series(said.high), rise=pl.Series(said.rise)
        )
        given = given.filter(pl.all_horizontal(pl.col("low", "high").is_finite()))
        if len(given):
            found[name] = tuple(_by_group(given))
    return found


def _by_group(rows: pl.DataFrame) -> Iterator[GroupCoverage]:
    thirds = THIRDS["volatility_bucket"][1]
    for kind in KINDS:
        parts = rows.drop_nulls(kind).partition_by(kind, as_dict=True)
        of_group = {str(group): part for (group,), part in parts.items()}
        for group in thirds if kind == "volatility" else sorted(of_group):
            if group in of_group:
                yield _figures(of_group[group], kind, group)


def _figures(rows: pl.DataFrame, kind: Kind, group: str) -> GroupCoverage:
    low, high, target = (rows[name].to_numpy() for name in ("low", "high", "target"))
    below, above = target < low, target > high
    up, down = low > 0, high < 0
    called = up | down
    right = (up & (target > 0)) | (down & (target < 0))
    return GroupCoverage(
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
    gaps = calibration_gaps(rows["rise"].to_numpy(), label, dates, as_it_is)
    return None if gaps is None else float(gaps.errors()[0])
