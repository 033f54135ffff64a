"""The dual-tower network on one batch: loss and gradients as compiled loops."""

import numpy as np

from stocktrend.training.compiled.heads import heads
from stocktrend.training.compiled.hidden import Floats, compiled, dense, dense_back
from stocktrend.training.compiled.layout import (
    Batch,
    Parts,
    Plan,
    Work,
    statistics_of,
    weights_of,
    widest,
    work_of,
)
from stocktrend.training.compiled.losses import magnitude, orthogonality
from stocktrend.training.compiled.tower import matrix, tower, tower_back


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
    own, to_own = weights_of(plan, weights), weights_of(plan, to_weights)
    moving = statistics_of(plan, running)
    inside = work_of(plan, work, len(batch.context))
    _forward(plan, batch, own, moving, seed, inside)
    c, s, p = inside.found
    to_c, to_s, to_p = inside.slopes
    loss = orthogonality(c, p, plan.regularization, to_c, to_p)
    loss += magnitude(c, plan.regularization, to_c) + magnitude(s, plan.regularization, to_s)
    loss += heads(
        plan, batch.targets, c, p, own.heads, moving.heads, inside.rest, to_own.heads, to_c, to_p
    )
    _backward(plan, batch, own, inside, to_own)
    return loss


@compiled
def _forward(
    plan: Plan, batch: Batch, weights: Parts, running: Parts, seed: int, work: Work
) -> None:
    """Both towers, and the stock's embedding projected to the context's size."""
    dc, ds = plan.context_size, plan.stock_size
    c, s, p = work.found
    tower(
        batch.context,
        plan.context,
        weights.context,
        running.context,
        plan.context_drop,
        seed,
        work.context,
        c,
    )
    tower(
        batch.stock,
        plan.stock,
        weights.stock,
        running.stock,
        plan.stock_drop,
        seed + 0x3C6EF372,
        work.stock,
        s,
    )
    dense(s, matrix(weights.projection, 0, dc, ds), weights.projection[dc * ds :], p)


@compiled
def _backward(plan: Plan, batch: Batch, weights: Parts, work: Work, to_weights: Parts) -> None:
    """Gradients to projection and towers, from those to the embeddings."""
    n, dc, ds = len(batch.context), plan.context_size, plan.stock_size
    to_c, to_s, to_p = work.slopes
    first, second = work.rest, work.rest[n * widest(plan) :]
    dense_back(
        to_p,
        work.found.stock,
        matrix(to_weights.projection, 0, dc, ds),
        to_weights.projection[dc * ds :],
    )
    through = matrix(first, 0, n, ds)
    np.dot(to_p, matrix(weights.projection, 0, dc, ds), through)
    to_s += through
    tower_back(
        to_s,
        batch.stock,
        plan.stock,
        weights.stock,
        plan.stock_drop,
        work.stock,
        to_weights.stock,
        first,
        second,
    )
    tower_back(
        to_c,
        batch.context,
        plan.context,
        weights.context,
        plan.context_drop,
        work.context,
        to_weights.context,
        first,
        second,
    )
