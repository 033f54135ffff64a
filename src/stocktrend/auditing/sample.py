"""Which tickers and moments are audited.

They are drawn from the bars, not from the panel's rows: a row that a filter with hindsight left
out is a sample like any other.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from stocktrend.config import Settings
from stocktrend.lake import Records
from stocktrend.panel import MIN_BARS
from stocktrend.sessions import as_of_grid, sessions

TICKERS: Final = 60
"""Tickers drawn: some have no row on some dates."""
LEAST_TICKERS: Final = 50
LEAST_DATES: Final = 8
EDGE_SHARE: Final = 4
"""Of the tickers drawn, up to a quarter began late and up to a quarter ended early."""
MARGIN: Final = pl.duration(days=60)


@dataclass(frozen=True)
class Sample:
    """What is audited.

    Attributes:
        tickers: Sorted.
        dates: Sessions of the grid, ascending, with the reason for which each was taken.
        pairs: ``ticker, session``: a bar on a chosen date, and 60 bars of history.
    """

    tickers: tuple[str, ...]
    dates: dict[date, str]
    pairs: pl.DataFrame


def draw(records: Records, settings: Settings, samples: int, seed: int) -> Sample:
    """Choose tickers and dates.

    First rows of tickers that began late, last ones of those that ended, dates between a macro
    value and its revision and before the universe changes, a half-day, the newest rows; the other
    dates at random, until there are ``samples`` pairs or no date is left, and some more where these
    are of fewer than 50 tickers, if there are so many.
    """
    rng = np.random.default_rng(seed)
    bars = records.history("bars").select("ticker", "session").unique().sort("ticker", "session")
    if settings.tickers is not None:
        bars = bars.filter(pl.col("ticker").is_in(settings.tickers))
    spans = bars.group_by("ticker").agg(first=pl.col("session").min(), last=pl.col("session").max())
    late = spans.filter(pl.col("first") > pl.col("first").min() + MARGIN)["ticker"]
    ended = spans.filter(pl.col("last") < pl.col("last").max() - MARGIN)["ticker"]
    tickers = _tickers(spans["ticker"], late, ended, rng)
    days = as_of_grid(settings.frequency, settings.start, settings.end, settings.exchange)
    eligible = (
        bars.filter(pl.col("ticker").is_in(tickers))
        .filter(pl.int_range(pl.len()).over("ticker") >= MIN_BARS - 1)
        .join(days, on="session", how="semi")
    )
    if eligible.is_empty():
        return Sample(tuple(tickers), {}, eligible)
    dates = _dates(eligible, set(late), set(ended), records, settings, rng)
    others = iter(rng.permutation(np.array(eligible["session"].unique().sort().to_list())))
    pairs = eligible.filter(pl.col("session").is_in(list(dates)))
    while pairs.height < samples or len(dates) < LEAST_DATES:
        day = next(others, None)
        if day is None:
            break
        dates.setdefault(day, "at random")
        pairs = eligible.filter(pl.col("session").is_in(list(dates)))
    while pairs["ticker"].n_unique() < min(LEAST_TICKERS, samples, eligible["ticker"].n_unique()):
        unseen = eligible.join(pairs, on="ticker", how="anti")["session"]
        dates[unseen.mode().sort()[0]] = "tickers of no other date"
        pairs = eligible.filter(pl.col("session").is_in(list(dates)))
    return Sample(tuple(tickers), dict(sorted(dates.items())), pairs)


def _tickers(
    everyone: pl.Series, late: pl.Series, ended: pl.Series, rng: np.random.Generator
) -> list[str]:
    chosen: list[str] = []
    for group, count in ((late, TICKERS // EDGE_SHARE), (ended, TICKERS // EDGE_SHARE)):
        names = group.sort().to_list()
        chosen += [str(name) for name in rng.permutation(names)[:count]]
    rest = rng.permutation(everyone.sort().to_list())
    chosen = list(dict.fromkeys([*chosen, *(str(name) for name in rest)]))[:TICKERS]
    return sorted(chosen)


def _dates(
    eligible: pl.DataFrame,
    late: set[str],
    ended: set[str],
    records: Records,
    settings: Settings,
    rng: np.random.Generator,
) -> dict[date, str]:
    """Dates at which leaks show that others may hide."""
    days = eligible["session"].unique().sort()
    found: dict[date, str] = {}

    def take(candidates: pl.Series, reason: str) -> None:
        if len(candidates):
            found.setdefault(candidates[int(rng.integers(len(candidates)))], reason)

    spans = eligible.group_by("ticker", maintain_order=True).agg(
        first=pl.col("session").min(),
        last=pl.col("session").sort().tail(3).min(),
    )
    take(spans.filter(pl.col("ticker").is_in(list(late)))["first"], "a ticker's first rows")
    take(spans.filter(pl.col("ticker").is_in(list(ended)))["last"], "a ticker's last rows")
    take(_before(_revisions(records), days), "before a macro value is revised")
    joined = records.history("universe")["known_at"]
    take(_before(joined, days), "before the universe changes")
    half = sessions(settings.exchange).filter(
        pl.col("close") - pl.col("open") < pl.duration(hours=5)
    )
    take(days.filter(days.is_in(half["session"].implode())), "a half-day")
    found.setdefault(days[max(len(days) - 3, 0)], "among the newest rows")
    return found


def _revisions(records: Records) -> pl.Series:
    """When macro values became known that had another value before."""
    versions = records.history("macro").select("series", "period", "value", "known_at")
    key = ["series", "period"]
    later = versions.filter(
        (pl.col("known_at") > pl.col("known_at").min().over(key))
        & (pl.col("value") != pl.col("value").first().over(key))
    )
    return later["known_at"]


def _before(times: pl.Series, days: pl.Series) -> pl.Series:
    """Of some days the last ones before each time."""
    known = times.dt.date().alias("day").unique().sort().to_frame()
    found = known.join_asof(
        days.rename("before").to_frame(),
        left_on="day",
        right_on="before",
        allow_exact_matches=False,
    )
    return found["before"].drop_nulls().unique().sort()
