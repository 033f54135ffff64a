"""Yahoo Finance's daily bars by the library yfinance, in a process of its own.

https://ranaroussi.github.io/yfinance/ : the library finds its server itself, may hang or need any
memory, and says in an empty frame that something went wrong. So it runs in a child process with
limits, and an empty answer is an error. Prices are in today's shares, ``Adj Close`` is adjusted
for dividends too.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from stocktrend.errors import SourceError, install
from stocktrend.live.answers import LATER, rows_of, shown
from stocktrend.live.bars import OVERLAP, AskedBars, closed_bars, share_class
from stocktrend.live.child import Child
from stocktrend.live.http import Http, UnreachableError
from stocktrend.live.pace import Pace
from stocktrend.live.source import Window
from stocktrend.service_settings import YFinance as YFinanceSetting
from stocktrend.sources.batch import Batch

COLUMNS: Final = {
    "session": "Date",
    "open": "Open",
    "high": "High",
    "low": "Low",
    "close": "Close",
    "adj_close": "Adj Close",
    "volume": "Volume",
}
MODULE: Final = "stocktrend.live.yfinance_child"
WAITS: Final = (2.0, 20.0)
"""Seconds before Yahoo is asked again that could not be reached, or had been asked too often."""
LIMITED: Final = ("YFRateLimitError", "too many requests", "rate limit", "429")
UNKNOWN: Final = ("YFTickerMissingError", "possibly delisted", "no timezone found", "404")
UNREACHABLE: Final = ("OSError", "ConnectionError", "Timeout", "could not resolve", "curl")


@dataclass(frozen=True)
class YFinance:
    """See :class:`stocktrend.live.source.Source`. Each ticker is a part.

    Attributes:
        child: The process; started with the first question.
        pace: How often Yahoo is asked.
        waits: Seconds before each further attempt.
        sleep: Waits.
    """

    name: str = "yfinance"
    tickers: tuple[str, ...] | None = None
    exchange: str = "XNYS"
    compare: bool = False
    child: Child = field(default_factory=lambda: Child(MODULE), repr=False, compare=False)
    pace: Pace = field(default_factory=lambda: Pace(60), repr=False, compare=False)
    waits: tuple[float, ...] = WAITS
    sleep: Callable[[float], object] = field(default=time.sleep, repr=False, compare=False)
    table: str = "bars"
    overlap: int = OVERLAP
    terms: str = (
        "No key; Yahoo's data are for personal use only, and its interface is not an official "
        "one: https://legal.yahoo.com/us/en/yahoo/terms/otos/"
    )

    def parts(self, tickers: Sequence[str]) -> tuple[str, ...]:
        """The tickers of the settings, else those that are wanted."""
        return tuple(self.tickers if self.tickers is not None else tickers)

    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        """Ask for a ticker's bars; ``http`` is not used."""
        asked = AskedBars(part, self.name, window, self.exchange)
        spans = asked.spans()
        if spans:
            yield read_yfinance(self._ask(asked, str(spans[0][0])), asked)

    def _ask(self, asked: AskedBars, start: str) -> Mapping[str, Any]:
        question = {"symbol": share_class(asked.ticker), "start": start}
        for wait in (*self.waits, None):
            self.pace.wait()
            answer = self.child.ask(question, asked.path)
            if "kinds" not in answer:
                return answer
            error, again = problem(answer, asked)
            if wait is None or not again:
                raise error
            self.sleep(wait)
        raise AssertionError("the last attempt returns or raises")


def source(setting: YFinanceSetting, exchange: str) -> YFinance:
    """The source that a setting describes."""
    name = setting.name or setting.kind
    pace = Pace(setting.per_minute, setting.per_hour)
    return YFinance(name, setting.tickers, exchange, setting.compare, pace=pace)


def read_yfinance(answer: Mapping[str, Any], asked: AskedBars) -> Batch:
    """Read daily bars.

    Args:
        answer: ``columns`` and ``rows`` of text, as the child process gives them.
        asked: What was asked.

    Raises:
        SourceError: there are none, or their columns have other names.
    """
    columns, rows = answer.get("columns"), answer.get("rows")
    if not isinstance(columns, list) or not isinstance(rows, list):
        raise SourceError(
            f"{asked.path} must answer with columns and rows, however: {shown(dict(answer))!r}. "
            f"{LATER}"
        )
    if not rows:
        raise asked.nothing("the answer is empty, as it is for an unknown ticker")
    named = [str(name) for name in columns]
    records = [
        dict(zip(named, row, strict=False)) if isinstance(row, list) else row for row in rows
    ]
    return closed_bars(rows_of(records, asked.path, list(COLUMNS.values())), COLUMNS, asked)


def problem(answer: Mapping[str, Any], asked: AskedBars) -> tuple[SourceError, bool]:
    """The error that the child told, and whether to ask again may help."""
    kinds, said = [str(kind) for kind in answer["kinds"]], shown(str(answer.get("said", "")))
    told = [kind.lower() for kind in kinds] + [said.lower()]

    def tells(signs: Sequence[str]) -> bool:
        return any(sign.lower() in text for sign in signs for text in told)

    what = f"{kinds[0] if kinds else 'an error'}: {said}"
    if "ModuleNotFoundError" in kinds:
        return SourceError(
            f"{asked.source} needs the library yfinance, however: {what}. {install('live')}"
        ), False
    if "MemoryError" in kinds:
        return SourceError(
            f"{asked.path} must be read within {asked.source}'s limit of memory, however it needs "
            f"more. {LATER}"
        ), False
    if tells(LIMITED):
        return SourceError(
            f"{asked.source} must be asked within Yahoo's limits, however: {what}. Ask again in an "
            f"hour, lower per_minute, or name another vendor in `sources: prices`"
        ), True
    if tells(UNKNOWN):
        return asked.nothing(what), False
    if tells(UNREACHABLE):
        return UnreachableError(
            f"{asked.source} must reach Yahoo, however: {what}. Check the network, or name another "
            f"vendor in `sources: prices` of stocktrend.yaml"
        ), True
    return SourceError(
        f"{asked.source} must answer for {asked.ticker}, however yfinance fails with {what}. "
        f"Install another version of yfinance, or name another vendor in `sources: prices`"
    ), False
