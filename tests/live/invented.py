"""Live sources that hold their records themselves, for tests of what asks them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from stocktrend.errors import SourceError
from stocktrend.live.http import Answer, Http
from stocktrend.live.source import Window
from stocktrend.live.updating import Asked
from stocktrend.schema import UTC_TIME
from stocktrend.sources.batch import Batch, make_batch

NOW = datetime(2024, 3, 8, 15, 0, tzinfo=UTC)
LONG_AGO = date(2014, 1, 1)


class NoHttp:
    """For sources that make no requests."""

    def get(self, path: str, query: object = None) -> Answer:
        raise AssertionError(f"no request was to be made, however: {path} {query}")


Item = tuple[date, str, str]
"""Day of publication, id, text; an empty text is refused by the schema."""


@dataclass
class Wire:
    """News by ticker, a batch a year; ``broken`` tickers fail after their first batch."""

    items: dict[str, list[Item]]
    name: str = "wire"
    broken: frozenset[str] = frozenset()
    error: type[SourceError] = SourceError
    asked: list[tuple[str, date]] = field(default_factory=list)
    table: str = "news"
    terms: str = "Invented."
    overlap: int = 3

    def parts(self, tickers: Sequence[str]) -> tuple[str, ...]:
        return tuple(self.items)

    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        self.asked.append((part, window.since))
        if part in self.broken:
            raise self.error(f"{self.name} must answer, however {part} did not. Try again later")
        days = sorted({item[0] for item in self.items[part] if item[0] >= window.since})
        for year in sorted({day.year for day in days}):
            some = [i for i in self.items[part] if i[0].year == year and i[0] >= window.since]
            yield news(self.name, part, some)


def news(name: str, part: str, items: Sequence[Item]) -> Batch:
    """One answer: a row an item."""
    raw = pl.DataFrame(
        [(n, day.isoformat(), key, text) for n, (day, key, text) in enumerate(items, 1)],
        schema={"row": pl.Int64, "day": pl.String, "key": pl.String, "text": pl.String},
        orient="row",
    )
    times = [datetime.combine(day, time(12), UTC) for day, *_ in items]
    at = pl.Series("known_at", times, dtype=UTC_TIME)
    found = raw.select(
        "row",
        at.alias("event_time"),
        at,
        pl.lit(name).alias("source"),
        pl.lit(part).alias("ticker"),
        pl.col("key").alias("id"),
        "text",
        pl.lit("en").alias("lang"),
        pl.lit(False).alias("is_repost"),
        pl.lit(None, dtype=pl.String).alias("reason"),
    )
    return make_batch("news", name, f"{name}:{part}", raw, found)


def asked(source: object, since: date = LONG_AGO, settings: str = "as set") -> Asked:
    """A source that needs no requests, as the engine asks it."""
    name: str = source.name  # type: ignore[attr-defined]
    parts = source.parts(())
    return Asked(source, NoHttp(), name, since, lambda part: settings, parts)  # type: ignore[arg-type]


def daily(first: date, days: int, word: str = "word") -> list[Item]:
    """An item a day."""
    dates = [first + timedelta(days=n) for n in range(days)]
    return [(day, f"{word}-{day}", f"{word} of {day}") for day in dates]


@dataclass
class Bars:
    """Bars of March 2024 for some tickers, all at one price; ``name`` is their vendor's."""

    tickers: tuple[str, ...]
    price: float = 100.0
    name: str = "vendor"
    days: range = range(4, 7)
    table: str = "bars"
    terms: str = "Invented."
    overlap: int = 7

    def parts(self, tickers: Sequence[str]) -> tuple[str, ...]:
        return self.tickers

    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        sessions = [date(2024, 3, day) for day in self.days]
        prices = ("open", "high", "low", "close", "adj_close")
        raw = pl.DataFrame({"row": range(1, len(sessions) + 1), "session": sessions})
        closed = pl.col("session").cast(pl.Datetime("us", "UTC")).dt.offset_by("21h")
        found = raw.select(
            pl.col("row").cast(pl.Int64),
            closed.alias("event_time"),
            closed.alias("known_at"),
            pl.lit(self.name).alias("source"),
            pl.lit(part).alias("ticker"),
            "session",
            *(pl.lit(self.price).alias(name) for name in prices),
            pl.lit(1000.0).alias("volume"),
            pl.lit(None, dtype=pl.String).alias("reason"),
        )
        yield make_batch("bars", self.name, f"{self.name}:{part}", raw, found)
