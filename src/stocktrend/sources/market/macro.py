"""Raw macro files: FRED-style series and the calendar of their releases."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from stocktrend.sources.market.context import Context, Days
from stocktrend.sources.market.policy import Policy, calendar_days
from stocktrend.sources.market.process import Array, ar1, stream

MONTH_PHI = 0.95


@dataclass(frozen=True)
class Macro:
    """``date, value`` frames by series, and the release calendar."""

    series: dict[str, pl.DataFrame]
    releases: pl.DataFrame


def simulate_macro(context: Context, policy: Policy, seed: int) -> Macro:
    """Draws the economy: growth and inflation a month, rates and spreads a session.

    Growth and inflation move no stock: they are the irrelevant context that a model must learn
    to leave alone. Risk, which does, shows in ``VIXCLS`` and ``BAA10Y``.
    """
    rng = stream(seed, 4)
    first, last = context.days[0], context.days[-1]
    months = np.arange(first.astype("datetime64[M]"), last.astype("datetime64[M]") + 1)
    series = _monthly(months, rng) | _daily(context, policy, rng)
    return Macro(series, _releases(months.astype("datetime64[D]"), rng))


def _monthly(months: Days, rng: np.random.Generator) -> dict[str, pl.DataFrame]:
    growth, inflation = (ar1(MONTH_PHI, rng.standard_normal(len(months))) for _ in range(2))
    noise = rng.standard_normal((6, len(months)))
    price = 0.0018 + 0.0008 * inflation
    output = 0.0018 + 0.002 * growth
    values: dict[str, tuple[Array, int]] = {
        "CPIAUCSL": (235 * np.exp(np.cumsum(price + 0.001 * noise[0])), 1),
        "CPILFESL": (238 * np.exp(np.cumsum(price + 0.0004 * noise[1])), 1),
        "UNRATE": (5.5 - 0.9 * growth + 0.1 * noise[2], 1),
        "PAYEMS": (138_000 * np.exp(np.cumsum(0.0011 + 0.0008 * growth + 0.0003 * noise[3])), 0),
        "INDPRO": (100 * np.exp(np.cumsum(output + 0.004 * noise[4])), 4),
        "UMCSENT": (85 + 6 * growth + 3 * noise[5], 1),
    }
    labels = months.astype("datetime64[D]")
    frames = {name: _frame(labels, value, digits) for name, (value, digits) in values.items()}
    # A quarter is labelled by its first month; one without its three months is not out yet.
    starts = np.flatnonzero((months.astype(np.int64) % 3 == 0)[: len(months) - 2])
    quarterly = np.array([output[i : i + 3].sum() for i in starts]) + 0.001
    level = 16_500 * np.exp(np.cumsum(quarterly + 0.002 * rng.standard_normal(len(starts))))
    return frames | {"GDPC1": _frame(labels[starts], level, 3)}


def _daily(context: Context, policy: Policy, rng: np.random.Generator) -> dict[str, pl.DataFrame]:
    days, size = context.days, len(context.days)
    noise = rng.standard_normal((3, size))
    target = policy.target_low + 0.125
    slope = 1.2 + 0.6 * ar1(0.995, noise[0])
    smooth = _smooth(target, 0.02)
    two = 0.6 * target + 0.4 * smooth + 0.25 * slope
    every, latest = calendar_days(days)
    funds = target[latest] + np.round(0.02 * rng.standard_normal(len(every)), 2)
    return {
        "DFF": _frame(every, np.maximum(funds, 0.04), 2),
        "DGS10": _frame(days, np.maximum(smooth + slope + 0.02 * noise[1], 0.3), 2),
        "DGS2": _frame(days, np.maximum(two, 0.1), 2),
        "BAA10Y": _frame(days, 2.3 + 0.45 * context.nerves + 0.03 * noise[2], 2),
        "VIXCLS": _frame(days, context.vix, 2),
    }


def _smooth(values: Array, weight: float) -> Array:
    result = np.empty_like(values)
    result[0] = values[0]
    for t in range(1, len(values)):
        result[t] = result[t - 1] + weight * (values[t] - result[t - 1])
    return result


def _frame(labels: Days, values: Array, digits: int) -> pl.DataFrame:
    return pl.DataFrame({"date": labels, "value": np.round(values, digits)})


def _releases(labels: Days, rng: np.random.Generator) -> pl.DataFrame:
    """Release dates as the statistical offices keep them, with a slip now and then."""
    rows: list[tuple[str, date, date]] = []
    for label in labels.tolist():
        following = _months_later(label, 1)
        slip = int(rng.integers(0, 20)) == 0
        jobs = following + timedelta(days=(4 - following.weekday()) % 7)
        rows.append(("CPI", label, _weekday(following + timedelta(days=10 + int(rng.integers(5))))))
        rows.append(("EMPSIT", label, jobs + timedelta(days=7 if slip else 0)))
        if label.month % 3 == 1:
            for later, release in enumerate(("GDP_advance", "GDP_second", "GDP_third"), 3):
                out = _months_later(label, later) + timedelta(days=25 + int(rng.integers(4)))
                rows.append((release, label, _weekday(out)))
    frame = pl.DataFrame(rows, schema=["release", "ref_period", "release_date"], orient="row")
    return frame.with_columns(pl.lit("simulated").alias("origin")).sort("release", "ref_period")


def _months_later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


def _weekday(day: date) -> date:
    return day + timedelta(days=(0, 0, 0, 0, 0, 2, 1)[day.weekday()])
