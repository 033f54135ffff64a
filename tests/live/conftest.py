"""The local server of the tests of live sources, and the table of what faults led to."""

from collections.abc import Iterator

import pytest
from outcomes import Cell, table
from server import Server

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
    if cells:
        terminalreporter.section("faults of live services")
        for line in table(cells):
            terminalreporter.write_line(line)
