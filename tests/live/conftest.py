"""The local server of the tests of live sources, and the table of what faults led to."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from server import Server


@dataclass(frozen=True)
class Cell:
    """What a fault of a service led to."""

    kind: str
    fault: str
    outcome: str


CELLS: pytest.StashKey[list[Cell]] = pytest.StashKey()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server without answers: give it some by ``answer`` or ``script``."""
    with Server() as running:
        yield running


@pytest.fixture
def cells(request: pytest.FixtureRequest) -> list[Cell]:
    """What is shown at the end of the test run."""
    return request.config.stash.setdefault(CELLS, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Faults by services."""
    cells = terminalreporter.config.stash.get(CELLS, [])
    if not cells:
        return
    kinds = list(dict.fromkeys(cell.kind for cell in cells))
    found = {(cell.kind, cell.fault): cell.outcome for cell in cells}
    terminalreporter.section("faults of live services")
    header = "".join(f"{kind[:11]:12}" for kind in kinds)
    terminalreporter.write_line(f"{'':28}{header}")
    for fault in dict.fromkeys(cell.fault for cell in cells):
        row = "".join(f"{found.get((kind, fault), ''):12}" for kind in kinds)
        terminalreporter.write_line(f"{fault:28}{row}".rstrip())
