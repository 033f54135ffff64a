"""News articles of the world's press that GDELT finds for a query.

Interface: https://blog.gdeltproject.org/gdelt-doc-2-0-api-debuts/ (mode ``artlist``): articles
after ``startdatetime`` and before ``enddatetime``, or up to the present where that is left out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Final

import polars as pl

from stocktrend.live.answers import (
    ask,
    from_the_future,
    json_of,
    plain,
    records_in,
    rows_of,
    text_of,
)
from stocktrend.live.http import Answer, Http
from stocktrend.live.source import Window
from stocktrend.live.windows import QUARTER, halved, months
from stocktrend.schema import UTC_TIME
from stocktrend.service_settings import Gdelt
from stocktrend.sources.batch import Batch
from stocktrend.sources.fields import text
from stocktrend.sources.news import news_batch

PATH: Final = "/api/v2/doc/doc"
EARLIEST: Final = datetime(2017, 1, 1, tzinfo=UTC)
MOST_ARTICLES: Final = 250
LONGEST_MENDED: Final = 4 * 2**20
"""Bytes: many times what 250 articles take."""
SECOND: Final = timedelta(seconds=1)
LANGUAGES: Final = {
    "arabic": "ar", "bulgarian": "bg", "chinese": "zh", "croatian": "hr", "czech": "cs",
    "danish": "da", "dutch": "nl", "english": "en", "finnish": "fi", "french": "fr",
    "german": "de", "greek": "el", "hebrew": "he", "hindi": "hi", "hungarian": "hu",
    "indonesian": "id", "italian": "it", "japanese": "ja", "korean": "ko", "norwegian": "no",
    "polish": "pl", "portuguese": "pt", "romanian": "ro", "russian": "ru", "serbian": "sr",
    "slovak": "sk", "spanish": "es", "swedish": "sv", "thai": "th", "turkish": "tr",
    "ukrainian": "uk", "vietnamese": "vi",
}  # fmt: skip
"""GDELT names languages in English; one that is not here keeps its name."""
_ESCAPE: Final = re.compile(r'\\(?:(["\\/bfnrt]|u[0-9a-fA-F]{4})|)')
_APART: Final = re.compile(r" ([,.;:!?%)]|'s)(?=\s|$)|(\() ")


@dataclass(frozen=True)
class Articles:
    """A query a ticker, asked for by months, and by shorter periods where there is more."""

    setting: Gdelt
    exchange: str
    table = "news"
    overlap = 2
    terms = "Free for any use with a citation of and a link to the GDELT Project."

    @property
    def name(self) -> str:
        return self.setting.name or self.setting.kind

    def parts(self, tickers: Sequence[str]) -> tuple[str, ...]:
        """The tickers that have a query."""
        return tuple(self.setting.queries)

    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        """Articles by periods so short that all are shown, of a quarter of an hour at the least.

        Raises:
            SourceError: no answer, or none of articles; GDELT says what it dislikes of a query.
        """

        def read(answer: Answer) -> Batch:
            return read_articles(answer, self.name, part, window.now, self.exchange)

        def asked(first: datetime, end: datetime) -> Batch:
            query = {
                "query": self.setting.queries[part],
                "mode": "artlist",
                "format": "json",
                "maxrecords": str(MOST_ARTICLES),
                "sort": "dateasc",
                "startdatetime": f"{max(first - SECOND, EARLIEST):%Y%m%d%H%M%S}",
            }
            if end <= now:  # else up to the present, by the same question each day of a month
                query["enddatetime"] = f"{end - SECOND:%Y%m%d%H%M%S}"
            return ask(http, read, PATH, query)

        now = window.now.astimezone(UTC)
        for month in months(max(window.since, EARLIEST.date()), now.date()):
            first, end = (datetime.combine(day, time(), UTC) for day in month)
            yield from halved(first, end, now, QUARTER, asked, _full)


def source(setting: Gdelt, exchange: str) -> Articles:
    """The source that the settings describe."""
    return Articles(setting, exchange)


def _full(batch: Batch) -> bool:
    return batch.read >= MOST_ARTICLES


def read_articles(answer: Answer, name: str, ticker: str, now: datetime, exchange: str) -> Batch:
    """Read a list of articles.

    An article is its title, which GDELT writes with blanks before signs; known when GDELT saw it,
    within a quarter of an hour of its publication; named by its address; of the site it is on.

    Args:
        answer: JSON.
        name: Of the source.
        ticker: That the query is about, ``*`` for the market.
        now: When it was asked (UTC); articles of the future go to quarantine.
        exchange: Not used, since every article has a time of day.

    Raises:
        SourceError: GDELT answers in plain text, which says what is wrong, or in another layout.
    """
    found = json_of(_mended(answer, name), name)
    articles = [] if found == {} else records_in(found, name, "articles")
    rows = rows_of(articles, name, ("url", "title", "seendate"), ("domain", "language"))
    raw = rows.frame
    titles = [_APART.sub(r"\1\2", bare) if (bare := plain(t)) else None for t in raw["title"]]
    seen = pl.col("seendate").str.to_datetime("%Y%m%dT%H%M%SZ", time_unit="us", strict=False)
    language = text(raw, "language").str.to_lowercase()
    items = raw.select(
        "row",
        pl.lit(ticker.upper()).alias("ticker"),
        pl.Series("text", titles, dtype=pl.String),
        text(raw, "url").alias("id"),
        pl.coalesce(text(raw, "domain"), pl.lit(name)).alias("source"),
        language.replace(LANGUAGES).alias("lang"),
        pl.lit(False).alias("is_repost"),
        pl.col("seendate").fill_null("missing").alias("written"),
        seen.dt.replace_time_zone("UTC").cast(UTC_TIME).alias("moment"),
        pl.lit(None, dtype=pl.Date).alias("bare"),
    )
    batch = news_batch(
        items, rows, name, f"{name}:{ticker}", exchange, partial(from_the_future, now)
    )
    return batch.with_notes(
        {f"answers with {MOST_ARTICLES} articles, maybe not all there are": int(_full(batch))}
    )


def _mended(answer: Answer, name: str) -> Answer:
    """The answer without backslashes that escape nothing in JSON, which GDELT leaves in titles."""
    if b"\\" not in answer.body or len(answer.body) > LONGEST_MENDED:
        return answer
    text = _ESCAPE.sub(lambda found: found.group() if found.group(1) else "", text_of(answer, name))
    return replace(answer, body=text.encode(), charset="utf-8")
