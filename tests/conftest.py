"""Fixtures shared by all tests."""

import os
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from injected import Fault

ROOT = Path(__file__).parents[1]

# Before torch is imported, here or in a process that a test starts: at these sizes a second thread
# gains nothing, and on a busy machine every one of its barriers waits for the other core.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("STOCKTREND_TEST_DATA", ROOT / ".." / "shared" / "data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"real data not found in {folder}: set STOCKTREND_TEST_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def built_market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small simulated market, ingested. Read it only; copy the folder to change it."""
    import stocktrend as st

    root = tmp_path_factory.mktemp("market")
    st.simulate(
        root,
        market="strong",
        tickers=8,
        start=date(2015, 1, 1),
        end=date(2017, 6, 30),
        seed=11,
    )
    st.ingest(root, retrieved_at=datetime(2017, 7, 1, tzinfo=UTC))
    return root


@pytest.fixture
def market(built_market: Path, tmp_path: Path) -> Path:
    """A copy of the small simulated market that a test may change."""
    return Path(shutil.copytree(built_market, tmp_path / "market"))


FAULTS: pytest.StashKey[list[Fault]] = pytest.StashKey()


@pytest.fixture
def faults(request: pytest.FixtureRequest) -> list[Fault]:
    """Faults to show at the end of the test run."""
    return request.config.stash.setdefault(FAULTS, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A table of the storage faults that were injected."""
    rows = terminalreporter.config.stash.get(FAULTS, [])
    if not rows:
        return
    terminalreporter.section("storage faults")
    terminalreporter.write_line(f"{'fault':38}{'command':24}{'readable':10}nothing lost")
    for row in rows:
        left = f"{'yes' if row.readable else 'NO':10}{'yes' if row.nothing_lost else 'NO'}"
        terminalreporter.write_line(f"{row.name:38}{row.command:24}{left}")
        terminalreporter.write_line(f"    {row.said}")
