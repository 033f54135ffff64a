"""Company news of Finnhub.

Interface: https://finnhub.io/docs/api/company-news. A free key sees one year back.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

import polars as pl

from stocktrend.live.answers import ask, from_the_future, json_of, plain, records_in, rows_of
from stocktrend.live.http import Answer, Http
from stocktrend.live.source import Window
from stocktrend.live.windows import DAY, halved, months
from stocktrend.schema import MARKET
from stocktrend.service_settings import Finnhub
from stocktrend.sources.batch import Batch
from stocktrend.sources.fields import text
from stocktrend.sources.news import news_batch
from stocktrend.sources.times import moments

PATH: Final = "/api/v1/company-news"
FREE: Final = timedelta(days=364)
MOST_ITEMS: Final = 250


@dataclass(frozen=True)
class CompanyNews:
    """A company's news, asked for by months, and by shorter periods where there is more."""

    setting: Finnhub
    exchange: str
    table = "news"
    overlap = 3
    terms = "A free key is for personal use; no passing on of what it gives."

    @property
    def name(self) -> str:
        return self.setting.name or self.setting.kind

    def parts(self, tickers: Sequence[str]) -> tuple[str, ...]:
        """The tickers of the settings, else those that are wanted."""
        wanted = self.setting.tickers or tickers
        return tuple(ticker.upper() for ticker in wanted if ticker != MARKET)

    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        """News by periods so short that all of it is shown, of a day at the least.

        Raises:
            SourceError: no answer, or none of news; says what Finnhub says.
        """

        def read(answer: Answer) -> Batch:
            return read_company_news(answer, self.name, part, window.now, self.exchange)

        def asked(first: date, end: date) -> Batch:
            query = {"symbol": part, "from": str(first), "to": str(end - DAY)}
            return ask(http, read, PATH, query)

        today = window.now.date()
        earliest = today - FREE
        for first, end in months(max(window.since, earliest), today):
            yield from halved(max(first, earliest), end, today, DAY, asked, _full)


def source(setting: Finnhub, exchange: str) -> CompanyNews:
    """The source that the settings describe."""
    return CompanyNews(setting, exchange)


def _full(batch: Batch) -> bool:
    return batch.read >= MOST_ITEMS


def read_company_news(
    answer: Answer, name: str, ticker: str, now: datetime, exchange: str
) -> Batch:
    """Read a list of news items.

    The text of an item is its headline; its summary stands in where there is none. Known at
    ``datetime`` (seconds since 1970), of the publisher that ``source`` names.

    Args:
        answer: JSON.
        name: Of the source.
        ticker: That was asked for; ``related`` names others too.
        now: When it was asked (UTC); items of the future go to quarantine.
        exchange: Whose sessions date what has no time of day.

    Raises:
        SourceError: Finnhub answers with an error, or in another layout.
    """
    found = records_in(json_of(answer, name), name)
    rows = rows_of(found, name, ("id", "datetime", "headline"), ("summary", "source"))
    raw = rows.frame
    texts = [plain(line) or plain(more) for line, more in raw["headline", "summary"].iter_rows()]
    published = pl.when(~pl.col("datetime").is_in(["0", "0.0"])).then("datetime")
    at = moments(raw.select(published.alias("datetime")), "datetime", "UTC")
    items = raw.select(
        "row",
        pl.lit(ticker).alias("ticker"),
        pl.Series("text", texts, dtype=pl.String),
        pl.format("finnhub:{}", text(raw, "id")).alias("id"),
        pl.coalesce(text(raw, "source"), pl.lit(name)).alias("source"),
        pl.lit(None, dtype=pl.String).alias("lang"),
        pl.lit(False).alias("is_repost"),
        pl.col("datetime").fill_null("missing").alias("written"),
    )
    items = pl.concat([items, at], how="horizontal")
    batch = news_batch(
        items, rows, name, f"{name}:{ticker}", exchange, partial(from_the_future, now)
    )
    return batch.with_notes(
        {f"answers with {MOST_ITEMS} items, maybe not all there are": int(_full(batch))}
    )
