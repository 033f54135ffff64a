"""One seed for many independent streams of random numbers."""

from typing import Literal

import numpy as np

from stocktrend.errors import ConfigError

Stream = Literal["order", "dropout"]
_STREAMS: dict[Stream, int] = {"order": 0, "dropout": 1}


def epoch_seed(seed: int, epoch: int, stream: Stream) -> int:
    """The seed of one epoch's stream, a function of its arguments alone.

    An epoch so does not depend on the random numbers that earlier epochs drew.

    Raises:
        ConfigError: the seed is negative.

    >>> epoch_seed(1, 0, "order") == epoch_seed(1, 0, "order")
    True
    >>> epoch_seed(1, 0, "order") == epoch_seed(1, 0, "dropout")
    False
    """
    if seed < 0:
        raise ConfigError(f"seed must be 0 or more, however: {seed}")
    sequence = np.random.SeedSequence([seed, epoch, _STREAMS[stream]])
    return int(sequence.generate_state(1)[0])
