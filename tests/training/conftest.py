"""Fixtures of the tests of training."""

import pytest
from small_training import Loaders

from planted import planted_panel
from stocktrend.dataset import create_data_loaders


@pytest.fixture(scope="module")
def loaders() -> Loaders:
    return create_data_loaders(planted_panel(dates=60))[:2]
