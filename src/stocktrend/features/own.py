"""Features of a user's own: a function with a name, inputs and a window.

A function is told the rows and every version of the records that it asks for, so it decides itself
what a row may see: what has ``known_at <= as_of``. That it did can be shown by changing the others.
"""

import re
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import polars as pl

from stocktrend.catalog import CONTEXT_FEATURES, FEATURES, STOCK_FEATURES, Inputs
from stocktrend.errors import ConfigError, DataError
from stocktrend.schema import TABLES

Tower = Literal["stock", "context"]
Compute: TypeAlias = Callable[..., pl.Series]
ROW_COLUMNS: Final = ("ticker", "as_of", "previous_as_of", "session")

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_OF_A_HORIZON = re.compile(
    r"(target|label_known_at|raw|score|pos_prob|neg_prob|low|high|call|spread)_\d+d|return_\d+d(_next_(open|close))?"
)
_TAKEN = frozenset({*FEATURES, *ROW_COLUMNS, "timestamp", "close", "adj_close", "split", "n_bars"})


@dataclass(frozen=True)
class Feature:
    """A user's own feature; ``feature`` makes one of a function.

    Attributes:
        name: Of its column: small letters, digits and underscores, and no name of the panel's.
        inputs: Record tables that ``compute`` reads: ``bars``, ``news`` and others of
            ``schema.TABLES``.
        window: How far back from ``as_of`` it looks: records known earlier change nothing.
        compute: Called as ``compute(rows, bars=..., news=...)``, with every version of the records
            in the lake, and returns one value a row, in the rows' order; null where undefined.
            ``rows`` are ``ticker, as_of, previous_as_of, session``, sorted by ticker and as_of.
            Which rows are asked for must not change any row's value.
        tower: Which tower of the model reads it.

    Raises:
        ConfigError: with every problem of name, inputs, window and tower.
    """

    name: str
    inputs: tuple[str, ...]
    window: timedelta
    compute: Compute
    tower: Tower = "stock"

    def __post_init__(self) -> None:
        problems = [f"feature {self.name!r}: {problem}" for problem in self._problems()]
        if problems:
            raise ConfigError(problems)

    def _problems(self) -> list[str]:
        problems = []
        if not _NAME.fullmatch(self.name):
            problems.append(
                "its name must be small letters, digits and underscores, a letter first, "
                f"however: {self.name!r}. Name it for example gap_5"
            )
        if self.name in _TAKEN or _OF_A_HORIZON.fullmatch(self.name):
            problems.append(
                f"its name must be new, however the panel has a column {self.name!r}. "
                "Give it another one"
            )
        known = isinstance(self.inputs, tuple) and TABLES.keys() >= set(self.inputs)
        if not known or len(set(self.inputs)) < len(self.inputs):
            problems.append(
                f"its inputs must be a tuple of distinct tables of {', '.join(TABLES)}, "
                f'however: {self.inputs!r}. Write for example ("bars",)'
            )
        if not isinstance(self.window, timedelta) or self.window < timedelta(0):
            problems.append(
                "its window must be a timedelta that is not negative, "
                f"however: {self.window!r}. Write for example timedelta(days=30)"
            )
        if self.tower not in get_args(Tower):
            problems.append(
                f"its tower must be 'stock' or 'context', however: {self.tower!r}. Choose one"
            )
        return problems


def feature(
    *, inputs: tuple[str, ...], window: timedelta, tower: Tower = "stock", name: str | None = None
) -> Callable[[Compute], Feature]:
    """Make a function a feature, of the function's name unless another is given.

    Args, Raises: as ``Feature``.

    >>> @feature(inputs=(), window=timedelta(0))
    ... def last_month_of_a_quarter(rows):
    ...     return (rows["session"].dt.month() % 3 == 0).cast(pl.Float64)
    >>> last_month_of_a_quarter.name
    'last_month_of_a_quarter'
    """

    def made(compute: Compute) -> Feature:
        return Feature(name or compute.__name__, inputs, window, compute, tower)

    return made


