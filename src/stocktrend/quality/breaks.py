"""Breaks of a price against its peers that are no market's: two series in one, or a new one.

A move is ``ln(C / C[-1])`` of adjusted closes; against the median of all tickers on the day it is
the *excess*. A crash moves the peers too, so its excess is small. A break is an excess of a factor
of 3 or more, and some are real: a company that fails or is saved. What no real stock does:

- It leaves its level by such a factor in a day and comes back the same way: two series are
  interleaved, or a print is bad.
- Hardly anybody trades it, its price is multiplied from one bar to the next, and it is traded a
  hundred times as much: another security took over the name. Or the same from much to nothing,
  where nobody sold on the day of the fall: holders of a company that fails do sell.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl

BREAK: Final = math.log(3)
"""Factor 3 in a day: the rise at which features restart their history."""
LONGEST_AWAY: Final = 252
"""Bars of a year: a price that returns later than that need not be the same stock's."""
FRAGMENT: Final = 60
"""Bars that a history needs before it gives a row: shorter pieces between two spells are of no
use, and in doubt like their neighbours."""
LIQUIDITY: Final = 100.0
"""Ratio of the dollars traded on the two sides of a break at which they are two securities."""
MONTH: Final = 20
"""Bars on each side of a break."""
LONGEST_PAUSE: Final = 5
"""Sessions since the bar before; after a longer pause features restart anyway."""


@dataclass(frozen=True)
class Spell:
    """Sessions of a ticker, both included, of a series that is not its own.

    It left its level ``times``, by up to ``factor``; ``back`` is the session of the bar after, or
    ``last`` where there is none.
    """

    ticker: str
    first: date
    last: date
    rows: int
    times: int
    factor: float
    back: date


@dataclass(frozen=True)
class Takeover:
    """A break after which a ticker is another security, and the thinly traded side of it.

    ``before`` and ``after``: median dollars traded a day in the month on each side.
    """

    ticker: str
    session: date
    first: date
    last: date
    rows: int
    factor: float
    before: float
    after: float


@dataclass(frozen=True)
class Break:
    """A row of its ticker, and the logs of the price before it and at it."""

    row: int
    before: float
    after: float

    @property
    def size(self) -> float:
        return self.after - self.before


@dataclass(frozen=True)
class Passing:
    """A ticker passes to another security, and trade in it rises or falls.

    ``before`` and ``after``: as of ``Takeover``.
    """

    rises: bool
    before: float
    after: float


Away = tuple[int, int, float]
"""First and last row of a time away from the level, and the size of its break."""


def spells(bars: pl.DataFrame) -> list[Spell]:
    """Spells in which a price left its level and came back, near ones joined.

    Args:
        bars: As ``described``.
    """
    found = []
    for ticker, part, breaks in _broken(bars):
        sessions = part["session"]
        for first, last, times, size in _joined(*_excursions(breaks)):
            back = sessions[min(last + 1, len(sessions) - 1)]
            rows, factor = last - first + 1, math.exp(size)
            found.append(Spell(ticker, sessions[first], sessions[last], rows, times, factor, back))
    return found


def takeovers(bars: pl.DataFrame) -> list[Takeover]:
    """Breaks without return at which another security took over.

    Args:
        bars: As ``described``.
    """
    found = []
    for ticker, part, breaks in _broken(bars):
        away, alone = _excursions(breaks)
        mixed = [(first, last + 1) for first, last, *_ in _joined(away, alone)]
        passed = [
            (one, judged)
            for one in alone
            if (judged := _judged(part, one, doubtful=any(a <= one.row <= b for a, b in mixed)))
        ]
        rises = [(one.row, judged.rises) for one, judged in passed]
        for (one, judged), thin in zip(passed, _thin_sides(rises, part.height), strict=True):
            if thin is None:
                continue
            at, first, last = (part["session"][row] for row in (one.row, *thin))
            rows, factor = thin[1] - thin[0] + 1, math.exp(abs(one.size))
            sides = judged.before, judged.after
            found.append(Takeover(ticker, at, first, last, rows, factor, *sides))
    return found


