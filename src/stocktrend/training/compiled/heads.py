"""The heads on one batch: what they read of both embeddings, their losses and gradients."""

import numpy as np

from stocktrend.training.compiled.hidden import Floats, compiled, dense, dense_back
from stocktrend.training.compiled.layout import (
    ADDITIVE,
    CONCAT,
    FULL,
    HIDDEN,
    OUT,
    PRODUCT,
    SECOND,
    STOCK,
    Plan,
    room,
    widest,
)
from stocktrend.training.compiled.losses import head_loss
from stocktrend.training.compiled.tower import blocks, blocks_back, matrix, outputs, size


@compiled
def heads(
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
    """Losses of all heads; their gradients to weights, and added to the embeddings'.

    Args:
        plan: Of the network.
        targets: (horizons, B), NaN where not known.
        c, p: (B, D), the context's embedding and the stock's, projected.
        weights: Flat, one head after the other.
        running: Flat statistics of their batch norms; they move.
        work: The rest of a batch's ``Work``.
        to_weights: Flat, filled with the gradients.
        to_c, to_p: (B, D), added to.
    """
    if plan.interaction == ADDITIVE:
        return _linear_heads(plan, targets, c, p, weights, work, to_weights, to_c, to_p)
    return _deep_heads(plan, targets, c, p, weights, running, work, to_weights, to_c, to_p)


@compiled
def _deep_heads(
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
    """As ``heads``, of heads with a batch norm and two hidden layers."""
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
    first, other = work[place:], work[place + n * widest(plan) :]
    a = size(widths)
    b = a + SECOND * (HIDDEN + 1)
    end = b + OUT * (SECOND + 1)
    loss = 0.0
    for h in range(len(targets)):
        w, g = weights[h * end : (h + 1) * end], to_weights[h * end : (h + 1) * end]
        blocks(joint, widths, w, running[2 * HIDDEN * h :], 0.0, 0, own)
        active = outputs(widths, n, own, 0)
        dense(active, matrix(w, a, SECOND, HIDDEN), w[b - SECOND : b], second)
        np.maximum(second, np.float32(0.0), second)
        dense(second, matrix(w, b, OUT, SECOND), w[end - OUT : end], raw)
        loss += head_loss(
            raw, targets[h], plan.regression[h], plan.classification[h], plan.neutral, to_raw
        )
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
    """As ``heads``, of heads of one linear layer."""
    n, width = c.shape
    joint, to_joint = matrix(work, 0, n, width), matrix(work, n * width, n, width)
    raw = matrix(work, 2 * n * width, n, OUT)
    to_raw = matrix(work, n * (2 * width + OUT), n, OUT)
    _join(plan.interaction, c, p, joint)
    end = OUT * (width + 1)
    loss = 0.0
    for h in range(len(targets)):
        w, g = weights[h * end : (h + 1) * end], to_weights[h * end : (h + 1) * end]
        dense(joint, matrix(w, 0, OUT, width), w[end - OUT :], raw)
        loss += head_loss(
            raw, targets[h], plan.regression[h], plan.classification[h], plan.neutral, to_raw
        )
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
