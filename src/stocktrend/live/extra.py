"""The libraries that live sources need are an extra: without them a message says so."""

from collections.abc import Iterator
from contextlib import contextmanager

from stocktrend.errors import ConfigError, install


@contextmanager
def extra() -> Iterator[None]:
    """Around the imports of libraries that only live sources need.

    Raises:
        ConfigError: one of them is not installed.
    """
    try:
        yield
    except ImportError as missing:
        raise ConfigError(
            f"Live sources need the libraries of the extra `live`, however {missing.name} is not "
            f"installed. {install('live')}"
        ) from missing
