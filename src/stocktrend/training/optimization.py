"""Optimiser groups and learning-rate schedules."""

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau

from stocktrend.errors import ModelError
from stocktrend.model import DualTowerRelevanceModel

Scheduler: TypeAlias = LambdaLR | ReduceLROnPlateau


def create_optimizer(
    model: DualTowerRelevanceModel,
    context_lr: float = 1e-3,
    stock_lr: float = 5e-4,
    head_lr: float = 1e-3,
    weight_decay: float = 1e-5,
    optimizer_type: Literal["adam", "adamw"] = "adam",
) -> torch.optim.Optimizer:
    """Fused Adam or AdamW with a learning rate for each part of the model.

    The groups are named ``context``, ``stock`` and ``head``; the projection of the stock embedding
    belongs to ``head``. Adam's weight decay is an L2 penalty, AdamW's is decoupled.

    Raises:
        ModelError: the type is not known.

    >>> from stocktrend.model import create_model
    >>> [(g["name"], g["lr"]) for g in create_optimizer(create_model("cpu")).param_groups]
    [('context', 0.001), ('stock', 0.0005), ('head', 0.001)]
    """
    kinds: dict[str, type[torch.optim.Adam]] = {
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
    }
    if optimizer_type not in kinds:
        raise ModelError(f'optimizer_type must be "adam" or "adamw", however: {optimizer_type!r}')
    head = [*model.projection.parameters(), *model.heads.parameters()]
    groups: list[dict[str, Any]] = [
        {"name": "context", "params": list(model.context_tower.parameters()), "lr": context_lr},
        {"name": "stock", "params": list(model.stock_tower.parameters()), "lr": stock_lr},
        {"name": "head", "params": head, "lr": head_lr},
    ]
    return kinds[optimizer_type](groups, weight_decay=weight_decay, fused=True)


def create_scheduler(
    optimizer: torch.optim.Optimizer,
    total_epochs: int = 100,
    scheduler_type: Literal["cosine", "plateau", "none"] = "cosine",
    warmup_epochs: int = 5,
) -> Scheduler:
    """A schedule that is stepped once an epoch, after a linear warm-up.

    Epoch e (from 0) of the warm-up of w epochs has the share (e + 1) / w of the full rate. Then
    ``cosine`` decays as (1 + cos(pi * (e - w) / (total - w))) / 2; ``plateau`` halves the rate
    when the validation loss has not improved for 5 epochs; ``none`` keeps it.

    Raises:
        ModelError: the type is not known, or the epochs are out of range.
    """
    if total_epochs < 1 or warmup_epochs < 0:
        raise ModelError(
            f"total_epochs must be at least 1 and warmup_epochs at least 0, however: "
            f"{total_epochs} and {warmup_epochs}"
        )
    if scheduler_type == "plateau":
        return WarmupPlateau(optimizer, warmup_epochs)
    if scheduler_type not in ("cosine", "none"):
        raise ModelError(
            f'scheduler_type must be "cosine", "plateau" or "none", however: {scheduler_type!r}'
        )
    return LambdaLR(optimizer, Shares(scheduler_type, warmup_epochs, total_epochs))


@dataclass(frozen=True)
class Shares:
    """Share of the full rate in each epoch; an object, as torch keeps no function's settings.

    >>> [Shares("cosine", 2, 4)(epoch) for epoch in range(4)]
    [0.5, 1.0, 1.0, 0.5]
    """

    kind: Literal["cosine", "none"]
    warmup_epochs: int
    total_epochs: int

    def __call__(self, epoch: int) -> float:
        """The share in an epoch, from 0."""
        if epoch < self.warmup_epochs:
            return (epoch + 1) / self.warmup_epochs
        if self.kind == "none":
            return 1.0
        decay = max(1, self.total_epochs - self.warmup_epochs)
        done = min(1.0, (epoch - self.warmup_epochs) / decay)
        return (1 + math.cos(math.pi * done)) / 2


class WarmupPlateau(ReduceLROnPlateau):
    """ReduceLROnPlateau (factor 0.5, patience 5) that starts after a linear warm-up."""

    def __init__(self, optimizer: torch.optim.Optimizer, warmup_epochs: int) -> None:
        self.warmup_epochs = warmup_epochs
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", float(group["lr"]))
        self.full_rates = [float(group["initial_lr"]) for group in optimizer.param_groups]
        super().__init__(optimizer, factor=0.5, patience=5)
        self._warm_up()

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Advance one epoch with its validation loss."""
        if self.last_epoch + 1 < self.warmup_epochs:
            self.last_epoch += 1
            self._warm_up()
        else:
            super().step(metrics, epoch)

    def _warm_up(self) -> None:
        if self.last_epoch < self.warmup_epochs:
            share = (self.last_epoch + 1) / self.warmup_epochs
            for group, rate in zip(self.optimizer.param_groups, self.full_rates, strict=True):
                group["lr"] = rate * share
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]
