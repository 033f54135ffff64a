"""The dual-tower network on one batch: outputs, loss and gradients as compiled loops."""

from typing import NamedTuple

import numpy as np

from stocktrend.training.compiled.hidden import (
    Doubles,
    Floats,
    Integers,
    compiled,
    dense,
    dense_back,
)
from stocktrend.training.compiled.losses import head_loss, magnitude, orthogonality
from stocktrend.training.compiled.tower import (
    blocks,
    blocks_back,
    matrix,
    outputs,
    size,
    tower,
    tower_back,
)

FULL, PRODUCT, CONCAT, CONTEXT, ADDITIVE, STOCK = range(6)
"""What the heads read; numbers for the loops."""

HIDDEN, SECOND, OUT = 16, 8, 3
"""Widths of a head, from its batch norm on."""


class Plan(NamedTuple):
    """What the loops need to know of a network and its loss.

    Attributes:
        context, stock: Widths of each tower's input and blocks.
        context_size, stock_size: Of the embeddings.
        horizons: How many heads.
        interaction: One of the numbers above.
        stock_from: Column of a row at which the stock tower's inputs start.
        labels_from: Column at which the targets start.
        context_drop, stock_drop: Dropout.
        regression, classification: (horizons,): weights of each head's losses.
        regularization: Weight of orthogonality and magnitude.
    """

    context: Integers
    stock: Integers
    context_size: int
    stock_size: int
    horizons: int
    interaction: int
    stock_from: int
    labels_from: int
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


@compiled
def room(widths: Integers, n: int) -> int:
    """How many numbers ``blocks`` needs for a batch of n rows."""
    total = 0
    for width in widths[1:]:
        total += 2 * width + 2 * n * width
    return total


@compiled
def step(
    plan: Plan,
    batch: Batch,
    weights: Floats,
    running: Floats,
    seed: int,
    work: Floats,
    to_weights: Floats,
) -> float:
    """Forwards and backwards.

    Args:
        plan: Of the network.
        batch: Of B rows.
        weights: Flat, in the order context tower, stock tower, projection, heads.
        running: Flat statistics of batch norm, in the same order; they move.
        seed: Of dropout on this batch.
        work: At least as long as ``work_size`` says.
        to_weights: Flat, filled with the gradients.

    Returns:
        The loss.
    """
    n = batch.context.shape[0]
    dc, ds = plan.context_size, plan.stock_size
    at_stock = size(plan.context) + dc * (plan.context[-1] + 1)
    at_projection = at_stock + size(plan.stock) + ds * (plan.stock[-1] + 1)
    at_heads = at_projection + dc * (ds + 1)
    moved = 2 * plan.context[1:].sum()
    place = 0
    work_c = work[place : place + room(plan.context, n)]
    place += len(work_c)
    work_s = work[place : place + room(plan.stock, n)]
    place += len(work_s)
    c = matrix(work, place, n, dc)
    s = matrix(work, place + n * dc, n, ds)
    p = matrix(work, place + n * (dc + ds), n, dc)
    to_c = matrix(work, place + n * (2 * dc + ds), n, dc)
    to_s = matrix(work, place + n * (3 * dc + ds), n, ds)
    to_p = matrix(work, place + n * (3 * dc + 2 * ds), n, dc)
    place += n * (4 * dc + 2 * ds)
    tower(batch.context, plan.context, weights, running, plan.context_drop, seed, work_c, c)
    tower(
        batch.stock,
        plan.stock,
        weights[at_stock:],
        running[moved:],
        plan.stock_drop,
        seed + 0x3C6EF372,
        work_s,
        s,
    )
    moved += 2 * plan.stock[1:].sum()
    to_projection = weights[at_projection:at_heads]
    dense(s, matrix(to_projection, 0, dc, ds), to_projection[dc * ds :], p)
    to_c[:] = np.float32(0.0)
    to_s[:] = np.float32(0.0)
    to_p[:] = np.float32(0.0)
    loss = orthogonality(c, p, plan.regularization, to_c, to_p)
    loss += magnitude(c, plan.regularization, to_c) + magnitude(s, plan.regularization, to_s)
    of_heads, to_heads = weights[at_heads:], to_weights[at_heads:]
    rest, targets = work[place:], batch.targets
    if plan.interaction == ADDITIVE:
        loss += _linear_heads(plan, targets, c, p, of_heads, rest, to_heads, to_c, to_p)
    else:
        moving = running[moved:]
        loss += _heads(plan, targets, c, p, of_heads, moving, rest, to_heads, to_c, to_p)
    to_part = to_weights[at_projection:at_heads]
    dense_back(to_p, s, matrix(to_part, 0, dc, ds), to_part[dc * ds :])
    first, second = work[place:], work[place + n * _widest(plan) :]
    back = matrix(first, 0, n, ds)
    np.dot(to_p, matrix(to_projection, 0, dc, ds), back)
    to_s += back
    tower_back(
        to_s,
        batch.stock,
        plan.stock,
        weights[at_stock:],
        plan.stock_drop,
        work_s,
        to_weights[at_stock:],
        first,
        second,
    )
    tower_back(
        to_c,
        batch.context,
        plan.context,
        weights,
        plan.context_drop,
        work_c,
        to_weights,
        first,
        second,
    )
    return loss


@compiled
def _widest(plan: Plan) -> int:
    """The widest matrix that gradients pass through."""
    towers = max(plan.context.max(), plan.stock.max())
    return int(max(towers, 2 * plan.context_size, plan.stock_size, HIDDEN))


