"""When each news source speaks: outside its period silence says nothing, within it it is a fact."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stocktrend.config import NewsFile
from stocktrend.schema import UTC_TIME
from stocktrend.service_settings import Service

FOREVER: Final = datetime.max.replace(tzinfo=UTC)


def news_periods(items: pl.DataFrame, sources: Sequence[NewsFile | Service]) -> pl.DataFrame:
    """The periods that the configuration declares, and that of each source that items name.

    A declared period stands whether or not an item was seen in it. A source without an entry of
    its own name begins with its first item, however early the entry that delivers it begins: else
    an item known later would give earlier rows a second source. So does a source that a service
    brings, whatever period a file beside it declares: how far back a service reaches is not told
    but by what it gives.

    Args:
        items: News records: ``source`` and ``known_at``.
        sources: The configured ones.

    Returns:
        ``source, start, end`` (UTC, both included, end null where open), from the first moment of
        a declared first day to the last of the last. Source is null for the period of an entry
        that is no source by itself: the only one, or one without a name.
    """
    entries = [source for source in sources if isinstance(source, NewsFile)]
    named = {entry.name: entry for entry in entries if entry.name and len(sources) > 1}
    alone = entries[0] if len(sources) == len(entries) == 1 else None
    rows = []
    for entry in entries:
        if entry.start:
            begin, finish = _declared(entry)
            rows.append((entry.name if entry.name in named else None, begin, finish))
    first = items.group_by("source").agg(pl.col("known_at").min()).sort("source")
    for source, known_at in first.iter_rows():
        begin, finish = _declared(named.get(source, alone))
        if not (source in named and begin):
            rows.append((source, max(known_at, begin or known_at), finish))
    types = {"source": pl.String(), "start": UTC_TIME, "end": UTC_TIME}
    return pl.DataFrame(rows, schema=types, orient="row")


def sources_begun(periods: pl.DataFrame, as_of: pl.Series) -> NDArray[np.int64]:
    """How many sources have begun by each ``as_of``; one that begins later changes nothing."""
    starts = periods.drop_nulls("source").group_by("source").agg(pl.col("start").min())["start"]
    count: NDArray[np.int64] = np.searchsorted(_times(starts.sort()), _times(as_of), side="right")
    return count


def covered(periods: pl.DataFrame, as_of: pl.Series) -> NDArray[np.bool_]:
    """Whether each ``as_of`` lies within some period."""
    ordered = periods.sort("start")
    begun = np.searchsorted(_times(ordered["start"]), _times(as_of), side="right")
    ends = _times(ordered["end"].fill_null(FOREVER))
    last_end = np.append(np.iinfo(np.int64).min, np.maximum.accumulate(ends))
    inside: NDArray[np.bool_] = _times(as_of) <= last_end[begun]
    return inside


def _declared(entry: NewsFile | None) -> tuple[datetime | None, datetime | None]:
    begin = _midnight(entry.start) if entry and entry.start else None
    finish = _midnight(entry.end + timedelta(days=1)) if entry and entry.end else None
    return begin, finish


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _times(times: pl.Series) -> NDArray[np.int64]:
    """Microseconds since 1970."""
    return times.cast(UTC_TIME).cast(pl.Int64).to_numpy()
