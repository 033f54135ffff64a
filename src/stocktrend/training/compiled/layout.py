"""What the compiled loops know of a network, and where its numbers lie in flat vectors."""

from typing import NamedTuple

import numpy as np

from stocktrend.training.compiled.hidden import Doubles, Floats, Integers, compiled
from stocktrend.training.compiled.tower import matrix, size

FULL, PRODUCT, CONCAT, CONTEXT, ADDITIVE, STOCK = range(6)
"""What the heads read; numbers for the loops."""

HIDDEN, SECOND, OUT = 16, 8, 3
"""Widths of a head, from its batch norm on."""


class Plan(NamedTuple):
    """What the loops need to know of a network, its loss and its rows.

    Attributes:
        context, stock: Widths of each tower's input and blocks.
        context_size, stock_size: Of the embeddings.
        interaction: One of the numbers above.
        stock_from: Column of a row at which the stock tower's inputs start.
        targets: (horizons,): column of each head's target.
        neutral: Targets nearer to 0 are neither up nor down.
        context_drop, stock_drop: Dropout.
        regression, classification: (horizons,): weights of each head's losses.
        regularization: Weight of orthogonality and magnitude.
    """

    context: Integers
    stock: Integers
    context_size: int
    stock_size: int
    interaction: int
    stock_from: int
    targets: Integers
    neutral: float
    context_drop: float
    stock_drop: float
    regression: Doubles
    classification: Doubles
    regularization: float


class Batch(NamedTuple):
    """Inputs (B, 25) and (B, 62), and targets (horizons, B), NaN where not known."""

    context: Floats
    stock: Floats
    targets: Floats


class Parts(NamedTuple):
    """Views of a flat vector with weights, their gradients, or running statistics."""

    context: Floats
    stock: Floats
    projection: Floats
    heads: Floats


class Embeddings(NamedTuple):
    """c (B, D), s (B, E) and P s (B, D), or the gradients to them."""

    context: Floats
    stock: Floats
    projected: Floats


class Work(NamedTuple):
    """Views of the memory that a batch is worked on in.

    Attributes:
        context, stock: Of the towers' blocks.
        found: The embeddings.
        slopes: Gradients to them.
        rest: For heads, and then for gradients on their way back through the towers.
    """

    context: Floats
    stock: Floats
    found: Embeddings
    slopes: Embeddings
    rest: Floats


@compiled
def weights_of(plan: Plan, flat: Floats) -> Parts:
    """Weights, or gradients to them, of each part."""
    dc, ds = plan.context_size, plan.stock_size
    stock = size(plan.context) + dc * (plan.context[-1] + 1)
    projection = stock + size(plan.stock) + ds * (plan.stock[-1] + 1)
    heads = projection + dc * (ds + 1)
    return Parts(flat[:stock], flat[stock:projection], flat[projection:heads], flat[heads:])


@compiled
def statistics_of(plan: Plan, running: Floats) -> Parts:
    """Running means and variances of each part; the projection has none."""
    stock = 2 * plan.context[1:].sum()
    heads = stock + 2 * plan.stock[1:].sum()
    return Parts(running[:stock], running[stock:heads], running[heads:heads], running[heads:])


@compiled
def room(widths: Integers, n: int) -> int:
    """How many numbers ``blocks`` needs for a batch of n rows."""
    total = 0
    for width in widths[1:]:
        total += 2 * width + 2 * n * width
    return total


@compiled
def widest(plan: Plan) -> int:
    """The widest matrix that gradients pass through."""
    towers = max(plan.context.max(), plan.stock.max())
    return int(max(towers, 2 * plan.context_size, plan.stock_size, HIDDEN))


@compiled
def work_size(plan: Plan, n: int) -> int:
    """How many numbers ``work_of`` needs for batches of up to n rows."""
    towers = room(plan.context, n) + room(plan.stock, n)
    embeddings = n * (2 * plan.context_size + plan.stock_size)
    head = room(np.array([1, HIDDEN]), n) + n * (2 * plan.context_size + 2 * SECOND + 2 * OUT)
    return int(towers + 2 * embeddings + head + 2 * n * widest(plan))


@compiled
def work_of(plan: Plan, flat: Floats, n: int) -> Work:
    """The memory's parts for a batch of n rows; the slopes are 0."""
    stock = room(plan.context, n)
    found = stock + room(plan.stock, n)
    slopes = found + n * (2 * plan.context_size + plan.stock_size)
    rest = slopes + (slopes - found)
    flat[slopes:rest] = np.float32(0.0)
    return Work(
        flat[:stock],
        flat[stock:found],
        _embeddings(plan, flat[found:slopes], n),
        _embeddings(plan, flat[slopes:rest], n),
        flat[rest:],
    )


@compiled
def _embeddings(plan: Plan, flat: Floats, n: int) -> Embeddings:
    dc, ds = plan.context_size, plan.stock_size
    return Embeddings(
        matrix(flat, 0, n, dc), matrix(flat, n * dc, n, ds), matrix(flat, n * (dc + ds), n, dc)
    )
