"""Periods to ask for: aligned to the calendar, and halved where an answer is full."""

from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import TypeVar

A = TypeVar("A")
DAY = timedelta(days=1)


def months(since: date, until: date) -> Iterator[tuple[date, date]]:
    """The calendar months from one day to another, whole ones but for the first.

    The last one is whole too, so that the same question is asked until it ends, and an answer
    that has not changed need not be sent again.

    >>> [f"{a} {b}" for a, b in months(date(2025, 1, 15), date(2025, 2, 3))]
    ['2025-01-15 2025-01-31', '2025-02-01 2025-02-28']
    """
    return _periods(since, until, lambda day: day.replace(day=monthrange(day.year, day.month)[1]))


def years(since: date, until: date) -> Iterator[tuple[date, date]]:
    """The calendar years from one day to another, as :func:`months`."""
    return _periods(since, until, lambda day: day.replace(month=12, day=31))


def _periods(
    since: date, until: date, end: Callable[[date], date]
) -> Iterator[tuple[date, date]]:
    first = since
    while first <= until:
        yield first, end(first)
        first = end(first) + DAY


def halved(
    first: date, last: date, ask: Callable[[date, date], A], full: Callable[[A], bool]
) -> Iterator[A]:
    """Answers that are not full, in the order of their days: a full one is asked for in halves.

    Args:
        first: First day of the period.
        last: Last one, included.
        ask: Gives the answer of a period.
        full: Whether an answer may leave something out, since it is as long as answers get.

    Yields:
        Answers; one of a single day as it is, full or not.
    """
    answer = ask(first, last)
    if first == last or not full(answer):
        yield answer
        return
    middle = first + (last - first) // 2
    yield from halved(first, middle, ask, full)
    yield from halved(middle + DAY, last, ask, full)
