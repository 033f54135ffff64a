"""Daily bars: Yahoo-style CSV or Parquet, columns in any order and case."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import polars as pl

from stocktrend.config import BarsFile
from stocktrend.sessions import sessions
from stocktrend.sources.batch import Batch, make_batch
from stocktrend.sources.fields import (
    Synonyms,
    day,
    first_reason,
    match_columns,
    not_a_number,
    number,
    schema_frame,
    symbol,
)
from stocktrend.sources.files import Rows, read_rows, stem

COLUMNS: Final[Synonyms] = {
    "ticker": ("ticker", "symbol", "tic"),
    "session": ("date", "session", "day", "datetime", "timestamp"),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close",),
    "adj_close": ("adjclose", "adjustedclose", "closeadj"),
    "volume": ("volume", "vol"),
}
PRICES: Final = ("open", "high", "low", "close", "adj_close")
REQUIRED: Final = ("session", "open", "high", "low", "close", "volume")
MOST_NAMES: Final = 8
LARGEST_RISE, LARGEST_FALL = 2.0, -0.75
"""One-day moves beyond these restart a ticker's history in the features."""


def read_bars(path: Path, setting: BarsFile, name: str, shown: str, exchange: str) -> Batch:
    """Read one file of daily bars.

    A bar is known at its session's close. The ticker comes from a column, or from the file's
    name. Without an adjusted close the close stands in, and a note says so.

    Args:
        path: The file.
        setting: Its source's settings.
        name: Name of the source, stored with each record.
        shown: The path as reports show it.
        exchange: Whose sessions are valid days.

    Raises:
        SourceError: the file is unreadable or lacks a column.
    """
    rows = read_rows(path)
    columns = match_columns(path, rows.frame.columns, COLUMNS, setting.columns, REQUIRED)
    ticker = symbol(columns["ticker"]) if "ticker" in columns else pl.lit(ticker_of(path))
    return bars_of(rows, columns, ticker, name, shown, exchange)


def bars_of(
    rows: Rows,
    columns: Mapping[str, str],
    ticker: pl.Expr,
    name: str,
    shown: str,
    exchange: str,
    reasons: Iterable[pl.Expr] = (),
) -> Batch:
    """Daily bars of rows whose columns are known, see :func:`read_bars`.

    Args:
        rows: What was read.
        columns: Our names, all of ``REQUIRED`` among them -> those of ``rows``.
        ticker: Of each row.
        name: Name of the source, stored with each record.
        shown: Where they are from, as reports show it.
        exchange: Whose sessions are valid days.
        reasons: Further ones to refuse a record, of the schema's columns; null where there is none.
    """
    raw = rows.frame
    adjusted = columns.get("adj_close", columns["close"])
    numbers = {**{c: columns[c] for c in REQUIRED[1:]}, "adj_close": adjusted}
    typed = raw.select(
        "row",
        ticker.alias("ticker"),
        day(raw, columns["session"]).alias("session"),
        *(number(raw, column).alias(ours) for ours, column in numbers.items()),
        *(
            not_a_number(raw, column).alias(f"_{ours}")
            for ours, column in numbers.items()
            if not raw.schema[column].is_numeric()
        ),
    )
    table = sessions(exchange).select("session", pl.col("close").alias("known_at"))
    known = typed.join(table, on="session", how="left", maintain_order="left")
    failed = [pl.col(column) for column in known.columns if column.startswith("_")]
    found = known.with_columns(
        first_reason(
            pl.when(pl.col("session").is_null()).then(pl.lit("the date is not YYYY-MM-DD")),
            *failed,
            pl.when(pl.all_horizontal(pl.col(*PRICES).is_null())).then(
                pl.lit("the prices are null")
            ),
            pl.when(pl.col("known_at").is_null()).then(
                pl.lit(f"no session of {exchange} on this day")
            ),
            *reasons,
        ),
        pl.col("known_at").alias("event_time"),
        pl.lit(name).alias("source"),
    )
    lacking = 0 if "adj_close" in columns else found.height
    notes = {"bars without an adjusted close, the close stands in": lacking}
    batch = make_batch(
        "bars", name, shown, raw, schema_frame("bars", found), broken=rows.broken, notes=notes
    )
    return batch.with_notes(_notes(batch.records))


def ticker_of(path: Path) -> str:
    """The ticker that a file's name stands for.

    >>> ticker_of(Path("prices/brk-b.csv.gz"))
    'BRK-B'
    """
    return re.sub(r"\s+", "", stem(path)).upper()


def _notes(bars: pl.DataFrame) -> dict[str, int]:
    """Oddities that are kept, since they are true or since the features deal with them."""
    ordered = bars.select("ticker", "session", "adj_close").sort("ticker", "session")
    move = pl.col("adj_close") / pl.col("adj_close").shift(1) - 1
    same = pl.col("ticker") == pl.col("ticker").shift(1)
    jumps = ordered.filter(same & ((move > LARGEST_RISE) | (move < LARGEST_FALL)))
    often = jumps["ticker"].value_counts().sort(["count", "ticker"], descending=[True, False])
    more = f" and {often.height - MOST_NAMES} more" if often.height > MOST_NAMES else ""
    names = ", ".join(often["ticker"].head(MOST_NAMES).to_list()) + more
    outside = pl.max_horizontal("open", "close") > pl.col("high")
    below = pl.min_horizontal("open", "close") < pl.col("low")
    return {
        "bars without volume, kept": bars.filter(pl.col("volume") == 0).height,
        f"one-day moves beyond +200% or -75%, where history restarts ({names})": jumps.height,
        "opens or closes outside of low to high, kept": bars.filter(outside | below).height,
    }
