"""A client of a local server that waits for nothing longer than tests may."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from server import Server

from stocktrend.live.answers import json_of
from stocktrend.live.client import Client
from stocktrend.live.http import Answer
from stocktrend.live.keys import Key
from stocktrend.live.pace import Pace
from stocktrend.live.wire import Limits

QUICK = Limits(attempts=3, size=2**20, pause=0.001, longest_pause=0.002)
IMPATIENT = replace(QUICK, read=0.3, whole=0.6)


@contextlib.contextmanager
def client(
    server: Server,
    cache: Path | None = None,
    key: Key | None = None,
    limits: Limits = QUICK,
    base_url: str | None = None,
    notify: Callable[[str], None] = lambda line: None,
) -> Iterator[Client]:
    asking = Client(
        name="tiingo",
        base_url=base_url or server.base_url,
        pace=Pace(1e9),
        cache=cache,
        key=key,
        limits=limits,
        notify=notify,
    )
    try:
        yield asking
    finally:
        asking.close()


def everything_in(folder: Path) -> str:
    return "".join(p.read_bytes().decode("latin-1") for p in folder.rglob("*") if p.is_file())


def read(answer: Answer) -> object:
    return json_of(answer, "tiingo")
