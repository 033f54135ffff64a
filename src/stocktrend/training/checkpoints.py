"""The best three states of a training: safetensors for the weights, JSON for the rest.

Every file is written beside its place and moved there, weights before the index that names them,
so an interruption never leaves an index of files that are not complete.
"""

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from stocktrend.atomic import UNFINISHED, write_bytes, write_json
from stocktrend.errors import ModelError
from stocktrend.model import DualTowerRelevanceModel, ModelShape

KEEP: Final = 3
INDEX: Final = "checkpoints.json"
WEIGHTS: Final = re.compile(r"epoch_[0-9]+\.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """One kept state: epoch (from 1), its validation loss and metrics, and its weights' file."""

    epoch: int
    val_loss: float
    metrics: dict[str, float | None]
    weights: str


class Checkpoints:
    """The best epochs of one training, in a folder of its own.

    Args:
        folder: Made where it does not exist.
        keep: How many epochs.
    """

    def __init__(self, folder: str | os.PathLike[str], keep: int = KEEP) -> None:
        self.folder = Path(folder)
        self.keep = keep

    def rewind(self, epochs: int) -> None:
        """Go back to where so many epochs are done: later ones, and files of no use, are removed.

        What later epochs displaced comes back only where it is not displaced again, once the same
        epochs are trained again.

        Raises:
            ModelError: there is an index that cannot be read.
        """
        before = self.kept() if epochs and (self.folder / INDEX).exists() else ()
        kept = [checkpoint for checkpoint in before if checkpoint.epoch <= epochs]
        self.folder.mkdir(parents=True, exist_ok=True)
        if not kept:
            (self.folder / INDEX).unlink(missing_ok=True)
        elif len(kept) < len(before):
            index = read_json(self.folder / INDEX)
            write_json(self.folder / INDEX, index | {"checkpoints": [asdict(c) for c in kept]})
        named = {checkpoint.weights for checkpoint in kept}
        for pattern in ("epoch_[0-9]*.safetensors", f".*{UNFINISHED}"):
            for file in self.folder.glob(pattern):
                if file.name not in named:
                    file.unlink()

    def kept(self) -> tuple[Checkpoint, ...]:
        """The kept checkpoints, lowest validation loss first.

        Raises:
            ModelError: the folder has no index, one that cannot be read, or one of other files.
        """
        entries = read_json(self.folder / INDEX).get("checkpoints", [])
        kept = tuple(Checkpoint(**entry) for entry in entries)
        for checkpoint in kept:
            if not WEIGHTS.fullmatch(checkpoint.weights):
                raise ModelError(
                    f"weights must lie beside their index as epoch_0001.safetensors does, however "
                    f"{self.folder / INDEX} names {checkpoint.weights!r}. Train the model again"
                )
        return kept

    def offer(
        self,
        model: DualTowerRelevanceModel,
        epoch: int,
        val_loss: float,
        metrics: Mapping[str, float],
    ) -> bool:
        """Keep this epoch if it is among the best; say whether it was kept."""
        kept = self.kept() if (self.folder / INDEX).exists() else ()
        if len(kept) >= self.keep and not (kept and val_loss < kept[-1].val_loss):
            return False
        new = Checkpoint(epoch, val_loss, finite_or_none(metrics), f"epoch_{epoch:04d}.safetensors")
        write_bytes(self.folder / new.weights, save(weights_of(model)))
        ranked = sorted((*kept, new), key=lambda c: (c.val_loss, c.epoch))
        index = {
            "model": asdict(model.shape),
            "checkpoints": [asdict(checkpoint) for checkpoint in ranked[: self.keep]],
        }
        write_json(self.folder / INDEX, index)
        for checkpoint in ranked[self.keep :]:
            (self.folder / checkpoint.weights).unlink(missing_ok=True)
        return True

    def load_best(self, model: DualTowerRelevanceModel) -> Checkpoint:
        """Give the model the weights of the lowest validation loss.

        Raises:
            ModelError: there is no checkpoint, or it is of another model.
        """
        kept = self.kept()
        if not kept:
            raise ModelError(f"no checkpoint in {self.folder}: train the model first")
        load_weights(model, self.folder / kept[0].weights)
        return kept[0]


def weights_of(model: DualTowerRelevanceModel) -> dict[str, Tensor]:
    """A copy of parameters and buffers, on the CPU."""
    return {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in model.state_dict().items()
    }


def load_weights(model: DualTowerRelevanceModel, path: Path) -> None:
    """Read a safetensors file into a model of the same shape.

    Raises:
        ModelError: the file is missing or damaged, or the shapes differ.
    """
    try:
        model.load_state_dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise ModelError(f"weights cannot be read from {path}: {error}") from error
    except RuntimeError as error:
        raise ModelError(
            f"{path} holds the weights of another model shape: {error}. "
            f"Create the model with the arguments that it was trained with"
        ) from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ModelError: the file is missing or not JSON.
    """
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:  # also not UTF-8, and JSON of no object
        raise ModelError(f"{path} cannot be read: {error}. Train the model first") from error


def finite_or_none(values: Mapping[str, float]) -> dict[str, float | None]:
    """NaN as None, which JSON can hold."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def shape_from_json(fields: Mapping[str, Any]) -> ModelShape:
    """A ModelShape of what ``asdict`` and JSON made of it: lists become tuples again."""
    arguments: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }
    return ModelShape(**arguments)
