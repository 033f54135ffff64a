"""Raw policy files: rate decisions with their statements, and a daily index of uncertainty."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from stocktrend.sources.market.context import Context, Days
from stocktrend.sources.market.process import Array, stream
from stocktrend.sources.market.statements import statement

FIRST_LOW = 2.0
HIGHEST_LOW = 5.25
MOVES_BEYOND = 0.6


@dataclass(frozen=True)
class Policy:
    """Frames as they are written, and the target range's lower end on each session, (T,)."""

    fomc: pl.DataFrame
    uncertainty: pl.DataFrame
    target_low: Array


def simulate_policy(context: Context, seed: int) -> Policy:
    """Decisions follow the stance: a quarter point up or down beyond 0.6 deviations of it."""
    rng = stream(seed, 3)
    days = context.days[context.is_meeting]
    stances = context.stance[context.is_meeting]
    low, month, rows = FIRST_LOW, "November", []
    for day, stance in zip(days.tolist(), stances.tolist(), strict=True):
        change = 25 if stance > MOVES_BEYOND else -25 if stance < -MOVES_BEYOND else 0
        if not 0 <= low + change / 100 <= HIGHEST_LOW:
            change = 0
        low += change / 100
        rows.append(
            {
                "date": day,
                "release_time_et_convention": "14:00",
                "target_low": low,
                "target_high": low + 0.25,
                "change_bp": change,
                "rate_in_text": 1,
                "text_source": "simulated",
                "statement": statement(stance, change, low, month, rng),
            }
        )
        month = day.strftime("%B")
    lows = np.array([FIRST_LOW, *(row["target_low"] for row in rows)])
    return Policy(
        fomc=pl.DataFrame(rows),
        uncertainty=_uncertainty(context, rng),
        target_low=lows[np.cumsum(context.is_meeting)],
    )


def calendar_days(days: Days) -> tuple[Days, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Every day from the first session to the last, and the position of its latest session."""
    every = np.arange(days[0], days[-1] + np.timedelta64(1, "D"))
    return every, np.searchsorted(days, every, side="right").astype(np.int64) - 1


def _uncertainty(context: Context, rng: np.random.Generator) -> pl.DataFrame:
    every, latest = calendar_days(context.days)
    noise = rng.standard_normal(len(every))
    level = np.exp(np.log(100) + 0.35 * context.nerves[latest] + 0.3 * noise)
    return pl.DataFrame({"date": every, "value": np.round(level, 2)})
