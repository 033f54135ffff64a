"""Only what was started is resumed, from a state that is whole."""

import json
import math
from collections import Counter, OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from small_training import (
    EPOCHS,
    StoppedError,
    contents,
    small_model,
    stop_after,
    trainer_of,
)
from torch import nn
from torch.optim import SGD, Optimizer, lr_scheduler

from planted import planted_panel
from stocktrend.dataset import BatchLoader, create_data_loaders
from stocktrend.errors import ModelError
from stocktrend.model import DualTowerLoss, DualTowerRelevanceModel, create_model
from stocktrend.training import DualTowerTrainer, create_optimizer, create_scheduler
from stocktrend.training.packing import pack, unpack


def test_only_what_was_started_is_resumed(loaders, tmp_path):
    trainer_of(tmp_path).train(*loaders, 2)
    other = create_data_loaders(planted_panel(dates=60, seed=1))[:2]
    sgd = trainer_of(tmp_path, lambda model: (SGD(model.parameters(), 0.1), None))
    deeper = DualTowerTrainer(create_model("cpu"), checkpoint_dir=tmp_path)
    wrong = {
        "epochs was 2 and is 3": lambda: trainer_of(tmp_path).train(*loaders, 3, resume=True),
        "seed was 0 and is 1": lambda: trainer_of(tmp_path).train(*loaders, 2, resume=True, seed=1),
        "min_delta was 0.0001 and is 0.5": lambda: trainer_of(tmp_path).train(
            *loaders, 2, resume=True, min_delta=0.5
        ),
        "training loader/content was": lambda: trainer_of(tmp_path).train(
            other[0], loaders[1], 2, resume=True
        ),
        "validation loader/content was": lambda: trainer_of(tmp_path).train(
            loaders[0], other[1], 2, resume=True
        ),
        "training loader/batch_size was 32 and is 64": lambda: trainer_of(tmp_path).train(
            BatchLoader(loaders[0].dataset, 64, shuffle=True), loaders[1], 2, resume=True
        ),
        "model/context_embedding_dim was 4 and is 32": lambda: deeper.train(
            *loaders, 2, resume=True
        ),
        "optimizer was Adam and is SGD": lambda: sgd.train(*loaders, 2, resume=True),
        "max_grad_norm was 1.0 and is 0.5": lambda: trainer_of(tmp_path, max_grad_norm=0.5).train(
            *loaders, 2, resume=True
        ),
    }
    before = contents(tmp_path)
    for message, train in wrong.items():
        with pytest.raises(ModelError, match=f"as it was started, however .*{message}"):
            train()
    assert contents(tmp_path) == before


def with_rates(kind: str, epochs: int = EPOCHS, **rates: object):
    def parts(model: DualTowerRelevanceModel) -> tuple[Optimizer, object]:
        optimizer = create_optimizer(model, **rates)
        return optimizer, create_scheduler(optimizer, epochs, kind, 2)

    return parts


def with_plateau(**changes: float):
    def parts(model: DualTowerRelevanceModel) -> tuple[Optimizer, object]:
        optimizer = SGD(model.parameters(), lr=0.01)
        return optimizer, lr_scheduler.ReduceLROnPlateau(optimizer, **changes)

    return parts


@pytest.mark.parametrize(
    ("started", "resumed", "message"),
    [
        (with_rates("cosine"), with_rates("none"), "kind was cosine and is none"),
        (with_rates("cosine"), with_rates("cosine", 9), "total_epochs was 6 and is 9"),
        (with_rates("cosine"), with_rates("plateau"), "kind was LambdaLR and is WarmupPlateau"),
        (with_rates("plateau"), with_rates("plateau", context_lr=0.01), "0/lr was 0.001 and"),
        (with_rates("none"), with_rates("none", head_lr=0.01), "2/lr was 0.001 and is 0.01"),
        (with_rates("plateau"), with_rates("plateau", weight_decay=0.1), "0/weight_decay was"),
        (with_plateau(factor=0.1), with_plateau(factor=0.5), "factor was 0.1 and is 0.5"),
    ],
)
def test_another_schedule_rate_or_decay_is_refused(started, resumed, message, loaders, tmp_path):
    with pytest.raises(StoppedError):
        trainer_of(tmp_path, started).train(*loaders, EPOCHS, progress=stop_after(3))
    with pytest.raises(ModelError, match=message):
        trainer_of(tmp_path, resumed).train(*loaders, EPOCHS, resume=True)


class SquaredError(nn.Module):
    """A loss of the first head's score alone, with what it shows to nobody."""

    def __init__(self, scale: float = 1.0, weights: tuple[float, ...] = (1.0,)) -> None:
        super().__init__()
        self.scale = scale
        self.register_buffer("weights", torch.tensor(weights))

    def forward(self, outputs, labels):
        error = (outputs["score_7d"] - labels["target_7d"].nan_to_num()).square().mean()
        return error * self.scale * self.weights[0]


