"""Where two panels differ in rows that should be the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

KEY: Final = ("ticker", "as_of")
ROWS: Final = "rows"
"""Stands for a feature's name where a row itself comes or goes."""


@dataclass(frozen=True)
class Difference:
    """One column that differs.

    Attributes:
        name: The column, or ``ROWS``.
        rows: In how many rows.
        ticker, as_of: Of the newest of them.
        before, after: The values there.
        parts: What differs of what is not a column, such as the columns of a scaler.
    """

    name: str
    rows: int
    ticker: str
    as_of: datetime
    before: str
    after: str
    parts: tuple[str, ...] = ()


def differences(
    before: pl.DataFrame, after: pl.DataFrame, names: Sequence[str], *, rounding: float = 0.0
) -> list[Difference]:
    """Columns in which rows of one key differ in a bit, and rows that only one frame has.

    Args:
        before, after: With ``ticker``, ``as_of`` and ``names``, in any order; keys come once.
        names: Columns to compare. Null equals null, NaN equals NaN.
        rounding: Allow so much times ``max(abs(a), abs(b), 1)`` between numbers; 0: not a bit.

    Example:
        >>> row = {"ticker": ["A"], "as_of": [datetime(2020, 1, 3)]}
        >>> [found] = differences(
        ...     pl.DataFrame({**row, "x": [1.0]}), pl.DataFrame({**row, "x": [None]}), ["x"])
        >>> found.before, found.after
        ('1.0', 'null')
    """
    found = _one_sided(before, after, "a row", "no row")
    found += _one_sided(after, before, "no row", "a row")
    first = before.join(after, on=KEY, how="semi").sort("as_of", "ticker")
    second = after.join(before, on=KEY, how="semi").sort("as_of", "ticker")
    for name in names:
        if name not in first.columns or name not in second.columns:
            continue
        differs = ~_same(first[name], second[name], rounding)
        if differs.any():
            last = int(np.flatnonzero(differs)[-1])
            found.append(
                Difference(
                    name,
                    int(differs.sum()),
                    first["ticker"][last],
                    first["as_of"][last],
                    _written(first[name][last]),
                    _written(second[name][last]),
                )
            )
    return found


def _one_sided(
    those: pl.DataFrame, others: pl.DataFrame, before: str, after: str
) -> list[Difference]:
    alone = those.join(others, on=KEY, how="anti").sort("as_of", "ticker")
    if alone.is_empty():
        return []
    ticker, as_of = alone.select(KEY).row(-1)
    return [Difference(ROWS, alone.height, ticker, as_of, before, after)]


def _same(first: pl.Series, second: pl.Series, rounding: float) -> NDArray[np.bool_]:
    if not first.dtype.is_float() or not second.dtype.is_float():
        equal: NDArray[np.bool_] = first.eq_missing(second).to_numpy()
        return equal
    missing = first.is_null().to_numpy(), second.is_null().to_numpy()
    a, b = first.cast(pl.Float64).to_numpy(), second.cast(pl.Float64).to_numpy()
    both_nan = np.isnan(a) & np.isnan(b)
    if rounding:
        size = np.fmax(np.fmax(np.abs(a), np.abs(b)), 1.0)
        same = (a == b) | (np.abs(a - b) <= rounding * size) | both_nan
    else:
        same = (a.view(np.int64) == b.view(np.int64)) | both_nan
    return np.asarray(same & (missing[0] == missing[1]))


def _written(value: object) -> str:
    return "null" if value is None else str(value)
