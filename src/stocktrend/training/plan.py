"""What a training is of, in words and numbers that two trainings can be compared by.

A state is only resumed under the plan that it was saved under. A plan says what can be seen from
outside: of a schedule and a loss their fields, not their code.
"""

import hashlib
from collections.abc import Mapping, Sized
from typing import Any, Final

import numpy as np
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

MOVING: Final = {
    *("last_epoch", "_step_count", "_last_lr", "_get_lr_called_within_step", "_is_initial"),
    *("best", "num_bad_epochs", "cooldown_counter", "T_cur", "T_i"),
}
"""What a schedule of torch counts with; the rest of its state it was made with."""


def hyperparameters(optimizer: Optimizer) -> list[dict[str, Any]]:
    """Of each group all but its parameters, of which the shapes, and ``lr`` before any schedule.

    >>> import torch
    >>> weight = nn.Parameter(torch.zeros(2))
    >>> found = hyperparameters(torch.optim.SGD([weight], lr=torch.tensor(0.5), momentum=0.9))
    >>> found[0]["lr"], found[0]["momentum"], found[0]["params"]
    (0.5, 0.9, [[2]])
    """
    groups = []
    for group in optimizer.param_groups:
        found = {name: plain(value) for name, value in group.items() if name != "initial_lr"}
        found["lr"] = plain(group.get("initial_lr", group["lr"]))
        found["params"] = [list(parameter.shape) for parameter in group["params"]]
        groups.append(found)
    return groups


def schedule_fields(scheduler: LRScheduler | ReduceLROnPlateau) -> dict[str, Any]:
    """What a schedule was made with, as far as its ``state_dict`` tells: no plain function's code.

    >>> import torch
    >>> optimizer = torch.optim.SGD([torch.zeros(2)], lr=1.0)
    >>> schedule_fields(torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9))
    {'kind': 'ExponentialLR', 'gamma': 0.9, 'base_lrs': [1.0]}
    """
    return {"kind": type(scheduler).__name__, **_still(plain(scheduler.state_dict()))}


def loss_fields(loss: nn.Module) -> dict[str, Any]:
    """What a loss shows, its public fields that are numbers or texts, and its buffers."""
    fields = {
        name: plain(value)
        for name, value in vars(loss).items()
        if not name.startswith("_") and isinstance(value, bool | int | float | str)
    }
    buffers = {name: digest(buffer) for name, buffer in loss.named_buffers()}
    return {"shown": repr(loss), **fields, **buffers}


def loader_fields(loader: object) -> dict[str, Any]:
    """Settings, sizes and, of a dataset that has its rows in one tensor, their content."""
    found: dict[str, Any] = {"kind": type(loader).__name__}
    for name in ("batch_size", "shuffle", "seed", "drop_last"):
        value = plain(getattr(loader, name, None))
        if isinstance(value, int):
            found[name] = value
    data = getattr(loader, "dataset", loader)
    if isinstance(data, Sized):
        found["length"] = len(data)
    rows = getattr(data, "rows", None)
    if isinstance(rows, Tensor):
        found["content"] = digest(rows)
    return found


def digest(tensor: Tensor) -> str:
    """Twelve hex digits of a tensor's numbers."""
    numbers = tensor.detach().cpu().contiguous().numpy()
    return hashlib.sha256(numbers.tobytes()).hexdigest()[:12]


def plain(value: Any) -> Any:
    """What JSON holds of a value: numbers of NumPy and tensors are numbers, others their type.

    >>> import math
    >>> plain({"seed": np.int64(3), "norm": math.inf, "betas": (0.9, None), "call": print})
    {'seed': 3, 'norm': 'inf', 'betas': [0.9, None], 'call': 'builtin_function_or_method'}
    """
    if isinstance(value, Tensor | np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float):
        return value if np.isfinite(value) else repr(value)
    return value if value is None or isinstance(value, int | str) else type(value).__name__


def _still(state: Any) -> Any:
    """A schedule's state without what moves, also in schedules that it consists of."""
    if isinstance(state, list):
        return [_still(part) for part in state]
    if not isinstance(state, dict):
        return state
    return {name: _still(part) for name, part in state.items() if name not in MOVING}
