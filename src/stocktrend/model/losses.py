"""The five losses.

Labels that are not known are NaN. They are masked for their own head only: they add nothing to
the loss and nothing to the gradient, and a batch in which a head has no known label gives 0 for
that head.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from stocktrend.errors import ModelError
from stocktrend.targets import NEUTRAL


def direction(target: Tensor) -> Tensor:
    """Probability of a positive outcome, of the target's shape: ``targets.direction`` of tensors.

    1 where target >= 0.1, 0 where target <= -0.1, else 0.5.

    >>> direction(torch.tensor([0.1, -0.4, 0.05]))
    tensor([1.0000, 0.0000, 0.5000])
    """
    moved = target.abs() >= NEUTRAL
    return (target.sign() * moved + 1) / 2


class RelevanceRegressionLoss(nn.Module):
    """Mean squared error of the score over known targets, ``mean((score - target)^2)``.

    >>> RelevanceRegressionLoss()(torch.tensor([0.5, 0.0]), torch.tensor([0.0, torch.nan]))
    tensor(0.2500)
    """

    def forward(self, score: Tensor, target: Tensor) -> Tensor:
        """Scores and targets (..., B) of one shape -> loss (...).

        Raises:
            ModelError: the shapes differ.
        """
        _check_same_shape("score", score, "target", target)
        known, filled = _known(target)
        return _masked_mean(_squared_error(score, filled), known)


class RelevanceDirectionLoss(nn.Module):
    """Cross entropy between the two direction logits and the soft direction of the target.

    With d = positive logit - negative logit and p = ``direction(target)``, the cross entropy of
    the two-way softmax is ``log(1 + exp(d)) - p * d``.

    >>> RelevanceDirectionLoss()(torch.zeros(2, 2), torch.tensor([0.5, -0.5]))
    tensor(0.6931)
    """

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Logits (..., B, 2) and targets (..., B) -> loss (...).

        Raises:
            ModelError: the shapes do not fit.
        """
        known, filled = _known(target)
        return _masked_mean(_cross_entropy(logits, filled), known)


class TowerRegularizationLoss(nn.Module):
    """Keeps the towers apart: mean squared cosine between ``c`` and ``P s`` of a row.

    >>> c = torch.tensor([[1.0, 0.0]])
    >>> TowerRegularizationLoss()(c, torch.tensor([[0.0, 3.0]]))
    tensor(0.)
    """

    def forward(self, context: Tensor, projected: Tensor) -> Tensor:
        """Two embeddings (B, D) -> scalar in [0, 1].

        Raises:
            ModelError: the shapes differ.
        """
        _check_same_shape("context embedding", context, "projected stock embedding", projected)
        return functional.cosine_similarity(context, projected, dim=-1).square().mean()


class EmbeddingMagnitudeLoss(nn.Module):
    """Holds embeddings at unit scale: ``(mean(e^2) - 1)^2``, summed over the embeddings.

    Kaiming weights start near unit scale; dropout adds to it in training. Batch norm takes the
    scale out of what the heads read, so nothing else holds it; and the smaller both embeddings
    are, the less their product weighs beside them.

    >>> EmbeddingMagnitudeLoss()(torch.ones(4, 32), -torch.ones(4, 64))
    tensor(0.)
    """

    def forward(self, *embeddings: Tensor) -> Tensor:
        """Embeddings (B, D), each with its own D -> scalar."""
        penalties = [(embedding.square().mean() - 1).square() for embedding in embeddings]
        return torch.stack(penalties).sum()


class HeadWeights(NamedTuple):
    """Weights of one head's two losses."""

    regression: float = 1.0
    classification: float = 0.5


