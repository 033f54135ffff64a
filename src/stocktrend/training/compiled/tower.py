"""A tower, or the hidden part of a head, as compiled loops over its layers.

Weights lie in one flat vector in the order of ``named_parameters``: per block weight and bias of
the dense layer, gain and shift of batch norm; then weight and bias of the last dense layer.
"""

import numpy as np

from stocktrend.training.compiled.hidden import (
    Floats,
    Integers,
    compiled,
    dense,
    dense_back,
    hidden,
    hidden_back,
    move_statistics,
)


@compiled
def matrix(flat: Floats, start: int, rows: int, columns: int) -> Floats:
    """A part of a flat vector as a matrix: a view."""
    return flat[start : start + rows * columns].reshape(rows, columns)


@compiled
def blocks(
    inputs: Floats,
    widths: Integers,
    weights: Floats,
    running: Floats,
    drop: float,
    seed: int,
    work: Floats,
) -> None:
    """Forward through the blocks in training; the running statistics move.

    Args:
        inputs: (B, widths[0]).
        widths: Of the input and of each block's output.
        weights: Flat, from the first block's on.
        running: Flat: running mean and variance of each block.
        drop: Share of activations to drop.
        seed: Of dropout on this batch; each block mixes its number in.
        work: Filled, per block: mean, scale, products (B, H), outputs (B, H).
    """
    n = inputs.shape[0]
    values, at, place, moved = inputs, 0, 0, 0
    for block in range(len(widths) - 1):
        i, o = widths[block], widths[block + 1]
        bias = weights[at + o * i : at + o * i + o]
        mean, scale = work[place : place + o], work[place + o : place + 2 * o]
        products = matrix(work, place + 2 * o, n, o)
        out = matrix(work, place + 2 * o + n * o, n, o)
        np.dot(values, matrix(weights, at, o, i).T, products)
        at += o * i + o
        own = np.uint32((seed + block * 0x632BE5AB) & 0xFFFFFFFF)
        hidden(
            products,
            weights[at : at + o],
            weights[at + o : at + 2 * o],
            drop,
            own,
            mean,
            scale,
            out,
        )
        at += 2 * o
        move_statistics(
            running[moved : moved + o], running[moved + o : moved + 2 * o], bias, mean, scale, n
        )
        moved += 2 * o
        place += 2 * o + 2 * n * o
        values = out


@compiled
def outputs(widths: Integers, n: int, work: Floats, last: int) -> Floats:
    """What ``blocks`` left as the output (B, H) of block ``last``, counted from 0."""
    place = 0
    for block in range(last):
        o = widths[block + 1]
        place += 2 * o + 2 * n * o
    o = widths[last + 1]
    return matrix(work, place + 2 * o + n * o, n, o)


@compiled
def blocks_back(
    slopes: Floats,
    inputs: Floats,
    widths: Integers,
    weights: Floats,
    drop: float,
    work: Floats,
    to_weights: Floats,
    other: Floats,
    inward: bool,
) -> bool:
    """Gradients of ``blocks`` to its weights, and to its inputs if ``inward``.

    Args:
        slopes: Flat; its first (B, H) are the gradients to the last block's output. Overwritten.
        inputs, widths, weights, drop, work: As ``blocks`` had and left them.
        to_weights: Flat, filled; the bias, which batch norm takes out, has 0.
        other: Flat, of the size of ``slopes``: the two take turns.

    Returns:
        Whether the gradients to the inputs lie in ``other`` (else in ``slopes``).
    """
    n, count = inputs.shape[0], len(widths) - 1
    at, place = 0, 0
    for block in range(count):
        i, o = widths[block], widths[block + 1]
        at += o * i + 3 * o
        place += 2 * o + 2 * n * o
    turned = False
    for back in range(count):
        block = count - 1 - back
        i, o = widths[block], widths[block + 1]
        at -= o * i + 3 * o
        place -= 2 * o + 2 * n * o
        here, there = (other, slopes) if turned else (slopes, other)
        slope = matrix(here, 0, n, o)
        norm = at + o * i + o
        hidden_back(
            slope,
            matrix(work, place + 2 * o, n, o),
            matrix(work, place + 2 * o + n * o, n, o),
            weights[norm : norm + o],
            work[place : place + o],
            work[place + o : place + 2 * o],
            drop,
            to_weights[norm : norm + o],
            to_weights[norm + o : norm + 2 * o],
        )
        values = outputs(widths, n, work, block - 1) if block else inputs
        np.dot(slope.T, values, matrix(to_weights, at, o, i))
        to_weights[at + o * i : norm] = np.float32(0.0)
        if block or inward:
            np.dot(slope, matrix(weights, at, o, i), matrix(there, 0, n, i))
        turned = not turned
    return turned


@compiled
def size(widths: Integers) -> int:
    """How many weights the blocks have."""
    total = 0
    for block in range(len(widths) - 1):
        total += widths[block + 1] * (widths[block] + 3)
    return total


@compiled
def tower(
    inputs: Floats,
    widths: Integers,
    weights: Floats,
    running: Floats,
    drop: float,
    seed: int,
    work: Floats,
    embedding: Floats,
) -> None:
    """Blocks, then a dense layer to ``embedding`` (B, D), which is filled."""
    blocks(inputs, widths, weights, running, drop, seed, work)
    n, last = inputs.shape[0], widths[len(widths) - 1]
    at, d = size(widths), embedding.shape[1]
    values = outputs(widths, n, work, len(widths) - 2) if len(widths) > 1 else inputs
    dense(
        values, matrix(weights, at, d, last), weights[at + d * last : at + d * last + d], embedding
    )


@compiled
def tower_back(
    slopes: Floats,
    inputs: Floats,
    widths: Integers,
    weights: Floats,
    drop: float,
    work: Floats,
    to_weights: Floats,
    first: Floats,
    second: Floats,
) -> None:
    """Gradients of ``tower`` to its weights, from those to its embedding (B, D)."""
    n, last = inputs.shape[0], widths[len(widths) - 1]
    at, d = size(widths), slopes.shape[1]
    values = outputs(widths, n, work, len(widths) - 2) if len(widths) > 1 else inputs
    dense_back(
        slopes,
        values,
        matrix(to_weights, at, d, last),
        to_weights[at + d * last : at + d * last + d],
    )
    np.dot(slopes, matrix(weights, at, d, last), matrix(first, 0, n, last))
    blocks_back(first, inputs, widths, weights, drop, work, to_weights, second, False)
