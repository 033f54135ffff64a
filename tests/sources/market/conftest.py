"""Markets that the tests of this folder share."""

from datetime import date

import pytest

from stocktrend.sources.market import SimulatedMarket, simulate


@pytest.fixture(scope="session")
def strong(tmp_path_factory: pytest.TempPathFactory) -> SimulatedMarket:
    """60 tickers, five years, strong response."""
    return simulate(
        tmp_path_factory.mktemp("strong") / "market",
        market="strong",
        tickers=60,
        start=date(2014, 1, 1),
        end=date(2018, 12, 31),
        seed=5,
    )


@pytest.fixture(scope="session")
def none(tmp_path_factory: pytest.TempPathFactory) -> SimulatedMarket:
    """The same latent states and noise, but nothing follows from them."""
    return simulate(
        tmp_path_factory.mktemp("none") / "market",
        market="none",
        tickers=60,
        start=date(2014, 1, 1),
        end=date(2018, 12, 31),
        seed=5,
    )
