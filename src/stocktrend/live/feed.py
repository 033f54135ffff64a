"""News of any RSS or Atom feed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import polars as pl

from stocktrend.live.answers import ask, from_the_future
from stocktrend.live.http import Answer, Http
from stocktrend.live.source import Window
from stocktrend.live.syndication import items_of, times_of
from stocktrend.service_settings import NewsFeed
from stocktrend.sources.batch import Batch
from stocktrend.sources.news import news_batch


@dataclass(frozen=True)
class Feed:
    """A feed, asked for as a whole: it has the items of the last days, and no way to ask for more.

    ``exchange`` is whose sessions date an item that has a date and no time of day.
    """

    setting: NewsFeed
    exchange: str
    table = "news"
    overlap = 0
    terms = "Those of the feed's publisher; most allow personal use of headlines and no copies."

    @property
    def name(self) -> str:
        return self.setting.name or self.setting.kind

    def parts(self, tickers: Sequence[str]) -> tuple[str, ...]:
        """The one ticker of the feed, whatever the others are."""
        return (self.setting.ticker.upper(),)

    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        """All items of the feed as it stands; see :func:`read_feed`.

        Raises:
            SourceError: no answer, or no feed.
        """

        def read(answer: Answer) -> Batch:
            return read_feed(answer, self.name, part, window.now, self.exchange)

        yield ask(http, read, "")


def source(setting: NewsFeed, exchange: str) -> Feed:
    """The source that the settings describe."""
    return Feed(setting, exchange)


def read_feed(answer: Answer, name: str, ticker: str, now: datetime, exchange: str) -> Batch:
    """Read the items of a feed of RSS (0.9 to 2.0) or Atom.

    The text of an item is its headline, as the scorer of headlines wants it; its summary stands in
    where there is none. Known when it was published, else when it was updated, a bare date at the
    next session's open. Its id is the feed's own, with the source before one that is unique
    within the feed only, else its link, else one made of ticker, time and headline.

    Args:
        answer: The feed.
        name: Of the source.
        ticker: That its items are about, ``*`` for the market.
        now: When it was asked (UTC); items of the future go to quarantine.
        exchange: Whose sessions date what has no time of day.

    Raises:
        SourceError: see :func:`~stocktrend.live.syndication.items_of`.
    """
    rows = items_of(answer, name)
    raw = rows.frame
    of_the_feed = ~pl.col("id").str.contains(":", literal=True)
    items = raw.select(
        "row",
        pl.lit(ticker).alias("ticker"),
        pl.col("title").alias("text"),
        pl.when(of_the_feed)
        .then(pl.format("{}:{}", pl.lit(name), "id"))
        .otherwise(pl.coalesce("id", "link"))
        .alias("id"),
        pl.lit(name).alias("source"),
        "lang",
        pl.lit(False).alias("is_repost"),
        pl.col("published").fill_null("missing").alias("written"),
    )
    items = pl.concat([items, times_of(raw)], how="horizontal")
    batch = news_batch(
        items, rows, name, f"{name}:{ticker}", exchange, partial(from_the_future, now)
    )
    assumed = items.filter(pl.col("assumed")).height
    return batch.with_notes({"times without a known zone, read as the latest possible": assumed})
