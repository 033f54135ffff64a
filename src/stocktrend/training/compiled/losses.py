"""The five losses of ``model/losses.py`` and their gradients as compiled loops."""

import numpy as np

from stocktrend.training.compiled.hidden import Floats, compiled


@compiled
def head_loss(
    raw: Floats,
    targets: Floats,
    regression: float,
    classification: float,
    neutral: float,
    slopes: Floats,
) -> float:
    """Weighted squared error and cross entropy of one head, over the rows whose target is known.

    Args:
        raw: (B, 3): the score before tanh and the two logits.
        targets: (B,), NaN where not known.
        regression, classification: Weights.
        neutral: Targets nearer to 0 are neither up nor down.
        slopes: (B, 3), filled with the gradient to ``raw``.
    """
    n = 0
    for target in targets:
        n += target == target
    slopes[:] = np.float32(0.0)
    share, total, bound = 1.0 / max(n, 1), 0.0, np.float32(neutral)
    for b in range(len(targets)):
        target = targets[b]
        if target != target:
            continue
        score = np.tanh(raw[b, 0])
        error = score - target
        total += regression * error * error * share
        slopes[b, 0] = 2.0 * regression * share * error * (1.0 - score * score)
        odds = raw[b, 1] - raw[b, 2]
        rises = 0.5 if abs(target) < bound else (1.0 if target > 0.0 else 0.0)
        tail = np.exp(-abs(odds))
        total += classification * share * (max(odds, 0.0) - odds * rises + np.log1p(tail))
        chance = 1.0 / (1.0 + tail) if odds > 0.0 else tail / (1.0 + tail)
        slope = classification * share * (chance - rises)
        slopes[b, 1] = slope
        slopes[b, 2] = -slope
    return float(total)


@compiled
def magnitude(embedding: Floats, weight: float, slopes: Floats) -> float:
    """``weight * (mean(e^2) - 1)^2`` of (B, D); its gradient is added to ``slopes``."""
    n, width = embedding.shape
    total = 0.0
    for b in range(n):
        row = np.float32(0.0)
        for d in range(width):
            row += embedding[b, d] * embedding[b, d]
        total += float(row)
    excess = total / (n * width) - 1.0
    factor = np.float32(4.0 * weight * excess / (n * width))
    for b in range(n):
        for d in range(width):
            slopes[b, d] += factor * embedding[b, d]
    return float(weight * excess * excess)


@compiled
def orthogonality(
    context: Floats, projected: Floats, weight: float, to_context: Floats, to_projected: Floats
) -> float:
    """``weight`` times the mean squared cosine of a row's two embeddings; gradients are added.

    Lengths are held above 1e-8, as ``torch.nn.functional.cosine_similarity`` does.
    """
    n, width = context.shape
    total = 0.0
    for b in range(n):
        cc, pp, cp = np.float32(0.0), np.float32(0.0), np.float32(0.0)
        for d in range(width):
            cc += context[b, d] * context[b, d]
            pp += projected[b, d] * projected[b, d]
            cp += context[b, d] * projected[b, d]
        long_c, long_p = max(np.sqrt(cc), 1e-8), max(np.sqrt(pp), 1e-8)
        cosine = cp / (long_c * long_p)
        total += cosine * cosine
        factor = 2.0 * weight * cosine / n
        across = np.float32(factor / (long_c * long_p))
        own_c = np.float32(factor * cosine / (long_c * long_c))
        own_p = np.float32(factor * cosine / (long_p * long_p))
        for d in range(width):
            to_context[b, d] += across * projected[b, d] - own_c * context[b, d]
            to_projected[b, d] += across * context[b, d] - own_p * projected[b, d]
    return float(weight * total / n)
