"""Periods to ask for: aligned to the calendar, and halved where an answer is full.

A period is half-open: its end is the first moment after it.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import TypeVar

A = TypeVar("A")
T = TypeVar("T", bound=date)
DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)


def months(since: date, until: date) -> Iterator[tuple[date, date]]:
    """The calendar months of two days and of those between, whole ones.

    So the same question is asked from a month's first day to its last, and an answer that has not
    changed need not be sent again.

    >>> [f"{first} {end}" for first, end in months(date(2025, 1, 15), date(2025, 2, 3))]
    ['2025-01-01 2025-02-01', '2025-02-01 2025-03-01']
    """
    first = since.replace(day=1)
    while first <= until:
        end = (first + 31 * DAY).replace(day=1)
        yield first, end
        first = end


def years(since: date, until: date) -> Iterator[tuple[date, date]]:
    """The calendar years of two days and of those between, as :func:`months`."""
    for year in range(since.year, until.year + 1):
        yield date(year, 1, 1), date(year + 1, 1, 1)


def halved(
    first: T, end: T, now: T, step: timedelta, ask: Callable[[T, T], A], full: Callable[[A], bool]
) -> Iterator[A]:
    """Answers that are not full, oldest first: a period whose answer is full is asked in halves.

    Args:
        first: Begin of the period.
        end: Its end, perhaps one to come: then what it has so far is halved.
        now: The time. There is nothing after it.
        step: What periods are counted in; one that is no longer is given full or not.
        ask: Gives the answer of a period.
        full: Whether an answer may leave something out, since it is as long as answers get.

    >>> list(halved(1, 33, 20, 1, lambda *days: days, lambda days: days[1] - days[0] > 8))
    [(1, 9), (9, 17), (17, 19), (19, 20), (20, 33)]
    """
    answer = ask(first, end)
    middle = _half(first, end, step)
    while middle > now and middle - first > step:
        middle = _half(first, middle, step)
    if middle > now or end - first <= step or not full(answer):
        yield answer
        return
    yield from halved(first, middle, now, step, ask, full)
    yield from halved(middle, end, now, step, ask, full)


def _half(first: T, end: T, step: timedelta) -> T:
    return first + max(1, (end - first) // (2 * step)) * step
