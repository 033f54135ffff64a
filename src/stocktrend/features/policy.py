"""The 5 policy features: what the central bank and the government have said and done.

An event stands at its publication: its first known version decides when it happened and what it
said. A corrected target range counts from the moment at which the correction was known.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stocktrend.catalog import POLICY_FEATURES
from stocktrend.features.macro import OBSERVATION_COLUMNS
from stocktrend.features.text import PolicyScorer, TextScorer, score_texts
from stocktrend.features.vintages import grid_times, require, series_states
from stocktrend.schema import UTC_TIME

UNCERTAINTY_SERIES: Final = "USEPUINDXD"
STANCE_WINDOW: Final = timedelta(days=180)
STANCE_HALF_LIFE: Final = timedelta(days=30)
RATE_WINDOW: Final = timedelta(days=90)
COUNT_WINDOW: Final = timedelta(days=30)
UNCERTAINTY_DAYS: Final = 30
EVENT_COLUMNS: Final = {
    "id", "text", "target_low", "target_high", "event_time", "known_at", "source",
}  # fmt: skip

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Published:
    """Events in the order in which they became known; times in microseconds since 1970."""

    known: NDArray[np.int64]
    text_known: NDArray[np.int64]
    text_score: Floats


def policy_features(
    events: pl.DataFrame,
    observations: pl.DataFrame,
    grid: pl.DataFrame,
    *,
    scorer: TextScorer | None = None,
) -> pl.DataFrame:
    """The policy features of each ``as_of``.

    Before the first event is known, the count and the days since are null: silence is a fact
    only once a source speaks.

    Args:
        events: Policy records, every version.
        observations: Macro records, every version; the daily policy uncertainty index is the
            series ``USEPUINDXD`` and its last 30 days are those of the UTC date of ``as_of``.
        grid: A frame with ``as_of`` (UTC), in any order.
        scorer: Hawkish (+1) to dovish (-1); ``PolicyScorer()`` where None. Each text is scored
            once.

    Returns:
        ``as_of`` and the 5 columns of ``POLICY_FEATURES`` (Float64, null where unknown), one row
        per row of the grid, in its order.

    Raises:
        DataError: a frame lacks columns, or the scorer breaks its contract.
    """
    require(events, "events", EVENT_COLUMNS)
    require(observations, "observations", OBSERVATION_COLUMNS)
    times = grid_times(grid)
    if times:
        events = events.filter(pl.col("known_at") <= times[-1])
    published = _published(events, scorer or PolicyScorer())
    rows = [_event_features(published, as_of) for as_of in _microseconds(times)]
    columns: dict[str, list[float | None]] = {
        "policy_stance": [row[0] for row in rows],
        "policy_rate_change": list(_rate_changes(events, times)),
        "policy_event_count": [row[1] for row in rows],
        "policy_days_since": [row[2] for row in rows],
        "policy_uncertainty": list(_uncertainty(observations, times)),
    }
    table = pl.DataFrame(
        {"as_of": times, **columns},
        schema={"as_of": UTC_TIME, **dict.fromkeys(POLICY_FEATURES, pl.Float64)},
    )
    return grid.select(pl.col("as_of").cast(UTC_TIME)).join(
        table, on="as_of", how="left", maintain_order="left"
    )


def _published(events: pl.DataFrame, scorer: TextScorer) -> Published:
    """First version of each event, its text scored."""
    ordered = events.sort("known_at", "id", "event_time", "source", "text")
    first = ordered.unique("id", keep="first", maintain_order=True)
    texts = first.filter(pl.col("text").str.strip_chars() != "")
    return Published(
        known=_microsecond_column(first["known_at"]),
        text_known=_microsecond_column(texts["known_at"]),
        text_score=score_texts(scorer, texts["text"]),
    )


def _event_features(
    published: Published, as_of: int
) -> tuple[float | None, float | None, float | None]:
    """Stance, event count and days since the last event at one moment."""
    until = int(np.searchsorted(published.known, as_of, side="right"))
    if until == 0:
        return None, None, None
    since = int(np.searchsorted(published.known, as_of - _length(COUNT_WINDOW), side="right"))
    days = (as_of - int(published.known[until - 1])) / _length(timedelta(days=1))
    low, high = np.searchsorted(
        published.text_known, [as_of - _length(STANCE_WINDOW), as_of], side="right"
    )
    stance = None
    if high > low:
        ages = (as_of - published.text_known[low:high]) / _length(STANCE_HALF_LIFE)
        weights = [2.0**-age for age in ages.tolist()]
        scores = published.text_score[low:high].tolist()
        stance = math.fsum(s * w for s, w in zip(scores, weights, strict=True))
        stance /= math.fsum(weights)
    return stance, math.log1p(until - since), math.log1p(days)


def _rate_changes(events: pl.DataFrame, times: Sequence[datetime]) -> Iterator[float | None]:
    """The target's midpoint known at ``as_of`` less the one known 90 days before."""
    now = _midpoints(events, times)
    before = _midpoints(events, [as_of - RATE_WINDOW for as_of in times])
    for new, old in zip(now, before, strict=True):
        yield None if new is None or old is None else new - old


def _midpoints(events: pl.DataFrame, times: Sequence[datetime]) -> Iterator[float | None]:
    """The midpoint of the newest decision known at each time.

    Newest by the time of the decision, so that one published late does not replace its successor.
    """
    decisions = (
        events.filter(pl.col("target_low").is_not_null() & pl.col("target_high").is_not_null())
        .sort("known_at", "event_time", "id", "source", "target_low", "target_high")
        .select("known_at", "event_time", (pl.col("target_low") + pl.col("target_high")) / 2)
        .iter_rows()
    )
    pending = next(decisions, None)
    decided: datetime | None = None
    midpoint: float | None = None
    for as_of in times:
        while pending is not None and pending[0] <= as_of:
            if decided is None or pending[1] >= decided:
                decided, midpoint = pending[1], pending[2]
            pending = next(decisions, None)
        yield midpoint


def _uncertainty(observations: pl.DataFrame, times: Sequence[datetime]) -> Iterator[float | None]:
    """ln of the mean of the index over the 30 days up to ``as_of``, as known then."""
    states = series_states(observations, UNCERTAINTY_SERIES, times)
    for state, as_of in zip(states, times, strict=True):
        days = (as_of.date() - timedelta(days=back) for back in range(UNCERTAINTY_DAYS))
        values = [state.values[day].value for day in days if day in state.values]
        mean = math.fsum(values) / len(values) if values else 0.0
        yield math.log(mean) if mean > 0 else None


def _microseconds(times: Sequence[datetime]) -> list[int]:
    values: list[int] = pl.Series(times, dtype=UTC_TIME).cast(pl.Int64).to_list()
    return values


def _microsecond_column(times: pl.Series) -> NDArray[np.int64]:
    return times.cast(UTC_TIME).cast(pl.Int64).to_numpy()


def _length(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
