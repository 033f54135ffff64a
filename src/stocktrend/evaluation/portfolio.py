"""What the ranking would have earned: tenths of the scores, the top less the bottom, and costs.

Within each date the names lie in tenths by score, in fifths where the median date has fewer than 50
names. A name that lies across a boundary, or is tied with others across one, counts in both groups
by the share that lies there, so groups are of equal size and equal scores are treated alike. Dates
with fewer than 10 names are left out.

*The book* buys the top group for one unit and sells the bottom group for one unit, equal amounts of
each name. Where dates come faster than a horizon ends it is held in overlapping cohorts (Jegadeesh
and Titman 1993): of the K dates that a horizon spans each renews one Kth of the book, the part that
was bought K dates before. Figures are those of one cohort: its return a year is the mean return
times 365.25 / horizon, not compounded; its Sharpe ratio is mean over standard deviation (ddof 1)
times sqrt(365.25 / horizon). Where dates lie further apart than a horizon their mean distance
takes its place, as nothing is held in between. The whole book has the same mean and varies less, as
it averages K cohorts, so its ratio is if anything higher.

*Costs.* A cohort trades from the weights of the one that it renews, as they were bought, to its
own. Replacing both sides wholly trades 4 units: two sold, two bought. ``turnover`` is the traded
amount over 4. The first K cohorts renew none; they pay twice for what they buy, as the last ones
will be sold. Each unit traded costs ``costs_bp`` basis points. Fees for borrowing, interest and the
effect of one's own orders on prices are not in it; nor are names whose return is not known, because
they stopped trading before the horizon, say.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from stocktrend.dataset.frames import require_columns
from stocktrend.evaluation.bootstrap import (
    DateBootstrap,
    Estimate,
    Floats,
    overlap,
)
from stocktrend.targets import ENTRIES, entry_return

COSTS_BP: Final = 10.0
"""Cost of a unit traded, in basis points: a guess for large stocks, spread and fees together."""

MIN_NAMES: Final = 10
NAMES_FOR_TENTHS: Final = 50
DAYS_A_YEAR: Final = 365.25
A_DAY: Final = np.timedelta64(1, "D")
WHOLE: Final = 4.0
"""Units traded where both sides are replaced wholly."""


@dataclass(frozen=True)
class Portfolio:
    """The book of one score, from one entry.

    Attributes:
        entry: One of ``targets.ENTRIES``.
        dates: Dates with names enough.
        cohorts: How many dates a horizon spans.
        groups: Mean return over the horizon of each tenth or fifth, lowest scores first.
        gross: Return a year of the top group less that of the bottom group.
        sharpe: Its Sharpe ratio a year.
        turnover: Share of each side that a cohort replaces, in [0, 1]: mean over the dates that
            have one to renew.
        costs_bp: Basis points a unit traded, bought or sold.
        net: Return a year after costs.
        net_sharpe: Its Sharpe ratio.
        break_even_bp: Costs a unit traded at which nothing is left; below 0 where ``gross`` is.
    """

    entry: str
    dates: int
    cohorts: int
    groups: tuple[Estimate, ...]
    gross: Estimate
    sharpe: Estimate
    turnover: Estimate
    costs_bp: float
    net: Estimate
    net_sharpe: Estimate
    break_even_bp: Estimate

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Portfolio":
        estimates = {k: Estimate.from_dict(v) for k, v in values.items() if isinstance(v, dict)}
        groups = tuple(Estimate.from_dict(group) for group in values["groups"])
        return cls(**{**values, **estimates, "groups": groups})


def portfolios(
    rows: pl.DataFrame,
    horizon: int,
    *,
    score: str = "score",
    seed: int,
    costs_bp: float = COSTS_BP,
) -> tuple[Portfolio, ...]:
    """The book of a score from each entry whose returns are known.

    Args:
        rows: ``as_of``, ``ticker``, the score column and, as far as known, the columns of
            ``targets.entry_return``; null where unknown. Each ticker once a date.
        horizon: Days.
        score: Name of the score column; any scale.
        seed: Of the bootstrap.
        costs_bp: Basis points a unit traded.

    Returns:
        One an entry, in the order of ``ENTRIES``; none for an entry without a date to judge.

    Raises:
        DataError: columns are missing.
    """
    require_columns(rows, ["as_of", "ticker", score], "a portfolio")
    found = []
    for entry in ENTRIES:
        gain = entry_return(horizon, entry)
        if gain in rows.columns:
            cohorts = Cohorts.of(rows, horizon, score=score, gain=gain)
            if len(cohorts.days):
                found.append(_portfolio(cohorts, horizon, entry, seed, costs_bp))
    return tuple(found)


@dataclass(frozen=True)
class Cohorts:
    """What was bought on each date and what came of it.

    Attributes:
        days: (dates,) the ``as_of`` with names enough, ascending.
        groups: (dates, 10 or 5) mean return over the horizon of each group, lowest scores first.
        traded: (dates,) units bought and sold, 0 to 4.
        span: Dates that a horizon spans; each cohort but the first ``span`` renews another.
    """

    days: npt.NDArray[np.datetime64]
    groups: Floats
    traded: Floats
    span: int

    @classmethod
    def of(cls, rows: pl.DataFrame, horizon: int, *, score: str, gain: str) -> "Cohorts":
        """Form the cohorts of a score; ``gain`` names the column of returns.

        >>> names = {"ticker": list("ABCDEFGHIJ"), "score": range(10), "gain": range(10)}
        >>> rows = pl.DataFrame(names).with_columns(as_of=pl.date(2020, 1, 3))
        >>> Cohorts.of(rows, 7, score="score", gain="gain").groups.tolist()
        [[0.5, 2.5, 4.5, 6.5, 8.5]]
        """
        names = _ranked(rows.select("as_of", "ticker", score=score, gain=gain))
        days = names["as_of"].unique().sort().to_numpy()
        weights = _weights(names)
        starts = np.flatnonzero(np.diff(names["date"].to_numpy(), prepend=-1))
        gains = names["gain"].cast(pl.Float64).to_numpy()[:, None]
        groups = np.add.reduceat(weights * gains, starts) if len(days) else weights
        span = overlap(days, horizon)
        sides = weights[:, -1] - weights[:, 0]
        return cls(days, groups, _traded(names, sides, span, len(days)), span)

    @property
    def apart(self) -> float:
        """Mean days between two dates; infinite where there is one date."""
        if len(self.days) < 2:
            return np.inf
        return float((self.days[-1] - self.days[0]) / A_DAY) / (len(self.days) - 1)

    @property
    def spread(self) -> Floats:
        """(dates,) return of the top group less that of the bottom group."""
        spread: Floats = self.groups[:, -1] - self.groups[:, 0]
        return spread


def _ranked(rows: pl.DataFrame) -> pl.DataFrame:
    """Names with score and return on dates with enough of them, by date and ticker.

    ``names`` counts those of the date, ``below`` those with a lower score, ``up_to`` those with a
    score that is not higher.
    """
    known = pl.all_horizontal(pl.col("score", "gain").cast(pl.Float64).is_finite())
    rank = pl.col("score").rank
    return (
        rows.filter(known.fill_null(value=False))
        .with_columns(pl.len().over("as_of").cast(pl.Int64).alias("names"))
        .filter(pl.col("names") >= MIN_NAMES)
        .sort("as_of", "ticker")
        .with_columns(
            (pl.col("as_of").rank("dense").cast(pl.Int64) - 1).alias("date"),
            (rank("min").over("as_of").cast(pl.Int64) - 1).alias("below"),
            rank("max").over("as_of").cast(pl.Int64).alias("up_to"),
        )
    )


def _weights(names: pl.DataFrame) -> Floats:
    """(rows, groups) the weight of each name in each group of its date; a group's sum to 1.

    With n names, group k of g reaches from n k / g to n (k + 1) / g among those ranked, and a name
    stands between those with a lower score and those with a higher one.
    """
    count, below, up_to = (names[name].to_numpy()[:, None] for name in ("names", "below", "up_to"))
    dates = names.unique("as_of")["names"].to_numpy()
    groups = 10 if len(dates) and np.median(dates) >= NAMES_FOR_TENTHS else 5
    group = np.arange(groups)
    # All in units of 1 / g, so that equal shares are equal to the last bit.
    low = np.maximum(below * groups, group * count)
    high = np.minimum(up_to * groups, (group + 1) * count)
    weights: Floats = np.maximum(high - low, 0) / ((up_to - below) * count)
    return weights


def _traded(names: pl.DataFrame, sides: Floats, span: int, dates: int) -> Floats:
    """(dates,) how much is traded from the cohort of ``span`` dates ago to each."""
    held = names.select("ticker", "date", weight=pl.Series(sides)).filter(pl.col("weight") != 0)
    sold = held.with_columns(pl.col("date") + span, -pl.col("weight")).filter(
        pl.col("date") < dates
    )
    trades = pl.concat([held, sold]).group_by("date", "ticker").agg(pl.col("weight").sum().abs())
    of_date = (
        trades.sort("date", "ticker")
        .group_by("date", maintain_order=True)
        .agg(pl.col("weight").sum())
    )
    traded = np.zeros(dates)
    traded[of_date["date"].to_numpy()] = of_date["weight"].to_numpy()
    traded[:span] *= 2  # bought, and sold in the end
    return traded


def _portfolio(cohorts: Cohorts, horizon: int, entry: str, seed: int, costs_bp: float) -> Portfolio:
    dates, spread = len(cohorts.days), cohorts.spread
    bootstrap = DateBootstrap.of(cohorts.days, horizon, seed=seed)
    renews = np.arange(dates) >= cohorts.span
    net = spread - cohorts.traded * costs_bp / 1e4
    columns = (
        *(np.ones(dates), spread, spread**2, net, net**2, cohorts.traded),
        *(renews * cohorts.traded / WHOLE, renews),
    )
    total = np.moveaxis(bootstrap.weights @ np.column_stack([*columns, cohorts.groups]), -1, 0)
    n, gross, gross_squared, left, left_squared, traded, replaced, renewed = total[: len(columns)]
    a_year = DAYS_A_YEAR / (horizon if dates < 2 else max(horizon, cohorts.apart))
    with np.errstate(divide="ignore", invalid="ignore"):
        return Portfolio(
            entry=entry,
            dates=dates,
            cohorts=cohorts.span,
            groups=tuple(bootstrap.estimate(group / n) for group in total[len(columns) :]),
            gross=bootstrap.estimate(gross / n * a_year),
            sharpe=bootstrap.estimate(_ratio(n, gross, gross_squared) * np.sqrt(a_year)),
            turnover=bootstrap.estimate(replaced / renewed, lowest=0.0, highest=1.0),
            costs_bp=costs_bp,
            net=bootstrap.estimate(left / n * a_year),
            net_sharpe=bootstrap.estimate(_ratio(n, left, left_squared) * np.sqrt(a_year)),
            break_even_bp=bootstrap.estimate(gross / traded * 1e4),
        )


def _ratio(n: Floats, total: Floats, squared: Floats) -> Floats:
    """Mean over standard deviation; NaN where values do not vary."""
    mean = total / n
    variance = (squared - n * mean**2) / (n - 1)
    ratio: Floats = mean / np.sqrt(np.where(variance > 1e-12 * squared / n, variance, np.nan))
    return ratio
