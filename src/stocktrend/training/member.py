"""One member of an ensemble: trained from a recipe, kept as two files."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save

from stocktrend.atomic import write_bytes, write_json
from stocktrend.catalog import Inputs
from stocktrend.dataset import BatchLoader, DualTowerDataModule, Scaler
from stocktrend.errors import ModelError
from stocktrend.model import DualTowerLoss, DualTowerRelevanceModel, create_model
from stocktrend.progress import Progress
from stocktrend.recipe import Recipe
from stocktrend.training.checkpoints import (
    load_weights,
    read_json,
    shape_from_json,
    weights_of,
)
from stocktrend.training.optimization import create_optimizer, create_scheduler
from stocktrend.training.standing import History
from stocktrend.training.trainer import DualTowerTrainer

BLOCK: Final = 4096
"""Rows a forward pass where no gradient is needed: large enough that dispatch does not count."""

SMALLEST_BATCH: Final = 64
"""Batches are not halved below this: smaller ones cost time and their batch norms are noisy."""


def train_member(
    data: DualTowerDataModule,
    recipe: Recipe,
    horizons: Sequence[int],
    seed: int,
    device: torch.device,
    progress: Progress,
    folder: Path | None = None,
) -> tuple[DualTowerRelevanceModel, History]:
    """Train one model of a recipe; the model and its history.

    With a folder the state of the training is kept there, and one that was stopped goes on.
    """
    batch_size, epochs = schedule_of(recipe, len(data.train))
    head_weights = (recipe.regression_weight, recipe.classification_weight)
    model = _new_model(recipe, data.scaler.inputs, horizons, seed, device)
    optimizer = create_optimizer(
        model,
        context_lr=recipe.context_lr,
        stock_lr=recipe.stock_lr,
        head_lr=recipe.head_lr,
        weight_decay=recipe.weight_decay,
        optimizer_type=recipe.optimizer,
    )
    trainer = DualTowerTrainer(
        model,
        DualTowerLoss(
            regularization_weight=recipe.regularization_weight,
            horizons=horizons,
            weights=dict.fromkeys(horizons, head_weights),
        ),
        optimizer,
        create_scheduler(optimizer, epochs, recipe.scheduler, recipe.warmup_epochs),
        device,
        checkpoint_dir=folder,
        max_grad_norm=recipe.max_grad_norm,
        keep_best=0,
    )
    history = trainer.train(
        BatchLoader(data.train, batch_size, shuffle=True, seed=seed),
        BatchLoader(data.validation, BLOCK, shuffle=False),
        epochs,
        recipe.early_stopping_patience,
        recipe.min_delta,
        seed=seed,
        resume=folder is not None,
        progress=progress,
    )
    return model, history


def _new_model(
    recipe: Recipe, inputs: Inputs, horizons: Sequence[int], seed: int, device: torch.device
) -> DualTowerRelevanceModel:
    return create_model(
        device,
        seed=seed,
        context_dim=len(inputs.context),
        stock_dim=len(inputs.stock),
        context_hidden_dims=recipe.context_hidden_dims,
        stock_hidden_dims=recipe.stock_hidden_dims,
        context_embedding_dim=recipe.context_embedding_dim,
        stock_embedding_dim=recipe.stock_embedding_dim,
        context_dropout=recipe.context_dropout,
        stock_dropout=recipe.stock_dropout,
        horizons=horizons,
        interaction=recipe.interaction,
    )


def schedule_of(recipe: Recipe, rows: int) -> tuple[int, int]:
    """Batch size and epochs for a training set of so many rows, with ``recipe.min_steps``.

    >>> schedule_of(Recipe(batch_size=512, epochs=3, min_steps=1000), 8_000)
    (64, 8)
    >>> schedule_of(Recipe(batch_size=512, epochs=3, min_steps=1000), 190_000)
    (512, 3)
    """
    batch_size, epochs = recipe.batch_size, recipe.epochs
    while batch_size >= 2 * SMALLEST_BATCH and epochs * rows < recipe.min_steps * batch_size:
        batch_size //= 2
    return batch_size, max(epochs, math.ceil(recipe.min_steps * batch_size / max(rows, 1)))


def member_plan(recipe: Recipe, horizons: Sequence[int], seed: int, scaler: Scaler) -> str:
    """Twelve hex digits of what a member is trained by: recipe, horizons, its seed, the scaler."""
    content = [recipe.model_dump(mode="json"), list(horizons), int(seed), asdict(scaler)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def save_member(
    folder: Path, number: int, model: DualTowerRelevanceModel, history: History, plan: str
) -> None:
    """Write ``member_00.safetensors``, then ``member_00.json`` as the sign that both are there."""
    weights, index = _paths(folder, number)
    write_bytes(weights, save(weights_of(model)))
    curves = {
        name: [value if math.isfinite(value) else None for value in values]
        for name, values in history.items()
    }
    write_json(index, {"plan": plan, "model": asdict(model.shape), "history": curves})


def unfinished(folder: Path, number: int) -> Path:
    """The folder of a member's state while it is trained."""
    return folder / f"member_{number:02d}"


def member_is_saved(folder: Path, number: int) -> bool:
    """Whether both files are there."""
    return all(path.is_file() for path in _paths(folder, number))


def load_member(
    folder: Path, number: int, device: torch.device, plan: str | None = None
) -> tuple[DualTowerRelevanceModel, History]:
    """Read what ``save_member`` wrote; the model is in eval mode.

    Raises:
        ModelError: a file is missing or damaged, or the member was trained by another plan.
    """
    weights, index = _paths(folder, number)
    content = read_json(index)
    if plan is not None and content.get("plan") != plan:
        raise ModelError(
            f"a folder must hold members of one training, however {index} was trained with another "
            f"recipe, seed, horizons or data. Give another folder, or remove {folder}"
        )
    try:
        model = create_model("cpu", **asdict(shape_from_json(content["model"])))
        history = {
            name: [math.nan if value is None else value for value in values]
            for name, values in content["history"].items()
        }
    except (LookupError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{index} must be as it was written, however: {error!r}. Remove {folder} and train "
            f"again"
        ) from error
    load_weights(model, weights)
    return model.to(device).eval(), history


def _paths(folder: Path, number: int) -> tuple[Path, Path]:
    stem = f"member_{number:02d}"
    return folder / f"{stem}.safetensors", folder / f"{stem}.json"
