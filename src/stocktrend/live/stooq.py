"""Stooq's daily bars: https://stooq.com/q/d/?s=aapl.us, its CSV as the page links it.

Prices are adjusted as of today, volumes for splits. No adjusted close stands beside them, so the
close stands in for it. What is wrong is said in plain text or HTML with status 200. Since March
2026 a download needs a key, which that page gives to who reads a captcha (``&get_apikey``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final

from stocktrend.errors import SourceError
from stocktrend.live.answers import LATER, shown, table_of
from stocktrend.live.bars import (
    OVERLAP,
    AskedBars,
    closed_bars,
    lacks,
    refuse_other_days,
    us_symbol,
)
from stocktrend.live.http import Answer, Http
from stocktrend.live.keys import FILE, WAYS
from stocktrend.live.source import Window
from stocktrend.service_settings import Stooq as StooqSetting
from stocktrend.sources.batch import Batch
from stocktrend.sources.files import csv_rows

COLUMNS: Final = {
    "session": "Date",
    "open": "Open",
    "high": "High",
    "low": "Low",
    "close": "Close",
    "volume": "Volume",
}
NO_DATA: Final = ("no data", "brak danych")
KEY: Final = "get your apikey"
LIMIT: Final = ("exceeded the daily hits limit", "przekroczony dzienny limit")


@dataclass(frozen=True)
class Stooq:
    """See :class:`stocktrend.live.source.Source`. Each ticker is a part.

    Attributes:
        suffix: Of the market, behind each ticker.
    """

    name: str = "stooq"
    tickers: tuple[str, ...] | None = None
    suffix: str = ".us"
    exchange: str = "XNYS"
    compare: bool = False
    table: str = "bars"
    overlap: int = OVERLAP
    terms: str = (
        "Needs a key; free for personal use with a daily limit of requests, not for "
        "redistribution: https://stooq.com/db/"
    )

    def parts(self, tickers: Sequence[str]) -> tuple[str, ...]:
        """The tickers of the settings, else those that are wanted."""
        return tuple(self.tickers if self.tickers is not None else tickers)

    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        """Ask for a ticker's bars; one batch, so that all are in one basis."""
        asked = AskedBars(part, self.name, window, self.exchange)
        symbol = us_symbol(asked).lower() + self.suffix
        spans = asked.spans()
        answers = []
        for first, last in spans:
            end = last or date(first.year, 12, 31)
            query = {"s": symbol, "i": "d", "d1": f"{first:%Y%m%d}", "d2": f"{end:%Y%m%d}"}
            check = partial(_check, span=(first, end), asked=asked)
            answers.append(http.get("/q/d/l/", query, check=check))
        if spans:
            yield read_stooq(answers, asked)


def _check(answer: Answer, span: tuple[date, date], asked: AskedBars) -> None:
    lines = lines_of(answer, asked)
    place = lines[0].split(",").index("Date") if lines else 0
    days = [line.split(",")[place] for line in lines[1:] if line.count(",") >= place]
    refuse_other_days(days, span, asked)


def source(setting: StooqSetting, exchange: str) -> Stooq:
    """The source that a setting describes."""
    name = setting.name or setting.kind
    return Stooq(name, setting.tickers, setting.suffix, exchange, setting.compare)


def read_stooq(answers: Sequence[Answer], asked: AskedBars) -> Batch:
    """Read the bars of one ticker.

    Args:
        answers: To the spans that were asked for, in their order.
        asked: What was asked.

    Raises:
        SourceError: there are none, or an answer is no table of bars.
    """
    tables = [lines for lines in (lines_of(answer, asked) for answer in answers) if lines]
    if not any(tables):
        raise asked.nothing()
    if len({lines[0] for lines in tables}) > 1:
        raise lacks(asked, tables[0][0].split(","), tables[-1][0].split(","))
    content = "\n".join([tables[0][0], *(line for lines in tables for line in lines[1:])])
    rows = csv_rows(content.encode("utf-8", "replace"), Path(asked.path))
    return closed_bars(rows, COLUMNS, asked)


def lines_of(answer: Answer, asked: AskedBars) -> list[str]:
    """The lines of a table with its header, none where Stooq says that it has no data.

    Raises:
        SourceError: the key is not known, the day's limit is used up, or it is no table of bars.
    """
    text = table_of(answer, asked.path)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = " ".join(lines[:1]).lower()
    if said.startswith(NO_DATA):
        return []
    if said.startswith(LIMIT):
        raise SourceError(
            f"{asked.source} must be asked within its daily limit, however it is used up: "
            f"{shown(text)!r}. Ask again tomorrow, or name another vendor before it in `sources: "
            f"prices` of stocktrend.yaml"
        )
    if said.startswith(KEY):
        raise SourceError(
            f"{asked.source} must be asked with a key that it knows, however it says "
            f"{shown(text)!r}. Get a new one at {WAYS['stooq'].page} and set it where the old one "
            f"is: {WAYS['stooq'].variable} of the environment, or {FILE}"
        )
    header = [name.strip() for name in lines[0].split(",")] if lines else []
    missing = [name for name in COLUMNS.values() if header.count(name) != 1]
    if missing and "Date" in header:
        raise lacks(asked, missing, header)
    if missing:
        what = "a page of HTML" if said.startswith("<") else "text"
        raise SourceError(
            f"{asked.path} must answer with a CSV of bars, however this is {what}: "
            f"{shown(text)!r}. {LATER}"
        )
    return [",".join(header), *lines[1:]]
