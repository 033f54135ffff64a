"""Rules on news: language, repetitions, copies of one item."""

from typing import Final

import polars as pl

from stocktrend.quality.findings import FOUND, Given, nothing, rule

ENGLISH: Final = "en"
MUCH: Final = 0.05
"""Share of a source from which on it is worth a line."""


@rule(
    table="news",
    severity="note",
    remedy="Other languages are kept and left out of the features; nothing has to be done.",
)
def other_languages(news: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Items that are not in English."""
    other = (pl.col("lang") != ENGLISH).fill_null(value=False)
    return _share(news, other, "are not in English")


@rule(
    table="news",
    severity="note",
    remedy="One exact text of a ticker counts once in a window; nothing has to be done.",
)
def repeated_texts(news: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Items whose exact text another item of the same ticker had before."""
    again = ~pl.struct("ticker", "text").is_first_distinct()
    return _share(news, again, "repeat the exact text of an item of their ticker")


@rule(
    table="news",
    severity="note",
    remedy="Reposts are left out of the features; nothing has to be done.",
)
def reposts(news: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Items that the source marks as reposts."""
    return _share(news, pl.col("is_repost"), "are reposts")


def _share(news: pl.DataFrame, which: pl.Expr, words: str) -> pl.DataFrame:
    """One finding a source: how many of its items, and which share."""
    if news.is_empty():
        return nothing()
    marked = news.with_columns(which.alias("_which"))
    mine = pl.col("_which")
    return (
        marked.group_by(pl.col("source").alias("subject"))
        .agg(
            pl.col("event_time").filter(mine).min().dt.date().alias("first"),
            pl.col("event_time").filter(mine).max().dt.date().alias("last"),
            mine.sum().cast(pl.Int64).alias("rows"),
            pl.format("{}% " + words, (100 * mine.mean()).round(1)).alias("detail"),
            mine.mean().alias("_share"),
        )
        .filter(pl.col("_share") >= MUCH)
        .sort("subject")
        .select(list(FOUND))
    )


@rule(
    table="news",
    severity="warning",
    remedy="Set the source's `timezone`, or mend the times: an item from the future is never used.",
)
def from_the_future(news: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Items dated after the time of the check."""
    late = news.filter(pl.col("event_time") > given.now)
    return (
        late.group_by(pl.col("source").alias("subject"))
        .agg(
            pl.col("event_time").min().dt.date().alias("first"),
            pl.col("event_time").max().dt.date().alias("last"),
            pl.len().cast(pl.Int64).alias("rows"),
            pl.lit("dated after the check").alias("detail"),
        )
        .select(list(FOUND))
    )
