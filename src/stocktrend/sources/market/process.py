"""The random streams and the one kind of latent process that the simulated market is made of."""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def stream(seed: int, *key: int) -> np.random.Generator:
    """An independent random stream for a part of the market, the same for the same key."""
    return np.random.default_rng([seed, *key])


def ar1(phi: float, shocks: Array) -> Array:
    """A stationary AR(1) of unit variance along the first axis, from standard normal shocks.

    ``x[0] = e[0]`` and ``x[t] = phi x[t-1] + sqrt(1 - phi^2) e[t]``, so ``E[x[t+k] | x[t]] =
    phi^k x[t]``, and for two independent ones ``E[x[t+k] y[t+k]] = (phi_x phi_y)^k x[t] y[t]``.
    """
    path = np.empty_like(shocks)
    path[0] = shocks[0]
    scale = math.sqrt(1 - phi * phi)
    for t in range(1, len(shocks)):
        path[t] = phi * path[t - 1] + scale * shocks[t]
    return path
