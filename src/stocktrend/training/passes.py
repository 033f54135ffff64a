"""One pass over a loader, in torch."""

from collections.abc import Iterator, Mapping
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from stocktrend.dataset import BatchLoader
from stocktrend.dataset.samples import Sample
from stocktrend.errors import DataError
from stocktrend.model import DualTowerRelevanceModel
from stocktrend.training.metrics import Metric, concatenate, measure


class Loader(Protocol):
    """What the trainer needs of a loader; a ``torch.utils.data.DataLoader`` has it too."""

    def __iter__(self) -> Iterator[Sample]:
        """Batches of (context (B, 25), stock (B, 62), labels of (B,))."""


def train_pass(
    model: DualTowerRelevanceModel,
    loss_fn: nn.Module,
    optimizer: Optimizer,
    max_grad_norm: float,
    loader: Loader,
    epoch: int,
) -> tuple[float, int]:
    """With updates: mean loss over rows, and the rows.

    Raises:
        DataError: the loader has no rows.
    """
    if isinstance(loader, BatchLoader):
        loader.set_epoch(epoch)
    model.train()
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    total = torch.zeros((), dtype=torch.float64, device=model.device)
    rows = 0
    for context, stock, labels in loader:
        for parameter in parameters:
            parameter.grad = None
        loss = loss_fn(model(context, stock), _on(model.device, labels))
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(parameters, max_grad_norm, foreach=True)
        optimizer.step()
        total.add_(loss.detach(), alpha=len(context))
        rows += len(context)
    return float(total) / _some(rows, "training"), rows


def validation_pass(
    model: DualTowerRelevanceModel,
    loss_fn: nn.Module,
    metrics: Mapping[str, Metric],
    loader: Loader,
) -> tuple[float, dict[str, float]]:
    """Without updates: mean loss over rows, and the metrics.

    Raises:
        DataError: the loader has no rows.
    """
    model.eval()
    total = torch.zeros((), dtype=torch.float64, device=model.device)
    scores: list[dict[int, Tensor]] = []
    targets: list[dict[int, Tensor]] = []
    rows = 0
    with torch.inference_mode():
        for context, stock, labels in loader:
            outputs = model(context, stock)
            total.add_(loss_fn(outputs, _on(model.device, labels)), alpha=len(context))
            rows += len(context)
            scores.append({h: outputs[f"score_{h}d"] for h in model.horizons})
            targets.append({h: labels[f"target_{h}d"] for h in model.horizons})
    mean = float(total) / _some(rows, "validation")
    return mean, measure(metrics, concatenate(scores), concatenate(targets))


def _on(device: torch.device, labels: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    if device.type == "cpu":
        return labels
    return {name: value.to(device) for name, value in labels.items()}


def _some(rows: int, part: str) -> int:
    if not rows:
        raise DataError(
            f"the {part} loader must have rows, however: 0. Use a longer period, another split or "
            f"smaller batches; a loader must also give its batches again in every epoch"
        )
    return rows
