"""The training loop.

An epoch is one pass over the training loader with clipped gradients, one pass over the validation
loader, one step of the schedule. The epoch with the lowest validation loss wins. After each
epoch the state is saved, so that a training that was stopped, however, can go on to the same bits.
"""

import logging
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from typing import Any, Final

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from stocktrend.dataset import BatchLoader
from stocktrend.dataset.seeds import epoch_seed
from stocktrend.errors import ModelError
from stocktrend.model import DualTowerLoss, DualTowerRelevanceModel, resolve_device
from stocktrend.progress import Progress, silent
from stocktrend.training.checkpoints import KEEP, Checkpoints
from stocktrend.training.compiled import CompiledTraining
from stocktrend.training.metrics import VALIDATION_METRICS, Metric
from stocktrend.training.optimization import create_optimizer, create_scheduler
from stocktrend.training.passes import Loader, train_pass, validation_pass
from stocktrend.training.plan import hyperparameters, loader_fields, loss_fields, schedule_fields
from stocktrend.training.standing import History, Standing
from stocktrend.training.state import Generators, Stateful, TrainingState

LOG: Final = logging.getLogger(__name__)


class DualTowerTrainer:
    """Trains a model with early stopping and keeps its best states.

    Args:
        model: Moved to the device.
        loss_fn: ``(outputs, labels) -> scalar``; None is ``DualTowerLoss`` of the model's horizons.
        optimizer: None is ``create_optimizer(model)``.
        scheduler: Stepped once an epoch; None is ``create_scheduler`` over the epochs of ``train``.
        device: ``auto`` is where the model is.
        checkpoint_dir: Folder of the best checkpoints and of the state to resume from; a new
            training replaces the earlier one's. None keeps the best weights in memory only.
        max_grad_norm: Gradients are scaled down to this norm.
        metrics: Validation metrics ``name: (score (n,), target (n,)) -> float`` per horizon.
        keep_best: Checkpoints to keep; with 0 the folder has the state only.
        clock: Seconds. Saves of the state between the first epoch and the last take at most a
            fiftieth of the time: where a disk is too slow for that, epochs are skipped. The first
            and the last save, and the checkpoints of epochs among the best, are written always.
        compiled: Train in compiled loops where model, loss, optimizer and training loader are ours
            and on the CPU: many times as fast, with the same numbers up to rounding and other
            dropout. Else, and for anything else, in torch.

    Raises:
        ModelError: the device is not there.

    >>> from stocktrend.model import create_model
    >>> trainer = DualTowerTrainer(create_model("cpu"), checkpoint_dir=None)
    >>> batch = torch.randn(8, 25), torch.randn(8, 62), {"target_7d": torch.rand(8)}
    >>> batch[2]["target_30d"] = torch.full((8,), torch.nan)
    >>> sorted(trainer.train([batch], [batch], epochs=1))[-2:]
    ['train_loss', 'val_loss']
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
        keep_best: int = KEEP,
        clock: Callable[[], float] = time.perf_counter,
        compiled: bool = True,
    ) -> None:
        self.device = model.device if device == "auto" else resolve_device(device)
        self.model = model.to(self.device)
        self.loss_fn = (loss_fn or DualTowerLoss(horizons=model.horizons)).to(self.device)
        self.optimizer = optimizer or create_optimizer(model)
        self._groups = hyperparameters(self.optimizer)  # before training changes them
        self.scheduler = scheduler
        self.checkpoints = (
            None if checkpoint_dir is None else Checkpoints(checkpoint_dir, keep_best)
        )
        self.max_grad_norm = max_grad_norm
        self.metrics = metrics
        self.clock = clock
        self.compiled = compiled

    def train(
        self,
        train_loader: Loader,
        val_loader: Loader,
        epochs: int = 100,
        early_stopping_patience: int = 15,
        min_delta: float = 1e-4,
        *,
        seed: int = 0,
        resume: bool = False,
        progress: Progress = silent,
    ) -> History:
        """Train until ``early_stopping_patience`` epochs bring no improvement by ``min_delta``.

        An improvement is a validation loss more than ``min_delta`` below that of the last
        improvement. The model ends with the weights of the lowest validation loss, in eval mode.
        The order of batches and the dropout of an epoch follow from the seeds and the epoch's
        number alone; torch's global generator is left as it was. Each epoch is logged at INFO.

        Args:
            train_loader: Batches. To be resumed, one other than ours has to give the same ones
                again, as a ``DataLoader`` does, also with a generator of its own.
            val_loader: Batches to measure on after each epoch.
            epochs: At most.
            early_stopping_patience: Epochs.
            min_delta: Of the validation loss.
            seed: Of dropout.
            resume: Go on with the training that was stopped in ``checkpoint_dir``, to the weights,
                history and checkpoints that it would have had; begin one where there is none.
                Metrics are compared by name; rows only of a dataset with a tensor ``rows``.
            progress: Called after each epoch; the unit is rows.

        Returns:
            A list with one value an epoch: ``train_loss``, ``val_loss`` (means over rows of the
            batches' losses) and each validation metric as ``{metric}_{h}d``.

        Raises:
            DataError: a loader is empty.
            ModelError: the loss is no longer finite; or what is to be resumed was started with
                another model, optimizer, schedule, loss, loader, seed or other arguments.
        """
        if epochs < 1:
            raise ModelError(f"epochs must be at least 1, however: {epochs}")
        scheduler = self.scheduler or create_scheduler(self.optimizer, total_epochs=epochs)
        standing = Standing()
        stopping = {"early_stopping_patience": early_stopping_patience, "min_delta": min_delta}
        plan = {"epochs": epochs, "seed": seed, **stopping}
        state = self._begin(plan, scheduler, standing, (train_loader, val_loader), resume)
        if standing.epochs:
            LOG.info("resumed after epoch %d of %d", standing.epochs, epochs)
            _report(progress, standing, epochs)
        while not standing.over(epochs):
            self._epoch(train_loader, val_loader, standing, seed)
            standing.wait(early_stopping_patience, min_delta)
            self._log(standing, epochs)
            _step(scheduler, standing)
            if state:
                state.save(at_once=standing.over(epochs))
            _report(progress, standing, epochs)
        self.model.load_state_dict(standing.best_weights)
        self.model.eval()
        return standing.history

    def load_best_checkpoint(self) -> None:
        """Give the model the weights of the best checkpoint in ``checkpoint_dir``.

        Raises:
            ModelError: there is none, it is of another model, or ``checkpoint_dir`` is None.
        """
        if not self.checkpoints:
            raise ModelError("no checkpoints were kept: give the trainer a checkpoint_dir")
        self.checkpoints.load_best(self.model)
        self.model.eval()

    def _begin(
        self,
        plan: Mapping[str, Any],
        scheduler: LRScheduler | ReduceLROnPlateau,
        standing: Standing,
        loaders: tuple[Loader, Loader],
        resume: bool,
    ) -> TrainingState | None:
        """Restore what was saved, or save the start in place of it; None without a folder."""
        if not self.checkpoints:
            if resume:
                raise ModelError(
                    "a training is resumed from a folder: give the trainer checkpoint_dir"
                )
            return None
        more = {
            "model": asdict(self.model.shape),
            "loss": loss_fields(self.loss_fn),
            "optimizer": type(self.optimizer).__name__,
            "parameter groups": self._groups,
            "schedule": schedule_fields(scheduler),
            "max_grad_norm": self.max_grad_norm,
            "metrics": list(self.metrics),
            "compiled": self._compiled(loaders[0]) is not None,
            "training loader": loader_fields(loaders[0]),
            "validation loader": loader_fields(loaders[1]),
        }
        parts: dict[str, Stateful] = {
            "standing": standing,
            "model": self.model,
            "loss": self.loss_fn,
            "optimizer": self.optimizer,
            "scheduler": scheduler,
            "generators": Generators(*loaders),
        }
        state = TrainingState(self.checkpoints.folder, {**plan, **more}, parts, self.clock)
        if not (resume and state.restore()):
            state.save()
        self.checkpoints.rewind(standing.epochs)
        return state

    def _log(self, standing: Standing, epochs: int) -> None:
        """One line for the epoch that is over, one more where it was the last too early."""
        losses = [standing.history[name][-1] for name in ("train_loss", "val_loss")]
        rates = ", ".join(f"{float(group['lr']):.3g}" for group in self.optimizer.param_groups)
        best = ", best so far" if standing.best_epoch == standing.epochs else ""
        line = "epoch %d of %d: train_loss %.6g, val_loss %.6g, learning rates %s%s"
        LOG.info(line, standing.epochs, epochs, *losses, rates, best)
        if standing.stopped:
            LOG.info("stopped early: %d epochs without improvement", standing.waited)

    def _epoch(
        self, train_loader: Loader, val_loader: Loader, standing: Standing, seed: int
    ) -> None:
        """Train and validate once; take the outcome to the standing and the checkpoints."""
        compiled = self._compiled(train_loader)
        torch_draws = compiled is None or type(val_loader) is not BatchLoader
        with self._own_randomness(seed, standing.epochs) if torch_draws else nullcontext():
            if compiled:
                train_loss, rows = compiled.train(standing.epochs, seed)
            else:
                parts = self.model, self.loss_fn, self.optimizer, self.max_grad_norm
                train_loss, rows = train_pass(*parts, train_loader, standing.epochs)
            val_loss, metrics = validation_pass(self.model, self.loss_fn, self.metrics, val_loader)
        _check_finite(train_loss, val_loss, standing.epochs)
        standing.add(self.model, rows, {"train_loss": train_loss, "val_loss": val_loss, **metrics})
        if self.checkpoints:
            self.checkpoints.offer(self.model, standing.epochs, val_loss, metrics)

    @contextmanager
    def _own_randomness(self, seed: int, epoch: int) -> Iterator[None]:
        """Torch's generators, seeded for an epoch and left as they were."""
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(epoch_seed(seed, epoch, "dropout"))
            yield

    def _compiled(self, loader: Loader) -> CompiledTraining | None:
        """What trains in place of torch, where the parts allow it."""
        if not self.compiled:
            return None
        parts = self.model, self.loss_fn, self.optimizer
        return CompiledTraining.of(*parts, self.max_grad_norm, loader)


def _step(scheduler: LRScheduler | ReduceLROnPlateau, standing: Standing) -> None:
    if isinstance(scheduler, ReduceLROnPlateau):
        scheduler.step(standing.history["val_loss"][-1])
    else:
        scheduler.step()


def _report(progress: Progress, standing: Standing, epochs: int) -> None:
    """Rows done of all; a training that stopped early is done."""
    done = epochs if standing.over(epochs) else standing.epochs
    progress("train", done * standing.rows, epochs * standing.rows, "rows")


def _check_finite(train_loss: float, val_loss: float, epoch: int) -> None:
    if not (math.isfinite(train_loss) and math.isfinite(val_loss)):
        raise ModelError(
            f"the loss must stay finite, however in epoch {epoch + 1}: train {train_loss}, "
            f"validation {val_loss}. Check the ranges of the features, or lower the learning rates"
        )