def require_distinct(features: Sequence[Feature]) -> None:
    """Raise a ConfigError for every name that more than one feature has."""
    repeated = [name for name, times in Counter(f.name for f in features).items() if times > 1]
    if repeated:
        raise ConfigError(
            [
                f"a feature's name must be its own, however several are named {name!r}. "
                "Rename all but one"
                for name in repeated
            ]
        )


def model_inputs(features: Sequence[Feature]) -> Inputs:
    """What the towers read with these features: each behind ours of its tower, in their order.

    Raises:
        ConfigError: two have one name.
    """
    require_distinct(features)
    context, stock = (
        tuple(own.name for own in features if own.tower == tower) for tower in ("context", "stock")
    )
    return Inputs(CONTEXT_FEATURES + context, STOCK_FEATURES + stock)


def own_features(
    features: Sequence[Feature], rows: pl.DataFrame, history: Callable[[str], pl.DataFrame]
) -> pl.DataFrame:
    """The columns of own features.

    Args:
        features: What to compute.
        rows: At least ``ROW_COLUMNS``, one row a (ticker, as_of).
        history: Every version of a table's records, by the table's name.

    Returns:
        ``ticker``, ``as_of`` and a column each (Float64; NaN as null), sorted by both.

    Raises:
        ConfigError: two have one name.
        DataError: a function raised an error, or returned anything but a number a row.
    """
    require_distinct(features)
    rows = rows.select(ROW_COLUMNS).sort("ticker", "as_of")
    records = {
        table: history(table) for table in dict.fromkeys(t for f in features for t in f.inputs)
    }
    values = [_values(f, rows, {t: records[t] for t in f.inputs}) for f in features]
    return rows.select("ticker", "as_of").with_columns(values)


def _values(own: Feature, rows: pl.DataFrame, records: dict[str, pl.DataFrame]) -> pl.Series:
    """A feature's column. It computes on copies, so that no function can change another's data."""
    try:
        found = own.compute(rows.clone(), **{t: frame.clone() for t, frame in records.items()})
    except Exception as error:
        raise DataError(
            f"feature {own.name!r} must return a value a row, however its function raised "
            f"{type(error).__name__} ({_place(own, error)}): {error}. Mend the function"
        ) from error
    problem = _problem(found, rows)
    if problem:
        raise DataError(f"feature {own.name!r} ({_place(own)}) must return {problem}")
    return found.cast(pl.Float64).fill_nan(None).alias(own.name)


def _problem(found: object, rows: pl.DataFrame) -> str | None:
    """What is wrong with a result: the rule, what it is, and the remedy."""
    if not isinstance(found, pl.Series):
        return (
            f"a polars Series, however: {type(found).__name__}. "
            "Select one column of the frame, as in frame['value']"
        )
    if len(found) != len(rows):
        return (
            f"one value a row, however: {len(found)} values for {len(rows)} rows. Join to the rows "
            "from the left, so that none is lost or doubled"
        )
    if not found.dtype.is_numeric() and found.dtype != pl.Null:
        return f"numbers, however: {found.dtype}. Cast them, as in .cast(pl.Float64)"
    infinite = found.cast(pl.Float64).is_infinite().fill_null(value=False)
    if infinite.any():
        first = rows.filter(infinite).row(0, named=True)
        return (
            f"finite numbers or null, however: {infinite.sum()} are infinite, the first of "
            f"{first['ticker']} on {first['session']}. Return null where a denominator is 0"
        )
    return None


def _place(own: Feature, error: Exception | None = None) -> str:
    """File and line of a function, or of where in its file an error arose."""
    code = getattr(own.compute, "__code__", None)
    if code is None:
        return repr(own.compute)
    steps = traceback.extract_tb(None if error is None else error.__traceback__)
    lines = [step.lineno for step in steps if step.filename == code.co_filename]
    return f"{Path(code.co_filename).name}, line {lines[-1] if lines else code.co_firstlineno}"
