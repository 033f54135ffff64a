"""How often a client asks, and how long it waits."""

import time

import faults
import pytest
from clients import QUICK, client
from server import Reply, Server

from stocktrend.live.client import Client
from stocktrend.live.pace import Pace


def test_requests_keep_the_pace_that_they_share_through_attempts_and_redirects(
    server: Server,
) -> None:
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 9))
        now[0] += seconds

    pace = Pace(120, clock=lambda: now[0], sleep=sleep)
    server.answer("/a", "[1]")
    server.script("/old", lambda _: Reply(b"", status=301, headers={"Location": "/a"}))
    server.fail(faults.status(500), path="/a")
    both = [
        Client(name=name, base_url=server.base_url, pace=pace, limits=QUICK) for name in ("x", "y")
    ]
    both[0].get("/a")
    both[1].get("/old")
    now[0] += 60
    both[1].get("/a")
    for asking in both:
        asking.close()
    assert slept == [0.5, 0.5, 0.5]


def test_a_service_that_asks_for_a_pause_gets_it(server: Server) -> None:
    server.answer("/a", "[1]")
    server.fail(faults.status(429, retry_after="1"))
    started = time.monotonic()
    with client(server) as asking:
        asking.get("/a")
    assert 1 <= time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("told", "date", "wait"),
    [
        ("17", None, 17),
        ("Tue, 02 Jan 2024 10:00:30 GMT", "Tue, 02 Jan 2024 10:00:00 GMT", 30),
        ("Tue, 02 Jan 2024 09:00:00 GMT", "Tue, 02 Jan 2024 10:00:00 GMT", 0),
        ("Tue, 02 Jan 2024 09:00:00 GMT", None, None),
        ("Tue, 02 Jan 2024 09:00:00 GMT", "noon", None),
        ("soon", "Tue, 02 Jan 2024 10:00:00 GMT", None),
        ("²", None, None),
        ("-5", None, None),
    ],
)
def test_a_pause_is_read_by_the_clock_of_the_service(
    told: str, date: str | None, wait: float | None
) -> None:
    from stocktrend.live.wire import Came

    headers = {"retry-after": told} | ({"date": date} if date else {})
    assert Came(429, headers, b"").retry_after == wait
