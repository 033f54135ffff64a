"""The stored order, by key and ``known_at``, and what follows from it."""

from collections.abc import Sequence

import polars as pl

from stocktrend.schema import KEYS


def newest(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The last version of each key, of rows sorted by key and ``known_at``."""
    differs = [pl.col(name) != pl.col(name).shift(-1) for name in KEYS[table]]
    return rows.filter(pl.any_horizontal(differs).fill_null(True))


def in_order(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows sorted by key and ``known_at``; checking is cheaper than sorting what is sorted."""
    order = [*KEYS[table], "known_at"]
    tied: pl.Expr = pl.lit(True)
    sorted_so_far: pl.Expr = pl.lit(True)
    for name in order:
        before = pl.col(name).shift(1)
        sorted_so_far = sorted_so_far & ~(tied & (pl.col(name) < before))
        tied = tied & (pl.col(name) == before)
    if rows.select(sorted_so_far.fill_null(True).all()).item():
        return rows
    return rows.sort(order, maintain_order=True)


def narrow(table: str, columns: Sequence[str]) -> list[str]:
    """The columns, after those that the stored order needs.

    >>> narrow("macro", ["value"])
    ['series', 'period', 'known_at', 'value']
    """
    return list(dict.fromkeys([*KEYS[table], "known_at", *columns]))
