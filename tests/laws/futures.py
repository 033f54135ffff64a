"""What may become known after a moment: records deleted, changed and told anew."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from hypothesis import strategies as st
from markets import Records
from numpy.typing import NDArray

from stocktrend.panel import NOT_POSITIVE
from stocktrend.schema import KEYS, MARKET
from stocktrend.sessions import sessions

TEXTS = (
    "profit warning, shares plunge",
    "record profit, shares surge to a new high",
    "The Committee will tighten: inflation is far too high",
    "The Committee will ease: it is prepared to support the economy",
)
FIRST_INSTANT = timedelta(microseconds=1)
RECENT = timedelta(days=10)


@dataclass(frozen=True)
class Fate:
    """What happens to one table after a moment.

    Attributes:
        dropped: Share of the later records that are deleted.
        changed: Share of the later records whose content and time of knowing are altered.
        told: Records that are told again with other content, half of them of any time and half of
            the last days before the moment: revisions of the same key and records of new ones.
        delay: Days from the moment until half of what is told again is known; the other half is
            known in the first instant after the moment.
    """

    dropped: float
    changed: float
    told: int
    delay: float
    seed: int


FATES = st.builds(
    Fate,
    dropped=st.sampled_from([0.0, 0.3, 1.0]),
    changed=st.sampled_from([0.0, 0.5, 1.0]),
    told=st.sampled_from([0, 20, 200]),
    delay=st.sampled_from([0.0, 0.02, 20.0]),
    seed=st.integers(0, 2**32 - 1),
)
FUTURES = st.fixed_dictionaries(dict.fromkeys(KEYS, FATES))
"""A fate for each table."""


def rewritten(records: Records, moment: datetime, future: dict[str, Fate]) -> Records:
    """The same records up to a moment, and another future."""
    tables = {
        table: _rewrite(table, records.tables[table], moment, fate)
        for table, fate in future.items()
    }
    return replace(
        records, tables=tables, quarantine=_refused_later(records, moment, future["bars"].seed)
    )


def _rewrite(table: str, frame: pl.DataFrame, moment: datetime, fate: Fate) -> pl.DataFrame:
    rng = np.random.default_rng(fate.seed)
    known = frame.filter(pl.col("known_at") <= moment)
    later = frame.filter(pl.col("known_at") > moment)
    later = later.filter(pl.Series(rng.random(later.height) >= fate.dropped))
    change = pl.Series(rng.random(later.height) < fate.changed)
    changed = ALTER[table](later.filter(change), rng)
    changed = changed.with_columns(_known_after(moment, rng.uniform(0, 30, changed.height), rng))
    recent = frame.filter(pl.col("known_at").is_between(moment - RECENT, moment))
    again, new = (
        pl.concat([_some(frame, fate.told // 4, rng), _some(recent, fate.told // 4, rng)])
        for _ in range(2)
    )
    told = ALTER[table](pl.concat([again, NEW_KEYS[table](new, rng)]), rng)
    told = told.with_columns(_known_after(moment, np.full(told.height, fate.delay), rng))
    if table == "bars":  # a bar of the future that is known at its close is no revision
        changed = changed.with_columns(known_at="event_time")
    everything = pl.concat([known, later.filter(~change), changed, told])
    return everything.unique([*KEYS[table], "known_at"], keep="first", maintain_order=True)


def _some(frame: pl.DataFrame, count: int, rng: np.random.Generator) -> pl.DataFrame:
    return frame[rng.integers(0, frame.height, count if frame.height else 0)]


def _known_after(moment: datetime, days: NDArray[np.float64], rng: np.random.Generator) -> pl.Expr:
    """``known_at`` in the first instant after a moment, or some days on; never before the event."""
    wait = np.where(rng.random(len(days)) < 0.5, 0.0, days) * 86_400e6
    at = pl.lit(moment + FIRST_INSTANT).dt.cast_time_unit("us") + pl.duration(
        microseconds=pl.Series(wait).cast(pl.Int64)
    )
    return pl.max_horizontal(at, "event_time").alias("known_at")


def _altered_bars(bars: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    factor = pl.Series(np.exp(rng.normal(0.0, 0.3, bars.height)))
    return bars.with_columns(
        pl.col("open", "low", "close", "adj_close") * factor,
        high=pl.col("high") * factor * 1.1,
        volume=pl.col("volume") * pl.Series(np.exp(rng.normal(0.0, 2.0, bars.height))),
    )


def _altered_news(items: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    return items.with_columns(
        text=_texts(items["text"], rng),
        source=_either(items["source"], "upstart", rng),
        lang=_either(items["lang"], "en", rng),
        is_repost=pl.Series(rng.random(items.height) < 0.2),
    )


def _altered_policy(events: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    target = pl.Series(rng.uniform(0.0, 9.0, events.height))
    return events.with_columns(
        text=_texts(events["text"], rng), target_low=target, target_high=target + 0.25
    )


def _altered_macro(values: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    factor = pl.Series(np.exp(rng.normal(0.0, 0.5, values.height)))
    withdrawn = pl.Series(rng.random(values.height) < 0.1)
    return values.with_columns(value=pl.when(~withdrawn).then(pl.col("value") * factor))


def _altered_universe(changes: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    return changes.with_columns(member=pl.Series(rng.random(changes.height) < 0.5))


def _texts(now: pl.Series, rng: np.random.Generator) -> pl.Series:
    """Other texts, and now and then the same, which repeats an earlier one."""
    drawn = pl.Series(rng.choice(TEXTS, len(now)), dtype=pl.String)
    number = pl.Series(rng.integers(0, 1000, len(now))).cast(pl.String)
    return now.zip_with(pl.Series(rng.random(len(now)) < 0.3), drawn + " " + number)


def _either(now: pl.Series, other: str, rng: np.random.Generator) -> pl.Series:
    same = pl.Series(rng.random(len(now)) < 0.5)
    return now.zip_with(same, pl.Series([other] * len(now), dtype=pl.String))


def _listed(bars: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    return bars.with_columns(pl.col("ticker") + "NEW")


def _reported(items: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    tickers = [*items["ticker"].unique().sort(), MARKET]
    drawn = pl.Series(rng.choice(tickers, items.height), dtype=pl.String)
    same = pl.Series(rng.random(items.height) < 0.5)  # an id of one ticker told of another
    other = pl.when(same).then("id").otherwise(pl.col("id") + "-other")
    return items.with_columns(id=other, ticker=drawn)


def _enacted(events: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    return events.with_columns(id=pl.col("id") + "-other")


def _dated(values: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    days = pl.Series(rng.integers(-400, 5, values.height))
    return values.with_columns(period=pl.col("period") + pl.duration(days=days))


def _moved(changes: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    days = pl.Series(rng.integers(-400, 400, changes.height))
    return changes.with_columns(day=pl.col("day") + pl.duration(days=days))


Rewriting = Callable[[pl.DataFrame, np.random.Generator], pl.DataFrame]

ALTER: dict[str, Rewriting] = {
    "bars": _altered_bars,
    "news": _altered_news,
    "policy": _altered_policy,
    "macro": _altered_macro,
    "universe": _altered_universe,
}
NEW_KEYS: dict[str, Rewriting] = {
    "bars": _listed,
    "news": _reported,
    "policy": _enacted,
    "macro": _dated,
    "universe": _moved,
}


def _refused_later(records: Records, moment: datetime, seed: int) -> pl.DataFrame:
    """Quarantine with prices of 0 or less on later sessions, which restart histories."""
    rng = np.random.default_rng(seed)
    later = sessions().filter(pl.col("close") > moment)["session"].head(40)
    tickers = records.tables["bars"]["ticker"].unique().sort()
    chosen = rng.integers(0, 3)
    refused = pl.DataFrame(
        {
            "table": ["bars"] * chosen,
            "source": ["prices"] * chosen,
            "path": ["later.csv"] * chosen,
            "row": list(range(chosen)),
            "reason": [NOT_POSITIVE] * chosen,
            "record": ["{}"] * chosen,
            "ticker": [str(name) for name in rng.choice(tickers.to_list(), chosen)],
            "session": [later[int(n)] for n in rng.integers(0, len(later), chosen)],
        },
        schema=records.quarantine.schema,
    )
    past = pl.col("session").is_null() | (pl.col("session") <= moment.date())
    return pl.concat([records.quarantine.filter(past), refused])
