"""Each service with a made-up history that a server replays, and how its layout could drift."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from types import MappingProxyType

import polars as pl
import texts
from alfred import Alfred
from server import Asked, Reply, Server

from stocktrend.live.client import Client
from stocktrend.live.keys import WAYS, Key
from stocktrend.live.pace import Pace
from stocktrend.live.source import Source, Window
from stocktrend.live.wire import Limits
from stocktrend.service_settings import Fred, Service, Stooq, Tiingo
from stocktrend.sources.batch import Batch

MARK = "MARKED0123456789KEY"
MODULES: Mapping[str, str] = MappingProxyType({"rss": "feed"})
"""Where a module is not called as its kind."""


@dataclass(frozen=True)
class Case:
    """A service, what is asked of it, and what it answers.

    Attributes:
        setting: For a server's address.
        routes: Paths and their scripts.
        renamed: A field and its other name, as they stand in a body.
        behind: So many days before ``window.now`` some of the records are of the future.
        replayed: Whether answers of ``window.now`` can be given to questions of that day; else
            the scripts answer these too.
    """

    setting: Callable[[str], Service]
    routes: Callable[[], Mapping[str, Callable[[Asked], Reply]]]
    window: Window
    renamed: tuple[bytes, bytes]
    behind: int = 10
    replayed: bool = True

    def source(self, base_url: str) -> Source:
        """The source that the setting describes."""
        setting = self.setting(base_url)
        kind = str(getattr(setting, "kind", ""))
        module = import_module(f"stocktrend.live.{MODULES.get(kind, kind)}")
        source: Source = module.source(setting, "XNYS")
        return source

    def serve(self, server: Server) -> None:
        """Have a server replay the service."""
        for path, script in self.routes().items():
            server.script(path, script)

    def ask(self, base_url: str, limits: Limits, window: Window | None = None) -> list[Batch]:
        """All batches that come of a fetch through a client of its own."""
        setting = self.setting(base_url)
        source = self.source(base_url)
        kind = str(getattr(setting, "kind", ""))
        client = Client(
            name=source.name,
            base_url=setting.base_url,
            pace=Pace(1e9),
            key=Key(MARK, WAYS[kind]) if kind in WAYS else None,
            limits=limits,
        )
        part = source.parts((texts.TICKER,))[0]
        try:
            return list(source.fetch(part, window or self.window, client))
        finally:
            client.close()


SESSIONS = ("2023-12-27", "2023-12-28", "2023-12-29", "2024-01-02", "2024-01-03", "2024-01-04")
TURN_OF_THE_YEAR = Window(date(2023, 12, 1), datetime(2024, 1, 5, 12, tzinfo=UTC))


def tiingo(asked: Asked) -> Reply:
    """Bars of the days asked for, each with the values of the documentation's example."""
    first, last = asked.query["startDate"], asked.query.get("endDate", "9999")
    bars = [
        {
            "date": f"{day}T00:00:00.000Z",
            "open": 100.0 + n,
            "high": 103.5 + n,
            "low": 99.5 + n,
            "close": 102.0 + n,
            "adjOpen": 100.0 + n,
            "adjHigh": 103.5 + n,
            "adjLow": 99.5 + n,
            "adjClose": 102.0 + n,
            "volume": 1_000 + n,
            "adjVolume": 1_000 + n,
            "divCash": 0.0,
            "splitFactor": 1.0,
        }
        for n, day in enumerate(SESSIONS)
        if first <= day <= last
    ]
    return Reply(json.dumps(bars).encode())


def stooq(asked: Asked) -> Reply:
    """Bars of the days asked for as CSV, with the line ends of the service."""
    first, last = asked.query["d1"], asked.query["d2"]
    lines = [
        f"{day},{100 + n},{103.5 + n},{99.5 + n},{102 + n},{1000 + n}"
        for n, day in enumerate(SESSIONS)
        if first <= day.replace("-", "") <= last
    ]
    table = "\r\n".join(["Date,Open,High,Low,Close,Volume", *lines, ""])
    return Reply(table.encode(), "text/plain")


RELEASES = [
    (date(2023, 8, 1), date(2023, 9, 13), "306.269"),
    (date(2023, 9, 1), date(2023, 10, 12), "307.481"),
    (date(2023, 8, 1), date(2023, 10, 12), "306.187"),
    (date(2023, 10, 1), date(2023, 11, 14), "307.619"),
    (date(2023, 11, 1), date(2023, 12, 12), "307.917"),
    (date(2023, 11, 1), date(2024, 1, 4), "308.024"),
]


def fred(asked: Asked) -> Reply:
    """Observations and vintages in pages as they are asked for."""
    status, body = Alfred({"CPIAUCSL": RELEASES}).answer(asked.path, dict(asked.query))
    return Reply(body, status=status)


CASES: Mapping[str, Case] = {
    "tiingo": Case(
        lambda base_url: Tiingo(base_url=base_url),
        lambda: {"/tiingo/daily/*": tiingo},
        TURN_OF_THE_YEAR,
        (b'"close"', b'"last"'),
        behind=2,
        replayed=False,
    ),
    "stooq": Case(
        lambda base_url: Stooq(base_url=base_url),
        lambda: {"/q/d/l/": stooq},
        TURN_OF_THE_YEAR,
        (b",Close,", b",Last,"),
        behind=2,
        replayed=False,
    ),
    "fred": Case(
        lambda base_url: Fred(base_url=base_url, series=("CPIAUCSL",)),
        lambda: {"/fred/series/*": fred},
        TURN_OF_THE_YEAR,
        (b'"value"', b'"level"'),
        behind=3,
        replayed=False,
    ),
    **{
        kind: Case(
            lambda base_url, kind=kind: texts.services(base_url)[kind],  # type: ignore[misc]
            lambda kind=kind: texts.answers()[kind],  # type: ignore[misc]
            Window(texts.SINCE, texts.NOW),
            renamed,
        )
        for kind, renamed in [
            ("rss", (b"pubDate>", b"when>")),
            ("gdelt", (b'"seendate"', b'"seen"')),
            ("finnhub", (b'"datetime"', b'"time"')),
            ("fed_press", (b"pubDate>", b"when>")),
            ("federal_register", (b'"publication_date"', b'"published"')),
            ("policy_uncertainty", (b"daily_policy_index", b"index")),
        ]
    },
}


def behind(case: Case) -> Window:
    """The window by a clock that is some days late."""
    return Window(case.window.since, case.window.now - timedelta(days=case.behind))


def records(batches: list[Batch]) -> pl.DataFrame:
    """The records of all batches, each once, in an order of their own."""
    frames = [batch.records.drop("row") for batch in batches]
    frame = pl.concat(frames).unique() if frames else pl.DataFrame()
    return frame.sort(pl.all().exclude(pl.List))


def reasons(batches: list[Batch]) -> list[str]:
    """Why rows are in quarantine."""
    return [reason for batch in batches for reason in batch.quarantine["reason"]]