def _judged(bars: pl.DataFrame, one: Break, *, doubtful: bool) -> Passing | None:
    at, volume = one.row, bars["volume"].to_numpy()
    dollars = bars["close"].to_numpy() * volume
    sides = slice(max(0, at - MONTH), at), slice(at, at + MONTH)
    before, after = (float(np.median(dollars[side])) for side in sides)
    dead_before, dead_after = (float(np.median(volume[side])) == 0 for side in sides)
    new = dead_before or doubtful or bars["since"][at] > LONGEST_PAUSE
    rises = bool(new and max(after, 1.0) >= LIQUIDITY * max(before, 1.0))
    falls = dead_after and max(before, 1.0) >= LIQUIDITY * max(after, 1.0)
    if not rises and not (falls and dollars[at] < before):
        return None
    return Passing(rises, before, after)


def _thin_sides(passed: list[tuple[int, bool]], height: int) -> Iterator[tuple[int, int] | None]:
    """First and last row of each thinly traded side, from rows of breaks that trade rises at.

    A side ends where trade comes back; a break within one that began before has none of its own.
    """
    for number, (row, rises) in enumerate(passed):
        begin, was_rise = passed[number - 1] if number else (0, True)
        back = (later for later, again in passed[number:] if again)
        if not was_rise:
            yield None
        elif rises:
            yield begin, row - 1
        else:
            yield row, next(back, height) - 1


def _broken(bars: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame, list[Break]]]:
    """Each ticker that has breaks, its bars and the breaks in order."""
    large = bars.filter(pl.col("excess").abs() >= BREAK)["ticker"].unique()
    some = bars.filter(pl.col("ticker").is_in(large.to_list()))
    log = pl.col("adj_close").log()
    for (ticker,), part in some.group_by("ticker", maintain_order=True):
        rows = part.select(
            pl.int_range(pl.len()).alias("row"),
            (log - pl.col("move")).alias("before"),
            log.alias("after"),
            "excess",
        ).filter(pl.col("excess").abs() >= BREAK)
        yield str(ticker), part, [Break(*row[:3]) for row in rows.iter_rows()]


def _excursions(breaks: list[Break]) -> tuple[list[Away], list[Break]]:
    """Each time away, and the breaks that neither begin nor end one.

    The price is back after a break the other way, within a year, that leaves it nearer to where it
    was than to where it went.
    """
    away: list[Away] = []
    alone: list[Break] = []
    rest = list(breaks)
    while rest:
        left, *rest = rest
        backs = (
            number
            for number, other in enumerate(rest)
            if other.row - left.row <= LONGEST_AWAY
            and other.size * left.size < 0
            and abs(other.after - left.before) < abs(left.size) / 2
        )
        back = next(backs, None)
        if back is None:
            alone.append(left)
        else:
            away.append((left.row, rest[back].row - 1, abs(left.size)))
            rest = rest[back + 1 :]
    return away, alone


def _joined(away: list[Away], alone: list[Break]) -> Iterator[tuple[int, int, int, float]]:
    """First and last row, times away and largest size of each spell.

    Times away with no more than a fragment between them are one spell. It reaches on to a break
    without return, and back to the ticker's first bar, where no more than a fragment lies between.
    """
    groups: list[list[Away]] = []
    for one in away:
        if groups and one[0] - groups[-1][-1][1] <= FRAGMENT:
            groups[-1].append(one)
        else:
            groups.append([one])
    for group in groups:
        first, last = group[0][0], group[-1][1]
        for other in alone:
            if 0 < other.row - last <= FRAGMENT:
                last = other.row - 1
        yield 0 if first <= FRAGMENT else first, last, len(group), max(size for *_, size in group)
