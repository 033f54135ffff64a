"""A universe that is read again: what continues the one held, and what contradicts it."""

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from stocktrend.lake.order import newest
from stocktrend.lake.revisions import ORIGIN, revise

LATE = "changes of past days that were not there before, known when retrieved"
GONE = "days that the file no longer has, its later word stored as a revision"


def restate(
    stored: pl.DataFrame, incoming: pl.DataFrame, retrieved_at: datetime
) -> tuple[pl.DataFrame, Mapping[str, int]]:
    """Compare all changes of some tickers with those that are held of them.

    A file tells a ticker's whole story, so a day that it held and holds no longer is contradicted
    too: what the file now says of that day is stored as its revision. Nobody knew of either
    before the retrieval, nor of a change that is new to the lake but lies in its past: on or
    before the newest day held of the file's tickers, or in a story that is contradicted. All other
    changes continue the story, or begin one, and are known by their own rule.

    Args:
        stored: All versions of these tickers with ``origin``, sorted by key and ``known_at``.
        incoming: Changes to store, with ``origin`` and any further columns.
        retrieved_at: When they were retrieved (UTC).

    Returns:
        ``incoming`` in its order with ``status``, ``known_at`` moved where it was not known by
        its rule, then the days that are gone; and what was done, with counts.
    """
    key = ["ticker", "day"]
    held = newest("universe", stored)
    gone = _gone(held, incoming)
    marked = incoming.join(
        held.select(*key, pl.col("member").alias("_held")),
        on=key,
        how="left",
        maintain_order="left",
    )
    flipped = marked.filter(pl.col("member") != pl.col("_held"))
    contradicted = pl.concat([gone["ticker"], flipped["ticker"]]).unique().to_list()
    past = pl.col("day") <= pl.lit(held["day"].max(), dtype=pl.Date)
    late = (
        pl.col("_held").is_null()
        & pl.col("ticker").is_in(held["ticker"].unique().to_list())
        & (past | pl.col("ticker").is_in(contradicted))
        & (pl.col("known_at") < retrieved_at)
    )
    dated = marked.with_columns(
        pl.when(late).then(pl.lit(retrieved_at)).otherwise("known_at").alias("known_at")
    ).select(incoming.columns)
    judged = revise("universe", stored, pl.concat([dated, gone]), retrieved_at)
    return judged, {LATE: marked.filter(late).height, GONE: gone.height}


def _gone(held: pl.DataFrame, incoming: pl.DataFrame) -> pl.DataFrame:
    """Days that files of ``incoming`` held and lack now, where they say otherwise of them now."""
    key = ["ticker", "day"]
    said = incoming.select(*key, pl.col("member").alias("_said")).sort(key)
    return (
        held.join(incoming, on=ORIGIN, how="semi")
        .join(incoming, on=key, how="anti")
        .sort(key)
        .join_asof(said, on="day", by="ticker", check_sortedness=False)
        .filter(pl.col("member") != pl.col("_said").fill_null(False))
        .with_columns(pl.col("_said").fill_null(False).alias("member"))
        .select(incoming.columns)
    )
