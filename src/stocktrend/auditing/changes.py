"""What may become known after a moment: records deleted, altered and told anew, prices rescaled."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stocktrend.lake import Tables
from stocktrend.panel import NOT_POSITIVE
from stocktrend.schema import KEYS, MARKET
from stocktrend.sessions import sessions

TEXTS: Final = (
    "profit warning, shares plunge",
    "record profit, shares surge to a new high",
    "The Committee will tighten: inflation is far too high",
    "The Committee will ease: it is prepared to support the economy",
)
FIRST_INSTANT: Final = timedelta(microseconds=1)
RECENT: Final = timedelta(days=10)
GROUPS: Final = {"bars": "ticker", "news": "ticker", "macro": "series", "universe": "ticker"}
"""What a table's records are about; all policy is about one thing."""


@dataclass(frozen=True)
class Fate:
    """What happens to one table after a moment.

    Attributes:
        dropped: Share of the later records that are deleted.
        changed: Share of the later records whose content and time of knowing are altered.
        told: Records that are told again with other content, half of them of any time and half of
            the last days before the moment: revisions of the same key and records of new ones.
        delays: Days from the first instant after the moment until what is told again is known;
            each record draws one.
        latest: Of each ticker or series so many of the newest records known at the moment are
            told again too, with their own key and with a new one.
    """

    dropped: float
    changed: float
    told: int
    delays: Sequence[float]
    seed: int
    latest: int = 0


def rewritten(records: Tables, moment: datetime, fates: Mapping[str, Fate]) -> Tables:
    """The same records up to a moment, and another future of the tables that have a fate.

    With a fate of ``bars`` prices of 0 or less may also be refused on later sessions, which
    restarts histories.
    """
    tables = dict(records.tables)
    tables |= {name: _rewrite(name, tables[name], moment, fates[name]) for name in fates}
    refused = records.refused
    if "bars" in fates:
        refused = _refused_later(records, moment, fates["bars"].seed)
    return replace(records, tables=tables, refused=refused)


def cut(records: Tables, moment: datetime, tables: Sequence[str] | None = None) -> Tables:
    """The records known at a moment, as if no other would ever come; of all tables or of some."""
    known = records.known_by(moment).tables
    if tables is not None:
        known = {**records.tables, **{name: known[name] for name in tables}}
    refused = records.quarantine().filter(_past(moment))
    return replace(records, tables=known, refused=refused)


def _past(moment: datetime) -> pl.Expr:
    return pl.col("session").is_null() | (pl.col("session") <= moment.date())


# --- later splits and dividends ----------------------------------------------------------------

_FACTOR: Final = pl.col("factor")
LATER_DIVIDEND: Final = (pl.col("adj_close") * _FACTOR,)
LATER_SPLIT: Final = (
    pl.col("open", "high", "low", "close", "adj_close") * _FACTOR,
    pl.col("volume") / _FACTOR,
)
RESCALINGS: Final = {"split": LATER_SPLIT, "dividend": LATER_DIVIDEND}


def rescaled(
    bars: pl.DataFrame, logs: Mapping[str, float], rescaling: Sequence[pl.Expr]
) -> pl.DataFrame:
    """Bars as a later split or dividend leaves them: each ticker's by a factor of its own.

    Args:
        bars: The whole past of some tickers.
        logs: Natural logarithm of each ticker's factor.
        rescaling: ``LATER_DIVIDEND`` or ``LATER_SPLIT``.

    Example:
        >>> bars = pl.DataFrame({"ticker": ["A"], "adj_close": [3.0]})
        >>> rescaled(bars, {"A": np.log(2)}, LATER_DIVIDEND)["adj_close"].item()
        6.0
    """
    factor = pl.col("ticker").replace_strict(logs, return_dtype=pl.Float64).exp()
    return bars.with_columns(factor=factor).with_columns(rescaling).drop("factor")


# --- another future ----------------------------------------------------------------------------


