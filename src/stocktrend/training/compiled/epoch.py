"""One pass over the training rows of one member as a compiled loop: no Python runs per batch."""

from typing import NamedTuple

import numpy as np

from stocktrend.training.compiled.hidden import Doubles, Floats, Integers, compiled, noise
from stocktrend.training.compiled.layout import Batch, Plan, work_size
from stocktrend.training.compiled.network import step


class Rates(NamedTuple):
    """What the optimizer does with a gradient.

    Attributes:
        ends: (G,): where each parameter group ends in the flat weights.
        learning, decay: (G,): its learning rate and weight decay.
        decoupled: AdamW; else the decay is an L2 penalty.
        beta_1, beta_2, epsilon: Of Adam.
        most: Norm that a gradient is scaled down to.
    """

    ends: Integers
    learning: Doubles
    decay: Doubles
    decoupled: bool
    beta_1: float
    beta_2: float
    epsilon: float
    most: float


@compiled
def adam(
    rates: Rates, count: int, slopes: Floats, weights: Floats, first: Floats, second: Floats
) -> None:
    """Clip the gradient, then Adam (Kingma and Ba 2015) or AdamW (Loshchilov and Hutter 2019).

    Args:
        rates: Of the groups.
        count: Number of this step, from 1.
        slopes: (P,), the gradient.
        weights: (P,), updated.
        first, second: (P,), moments, updated.
    """
    clip = np.float32(min(1.0, rates.most / (np.sqrt(_squares(slopes)) + 1e-6)))
    late = np.float32(np.sqrt(1.0 - rates.beta_2**count))
    start = 0
    for group in range(len(rates.ends)):
        end, decay = rates.ends[group], rates.decay[group]
        _update(
            slopes[start:end],
            weights[start:end],
            first[start:end],
            second[start:end],
            clip,
            np.float32(rates.learning[group] / (1.0 - rates.beta_1**count)),
            np.float32(1.0 - rates.learning[group] * decay if rates.decoupled else 1.0),
            np.float32(0.0 if rates.decoupled else decay),
            np.float32(rates.beta_1),
            np.float32(rates.beta_2),
            late,
            np.float32(rates.epsilon),
        )
        start = end


LANES = 32
"""Sums that run side by side: one alone would wait for each addition."""


@compiled
def _squares(values: Floats) -> float:
    lanes = np.zeros(LANES, np.float32)
    whole = len(values) // LANES
    for i in range(whole):
        for j in range(LANES):
            lanes[j] += values[i * LANES + j] * values[i * LANES + j]
    total = 0.0
    for lane in lanes:
        total += float(lane)
    for value in values[whole * LANES :]:
        total += float(value * value)
    return total


@compiled
def _update(
    slopes: Floats,
    weights: Floats,
    first: Floats,
    second: Floats,
    clip: np.float32,
    size: np.float32,
    shrink: np.float32,
    pull: np.float32,
    beta_1: np.float32,
    beta_2: np.float32,
    late: np.float32,
    epsilon: np.float32,
) -> None:
    """One group's step: its ``size`` and ``late`` hold the corrections of young moments."""
    rest_1, rest_2 = np.float32(1.0) - beta_1, np.float32(1.0) - beta_2
    early = np.float32(1.0) / late
    for i in range(len(weights)):
        slope = slopes[i] * clip + pull * weights[i]
        m = beta_1 * first[i] + rest_1 * slope
        v = beta_2 * second[i] + rest_2 * slope * slope
        first[i] = m
        second[i] = v
        weights[i] = shrink * weights[i] - size * m / (np.sqrt(v) * early + epsilon)


@compiled
def epoch(
    plan: Plan,
    rates: Rates,
    rows: Floats,
    order: Integers,
    sizes: Integers,
    seed: int,
    done: int,
    weights: Floats,
    running: Floats,
    first: Floats,
    second: Floats,
) -> float:
    """Train on every batch once.

    Args:
        plan: Of the network.
        rates: Of the optimizer.
        rows: (n, inputs + targets): context, stock, targets.
        order: (n,): the rows' order.
        sizes: Of the batches.
        seed: Of this epoch's dropout.
        done: Optimizer steps before this epoch.
        weights, running, first, second: State of the member, updated.

    Returns:
        Mean over rows of the batches' losses.
    """
    largest = sizes.max()
    width_c, width_s = plan.context[0], plan.stock[0]
    start_s, heads = plan.stock_from, len(plan.targets)
    context = np.empty((largest, width_c), np.float32)
    stock = np.empty((largest, width_s), np.float32)
    targets = np.empty(heads * largest, np.float32)
    work = np.empty(work_size(plan, largest), np.float32)
    slopes = np.empty_like(weights)
    total, at = 0.0, 0
    for number in range(len(sizes)):
        n = sizes[number]
        labels = targets[: heads * n].reshape(heads, n)
        for b in range(n):
            row = rows[order[at + b]]
            context[b] = row[:width_c]
            stock[b] = row[start_s : start_s + width_s]
            for h in range(heads):
                labels[h, b] = row[plan.targets[h]]
        at += n
        own = int(noise(np.uint32(number), np.uint32(seed)))
        loss = step(
            plan, Batch(context[:n], stock[:n], labels), weights, running, own, work, slopes
        )
        total += loss * n
        adam(rates, done + number + 1, slopes, weights, first, second)
    return total / at
