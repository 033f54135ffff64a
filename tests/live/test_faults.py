"""Every fault times every service: a retry that helps, a clear error, or rows in quarantine."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path

import cases
import faults
import pytest
from cases import CASES, MARK, Case
from faults import Fault
from outcomes import Cell
from server import Connection, Reply, Server

from stocktrend.errors import SourceError
from stocktrend.live.wire import Limits
from stocktrend.sources.batch import Batch

QUICK = Limits(pause=0.001, longest_pause=0.002)
IMPATIENT = Limits(read=0.3, whole=0.6, pause=0.001, longest_pause=0.002)
LONGEST = 30
"""Seconds for a cell, most of which a busy machine takes."""
MOST_MEMORY = 2**30

PASSING: dict[str, Fault] = {
    "429 with Retry-After": faults.status(429, retry_after="0"),
    "500": faults.status(500),
    "connection reset": faults.reset,
    "reset in the body": faults.reset_in_body,
    "body cut off": faults.cut_off,
    "no answer": faults.silent,
    "slow body": faults.slow,
    "no HTTP": faults.no_http,
    "broken gzip": faults.broken_gzip,
    "empty body": faults.body(lambda _: b""),
    "HTML once": faults.body(lambda _: faults.HTML, "text/html"),
}
"""Comes once, and leaves no trace."""

HARMLESS: dict[str, Fault] = {
    "another encoding": faults.body(faults.utf_16),
    "server's clock in 1999": faults.skewed("Fri, 31 Dec 1999 23:59:59 GMT"),
    "records twice, reversed": faults.body(faults.shuffled),
}
"""Comes always, and changes nothing: ``same``, or an error where order is part of the layout."""

LASTING: dict[str, Fault] = {
    "HTML always": faults.body(lambda _: faults.HTML, "text/html"),
    "cut off, said to be whole": faults.body(faults.truncated),
    "XML entity bomb": faults.body(lambda _: faults.BOMB, "text/xml"),
    "redirect to another host": faults.redirect("http://localhost:9/"),
    "headers without end": faults.endless_headers,
    "gone": faults.status(404),
}
"""Comes always: an error, or rows in quarantine."""

BOMBS: dict[str, Fault] = {
    "gzip bomb of 4 GiB": faults.gzip_bomb(4),
    "endless body": faults.endless,
    "15 MiB of next to nothing": faults.flood(15),
}
"""As the above, in a process whose memory is measured."""


def outcome(case: Case, server: Server, limits: Limits = QUICK, late: bool = False) -> str:
    """What comes of a fetch, in a word, after checking all that holds for each of them."""
    window = cases.behind(case) if late else case.window
    started = time.monotonic()
    try:
        batches = case.ask(server.base_url, limits, window)
    except SourceError as error:
        told = str(error)
        name = case.source(server.base_url).name
        assert name in told
        rule, remedy = told.split("however", 1)
        assert "must" in rule
        assert ". " in remedy
        assert MARK not in told
        return "error"
    finally:
        assert time.monotonic() - started < LONGEST
    whole = cases.records(healthy(case))
    found = cases.records(batches)
    strange = found.join(whole, on=found.columns, how="anti", nulls_equal=True)
    if late and not found.is_empty():
        assert found["event_time"].max() <= window.now + timedelta(days=1)
    if late:
        assert found.height < whole.height
    if cases.reasons(batches) or late:
        assert strange.is_empty()
        return "quarantine" if cases.reasons(batches) else "left out"
    assert found.equals(whole)
    return "same"


def healthy(case: Case) -> list[Batch]:
    """What comes without a fault."""
    return _healthy(next(kind for kind, one in CASES.items() if one is case))


@cache
def _healthy(kind: str) -> list[Batch]:
    with Server() as server:
        CASES[kind].serve(server)
        return CASES[kind].ask(server.base_url, QUICK)


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, server: Server) -> Case:
    one = CASES[request.param]
    one.serve(server)
    return one


@pytest.fixture
def tell(request: pytest.FixtureRequest, cells: list[Cell]) -> Callable[[str, str], None]:
    """Put an outcome into the table."""
    kind = request.node.callspec.params["case"]
    return lambda fault, what: cells.append(Cell(kind, fault, what))


Tell = Callable[[str, str], None]


def test_without_a_fault_all_records_are_there(case: Case) -> None:
    batches = healthy(case)
    assert cases.records(batches).height >= 3
    assert cases.reasons(batches) == []


@pytest.mark.parametrize("name", PASSING)
def test_a_fault_that_passes_is_mended_by_a_retry(
    case: Case, server: Server, name: str, tell: Tell
) -> None:
    server.fail(PASSING[name])
    impatient = name in ("no answer", "slow body")
    what = outcome(case, server, IMPATIENT if impatient else QUICK)
    assert what == "same"
    asked = [(a.path, str(a.query)) for a in server.asked]
    assert asked[0] == asked[1]
    tell(name, "retried")


@pytest.mark.parametrize("name", HARMLESS)
def test_what_can_be_understood_is(case: Case, server: Server, name: str, tell: Tell) -> None:
    server.fail(HARMLESS[name], times=999)
    what = outcome(case, server)
    assert what == "same" or (name, case) == ("records twice, reversed", CASES["fred"])
    tell(name, what)


def test_pages_that_are_all_the_first_are_told(case: Case, server: Server, tell: Tell) -> None:
    server.fail(faults.first_again(), times=999)
    what = outcome(case, server)
    assert what in ("same", "error")
    tell("each page is the first", what)


def test_pages_without_end_come_to_an_end(case: Case, server: Server, tell: Tell) -> None:
    server.fail(faults.body(faults.never_the_last), times=999)
    what = outcome(case, server)
    assert what in ("same", "error")
    assert len(server.asked) < 100
    tell("no page is the last", what)


@pytest.mark.parametrize("name", LASTING)
def test_a_fault_that_stays_is_told(case: Case, server: Server, name: str, tell: Tell) -> None:
    server.fail(LASTING[name], times=999)
    what = outcome(case, server)
    assert what in ("error", "quarantine")
    if what == "quarantine":
        assert name == "cut off, said to be whole"
    tell(name, what)


def test_a_field_with_another_name_is_told(case: Case, server: Server, tell: Tell) -> None:
    before, after = case.renamed
    server.fail(faults.body(lambda content: content.replace(before, after)), times=999)
    what = outcome(case, server)
    assert what in ("error", "quarantine")
    tell("a renamed field", what)


def test_records_of_the_future_do_not_come_in(case: Case, server: Server, tell: Tell) -> None:
    """The clock of the service is days ahead of ours, or ours behind."""
    longest: dict[str, Reply] = {}

    def remember(connection: Connection, reply: Reply) -> None:
        best = longest.setdefault(connection.asked.path, reply)
        longest[connection.asked.path] = max(best, reply, key=lambda one: len(one.body))
        connection.send(reply)

    def replay(connection: Connection, reply: Reply) -> None:
        connection.send(longest[connection.asked.path])

    if case.replayed:
        server.fail(remember, times=999)
        case.ask(server.base_url, QUICK)
        server.heal()
        server.fail(replay, times=999)
    what = outcome(case, server, late=True)
    tell("clock days ahead", what)


CHILD = """
import json, sys, time
from pathlib import Path
from cases import CASES
from stocktrend.errors import SourceError
from stocktrend.live.wire import Limits

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

for kind in json.loads(sys.argv[2]):
    started = time.monotonic()
    try:
        CASES[kind].ask(sys.argv[1], Limits(pause=0.001, longest_pause=0.002))
        what = "nothing happened"
    except SourceError as error:
        what = "error"
    print(json.dumps([kind, what, peak(), time.monotonic() - started]), flush=True)
"""


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_fill_the_memory_is_an_error_and_does_not(
    server: Server, name: str, cells: list[Cell]
) -> None:
    for one in CASES.values():
        one.serve(server)
    server.fail(BOMBS[name], times=999)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, server.base_url, json.dumps(list(CASES))],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=LONGEST * len(CASES),
    )
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [kind for kind, *_ in told] == list(CASES)
    for kind, what, peak, seconds in told:
        assert what == "error", kind
        assert peak < MOST_MEMORY, (kind, peak)
        assert seconds < LONGEST, (kind, seconds)
        cells.append(Cell(kind, name, "error"))
    highest = max(peak for _, _, peak, _ in told)
    cells.append(Cell("MiB", name, str(highest // 2**20)))
