"""Calling a kernel as the stock features do: arrays in, arrays of NaN to be filled."""

from collections.abc import Callable, Sequence

import numpy as np

NAN = float("nan")


def array(values: Sequence[float]) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def filled(
    kernel: Callable[..., None],
    *inputs: Sequence[float] | np.ndarray | int,
    outputs: int = 1,
) -> list[np.ndarray]:
    """The arrays that a kernel fills, each as long as its first input."""
    ready = [value if isinstance(value, int) else array(value) for value in inputs]
    results = [np.full(len(inputs[0]), NAN) for _ in range(outputs)]
    kernel(*ready, *results)
    return results


def assert_values(result: np.ndarray, expected: Sequence[float]) -> None:
    """Equal to 1e-12, and NaN in the same places."""
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-13)