@compiled
def work_size(plan: Plan, n: int) -> int:
    """How many numbers ``step`` needs for batches of up to n rows."""
    embeddings = n * (4 * plan.context_size + 2 * plan.stock_size)
    head = room(np.array([1, HIDDEN]), n) + n * (2 * plan.context_size + 2 * SECOND + 2 * OUT)
    rest = max(2 * n * _widest(plan), head + 2 * n * _widest(plan))
    return room(plan.context, n) + room(plan.stock, n) + embeddings + rest


@compiled
def _heads(
    plan: Plan,
    targets: Floats,
    c: Floats,
    p: Floats,
    weights: Floats,
    running: Floats,
    work: Floats,
    to_weights: Floats,
    to_c: Floats,
    to_p: Floats,
) -> float:
    """Losses of all heads; their gradients to weights, and added to the embeddings'."""
    n, dc = c.shape
    width = 2 * dc if plan.interaction == CONCAT else dc
    joint = matrix(work, 0, n, width)
    _join(plan.interaction, c, p, joint)
    widths = np.array([width, HIDDEN])
    place = n * width
    needed = room(widths, n)
    own = work[place : place + needed]
    place += needed
    second = matrix(work, place, n, SECOND)
    to_second = matrix(work, place + n * SECOND, n, SECOND)
    raw = matrix(work, place + 2 * n * SECOND, n, OUT)
    to_raw = matrix(work, place + n * (2 * SECOND + OUT), n, OUT)
    place += n * (2 * SECOND + 2 * OUT)
    first, other = work[place:], work[place + n * _widest(plan) :]
    a = size(widths)
    b = a + SECOND * (HIDDEN + 1)
    end = b + OUT * (SECOND + 1)
    loss = 0.0
    for h in range(plan.horizons):
        w, g = weights[h * end : (h + 1) * end], to_weights[h * end : (h + 1) * end]
        blocks(joint, widths, w, running[2 * HIDDEN * h :], 0.0, 0, own)
        active = outputs(widths, n, own, 0)
        dense(active, matrix(w, a, SECOND, HIDDEN), w[b - SECOND : b], second)
        np.maximum(second, np.float32(0.0), second)
        dense(second, matrix(w, b, OUT, SECOND), w[end - OUT : end], raw)
        loss += head_loss(raw, targets[h], plan.regression[h], plan.classification[h], to_raw)
        dense_back(to_raw, second, matrix(g, b, OUT, SECOND), g[end - OUT : end])
        np.dot(to_raw, matrix(w, b, OUT, SECOND), to_second)
        for row in range(n):
            for d in range(SECOND):
                if second[row, d] <= 0.0:
                    to_second[row, d] = np.float32(0.0)
        dense_back(to_second, active, matrix(g, a, SECOND, HIDDEN), g[b - SECOND : b])
        np.dot(to_second, matrix(w, a, SECOND, HIDDEN), matrix(first, 0, n, HIDDEN))
        turned = blocks_back(first, joint, widths, w, 0.0, own, g, other, True)
        to_joint = matrix(other if turned else first, 0, n, width)
        _join_back(plan.interaction, c, p, to_joint, to_c, to_p)
    return loss


@compiled
def _linear_heads(
    plan: Plan,
    targets: Floats,
    c: Floats,
    p: Floats,
    weights: Floats,
    work: Floats,
    to_weights: Floats,
    to_c: Floats,
    to_p: Floats,
) -> float:
    """As ``_heads``, of heads of one linear layer."""
    n, width = c.shape
    joint, to_joint = matrix(work, 0, n, width), matrix(work, n * width, n, width)
    raw = matrix(work, 2 * n * width, n, OUT)
    to_raw = matrix(work, n * (2 * width + OUT), n, OUT)
    _join(plan.interaction, c, p, joint)
    end = OUT * (width + 1)
    loss = 0.0
    for h in range(plan.horizons):
        w, g = weights[h * end : (h + 1) * end], to_weights[h * end : (h + 1) * end]
        dense(joint, matrix(w, 0, OUT, width), w[end - OUT :], raw)
        loss += head_loss(raw, targets[h], plan.regression[h], plan.classification[h], to_raw)
        dense_back(to_raw, joint, matrix(g, 0, OUT, width), g[end - OUT :])
        np.dot(to_raw, matrix(w, 0, OUT, width), to_joint)
        _join_back(plan.interaction, c, p, to_joint, to_c, to_p)
    return loss


@compiled
def _join(interaction: int, c: Floats, p: Floats, joint: Floats) -> None:
    n, width = c.shape
    for b in range(n):
        for d in range(width):
            x, y = c[b, d], p[b, d]
            if interaction == FULL:
                joint[b, d] = x + y + x * y
            elif interaction == PRODUCT:
                joint[b, d] = x * y
            elif interaction == ADDITIVE:
                joint[b, d] = x + y
            elif interaction == STOCK:
                joint[b, d] = y
            else:
                joint[b, d] = x
            if interaction == CONCAT:
                joint[b, width + d] = y


@compiled
def _join_back(
    interaction: int, c: Floats, p: Floats, slopes: Floats, to_c: Floats, to_p: Floats
) -> None:
    """Add the gradients to both embeddings."""
    n, width = c.shape
    for b in range(n):
        for d in range(width):
            slope = slopes[b, d]
            if interaction == FULL:
                to_c[b, d] += slope * (np.float32(1.0) + p[b, d])
                to_p[b, d] += slope * (np.float32(1.0) + c[b, d])
            elif interaction == PRODUCT:
                to_c[b, d] += slope * p[b, d]
                to_p[b, d] += slope * c[b, d]
            else:
                if interaction != STOCK:
                    to_c[b, d] += slope
                if interaction in (ADDITIVE, STOCK):
                    to_p[b, d] += slope
            if interaction == CONCAT:
                to_p[b, d] += slopes[b, width + d]
