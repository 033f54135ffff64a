"""Rules on what two tables say of the same tickers."""

from typing import Final

import polars as pl

from stocktrend.quality.findings import FOUND, Given, nothing, rule
from stocktrend.schema import MARKET

MOST_NAMES: Final = 8


@rule(
    table="universe",
    severity="warning",
    remedy="Get the prices of those that are missing, delisted ones above all: without them the "
    "universe holds survivors.",
)
def members_without_bars(universe: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Tickers that were in the universe at some time and have no bar at all."""
    members = universe.filter("member").join(given.priced, on="ticker", how="anti")
    return _named(members, "members of the universe", pl.col("day"))


@rule(
    table="news",
    severity="note",
    remedy="News of these tickers is not used: give their prices, or leave it.",
)
def news_without_bars(news: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Tickers with news and no bar at all."""
    heard = news.filter(pl.col("ticker") != MARKET).join(given.priced, on="ticker", how="anti")
    return _named(heard, "tickers with news", pl.col("event_time").dt.date())


@rule(
    table="news",
    severity="note",
    remedy="Their news counts 0: see whether the source covers them.",
)
def bars_without_news(news: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Tickers with bars and no item of news, where there is news of others."""
    heard = news.filter(pl.col("ticker") != MARKET)
    if heard.is_empty():
        return nothing()
    silent = given.priced.join(heard, on="ticker", how="anti")
    return _named(silent, "tickers with bars", pl.col("first"))


def _named(rows: pl.DataFrame, what: str, day: pl.Expr) -> pl.DataFrame:
    """One finding for all tickers of the rows; ``rows`` counts the tickers."""
    if rows.is_empty():
        return nothing()
    names = rows["ticker"].unique().sort()
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    detail = f"{len(names):,} {what}: {', '.join(names.head(MOST_NAMES))}{more}"
    first, last = rows.select(day.min().alias("first"), day.max().alias("last")).row(0)
    return pl.DataFrame([(what, first, last, len(names), detail)], schema=FOUND, orient="row")
