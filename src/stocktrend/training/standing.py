"""What a training has come to: its history, its best epoch, and whether it goes on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from torch import Tensor

from stocktrend.model import DualTowerRelevanceModel
from stocktrend.training.checkpoints import weights_of

History: TypeAlias = dict[str, list[float]]


@dataclass
class Standing:
    """The training after so many epochs.

    Attributes:
        epochs: Done so far.
        rows: Of one epoch.
        history: A value an epoch of each loss and metric.
        best_loss: Lowest validation loss; of equal ones the first.
        best_epoch: That epoch, from 1.
        best_weights: Its weights.
        reference: The validation loss that the next improvement has to undercut.
        waited: Epochs since ``reference``.
        stopped: Whether patience has run out.
    """

    epochs: int = 0
    rows: int = 0
    history: History = field(default_factory=dict)
    best_loss: float = math.inf
    best_epoch: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    reference: float = math.inf
    waited: int = 0
    stopped: bool = False

    def add(self, model: DualTowerRelevanceModel, rows: int, values: Mapping[str, float]) -> None:
        """Take in an epoch's ``train_loss``, ``val_loss`` and metrics; keep weights if best."""
        self.epochs += 1
        self.rows = rows
        for name, value in values.items():
            self.history.setdefault(name, []).append(value)
        if values["val_loss"] < self.best_loss:
            self.best_loss, self.best_epoch = values["val_loss"], self.epochs
            self.best_weights = weights_of(model)

    def wait(self, patience: int, min_delta: float) -> None:
        """Stop if ``patience`` epochs have passed since the last improvement by ``min_delta``.

        >>> standing = Standing(history={"val_loss": [1.0]})
        >>> standing.wait(patience=1, min_delta=0.1)
        >>> standing.reference, standing.stopped
        (1.0, False)
        >>> standing.history["val_loss"].append(0.95)
        >>> standing.wait(patience=1, min_delta=0.1)
        >>> standing.reference, standing.stopped
        (1.0, True)
        """
        val_loss = self.history["val_loss"][-1]
        if val_loss < self.reference - min_delta:
            self.reference, self.waited = val_loss, 0
        else:
            self.waited += 1
        self.stopped = self.waited >= patience

    def over(self, epochs: int) -> bool:
        """Whether there is nothing left to train of so many epochs."""
        return self.stopped or self.epochs >= epochs

    def state_dict(self) -> dict[str, Any]:
        """All fields."""
        return dict(vars(self))

    def load_state_dict(self, state: Mapping[str, Any], /) -> None:
        """Take over the fields of another one."""
        vars(self).update(state)
