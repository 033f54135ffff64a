"""One pass over the training rows of one member as a compiled loop: no Python runs per batch."""

from typing import NamedTuple

import numpy as np

from stocktrend.training.compiled.hidden import Floats, Integers, compiled, noise
from stocktrend.training.compiled.network import Batch, Plan, step, work_size


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
    learning: Floats
    decay: Floats
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
    squares = 0.0
    for slope in slopes:
        squares += slope * slope
    clip = np.float32(min(1.0, rates.most / (np.sqrt(squares) + 1e-6)))
    late = np.float32(np.sqrt(1.0 - rates.beta_2**count))
    beta_1, beta_2 = np.float32(rates.beta_1), np.float32(rates.beta_2)
    rest_1, rest_2 = np.float32(1.0 - rates.beta_1), np.float32(1.0 - rates.beta_2)
    epsilon, start = np.float32(rates.epsilon), 0
    for group in range(len(rates.ends)):
        shrink = np.float32(1.0)
        pull = np.float32(rates.decay[group])
        if rates.decoupled:
            shrink = np.float32(1.0 - rates.learning[group] * rates.decay[group])
            pull = np.float32(0.0)
        size = np.float32(rates.learning[group] / (1.0 - rates.beta_1**count))
        for i in range(start, rates.ends[group]):
            weight = weights[i]
            slope = slopes[i] * clip + pull * weight
            first[i] = beta_1 * first[i] + rest_1 * slope
            second[i] = beta_2 * second[i] + rest_2 * slope * slope
            weights[i] = shrink * weight - size * first[i] / (np.sqrt(second[i]) / late + epsilon)
        start = rates.ends[group]


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
        rows: (n, inputs + horizons): context, stock, targets.
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
    context = np.empty((largest, width_c), np.float32)
    stock = np.empty((largest, width_s), np.float32)
    targets = np.empty(plan.horizons * largest, np.float32)
    work = np.empty(work_size(plan, largest), np.float32)
    slopes = np.empty_like(weights)
    total, at = 0.0, 0
    for number in range(len(sizes)):
        n = sizes[number]
        labels = targets[: plan.horizons * n].reshape(plan.horizons, n)
        for b in range(n):
            row = rows[order[at + b]]
            context[b] = row[:width_c]
            stock[b] = row[width_c : width_c + width_s]
            for h in range(plan.horizons):
                labels[h, b] = row[width_c + width_s + h]
        at += n
        own = np.int64(noise(np.uint32(number), np.uint32(seed)))
        loss = step(plan, Batch(context[:n], stock[:n], labels), weights, running, own, work, slopes)
        total += loss * n
        adam(rates, done + number + 1, slopes, weights, first, second)
    return total / at