class DualTowerLoss(nn.Module):
    """The weighted sum of all losses.

    ``sum_h (a_h * regression_h + b_h * direction_h) + g * (orthogonality + magnitude)``

    Args:
        regression_weight_7d: And the next three: weights of the heads of 7 and 30 days.
        regularization_weight: g, of orthogonality and magnitude together.
        horizons: Days; must be among the model's.
        weights: ``{horizon: (regression, classification)}`` for any horizon; it wins over the
            four arguments. A horizon without weights has (1.0, 0.5).

    Raises:
        ModelError: a weight is negative, or is of a horizon that is not in ``horizons``.

    >>> from stocktrend.model import create_model
    >>> outputs = create_model("cpu").eval()(torch.zeros(4, 25), torch.zeros(4, 62))
    >>> labels = {"target_7d": torch.zeros(4), "target_30d": torch.full((4,), torch.nan)}
    >>> DualTowerLoss()(outputs, labels).shape
    torch.Size([])
    """

    head_weights: Tensor

    def __init__(
        self,
        regression_weight_7d: float = 1.0,
        regression_weight_30d: float = 1.0,
        classification_weight_7d: float = 0.5,
        classification_weight_30d: float = 0.5,
        regularization_weight: float = 0.01,
        horizons: Sequence[int] = (7, 30),
        weights: Mapping[int, tuple[float, float]] | None = None,
    ) -> None:
        super().__init__()
        self.horizons = tuple(horizons)
        self.regularization_weight = regularization_weight
        chosen: dict[int, tuple[float, float]] = {
            7: HeadWeights(regression_weight_7d, classification_weight_7d),
            30: HeadWeights(regression_weight_30d, classification_weight_30d),
        }
        chosen.update(weights or {})
        self.weights = {h: HeadWeights(*chosen.get(h, HeadWeights())) for h in self.horizons}
        self._check_weights(weights or {})
        self.orthogonality = TowerRegularizationLoss()
        self.magnitude = EmbeddingMagnitudeLoss()
        rows = torch.tensor([self.weights[h] for h in self.horizons], dtype=torch.float32)
        self.register_buffer("head_weights", rows.T.contiguous(), persistent=False)

    def extra_repr(self) -> str:
        """Weights, for ``repr``."""
        weights = {h: tuple(pair) for h, pair in self.weights.items()}
        return f"weights={weights}, regularization_weight={self.regularization_weight}"

    def forward(self, outputs: Mapping[str, Tensor], labels: Mapping[str, Tensor]) -> Tensor:
        """The total loss, a scalar.

        Args:
            outputs: What the model returned for B rows.
            labels: ``target_{h}d`` (B,) of every horizon, NaN where not known.

        Raises:
            ModelError: a label is missing or its shape differs from the score's.
        """
        heads, regularization = self._terms(outputs, labels)
        weighted = (heads * self.head_weights.to(heads)).sum()
        return torch.add(weighted, regularization, alpha=self.regularization_weight)

    def parts(
        self, outputs: Mapping[str, Tensor], labels: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """The terms before weighting: regression and classification per horizon, regularization."""
        heads, regularization = self._terms(outputs, labels)
        named = {
            f"{kind}_{h}d": heads[row, column]
            for row, kind in enumerate(("regression", "classification"))
            for column, h in enumerate(self.horizons)
        }
        return {**named, "regularization": regularization}

    def _terms(
        self, outputs: Mapping[str, Tensor], labels: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Head losses (2, H) and the regularization: one pass over all horizons at once."""
        missing = [
            name
            for h in self.horizons
            for name, found in ((f"score_{h}d", outputs), (f"target_{h}d", labels))
            if name not in found
        ]
        if missing:
            raise ModelError(
                f"outputs and labels must have every horizon of the loss {self.horizons}, "
                f"however there is no {', '.join(missing)}. "
                f"Pass the same horizons to model, data and loss"
            )
        targets = [labels[f"target_{h}d"] for h in self.horizons]
        scores = [outputs[f"score_{h}d"] for h in self.horizons]
        for h, score, target in zip(self.horizons, scores, targets, strict=True):
            _check_same_shape(f"score_{h}d", score, f"target_{h}d", target)
        known, filled = _known(torch.stack(targets))
        logits = torch.stack([outputs[f"logits_{h}d"] for h in self.horizons])
        errors = _squared_error(torch.stack(scores), filled), _cross_entropy(logits, filled)
        heads = _masked_mean(torch.stack(errors), known)
        c, s = outputs["context_embedding"], outputs["stock_embedding"]
        regularization = self.orthogonality(c, outputs["projected_stock"]) + self.magnitude(c, s)
        return heads, regularization

    def _check_weights(self, weights: Mapping[int, tuple[float, float]]) -> None:
        problems = [
            f"weights must be of the horizons {self.horizons}, however: {h}"
            for h in weights
            if h not in self.horizons
        ]
        problems += [
            f"loss weights must not be negative, however: {tuple(pair)} for {h} days"
            for h, pair in self.weights.items()
            if min(pair) < 0
        ]
        if self.regularization_weight < 0:
            problems.append(
                f"regularization_weight must not be negative, however: {self.regularization_weight}"
            )
        if problems:
            raise ModelError("\n".join(problems))


def _known(target: Tensor) -> tuple[Tensor, Tensor]:
    """Which targets are known, and the targets with 0 in place of NaN.

    NaN must leave before the arithmetic: 0 * NaN is NaN, also in the gradient.
    """
    return target == target, target.nan_to_num(nan=0.0)


def _squared_error(score: Tensor, target: Tensor) -> Tensor:
    return (score - target).square()


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Of each row: (..., B, 2) and (..., B) -> (..., B)."""
    if logits.shape != (*target.shape, 2):
        raise ModelError(
            f"logits must have the target's shape and two columns, however: logits "
            f"{tuple(logits.shape)}, target {tuple(target.shape)}"
        )
    positive, negative = logits.unbind(dim=-1)
    return functional.binary_cross_entropy_with_logits(
        positive - negative, direction(target), reduction="none"
    )


def _masked_mean(values: Tensor, known: Tensor) -> Tensor:
    """Mean over the last dimension of the known values, 0 where there are none."""
    return (values * known).sum(dim=-1) / known.sum(dim=-1).clamp(min=1)


def _check_same_shape(name: str, value: Tensor, other_name: str, other: Tensor) -> None:
    if value.shape != other.shape:
        raise ModelError(
            f"{name} and {other_name} must have one shape, however: {tuple(value.shape)} and "
            f"{tuple(other.shape)}. Nothing is broadcast: squeeze the one that has a dimension "
            f"too many"
        )
