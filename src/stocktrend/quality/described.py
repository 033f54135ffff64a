"""The records of each table as rules see them."""

from collections.abc import Iterator
from typing import Final

import polars as pl

from stocktrend.lake import Records
from stocktrend.lake.order import newest
from stocktrend.schema import KEYS

LEAST_PEERS: Final = 5
"""Tickers that a day must have for their median to say what the market did."""

BLOCK: Final = 500_000

BAR_COLUMNS: Final = ("open", "high", "low", "close", "adj_close", "volume")
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "bars": ("source", *BAR_COLUMNS),
    "news": ("event_time", "source", "text", "lang", "is_repost"),
    "policy": ("event_time", "source", "kind", "title", "text"),
    "macro": ("source", "value", "revised"),
    "universe": ("source", "member"),
}
"""What is read of each table beside its key and ``known_at``."""


def described(
    records: Records, table: str, sessions: pl.DataFrame, restarts: pl.DataFrame
) -> pl.DataFrame:
    """The newest version of each record and what rules ask of it.

    Args:
        records: A lake, or tables in memory.
        table: bars, news, policy, macro, universe or quarantine.
        sessions: Of the exchange.
        restarts: ``ticker, session`` of quarantined bars at which history restarts: no move reaches
            across.

    Returns:
        The key, ``known_at`` and ``COLUMNS`` of the table, sorted by key, and ``versions``: how
        many there are. Of bars also ``number`` (of the session; null where there is none),
        ``since`` (sessions since the ticker's bar before), ``move`` (log return of the adjusted
        close) and ``excess`` (the move minus the median of the session's moves over one session).
        Of quarantine ``schema.QUARANTINE``.
    """
    if table == "quarantine":
        return records.quarantine()
    rows = records.history(table, None, COLUMNS[table])
    rows = newest(table, _counted(table, rows))
    return _against_peers(rows, sessions, restarts) if table == "bars" else rows


def _counted(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """With ``versions``: the number of this one among those of its key, the newest being last."""
    key = list(KEYS[table])
    differs = pl.any_horizontal(pl.col(name) != pl.col(name).shift(1) for name in key)
    nth = pl.int_range(pl.len(), dtype=pl.Int32)
    first = pl.when(differs.fill_null(value=True)).then(nth).forward_fill()
    return rows.with_columns((nth - first + 1).alias("versions"))


def _against_peers(
    bars: pl.DataFrame, sessions: pl.DataFrame, restarts: pl.DataFrame
) -> pl.DataFrame:
    # Joined by the day alone: a join of all columns would copy them.
    days = bars.select("session")
    numbers = days.join(sessions, on="session", how="left", maintain_order="left")["number"]
    before = {name: pl.col(name).shift(1) for name in ("ticker", "number", "adj_close")}
    same = pl.col("ticker") == before["ticker"]
    move = (pl.col("adj_close") / before["adj_close"]).log()
    known = (pl.col("adj_close") > 0) & (before["adj_close"] > 0)
    moved = bars.with_columns(numbers).with_columns(
        pl.when(same).then(pl.col("number") - before["number"]).alias("since"),
        pl.when(same & known).then(move).alias("move"),
    )
    moved = _without_restarts(moved, restarts)
    peers = (
        moved.lazy()
        .filter(pl.col("since") == 1)
        .group_by("session")
        .agg(pl.col("move").median().alias("peers"), pl.len().alias("count"))
        .filter(pl.col("count") >= LEAST_PEERS)
        .collect()
    )
    market = days.join(peers, on="session", how="left", maintain_order="left")["peers"]
    return moved.with_columns((pl.col("move") - market.fill_null(0.0)).alias("excess"))


def in_blocks(bars: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Slices of whole tickers, of some ``BLOCK`` rows: what is computed of each is soon freed."""
    ends = bars.select(pl.col("ticker").rle().struct.field("len").cum_sum()).to_series()
    if bars.is_empty():
        yield bars
    begin = 0
    while begin < bars.height:
        end = int(ends.filter(ends >= min(begin + BLOCK, bars.height))[0])
        yield bars.slice(begin, end - begin)
        begin = end


def _without_restarts(bars: pl.DataFrame, restarts: pl.DataFrame) -> pl.DataFrame:
    """Moves are null where a restart lies between a bar and the one before it."""
    if restarts.is_empty():
        return bars
    affected = bars.select("ticker", "session").with_row_index("_row")
    affected = affected.join(restarts, on="ticker", how="semi")
    marks = restarts.select("ticker", "session", pl.lit(None, pl.UInt32).alias("_row"))
    # In the order of sessions, the first bar after a restart follows a mark.
    both = pl.concat([affected.select(marks.columns), marks]).sort("ticker", "session")
    first = both.filter(
        pl.col("_row").is_not_null() & pl.col("_row").shift(1).is_null(),
        pl.col("ticker") == pl.col("ticker").shift(1),
    )["_row"]
    moves = bars["move"].scatter(first, None)
    return bars.with_columns(moves)
