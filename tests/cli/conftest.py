"""A small simulated market, and a run on it, shared by the tests of the command line."""

from pathlib import Path

import pytest

from stocktrend.cli.program import execute


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw files of four tickers over two years; nothing is ingested yet."""
    root = tmp_path_factory.mktemp("market")
    order = "--market strong --tickers 4 --start 2016-01-01 --end 2017-12-31 --seed 3"
    assert execute(["simulate", "--data-root", str(root), *order.split()]) == 0
    return root


@pytest.fixture(scope="session")
def finished(market: Path) -> Path:
    """The same market with one finished run."""
    assert execute(["run", "--data-root", str(market), "--preset", "original"]) == 0
    return market
