"""The truth: what return to expect at each decision time, and how an oracle that knows it does.

States decay geometrically, products of independent states with the product of their factors, and
the stance only at meetings. So the expected log return over n sessions is a finite sum, exactly;
where states act jointly the places between their extremes are expected each for itself.
The noise is a martingale in the exponential, hence ``E[r] = exp(sum) - 1`` but for half the
variance of the states' own future shocks. That is left out: in the strong market it adds some
0.02% at 7 days and 0.1% at 30, where the expected return deviates by 3% and 9%.
"""

import math
from dataclasses import asdict, dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stocktrend.sessions import as_of_grid
from stocktrend.sources.market.context import Context
from stocktrend.sources.market.process import Array
from stocktrend.sources.market.response import (
    ACCUMULATION_PHI,
    ATTENTION_PHI,
    QUIET,
    RISK_PHI,
    STANCE_PHI,
    TONE_PHI,
    Response,
    place,
)
from stocktrend.sources.market.stocks import Stocks

HORIZONS = (7, 30)
GRACE = 7


@dataclass(frozen=True)
class Grid:
    """Decision times and how far each horizon reaches.

    Attributes:
        as_of: UTC closes, (W,).
        row: Position of each among the priced sessions, (W,).
        reach: Horizon in days -> sessions from ``as_of`` to the session of the target, (W,);
            0 where no session falls in the target's week.
    """

    as_of: pl.Series
    row: NDArray[np.int64]
    reach: dict[int, NDArray[np.int64]]


def decision_grid(context: Context, start: date, end: date) -> Grid:
    """The close of each week's last session from ``start`` to ``end``."""
    grid = as_of_grid("weekly", start, end)
    days = grid["session"].to_numpy().astype("datetime64[D]")
    here = np.searchsorted(context.calendar, days)
    reach = {}
    for h in HORIZONS:
        there = np.searchsorted(context.calendar, days + np.timedelta64(h, "D"))
        wait = (context.calendar[there] - days).astype(np.int64)
        late = wait > h + GRACE
        reach[h] = np.where(late, 0, there - here).astype(np.int64)
    return Grid(grid["as_of"], (here - context.first).astype(np.int64), reach)


def expected_returns(
    response: Response, context: Context, stocks: Stocks, grid: Grid, horizon: int
) -> Array:
    """Expected excess simple return from each decision time over a horizon, (W, N)."""
    here = grid.row + context.first
    steps = np.arange(max(int(grid.reach[horizon].max(initial=0)), 1))
    counted = steps < grid.reach[horizon][:, None]
    ahead = np.minimum(here[:, None] + steps, len(context.calendar) - 1)
    meetings = context.meetings_so_far[ahead] - context.meetings_so_far[here][:, None]

    if response.joint:
        return np.asarray(np.expm1(_joint_sum(response, context, stocks, grid, counted, meetings)))

    def total(decay: Array) -> Array:
        return np.asarray((decay * counted).sum(axis=1)[:, None])

    risk = total(np.power(RISK_PHI * ATTENTION_PHI, steps)[None])
    stance = total(np.power(ACCUMULATION_PHI, steps) * np.power(STANCE_PHI, meetings))
    tone = total(np.power(TONE_PHI, steps)[None])
    row = grid.row
    log_return = (
        -response.risk * risk * context.risk[here][:, None] * stocks.attention[row]
        - response.stance * stance * context.stance[here][:, None] * stocks.accumulation[row]
        + response.tone * tone * stocks.tone[row]
    )
    return np.asarray(np.expm1(log_return) + 0.0)


def _joint_sum(
    response: Response,
    context: Context,
    stocks: Stocks,
    grid: Grid,
    counted: NDArray[np.bool_],
    meetings: NDArray[np.int64],
) -> Array:
    """Expected log return of states that act jointly, (W, N); the last two are (W, steps)."""
    row, here = grid.row, grid.row + context.first
    risk, stance = context.risk[here], context.stance[here]
    result = np.zeros((len(row), stocks.attention.shape[1]))
    for step in range(counted.shape[1]):
        market = response.risk * place(risk, RISK_PHI**step) + response.stance * place(
            stance, np.power(STANCE_PHI, meetings[:, step])
        )
        noticed = place(stocks.attention[row], ATTENTION_PHI**step) + QUIET
        buying = place(stocks.accumulation[row], response.accumulation_phi**step)
        result -= (market * counted[:, step])[:, None] * noticed * buying
    return result


def realised_returns(stocks: Stocks, grid: Grid, horizon: int) -> Array:
    """Simple return from each decision time to the target's session, NaN where none, (W, N)."""
    level = np.cumsum(stocks.growth, axis=0)
    there = grid.row + grid.reach[horizon]
    known = (
        (grid.reach[horizon] > 0)[:, None]
        & (grid.row[:, None] >= stocks.traits.first)
        & (there[:, None] <= stocks.traits.last)
    )
    move = level[np.minimum(there, len(level) - 1)] - level[grid.row]
    return np.where(known, np.expm1(move), np.nan)


@dataclass(frozen=True)
class Oracle:
    """Skill of the truth itself against what happened: no model can do better but by luck.

    Attributes:
        horizon: Days.
        rows: Rows with an outcome.
        correlation: Pooled correlation of expected and realised return; null where the truth is
            constant.
        rank_ic: Mean over dates of the cross-sectional Spearman correlation; null likewise.
        expected_deviation: Standard deviation of the expected return.
        realised_deviation: Standard deviation of the realised return.
    """

    horizon: int
    rows: int
    correlation: float | None
    rank_ic: float | None
    expected_deviation: float
    realised_deviation: float

    def to_dict(self) -> dict[str, float | int | None]:
        """Plain values for JSON."""
        return asdict(self)


def measure_oracle(horizon: int, expected: Array, realised: Array) -> Oracle:
    """The oracle's figures from (W, N) expected and realised returns; NaN: no outcome."""
    known = np.isfinite(realised)
    e, r = expected[known], realised[known]
    spread = float(e.std()) if len(e) else 0.0
    return Oracle(
        horizon=horizon,
        rows=len(e),
        correlation=_correlation(e, r),
        rank_ic=_mean_rank_ic(expected, realised),
        expected_deviation=spread,
        realised_deviation=float(r.std()) if len(r) else 0.0,
    )


def _correlation(a: Array, b: Array) -> float | None:
    if len(a) < 2 or a.std() == 0 or b.std() == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def _mean_rank_ic(expected: Array, realised: Array) -> float | None:
    values = []
    for e, r in zip(expected, realised, strict=True):
        known = np.isfinite(r)
        if known.sum() > 2:
            # Returns are continuous, so ties do not need averaging; a constant truth has no rank.
            order = [np.argsort(np.argsort(x[known])).astype(np.float64) for x in (e, r)]
            value = _correlation(order[0], order[1]) if e[known].std() > 0 else None
            if value is not None:
                values.append(value)
    return math.fsum(values) / len(values) if values else None