def _rewrite(table: str, frame: pl.DataFrame, moment: datetime, fate: Fate) -> pl.DataFrame:
    rng = np.random.default_rng(fate.seed)
    known = frame.filter(pl.col("known_at") <= moment)
    later = frame.filter(pl.col("known_at") > moment)
    later = later.filter(pl.Series(rng.random(later.height) >= fate.dropped, dtype=pl.Boolean))
    change = pl.Series(rng.random(later.height) < fate.changed, dtype=pl.Boolean)
    changed = ALTER[table](later.filter(change), rng)
    if table == "bars":  # a bar of the future that is known at its close is no revision
        ahead = pl.col("event_time") > moment
        changed = changed.with_columns(
            known_at=pl.when(ahead).then("event_time").otherwise("known_at")
        )
    else:
        wait = rng.uniform(0, 30, changed.height) * (rng.random(changed.height) < 0.5)
        changed = changed.with_columns(_known_after(moment, wait))
    recent = frame.filter(pl.col("known_at").is_between(moment - RECENT, moment))
    latest = _latest(table, known, fate.latest)
    again, new = (
        pl.concat([_some(frame, fate.told // 4, rng), _some(recent, fate.told // 4, rng), latest])
        for _ in range(2)
    )
    told = ALTER[table](pl.concat([again, NEW_KEYS[table](new, rng)]), rng)
    told = told.with_columns(_known_after(moment, rng.choice(np.array(fate.delays), told.height)))
    everything = pl.concat([known, later.filter(~change), changed, told])
    return everything.unique([*KEYS[table], "known_at"], keep="first", maintain_order=True)


def _latest(table: str, known: pl.DataFrame, count: int) -> pl.DataFrame:
    ordered = known.sort("known_at", maintain_order=True)
    if table not in GROUPS or count == 0:
        return ordered.tail(count)
    return ordered.group_by(GROUPS[table], maintain_order=True).tail(count).select(known.columns)


def _some(frame: pl.DataFrame, count: int, rng: np.random.Generator) -> pl.DataFrame:
    return frame[rng.integers(0, frame.height, count if frame.height else 0)]


def _known_after(moment: datetime, days: NDArray[np.float64]) -> pl.Expr:
    """``known_at`` some days after the first instant after a moment, never before the event."""
    wait = pl.Series(days * 86_400e6, dtype=pl.Float64).cast(pl.Duration("us"))
    at = pl.lit(moment + FIRST_INSTANT).dt.cast_time_unit("us") + wait
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
        is_repost=pl.Series(rng.random(items.height) < 0.2, dtype=pl.Boolean),
    )


def _altered_policy(events: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    target = pl.Series(rng.uniform(0.0, 9.0, events.height))
    return events.with_columns(
        text=_texts(events["text"], rng), target_low=target, target_high=target + 0.25
    )


def _altered_macro(values: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    factor = pl.Series(np.exp(rng.normal(0.0, 0.5, values.height)))
    withdrawn = pl.Series(rng.random(values.height) < 0.1, dtype=pl.Boolean)
    return values.with_columns(value=pl.when(~withdrawn).then(pl.col("value") * factor))


def _altered_universe(changes: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    return changes.with_columns(
        member=pl.Series(rng.random(changes.height) < 0.5, dtype=pl.Boolean)
    )


def _texts(now: pl.Series, rng: np.random.Generator) -> pl.Series:
    """Other texts, and now and then the same, which repeats an earlier one."""
    drawn = pl.Series(rng.choice(TEXTS, len(now)), dtype=pl.String)
    number = pl.Series(rng.integers(0, 1000, len(now))).cast(pl.String)
    same = pl.Series(rng.random(len(now)) < 0.3, dtype=pl.Boolean)
    return now.zip_with(same, drawn + " " + number)


def _either(now: pl.Series, other: str, rng: np.random.Generator) -> pl.Series:
    same = pl.Series(rng.random(len(now)) < 0.5, dtype=pl.Boolean)
    return now.zip_with(same, pl.Series([other] * len(now), dtype=pl.String))


def _listed(bars: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    return bars.with_columns(pl.col("ticker") + "NEW")


def _reported(items: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    tickers = [*items["ticker"].unique().sort(), MARKET]
    drawn = pl.Series(rng.choice(tickers, items.height), dtype=pl.String)
    same = pl.Series(rng.random(items.height) < 0.5, dtype=pl.Boolean)
    other = pl.when(same).then("id").otherwise(pl.col("id") + "-other")
    return items.with_columns(id=other, ticker=drawn)  # an id of one ticker told of another


def _enacted(events: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    return events.with_columns(id=pl.col("id") + "-other")


def _dated(values: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    return values.with_columns(
        period=pl.col("period") + _days(rng.integers(-400, 5, values.height))
    )


def _moved(changes: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    return changes.with_columns(day=pl.col("day") + _days(rng.integers(-400, 400, changes.height)))


def _days(count: NDArray[np.int64]) -> pl.Series:
    return pl.Series(count * 86_400_000, dtype=pl.Int64).cast(pl.Duration("ms"))


Rewriting = Callable[[pl.DataFrame, np.random.Generator], pl.DataFrame]

ALTER: Final[dict[str, Rewriting]] = {
    "bars": _altered_bars,
    "news": _altered_news,
    "policy": _altered_policy,
    "macro": _altered_macro,
    "universe": _altered_universe,
}
NEW_KEYS: Final[dict[str, Rewriting]] = {
    "bars": _listed,
    "news": _reported,
    "policy": _enacted,
    "macro": _dated,
    "universe": _moved,
}


def _refused_later(records: Tables, moment: datetime, seed: int) -> pl.DataFrame:
    """Quarantine with prices of 0 or less on later sessions, which restart histories."""
    rng = np.random.default_rng(seed)
    later = sessions().filter(pl.col("close") > moment)["session"].head(40)
    tickers = records.tables["bars"]["ticker"].unique().sort()
    chosen = rng.integers(0, 3)
    quarantine = records.quarantine()
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
        schema=quarantine.schema,
    )
    return pl.concat([quarantine.filter(_past(moment)), refused])
