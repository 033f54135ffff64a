"""A training small enough to be stopped and resumed many times."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch.optim import SGD, Adagrad, AdamW, Optimizer, lr_scheduler

from stocktrend.dataset import BatchLoader
from stocktrend.model import DualTowerRelevanceModel, create_model
from stocktrend.training import DualTowerTrainer, create_optimizer, create_scheduler

SMALL = {
    "context_hidden_dims": (8,),
    "stock_hidden_dims": (16,),
    "context_embedding_dim": 4,
    "stock_embedding_dim": 4,
}
EPOCHS = 6
Loaders = tuple[BatchLoader, BatchLoader]


class StoppedError(Exception):
    """What stops a training here."""


def small_model(seed: int = 0, **changes: object) -> DualTowerRelevanceModel:
    return create_model("cpu", seed=seed, **(SMALL | changes))


def ours(kind: str) -> Callable[[DualTowerRelevanceModel], tuple[Optimizer, object]]:
    def parts(model: DualTowerRelevanceModel) -> tuple[Optimizer, object]:
        optimizer = create_optimizer(model)
        return optimizer, create_scheduler(optimizer, EPOCHS, kind, 2)

    return parts


def plateau(model: DualTowerRelevanceModel) -> tuple[Optimizer, object]:
    """Patience 0 and no improvement small enough: the rate falls every epoch or two."""
    optimizer = Adagrad(model.parameters(), lr=0.01)
    return optimizer, lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=0.5)


def one_cycle(model: DualTowerRelevanceModel) -> tuple[Optimizer, object]:
    optimizer = SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    return optimizer, lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=EPOCHS + 1)


def in_sequence(model: DualTowerRelevanceModel) -> tuple[Optimizer, object]:
    optimizer = AdamW(model.parameters(), amsgrad=True)
    first = lr_scheduler.LinearLR(optimizer, total_iters=2)
    second = lr_scheduler.MultiStepLR(optimizer, [1, 1, 2])
    return optimizer, lr_scheduler.SequentialLR(optimizer, [first, second], [2])


PARTS = {
    "cosine": ours("cosine"),
    "plateau": ours("plateau"),
    "none": ours("none"),
    "left to the trainer": lambda model: (None, None),
    "Adagrad and ReduceLROnPlateau": plateau,
    "SGD and OneCycleLR": one_cycle,
    "AdamW and SequentialLR": in_sequence,
}


def trainer_of(folder: Path, parts=PARTS["cosine"], seed: int = 0, **changes) -> DualTowerTrainer:
    model = small_model(seed)
    optimizer, scheduler = parts(model)
    # A clock that stands still: saving costs nothing, so that every epoch is saved.
    arguments = {"checkpoint_dir": folder, "clock": lambda: 0.0} | changes
    return DualTowerTrainer(model, None, optimizer, scheduler, **arguments)


def stop_after(epochs: int) -> Callable[..., None]:
    def progress(step: str, done: int, total: int, unit: str) -> None:
        if done * EPOCHS >= epochs * total:
            raise StoppedError

    return progress


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_same_state(one: DualTowerTrainer, other: DualTowerTrainer) -> None:
    state, expected = one.model.state_dict(), other.model.state_dict()
    assert all(torch.equal(state[name], expected[name]) for name in expected)
    assert not one.model.training
