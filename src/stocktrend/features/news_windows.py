"""Sums over each row's window of news: one compiled pass, every window summed on its own."""

from typing import Any, Final, NamedTuple, Self

import numba
import numpy as np
import polars as pl
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

DAY: Final = 86_400_000_000
HALF_LIFE: Final = 2 * DAY
BASELINE: Final = 60 * DAY
BASELINE_WEEKS: Final = 60 / 7
POSITIVE: Final = 0.05
NEGATIVE: Final = -0.05


class Items(NamedTuple):
    """Items ascending by ``known`` (microseconds since 1970) within their ticker.

    A named tuple, not a dataclass, because compiled code reads it.
    """

    known: Integers
    score: Floats
    source: Integers

    @classmethod
    def of(cls, items: pl.DataFrame) -> Self:
        """From ``known_at``, ``score`` and ``source_number`` (from 0)."""
        return cls(
            items["known_at"].cast(pl.Int64).to_numpy(),
            items["score"].fill_null(np.nan).to_numpy(),
            items["source_number"].cast(pl.Int64).to_numpy(),
        )


class Windows(NamedTuple):
    """What each row sums: ``(start, as_of]`` of a run of own items and of the market's."""

    start: Integers
    as_of: Integers
    own_from: Integers
    own_to: Integers
    excluded_from: Integers
    excluded_to: Integers
    excluded: Integers

    @classmethod
    def of(cls, rows: pl.DataFrame, own_tickers: pl.Series, excluded: pl.DataFrame) -> Self:
        """From ``ticker``, ``as_of``, ``start`` of the rows.

        Args:
            rows: One window a row.
            own_tickers: Tickers of the own items, ascending.
            excluded: ``ticker``, ``position``, ascending: positions of the market-wide items that
                do not count for the ticker.
        """
        return cls(
            rows["start"].cast(pl.Int64).to_numpy(),
            rows["as_of"].cast(pl.Int64).to_numpy(),
            *_runs(own_tickers, rows["ticker"]),
            *_runs(excluded["ticker"], rows["ticker"]),
            excluded["position"].cast(pl.Int64).to_numpy(),
        )


def _runs(ascending: pl.Series, wanted: pl.Series) -> tuple[Integers, Integers]:
    """Where each wanted ticker's run begins and ends; an empty run where it has none."""
    values = ascending.to_numpy()
    tickers, index = np.unique(wanted.to_numpy(), return_inverse=True)
    first = np.searchsorted(values, tickers, side="left")[index]
    last = np.searchsorted(values, tickers, side="right")[index]
    return first.astype(np.int64), last.astype(np.int64)


def sum_windows(own: Items, market: Items, windows: Windows) -> Floats:
    """The 8 news features of each window, as if the source covered it.

    Returns:
        (rows, 8) in the order of ``NEWS_FEATURES``, never NaN.
    """
    result = np.zeros((len(windows.as_of), 8))
    # Rows of one window follow each other, so that market-wide weights are computed once for all.
    order = np.lexsort((windows.start, windows.as_of))
    sources = 1 + max(own.source.max(initial=-1), market.source.max(initial=-1))
    _sum_windows(own, market, windows, order, np.zeros(sources, dtype=np.int64), result)
    return result


@numba.njit(cache=True)
def _sum_windows(
    own: Any, market: Any, windows: Any, order: Any, of_source: Any, result: Any
) -> None:
    """Gather each row's items, market-wide ones first, then reduce them."""
    size = len(own.known) + len(market.known)
    score, weight = np.empty(size), np.empty(size)
    source = np.empty(size, dtype=np.int64)
    market_weight = np.empty(len(market.known))
    start, as_of = 0, 0
    for step in range(len(order)):
        row = order[step]
        same_window = step > 0 and start == windows.start[row] and as_of == windows.as_of[row]
        start, as_of = windows.start[row], windows.as_of[row]
        base, low, high = np.searchsorted(
            market.known, np.array([start - BASELINE, start, as_of]), side="right"
        )
        if not same_window:
            for i in range(low, high):
                market_weight[i] = 2.0 ** ((market.known[i] - as_of) / HALF_LIFE)
        excluded = windows.excluded[windows.excluded_from[row] : windows.excluded_to[row]]
        skip_base, skip, skip_to = np.searchsorted(excluded, np.array([base, low, high]))
        before = (low - base) - (skip - skip_base)
        n = 0
        for i in range(low, high):
            if skip < skip_to and excluded[skip] == i:
                skip += 1
                continue
            score[n], weight[n], source[n] = market.score[i], market_weight[i], market.source[i]
            n += 1
        known = own.known[windows.own_from[row] : windows.own_to[row]]
        base, low, high = np.searchsorted(
            known, np.array([start - BASELINE, start, as_of]), side="right"
        )
        before += low - base
        for i in range(windows.own_from[row] + low, windows.own_from[row] + high):
            score[n] = own.score[i]
            weight[n] = 2.0 ** ((own.known[i] - as_of) / HALF_LIFE)
            source[n] = own.source[i]
            n += 1
        _reduce(score[:n], weight[:n], source[:n], before, of_source, result[row])


@numba.njit(cache=True)
def _reduce(score: Any, weight: Any, source: Any, before: int, of_source: Any, result: Any) -> None:
    """Fill ``result`` with the 8 features of one window's items."""
    n = len(score)
    result[0] = np.log1p(n)
    result[6] = np.log((1.0 + n) / (1.0 + before / BASELINE_WEEKS))
    if n == 0:
        return
    total, weighted, weights = 0.0, 0.0, 0.0
    positive, negative = 0, 0
    for i in range(n):
        total += score[i]
        weighted += score[i] * weight[i]
        weights += weight[i]
        positive += score[i] >= POSITIVE
        negative += score[i] <= NEGATIVE
        of_source[source[i]] += 1
    mean = total / n
    squares, entropy = 0.0, 0.0
    for i in range(n):
        squares += (score[i] - mean) ** 2
        count = of_source[source[i]]
        if count > 0:
            entropy -= count / n * np.log(count / n)
            of_source[source[i]] = 0
    result[1] = mean
    result[2] = weighted / weights
    if n >= 2:
        result[3] = np.sqrt(squares / n)
        result[7] = entropy / np.log(n)
    result[4] = positive / n
    result[5] = negative / n
