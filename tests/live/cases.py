"""Each service with a made-up history that a server replays, and how its layout could drift."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import polars as pl
import texts
import values
from server import Asked, Reply, Server

from stocktrend.live.client import Client
from stocktrend.live.keys import WAYS, Key
from stocktrend.live.pace import Pace
from stocktrend.live.services import Named
from stocktrend.live.source import Source, Window
from stocktrend.live.wire import Limits
from stocktrend.service_settings import Service
from stocktrend.sources.batch import Batch

MARK = "MARKED0123456789KEY"


@dataclass(frozen=True)
class Case:
    """A service, what is asked of it, and what it answers.

    Attributes:
        setting: For a server's address.
        routes: Paths and their scripts.
        renamed: A field and its other name, as they stand in a body.
        replayed: Whether answers of today can be given to questions of an earlier day; else the
            scripts answer these with later records too.
    """

    setting: Callable[[str], Service]
    routes: Callable[[], Mapping[str, Callable[[Asked], Reply]]]
    window: Window
    renamed: tuple[bytes, bytes]
    replayed: bool

    def source(self, base_url: str) -> Source:
        """The source that the setting describes."""
        return Named("", "", self.setting(base_url)).source("XNYS")

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


CASES: Mapping[str, Case] = {
    kind: Case(
        lambda base_url, kind=kind, answers=answers: answers.services(base_url)[kind],  # type: ignore[misc]
        lambda kind=kind, answers=answers: answers.answers()[kind],  # type: ignore[misc]
        Window(answers.SINCE, answers.NOW),
        renamed,
        replayed=answers is texts,
    )
    for kind, answers, renamed in [
        ("tiingo", values, (b'"close"', b'"last"')),
        ("stooq", values, (b",Close,", b",Last,")),
        ("fred", values, (b'"value"', b'"level"')),
        ("rss", texts, (b"pubDate>", b"when>")),
        ("gdelt", texts, (b'"seendate"', b'"seen"')),
        ("finnhub", texts, (b'"datetime"', b'"time"')),
        ("fed_press", texts, (b"pubDate>", b"when>")),
        ("federal_register", texts, (b'"publication_date"', b'"published"')),
        ("policy_uncertainty", texts, (b"daily_policy_index", b"index")),
    ]
}
BEHIND = timedelta(days=12)
"""Before ``window.now``; by then some of the records of each case are of the future."""


def behind(case: Case) -> Window:
    """The window by a clock that is some days late."""
    return Window(case.window.since, case.window.now - BEHIND)


def records(batches: list[Batch]) -> pl.DataFrame:
    """The records of all batches, each once, in an order of their own."""
    frames = [batch.records.drop("row") for batch in batches]
    frame = pl.concat(frames).unique() if frames else pl.DataFrame()
    return frame.sort(pl.all().exclude(pl.List))


def reasons(batches: list[Batch]) -> list[str]:
    """Why rows are in quarantine."""
    return [reason for batch in batches for reason in batch.quarantine["reason"]]
