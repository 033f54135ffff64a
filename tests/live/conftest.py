"""The local server of the tests of live sources."""

from collections.abc import Iterator

import pytest
from server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """A server without answers: give it some by ``answer`` or ``script``."""
    with Server() as running:
        yield running
