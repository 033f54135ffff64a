"""Layers of the network as compiled loops: the matrix products are the library's, the rest is one
pass over memory.

Batch norm, ReLU and dropout one after the other read and write a batch seven times forwards and
more backwards; for layers this small that, and the calls, is most of a training step.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stocktrend.compilation import compiler

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

EPSILON = 1e-5
"""Added to the variance, as ``torch.nn.BatchNorm1d`` does."""

MOMENTUM = 0.1
"""Share of a batch in the running statistics, as in ``torch.nn.BatchNorm1d``."""

compiled = compiler(Path(__file__).parent)


@compiled
def noise(position: np.uint32, seed: np.uint32) -> np.uint32:
    """32 bits that look random: a function of place and seed, so no generator has to be kept.

    The mixing is ``lowbias32`` of Chris Wellons' hash prospector (public domain).
    """
    x = np.uint32(position * np.uint32(0x9E3779B1)) ^ seed
    x ^= x >> np.uint32(16)
    x = np.uint32(x * np.uint32(0x7FEB352D))
    x ^= x >> np.uint32(15)
    x = np.uint32(x * np.uint32(0x846CA68B))
    x ^= x >> np.uint32(16)
    return x


@compiled
def dense(values: Floats, weight: Floats, bias: Floats, out: Floats) -> None:
    """``out = values @ weight.T + bias``: (B, I), (O, I), (O,) -> (B, O)."""
    np.dot(values, weight.T, out)
    for b in range(out.shape[0]):
        for o in range(out.shape[1]):
            out[b, o] += bias[o]


@compiled
def dense_back(slopes: Floats, values: Floats, to_weight: Floats, to_bias: Floats) -> None:
    """Gradients of ``dense`` to its weight and bias, from those to its output (B, O)."""
    np.dot(slopes.T, values, to_weight)
    to_bias[:] = np.float32(0.0)
    for b in range(slopes.shape[0]):
        for o in range(slopes.shape[1]):
            to_bias[o] += slopes[b, o]


@compiled
def hidden(
    values: Floats,
    gain: Floats,
    shift: Floats,
    drop: float,
    seed: np.uint32,
    mean: Floats,
    scale: Floats,
    out: Floats,
) -> None:
    """``out = dropout(relu(batch_norm(values)))``.

    Args:
        values: (B, H), the products without bias, which batch norm would take out again.
        gain, shift: (H,).
        drop: Share of activations that become 0; the others are divided by 1 - drop.
        seed: Of dropout.
        mean, scale: (H,), filled: mean and 1 / standard deviation of the batch.
        out: (B, H), filled; what is not a number stays so, as in torch.
    """
    n, width = values.shape
    share = np.float32(1.0 / n)
    kept = np.float32(1.0 / (1.0 - drop))
    bound = np.uint32(drop * 4294967296.0)
    mean[:] = np.float32(0.0)
    scale[:] = np.float32(0.0)
    for b in range(n):
        for h in range(width):
            mean[h] += values[b, h]
    for h in range(width):
        mean[h] *= share
    for b in range(n):
        for h in range(width):
            gap = values[b, h] - mean[h]
            scale[h] += gap * gap
    for h in range(width):
        scale[h] = np.float32(1.0) / np.sqrt(scale[h] * share + np.float32(EPSILON))
    for b in range(n):
        start = np.uint32(b * width)
        for h in range(width):
            x = (values[b, h] - mean[h]) * scale[h] * gain[h] + shift[h]
            stays = not x <= 0.0 and (bound == 0 or noise(start + np.uint32(h), seed) >= bound)
            out[b, h] = x * kept if stays else np.float32(0.0)


@compiled
def hidden_back(
    slopes: Floats,
    values: Floats,
    out: Floats,
    gain: Floats,
    mean: Floats,
    scale: Floats,
    drop: float,
    to_gain: Floats,
    to_shift: Floats,
) -> None:
    """Gradients of ``hidden``: to gain and shift (H,); those to values replace ``slopes`` (B, H).

    What passed is seen in ``out``: it is above 0 there and nowhere else.
    """
    n, width = values.shape
    share = np.float32(1.0 / n)
    kept = np.float32(1.0 / (1.0 - drop))
    to_gain[:] = np.float32(0.0)
    to_shift[:] = np.float32(0.0)
    for b in range(n):
        for h in range(width):
            slope = slopes[b, h] * kept if out[b, h] > 0.0 else np.float32(0.0)
            slopes[b, h] = slope
            to_shift[h] += slope
            to_gain[h] += slope * (values[b, h] - mean[h])
    for h in range(width):
        to_gain[h] *= scale[h]
    for b in range(n):
        for h in range(width):
            along = (values[b, h] - mean[h]) * scale[h] * to_gain[h]
            slopes[b, h] = (slopes[b, h] - share * (to_shift[h] + along)) * gain[h] * scale[h]


@compiled
def move_statistics(
    running_mean: Floats,
    running_variance: Floats,
    bias: Floats,
    mean: Floats,
    scale: Floats,
    n: int,
) -> None:
    """Take a batch of n rows into the running mean and (unbiased) variance of its layer."""
    unbiased = np.float32(n / (n - 1))
    share = np.float32(MOMENTUM)
    for h in range(len(mean)):
        variance = np.float32(1.0) / (scale[h] * scale[h]) - np.float32(EPSILON)
        running_mean[h] += share * (mean[h] + bias[h] - running_mean[h])
        running_variance[h] += share * (variance * unbiased - running_variance[h])
