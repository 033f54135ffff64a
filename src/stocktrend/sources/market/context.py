"""The market as a whole: its latent states, its calendar of meetings and its common factor."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stocktrend.sessions import sessions
from stocktrend.sources.market.process import Array, ar1, stream
from stocktrend.sources.market.response import (
    RISK_PHI,
    STANCE_PHI,
    VIX_LEVEL,
    VIX_SPREAD,
    market_volatility,
)

Days = NDArray[np.datetime64]

LEAD: Final = timedelta(days=3 * 365)
"""Macro and policy begin this long before the prices: a 12-month change needs its past."""
AHEAD: Final = timedelta(days=450)
"""The calendar runs on behind the last price: expectations reach past it."""
MEETING_WEEKS: Final = (5, 12, 18, 25, 31, 38, 45, 51)
"""ISO weeks of the eight meetings of a year; the decision comes on the Wednesday."""


@dataclass(frozen=True)
class Context:
    """The market-wide path, one value a session from ``LEAD`` before the first price.

    Attributes:
        days: Sessions, simulated ones only, (T,).
        first: Position of the first session with prices.
        calendar: Sessions on to ``AHEAD`` after the last, (T + ahead,).
        meetings_so_far: Rate decisions up to and on each day of ``calendar``.
        is_meeting: Sessions with a rate decision, at 14:00 New York, (T,).
        risk, stance, tone: Latent states as read by each close, unit variance, (T,).
        nerves: The risk that each evening's index shows: it is read the next morning, so that it
            is the next session's ``risk``, (T,).
        vix: Closing level of the volatility index, (T,).
        shock: Of the market factor, standard normal, (T,).
        volatility: The daily volatility of that factor, before ``Setting.noise``, (T,).
    """

    days: Days
    first: int
    calendar: Days
    meetings_so_far: NDArray[np.int64]
    is_meeting: NDArray[np.bool_]
    risk: Array
    stance: Array
    tone: Array
    nerves: Array
    vix: Array
    shock: Array
    volatility: Array


def meeting_days(calendar: Days) -> NDArray[np.bool_]:
    """Which days of a calendar of sessions bring a rate decision."""
    years = range(calendar[0].item().year, calendar[-1].item().year + 1)
    wanted = [date.fromisocalendar(year, week, 3) for year in years for week in MEETING_WEEKS]
    positions = np.searchsorted(calendar, np.array(wanted, dtype="datetime64[D]"))
    inside = [w >= calendar[0].item() for w in wanted]
    result = np.zeros(len(calendar), dtype=np.bool_)
    result[positions[np.array(inside) & (positions < len(calendar))]] = True
    return result


def simulate_context(start: date, end: date, seed: int) -> Context:
    """Draws the market-wide path for prices from ``start`` to ``end``."""
    every = sessions()["session"].to_numpy().astype("datetime64[D]")
    calendar = every[(every >= np.datetime64(start - LEAD)) & (every <= np.datetime64(end + AHEAD))]
    days = calendar[calendar <= np.datetime64(end)]
    size = len(days)
    meets = meeting_days(calendar)
    so_far = np.cumsum(meets).astype(np.int64)
    rng = stream(seed, 0)
    nerves = ar1(RISK_PHI, rng.standard_normal(size))
    risk = np.concatenate([nerves[:1], nerves[:-1]])
    decisions = ar1(STANCE_PHI, rng.standard_normal(int(so_far[-1]) + 1))
    vix = VIX_LEVEL * np.exp(VIX_SPREAD * nerves)
    volatility = np.asarray(market_volatility(vix))
    # The volatility of a session is set by the evening before: known when the session begins.
    volatility = np.concatenate([volatility[:1], volatility[:-1]])
    return Context(
        days=days,
        first=int(np.searchsorted(days, np.datetime64(start))),
        calendar=calendar,
        meetings_so_far=so_far,
        is_meeting=meets[:size],
        risk=risk,
        stance=decisions[so_far[:size]],
        tone=-0.6 * risk + 0.8 * ar1(0.95, rng.standard_normal(size)),
        nerves=nerves,
        vix=vix,
        shock=rng.standard_normal(size),
        volatility=volatility,
    )
