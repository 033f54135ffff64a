"""The training loop.

An epoch is one pass over the training loader with clipped gradients, one pass over the validation
loader, one step of the schedule. The epoch with the lowest validation loss wins.
"""

import math
import os
from collections.abc import Iterator, Mapping
from typing import Protocol, TypeAlias

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from stocktrend.dataset import BatchLoader
from stocktrend.dataset.samples import Sample
from stocktrend.dataset.seeds import epoch_seed
from stocktrend.errors import DataError, ModelError
from stocktrend.model import DualTowerLoss, DualTowerRelevanceModel, resolve_device
from stocktrend.progress import Progress, silent
from stocktrend.training.checkpoints import Checkpoints, weights_of
from stocktrend.training.metrics import VALIDATION_METRICS, Metric, concatenate, measure
from stocktrend.training.optimization import create_optimizer, create_scheduler

History: TypeAlias = dict[str, list[float]]


class Loader(Protocol):
    """What the trainer needs of a loader; a ``torch.utils.data.DataLoader`` has it too."""

    def __iter__(self) -> Iterator[Sample]:
        """Batches of (context (B, 25), stock (B, 62), labels of (B,))."""


class DualTowerTrainer:
    """Trains a model with early stopping and keeps its best states.

    Args:
        model: Moved to the device.
        loss_fn: ``(outputs, labels) -> scalar``; None is ``DualTowerLoss`` of the model's horizons.
        optimizer: None is ``create_optimizer(model)``.
        scheduler: Stepped once an epoch; None is ``create_scheduler`` over the epochs of ``train``.
        device: ``auto`` is where the model is.
        checkpoint_dir: Folder of the best three checkpoints; a new training replaces the earlier
            one's. None keeps the best weights in memory only.
        max_grad_norm: Gradients are scaled down to this norm.
        metrics: Validation metrics ``name: (score (n,), target (n,)) -> float`` per horizon.

    Raises:
        ModelError: the device is not there.
    """

    def __init__(
        self,
        model: DualTowerRelevanceModel,
        loss_fn: nn.Module | None = None,
        optimizer: torch.optim.Optimizer | None = None,
        scheduler: LRScheduler | ReduceLROnPlateau | None = None,
        device: str | torch.device = "auto",
        checkpoint_dir: str | os.PathLike[str] | None = "checkpoints",
        max_grad_norm: float = 1.0,
        *,
        metrics: Mapping[str, Metric] = VALIDATION_METRICS,
    ) -> None:
        self.device = model.device if device == "auto" else resolve_device(device)
        self.model = model.to(self.device)
        self.loss_fn = (loss_fn or DualTowerLoss(horizons=model.horizons)).to(self.device)
        self.optimizer = optimizer or create_optimizer(model)
        self.scheduler = scheduler
        self.checkpoints = None if checkpoint_dir is None else Checkpoints(checkpoint_dir)
        self.max_grad_norm = max_grad_norm
        self.metrics = metrics

    def train(
        self,
        train_loader: Loader,
        val_loader: Loader,
        epochs: int = 100,
        early_stopping_patience: int = 15,
        min_delta: float = 1e-4,
        *,
        seed: int = 0,
        progress: Progress = silent,
    ) -> History:
        """Train until the validation loss has stopped to improve by ``min_delta``.

        The model ends with the weights of the lowest validation loss, in eval mode. The order of
        batches and the dropout of an epoch follow from the seeds and the epoch's number alone;
        torch's global generator is left as it was.

        Returns:
            A list with one value an epoch: ``train_loss``, ``val_loss`` (means over rows of the
            batches' losses) and each validation metric as ``{metric}_{h}d``.

        Raises:
            DataError: a loader is empty.
            ModelError: the loss is no longer finite.
        """
        scheduler = self.scheduler or create_scheduler(self.optimizer, total_epochs=epochs)
        if self.checkpoints:
            self.checkpoints.start()
        history: History = {}
        best_loss = reference = math.inf
        best_weights: dict[str, Tensor] = {}
        waited = rows = 0
        for epoch in range(epochs):
            train_loss, rows = self._train_epoch(train_loader, epoch, seed)
            val_loss, metrics = self._validate(val_loader)
            _check_finite(train_loss, val_loss, epoch)
            for name, value in {"train_loss": train_loss, "val_loss": val_loss, **metrics}.items():
                history.setdefault(name, []).append(value)
            if val_loss < best_loss:
                best_loss, best_weights = val_loss, weights_of(self.model)
            if self.checkpoints:
                self.checkpoints.offer(self.model, epoch + 1, val_loss, metrics)
            progress("train", (epoch + 1) * rows, epochs * rows, "rows")
            waited = 0 if val_loss < reference - min_delta else waited + 1
            reference = min(reference, val_loss) if waited == 0 else reference
            if waited >= early_stopping_patience:
                progress("train", epochs * rows, epochs * rows, "rows")
                break
            if isinstance(scheduler, ReduceLROnPlateau):
                scheduler.step(val_loss)
            else:
                scheduler.step()
        self.model.load_state_dict(best_weights)
        self.model.eval()
        return history

    def load_best_checkpoint(self) -> None:
        """Give the model the weights of the best checkpoint in ``checkpoint_dir``.

        Raises:
            ModelError: there is none, it is of another model, or ``checkpoint_dir`` is None.
        """
        if not self.checkpoints:
            raise ModelError("no checkpoints were kept: give the trainer a checkpoint_dir")
        self.checkpoints.load_best(self.model)
        self.model.eval()

    def _train_epoch(self, loader: Loader, epoch: int, seed: int) -> tuple[float, int]:
        """One pass with updates: mean loss over rows, and the rows."""
        if isinstance(loader, BatchLoader):
            loader.set_epoch(epoch)
        self.model.train()
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        rows = 0
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(epoch_seed(seed, epoch, "dropout"))
            for context, stock, labels in loader:
                for parameter in parameters:
                    parameter.grad = None
                loss = self._loss(context, stock, labels)
                torch.autograd.backward(loss)
                nn.utils.clip_grad_norm_(parameters, self.max_grad_norm, foreach=True)
                self.optimizer.step()
                total.add_(loss.detach(), alpha=len(context))
                rows += len(context)
        if not rows:
            raise DataError("the training loader must have rows, however: 0")
        return float(total) / rows, rows

    def _loss(self, context: Tensor, stock: Tensor, labels: Mapping[str, Tensor]) -> Tensor:
        outputs = self.model(context, stock)
        loss: Tensor = self.loss_fn(outputs, self._here(labels))
        return loss

    def _validate(self, loader: Loader) -> tuple[float, dict[str, float]]:
        """One pass without updates: mean loss over rows, and the metrics."""
        self.model.eval()
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        scores: list[dict[int, Tensor]] = []
        targets: list[dict[int, Tensor]] = []
        rows = 0
        with torch.inference_mode():
            for context, stock, labels in loader:
                outputs = self.model(context, stock)
                total.add_(self.loss_fn(outputs, self._here(labels)), alpha=len(context))
                rows += len(context)
                scores.append({h: outputs[f"score_{h}d"] for h in self.model.horizons})
                targets.append({h: labels[f"target_{h}d"] for h in self.model.horizons})
        if not rows:
            raise DataError("the validation loader must have rows, however: 0")
        metrics = measure(self.metrics, concatenate(scores), concatenate(targets))
        return float(total) / rows, metrics

    def _here(self, labels: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        if self.device.type == "cpu":
            return labels
        return {name: value.to(self.device) for name, value in labels.items()}


def _check_finite(train_loss: float, val_loss: float, epoch: int) -> None:
    if not (math.isfinite(train_loss) and math.isfinite(val_loss)):
        raise ModelError(
            f"the loss must stay finite, however in epoch {epoch + 1}: train {train_loss}, "
            f"validation {val_loss}. Check the ranges of the features, or lower the learning rates"
        )
