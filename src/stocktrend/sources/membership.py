"""Who was in the universe: one spell of one ticker a row."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from stocktrend.config import MembershipFile
from stocktrend.schema import UTC_TIME
from stocktrend.sessions import end_of_day, start_of_day
from stocktrend.sources.batch import Batch, make_batch
from stocktrend.sources.fields import (
    Synonyms,
    day,
    first_reason,
    match_columns,
    schema_frame,
    symbol,
    text,
)
from stocktrend.sources.files import read_rows

COLUMNS: Final[Synonyms] = {
    "ticker": ("ticker", "symbol", "tic"),
    "start_date": ("startdate", "start", "dateadded", "added"),
    "end_date": ("enddate", "end", "dateremoved", "removed"),
    "start_announced": ("startannounced",),
    "end_announced": ("endannounced",),
}
REQUIRED: Final = ("ticker", "start_date", "end_date")
END_IS_MISSING: Final = (
    ", or add the column; end_date is the first day out, empty for those that are in still"
)
DAYS: Final = tuple(COLUMNS)[1:]

Spell = tuple[str, date, date | None, int]
"""Ticker, first day in, first day out (None: in still), row."""


def read_membership(path: Path, setting: MembershipFile, name: str, shown: str) -> Batch:
    """Read the spells as changes: a ticker joins on ``start_date`` and leaves on ``end_date``.

    ``end_date`` is the first day out, empty for those that are in still. A change is known at the
    start of its day in New York, or at 23:59 of the day of its announcement where that is later:
    nobody knows an end before it comes, and who knew it earlier could do nothing with it.

    Args:
        path: The file.
        setting: Its source's settings.
        name: Name of the source, stored with each record.
        shown: The path as reports show it.

    Returns:
        The batch; of spells of one ticker that overlap the one that starts first is kept. ``read``
        counts changes: two of a spell that has ended.

    Raises:
        SourceError: the file is unreadable or lacks a column.
    """
    rows = read_rows(path)
    raw = rows.frame
    columns = match_columns(path, raw.columns, COLUMNS, setting.columns, REQUIRED, END_IS_MISSING)
    spells = _spells(raw, columns)
    good = spells.filter(pl.col("reason").is_null())
    clashes = overlaps(
        good.select("ticker", "start_date", "end_date", "row").drop_nulls("ticker").iter_rows()
    )
    clash = pl.DataFrame(list(clashes.items()), {"row": pl.Int64, "_with": pl.Int64}, orient="row")
    spells = spells.join(clash, on="row", how="left", maintain_order="left").with_columns(
        pl.coalesce("reason", pl.format("the spell overlaps that of row {}", "_with"))
    )
    changes = _changes(spells)
    found = changes.with_columns(
        start_of_day(pl.col("day")).cast(UTC_TIME).alias("event_time"),
        pl.max_horizontal(start_of_day(pl.col("day")), end_of_day(pl.col("announced")))
        .cast(UTC_TIME)
        .alias("known_at"),
        pl.lit(name).alias("source"),
    )
    batch = make_batch(
        "universe", name, shown, raw, schema_frame("universe", found), broken=rows.broken
    )
    ended = spells.filter(pl.col("reason").is_null(), pl.col("end_date").is_not_null()).height
    left = changes.filter(~pl.col("member")).height
    return batch.with_notes({"spells that go on in the next one without a gap": ended - left})


def overlaps(spells: Iterable[Spell]) -> dict[int, int]:
    """Rows of the spells that overlap an earlier one of their ticker, and its row.

    A spell that is refused refuses no other; the same spell again is a duplicate, no overlap.

    >>> first, second = date(2010, 1, 4), date(2012, 7, 2)
    >>> overlaps([("A", first, None, 1), ("A", second, None, 2), ("B", second, None, 3)])
    {2: 1}
    """
    refused: dict[int, int] = {}
    last: Spell | None = None
    for spell in sorted(spells, key=lambda s: (s[0], s[1], s[2] or date.max, s[3])):
        ticker, start, end, row = spell
        if last is None or ticker != last[0] or (last[2] is not None and last[2] <= start):
            last = spell
        elif (start, end) != last[1:3]:
            refused[row] = last[3]
    return refused


def _spells(raw: pl.DataFrame, columns: dict[str, str]) -> pl.DataFrame:
    """One row a row of the file: ticker, the four days and the reason to refuse it."""
    given = [name for name in DAYS if name in columns]
    typed = raw.select(
        "row",
        symbol(columns["ticker"]).alias("ticker"),
        *(day(raw, columns[name]).alias(name) for name in given),
        *(pl.lit(None, dtype=pl.Date).alias(name) for name in DAYS if name not in columns),
        *(text(raw, columns[name]).is_not_null().alias(f"_{name}") for name in given),
    )
    unreadable = [
        pl.when(pl.col(name).is_null() & (pl.col(f"_{name}") | (name == "start_date"))).then(
            pl.lit(f"{name} is not YYYY-MM-DD")
        )
        for name in given
    ]
    return typed.with_columns(
        first_reason(
            *unreadable,
            pl.when(pl.col("end_date") <= pl.col("start_date")).then(
                pl.lit("end_date is not after start_date")
            ),
        )
    )


def _changes(spells: pl.DataFrame) -> pl.DataFrame:
    """A row a change, and one a refused spell: ``ticker, day, member, announced, row, reason``."""

    def change(which: str, member: bool) -> list[pl.Expr]:
        return [
            pl.col("ticker"),
            pl.col(f"{which}_date").alias("day"),
            pl.lit(member).alias("member"),
            pl.col(f"{which}_announced").alias("announced"),
            pl.col("row"),
            pl.col("reason"),
        ]

    joins = spells.select(change("start", True))
    ended = spells.filter(pl.col("reason").is_null(), pl.col("end_date").is_not_null())
    leaves = ended.select(change("end", False))
    goes_on = joins.filter(pl.col("reason").is_null()).select("ticker", "day")
    return pl.concat([joins, leaves.join(goes_on, on=["ticker", "day"], how="anti")])
