"""The packaged sample, which the tests of this folder share. Read it only."""

import pytest

from stocktrend.sources.sample import SampleMarket, sample


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> SampleMarket:
    """The sample in a new folder."""
    return sample(tmp_path_factory.mktemp("sample") / "root")