@pytest.mark.parametrize(
    "other", [DualTowerLoss(), SquaredError(2.0), SquaredError(weights=(0.5,))]
)
def test_another_loss_is_refused(other, loaders, tmp_path):
    def trainer(loss: nn.Module) -> DualTowerTrainer:
        return DualTowerTrainer(small_model(), loss, checkpoint_dir=tmp_path)

    trainer(SquaredError()).train(*loaders, 1)
    trainer(SquaredError()).train(*loaders, 1, resume=True)
    with pytest.raises(ModelError, match=r"loss/.* was .* and is"):
        trainer(other).train(*loaders, 1, resume=True)


def test_other_weights_of_the_same_loss_are_refused(loaders, tmp_path):
    DualTowerTrainer(small_model(), checkpoint_dir=tmp_path).train(*loaders, 1)
    heavier = DualTowerLoss(regularization_weight=0.5)
    with pytest.raises(ModelError, match=r"regularization_weight was 0.01 and is 0.5"):
        DualTowerTrainer(small_model(), heavier, checkpoint_dir=tmp_path).train(
            *loaders, 1, resume=True
        )


def test_how_many_checkpoints_to_keep_may_change(loaders, tmp_path):
    with pytest.raises(StoppedError):
        trainer_of(tmp_path, keep_best=1).train(*loaders, EPOCHS, progress=stop_after(3))
    resumed = trainer_of(tmp_path, keep_best=2).train(*loaders, EPOCHS, resume=True)
    assert resumed == trainer_of(tmp_path, checkpoint_dir=None).train(*loaders, EPOCHS)


def test_settings_that_are_infinite_or_of_numpy_or_torch_are_kept(loaders, tmp_path):
    arguments = {
        "early_stopping_patience": math.inf,
        "min_delta": -math.inf,
        "seed": np.int64(3),
        "resume": True,
    }

    def trainer(folder: str) -> DualTowerTrainer:
        rates = {"context_lr": torch.tensor(1e-3), "stock_lr": np.float64(5e-4)}
        parts = with_rates("cosine", **rates)  # schedules change a tensor in place
        return trainer_of(tmp_path / folder, parts, max_grad_norm=math.inf)

    whole = trainer("whole").train(*loaders, EPOCHS, **arguments)
    with pytest.raises(StoppedError):
        trainer("part").train(*loaders, EPOCHS, **arguments, progress=stop_after(3))
    assert trainer("part").train(*loaders, EPOCHS, **arguments) == whole


@pytest.mark.parametrize("damage", ["parts", "standing", "plan", "all"])
def test_a_state_with_something_missing_is_refused_with_a_remedy(damage, loaders, tmp_path):
    trainer_of(tmp_path).train(*loaders, 1)
    path = tmp_path / "training.safetensors"
    with safe_open(path, framework="pt") as file:
        content = json.loads(file.metadata()["state"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if damage == "standing":
        del content["parts"]["standing"]
    elif damage == "all":
        content = [content]
    else:
        del content[damage]
    save_file(tensors, path, {"state": json.dumps(content)})
    with pytest.raises(ModelError, match="Remove it to start afresh"):
        trainer_of(tmp_path).train(*loaders, 1, resume=True)


def test_there_must_be_a_folder_and_a_state_that_can_be_read(loaders, tmp_path):
    with pytest.raises(ModelError, match="checkpoint_dir"):
        trainer_of(tmp_path, checkpoint_dir=None).train(*loaders, 2, resume=True)
    history = trainer_of(tmp_path).train(*loaders, 2, resume=True)
    state = tmp_path / "training.safetensors"
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(ModelError, match="Remove it to start afresh"):
        trainer_of(tmp_path).train(*loaders, 2, resume=True)
    state.unlink()
    assert trainer_of(tmp_path).train(*loaders, 2, resume=True) == history


def test_a_state_that_is_neither_tensors_nor_json_is_refused_before_training(loaders, tmp_path):
    class Odd(lr_scheduler.ExponentialLR):
        def state_dict(self):
            return super().state_dict() | {"place": Path("here")}

    def parts(model):
        optimizer = create_optimizer(model)
        return optimizer, Odd(optimizer, 0.9)

    with pytest.raises(ModelError, match=r"scheduler/place is a pathlib.*checkpoint_dir=None"):
        trainer_of(tmp_path, parts).train([], [], 2)
    trainer_of(tmp_path, parts, checkpoint_dir=None).train(*loaders, 1)


def test_states_come_back_with_their_types_and_bits():
    state = {
        "betas": (0.1 + 0.2, -0.0),
        "milestones": Counter({3: 2}),
        "ordered": OrderedDict(b=1, a=[None, True, "x"]),
        0: {"step": torch.tensor(7.0), "mask": torch.tensor([[True], [False]])},
        "view": torch.arange(6.0).reshape(2, 3).T,
        "limits": [math.inf, -math.inf, math.nan],
    }
    tensors: dict[str, torch.Tensor] = {}
    text = json.dumps(pack(state, tensors), allow_nan=False)
    back = unpack(json.loads(text), tensors)
    assert list(back) == list(state)
    assert [type(v) for v in back.values()] == [type(v) for v in state.values()]
    assert repr({k: v for k, v in back.items() if k != "view"}) == repr(
        {k: v for k, v in state.items() if k != "view"}
    )
    assert torch.equal(back["view"], state["view"])
