"""The local server of the tests of live sources, its table, and a data root updated from it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from outcomes import Cell, table
from server import Server
from updated import KEY, Updated, updated_market

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


@pytest.fixture(scope="session")
def updated(built_market: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Updated]:
    """A small market after its first update; ``root`` is a copy of it."""
    with updated_market(built_market, tmp_path_factory.mktemp("update")) as found:
        yield found


@pytest.fixture
def root(updated: Updated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the updated data root that a test may change; its server has forgotten."""
    monkeypatch.setenv("FRED_API_KEY", KEY)
    updated.server.forget()
    return Path(shutil.copytree(updated.root, tmp_path / "market"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Faults by services."""
    cells = terminalreporter.config.stash.get(CELLS, [])
    if cells:
        terminalreporter.section("faults of live services")
        for line in table(cells):
            terminalreporter.write_line(line)
