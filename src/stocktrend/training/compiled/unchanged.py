"""Whether what is to be trained is ours and as it was made: compiled loops know nothing else."""

from dataclasses import asdict
from functools import lru_cache
from typing import Any, Final

import torch
from torch import nn
from torch.optim import Adam, AdamW, Optimizer

from stocktrend.dataset import BatchLoader, DualTowerDataset
from stocktrend.model import (
    DualTowerLoss,
    DualTowerRelevanceModel,
    EmbeddingMagnitudeLoss,
    ModelShape,
    TowerRegularizationLoss,
    create_model,
)

HOOKS: Final = (
    *("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"),
    *("_post_accumulate_grad_hooks", "_optimizer_step_pre_hooks", "_optimizer_step_post_hooks"),
)
"""Of modules, parameters and optimizers."""


def model_is_unchanged(model: nn.Module) -> bool:
    """A dual tower on the CPU with the layers of its shape, all to be trained."""
    return (
        type(model) is DualTowerRelevanceModel
        and (repr(model), _sizes(model)) == _as_made(model.shape)
        and all(p.device.type == "cpu" and p.dtype == torch.float32 for p in model.parameters())
        and all(p.requires_grad for p in model.parameters())
        and not any(_hooked(part) for part in (*model.modules(), *model.parameters()))
    )


def loss_is_unchanged(loss: nn.Module, horizons: tuple[int, ...]) -> bool:
    """A dual-tower loss of these horizons with its own terms."""
    return (
        type(loss) is DualTowerLoss
        and loss.horizons == horizons
        and type(loss.orthogonality) is TowerRegularizationLoss
        and type(loss.magnitude) is EmbeddingMagnitudeLoss
        and not any(_hooked(module) for module in loss.modules())
    )


def optimizer_is_unchanged(optimizer: Optimizer, model: nn.Module) -> bool:
    """Adam or AdamW of all parameters in their order, all with the same number of steps."""
    groups = optimizer.param_groups
    parameters = list(model.parameters())
    covered = [p for group in groups for p in group["params"]]
    decoupled = type(optimizer) is AdamW
    states = [optimizer.state.get(p) for p in parameters]
    return (
        type(optimizer) in (Adam, AdamW)
        and [id(p) for p in covered] == [id(p) for p in parameters]
        and len({(tuple(map(float, g["betas"])), float(g["eps"])) for g in groups}) == 1
        and not any(g["amsgrad"] or g["maximize"] for g in groups)
        and all(g.get("decoupled_weight_decay", decoupled) == decoupled for g in groups)
        and len({float(state["step"]) if state else 0.0 for state in states}) == 1
        and not _hooked(optimizer)
    )


def loader_is_unchanged(loader: object, shape: ModelShape) -> bool:
    """Our batches, of two rows or more, with what a model of this shape reads and is told."""
    if type(loader) is not BatchLoader or type(loader.dataset) is not DualTowerDataset:
        return False
    data = loader.dataset
    return (
        (data.context_width, data.width) == (shape.context_dim, shape.context_dim + shape.stock_dim)
        and set(shape.horizons) <= set(data.horizons)
        and data.rows.shape[1] == data.width + len(data.horizons)
        and (data.rows.device.type, data.rows.dtype) == ("cpu", torch.float32)
        and len(data) > 1
    )


@lru_cache
def _as_made(shape: ModelShape) -> tuple[str, list[tuple[str, tuple[int, ...]]]]:
    model = create_model("cpu", **asdict(shape))
    return repr(model), _sizes(model)


def _sizes(model: nn.Module) -> list[tuple[str, tuple[int, ...]]]:
    named = (*model.named_parameters(), *model.named_buffers())
    return [(name, tuple(tensor.shape)) for name, tensor in named]


def _hooked(part: Any) -> bool:
    return "forward" in vars(part) or any(getattr(part, name, None) for name in HOOKS)
