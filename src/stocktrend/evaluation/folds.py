"""Walk-forward: train on what came before a period, test on it, go on to the next one.

Test periods follow each other without gap or overlap, so each date after the first is tested once,
by a model that was trained on earlier dates alone. Labels reach further than their rows: they are
purged where they are known only after their part (López de Prado 2018, chapter 7), by the same code
as in ``time_split``, and an embargo may leave days free between parts on top of that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from stocktrend.config import WalkForward
from stocktrend.dataset.frames import require_columns
from stocktrend.dataset.splits import purge
from stocktrend.errors import DataError

FIRST_TRAINING = "3y"
"""Comes before the first test period, where its day is not set and a year of tests follows."""

LEAST_TESTED = 350
"""Days of tests, nearly a year, below which a panel is too short for that."""


@dataclass(frozen=True)
class Dates:
    """The first and the last date of a part."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


@dataclass(frozen=True)
class Fold:
    """One step of the walk: three parts, oldest first, over all tickers together."""

    number: int
    train: Dates
    validation: Dates
    test: Dates


def walk_forward_folds(dates: pl.Series, settings: WalkForward) -> tuple[Fold, ...]:
    """The folds of a panel, numbered from 1.

    Args:
        dates: ``as_of`` of the panel, Date or Datetime, in any order, repeated or not.
        settings: Window, period, first test date, share of validation, embargo.

    Returns:
        One fold a test period that has dates.

    Raises:
        DataError: a test period would have no dates of training or validation before it, or no
            date is left to test.

    Example:
        >>> weeks = pl.date_range(pl.date(2010, 1, 1), pl.date(2014, 12, 31), "1w", eager=True)
        >>> first, second = walk_forward_folds(weeks, WalkForward())
        >>> print(first.train, first.validation, first.test, sep="; ")
        2010-01-01 to 2012-07-13; 2012-07-20 to 2012-12-28; 2013-01-04 to 2013-12-27
        >>> print(second.test)
        2014-01-03 to 2014-12-26
    """
    days = dates.cast(pl.Date).unique().sort()
    if days.is_empty():
        raise DataError("a walk-forward must have dates, however the panel has no rows. Build one")
    start = settings.first_test or _first_test(days)
    folds: list[Fold] = []
    for begin, end in _periods(start, settings.every, days):
        test = days.filter((days >= begin) & (days < end))
        if len(test):
            folds.append(_fold(len(folds) + 1, days, test, settings))
    if not folds:
        raise DataError(
            f"a walk-forward must have dates to test, however its tests begin on {start} and the "
            f"last of {len(days)} dates is {days[-1]}. Set walk_forward.first_test earlier"
        )
    return tuple(folds)


def fold_panel(panel: pl.DataFrame, fold: Fold, horizons: Sequence[int]) -> pl.DataFrame:
    """The rows of a fold's parts, with ``split`` and with the labels masked that reach too far.

    Args:
        panel: One row a (ticker, as_of), with ``target_{h}d`` and ``label_known_at_{h}d``.
        fold: From ``walk_forward_folds`` of the same dates.
        horizons: Days; each is masked for itself.

    Returns:
        Rows up to the last test date, in the panel's order, without those of an embargo. Labels of
        test rows stay as they are.

    Raises:
        DataError: columns are missing.
    """
    labels = [f"{name}_{h}d" for h in horizons for name in ("target", "label_known_at")]
    require_columns(panel, ["ticker", "as_of", *labels], "fold_panel")
    day = pl.col("as_of").cast(pl.Date)
    part = (
        pl.when(day.is_between(fold.train.first, fold.train.last))
        .then(pl.lit("train"))
        .when(day.is_between(fold.validation.first, fold.validation.last))
        .then(pl.lit("validation"))
        .when(day.is_between(fold.test.first, fold.test.last))
        .then(pl.lit("test"))
    )
    rows = panel.with_columns(part.alias("split")).filter(pl.col("split").is_not_null())
    return purge(rows, horizons)


def _first_test(days: pl.Series) -> date:
    """The first 1 January after three years of dates, or the middle of a panel too short."""
    after = _after(days[0], FIRST_TRAINING)
    january = date(after.year + ((after.month, after.day) > (1, 1)), 1, 1)
    if (days[-1] - january).days >= LEAST_TESTED:
        return january
    middle: date = days[len(days) // 2]
    return middle


def _periods(start: date, every: str, days: pl.Series) -> Iterator[tuple[date, date]]:
    """Test periods from ``start`` on, as long as there are dates; none drifts at ends of months."""
    number = every.rstrip("dwmoy")
    begin, count = start, 0
    while begin <= days[-1]:
        count += 1
        end = _after(start, f"{count * int(number)}{every.removeprefix(number)}")
        yield begin, end
        begin = end


def _fold(number: int, days: pl.Series, test: pl.Series, settings: WalkForward) -> Fold:
    embargo = timedelta(days=settings.embargo)
    known = days.filter(days < test[0] - embargo)
    if settings.window != "expanding":
        known = known.filter(known >= _after(test[0], f"-{settings.window}"))
    held = max(1, round(settings.validation * len(known)))
    validation = known.tail(held)
    train = known.filter(known < validation[0] - embargo) if len(validation) else known
    if not len(train):
        raise DataError(
            "every test period needs dates of training and validation before it, however the one "
            f"from {test[0]} has {len(known)} within the window and {len(train)} for training. Set "
            "walk_forward.first_test later, a longer window or a shorter embargo"
        )
    return Fold(number, _span(train), _span(validation), _span(test))


def _span(days: pl.Series) -> Dates:
    return Dates(days[0], days[-1])


def _after(day: date, length: str) -> date:
    moved: date = pl.Series([day]).dt.offset_by(length)[0]
    return moved
