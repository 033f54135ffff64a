"""Epochs of a model, its loss and its optimizer as one compiled loop each, where they allow it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam, AdamW, Optimizer

from stocktrend.dataset import BatchLoader
from stocktrend.dataset.seeds import epoch_seed
from stocktrend.model import DualTowerLoss, DualTowerRelevanceModel, Interaction
from stocktrend.targets import NEUTRAL
from stocktrend.threads import one_blas_thread
from stocktrend.training.compiled.epoch import Rates, epoch
from stocktrend.training.compiled.layout import (
    ADDITIVE,
    CONCAT,
    CONTEXT,
    FULL,
    PRODUCT,
    STOCK,
    Plan,
)
from stocktrend.training.compiled.unchanged import (
    loader_is_unchanged,
    loss_is_unchanged,
    model_is_unchanged,
    optimizer_is_unchanged,
)

CODES: Final[dict[Interaction, int]] = {
    "full": FULL,
    "product": PRODUCT,
    "concat": CONCAT,
    "context": CONTEXT,
    "additive": ADDITIVE,
    "stock": STOCK,
    "mlp": STOCK,
}
COUNTER: Final = "num_batches_tracked"


@dataclass(frozen=True)
class CompiledTraining:
    """Trains as the torch loop does, to the same numbers up to rounding, but for other dropout.

    Dropout is a function of the seed, the epoch, the batch and the place, not of torch's generator.
    The state stays in the model and the optimizer: it is read before an epoch and written after.
    """

    model: DualTowerRelevanceModel
    loss: DualTowerLoss
    optimizer: Adam | AdamW
    max_grad_norm: float
    loader: BatchLoader

    @classmethod
    def of(
        cls,
        model: nn.Module,
        loss: nn.Module,
        optimizer: Optimizer,
        max_grad_norm: float,
        loader: object,
    ) -> Self | None:
        """None where a part is not one of ours, or is not as it was made."""
        if not model_is_unchanged(model):
            return None
        assert isinstance(model, DualTowerRelevanceModel)
        if not (
            loss_is_unchanged(loss, model.horizons)
            and optimizer_is_unchanged(optimizer, model)
            and loader_is_unchanged(loader, model.shape)
        ):
            return None
        assert isinstance(loss, DualTowerLoss)
        assert isinstance(optimizer, Adam | AdamW)
        assert isinstance(loader, BatchLoader)
        return cls(model, loss, optimizer, max_grad_norm, loader)

    def train(self, number: int, seed: int) -> tuple[float, int]:
        """One epoch: mean loss over rows, and the rows."""
        order, sizes = self.loader.epoch_order(number)
        weights = _flat(self.model.parameters())
        buffers = [b for name, b in self.model.named_buffers() if not name.endswith(COUNTER)]
        running = _flat(buffers)
        first, second = (_flat(self._moments(name)) for name in ("exp_avg", "exp_avg_sq"))
        done = self._done()
        with one_blas_thread():
            loss = epoch(
                self._plan(),
                self._rates(),
                self.loader.dataset.rows.numpy(),
                order.numpy(),
                np.array(sizes, np.int64),
                epoch_seed(seed, number, "dropout"),
                done,
                weights,
                running,
                first,
                second,
            )
        _put(weights, self.model.parameters())
        _put(running, buffers)
        _put(first, self._moments("exp_avg"))
        _put(second, self._moments("exp_avg_sq"))
        with torch.no_grad():
            for name, buffer in self.model.named_buffers():
                if name.endswith(COUNTER):
                    buffer += len(sizes)
            for p in self.model.parameters():
                self.optimizer.state[p]["step"].fill_(done + len(sizes))
        self.optimizer._opt_called = True  # type: ignore[union-attr]  # else schedules warn
        return loss, len(order)

    def _plan(self) -> Plan:
        shape = self.model.shape
        reads_all = shape.interaction == "mlp"
        stock_from = 0 if reads_all else shape.context_dim
        inputs = shape.context_dim + shape.stock_dim
        data = self.loader.dataset
        targets = [data.width + data.horizons.index(h) for h in shape.horizons]
        weights = self.loss.head_weights.numpy().astype(np.float64)
        return Plan(
            context=np.array([shape.context_dim, *shape.context_hidden_dims], np.int64),
            stock=np.array([inputs - stock_from, *shape.stock_hidden_dims], np.int64),
            context_size=shape.context_embedding_dim,
            stock_size=shape.stock_embedding_dim,
            interaction=CODES[shape.interaction],
            stock_from=stock_from,
            targets=np.array(targets, np.int64),
            neutral=NEUTRAL,
            context_drop=float(shape.context_dropout),
            stock_drop=float(shape.stock_dropout),
            regression=weights[0].copy(),
            classification=weights[1].copy(),
            regularization=float(self.loss.regularization_weight),
        )

    def _rates(self) -> Rates:
        groups = self.optimizer.param_groups
        beta_1, beta_2 = groups[0]["betas"]
        sizes = [sum(p.numel() for p in group["params"]) for group in groups]
        return Rates(
            ends=np.cumsum(sizes),
            learning=np.array([float(group["lr"]) for group in groups]),
            decay=np.array([float(group["weight_decay"]) for group in groups]),
            decoupled=isinstance(self.optimizer, AdamW),
            beta_1=float(beta_1),
            beta_2=float(beta_2),
            epsilon=float(groups[0]["eps"]),
            most=float(self.max_grad_norm),
        )

    def _moments(self, name: str) -> list[Tensor]:
        """One of Adam's moments for each parameter, 0 before the first step."""
        state: Any = self.optimizer.state
        for p in self.model.parameters():
            if not state[p]:
                state[p] = {
                    "step": torch.zeros(()),
                    "exp_avg": torch.zeros_like(p),
                    "exp_avg_sq": torch.zeros_like(p),
                }
        return [state[p][name] for p in self.model.parameters()]

    def _done(self) -> int:
        """Steps of the optimizer so far."""
        self._moments("exp_avg")
        return int(self.optimizer.state[next(self.model.parameters())]["step"])


def _flat(tensors: Any) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    found: np.ndarray[tuple[int], np.dtype[np.float32]] = torch.cat(
        [torch.empty(0), *(t.detach().reshape(-1) for t in tensors)]
    ).numpy()
    return found


def _put(flat: np.ndarray[tuple[int], np.dtype[np.float32]], tensors: Any) -> None:
    chosen: Sequence[Tensor] = list(tensors)
    pieces = torch.split(torch.from_numpy(flat), [t.numel() for t in chosen])
    with torch.no_grad():
        for tensor, piece in zip(chosen, pieces, strict=True):
            tensor.copy_(piece.view(tensor.shape))
