"""A training that was stopped and resumed equals one that was not, bit for bit."""

import json
import logging
import math
import shutil
import subprocess
import sys
from collections import Counter, OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.optim import SGD, Adagrad, AdamW, Optimizer, lr_scheduler
from torch.utils.data import DataLoader

from planted import planted_panel
from stocktrend.dataset import BatchLoader, create_data_loaders
from stocktrend.errors import ModelError
from stocktrend.model import DualTowerLoss, DualTowerRelevanceModel, create_model
from stocktrend.training import DualTowerTrainer, create_optimizer, create_scheduler
from stocktrend.training.packing import pack, unpack
from stocktrend.training.state import TrainingState

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


@pytest.fixture(scope="module")
def loaders() -> Loaders:
    return create_data_loaders(planted_panel(dates=60))[:2]


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


@pytest.mark.parametrize("name", PARTS)
def test_a_stopped_training_ends_as_one_that_was_not(name, loaders, tmp_path):
    whole = trainer_of(tmp_path / "whole", PARTS[name])
    history = whole.train(*loaders, EPOCHS, seed=3)
    assert len(history["val_loss"]) == EPOCHS
    for stops in ([1], [4], [2, 3, 5], [EPOCHS]):
        folder = tmp_path / str(stops)
        for stop in stops:
            # another initialisation: all that counts comes from the state
            part = trainer_of(folder, PARTS[name], seed=stop)
            if stop == stops[0]:
                part = trainer_of(folder, PARTS[name])
            with pytest.raises(StoppedError):
                part.train(*loaders, EPOCHS, seed=3, resume=True, progress=stop_after(stop))
        resumed = trainer_of(folder, PARTS[name], seed=99)
        assert resumed.train(*loaders, EPOCHS, seed=3, resume=True) == history
        assert_same_state(resumed, whole)
        assert contents(folder) == contents(tmp_path / "whole")


def test_the_same_trainer_goes_on_after_a_stop_within_an_epoch(loaders, tmp_path):
    class Tearing(BatchLoader):
        left = 20

        def __iter__(self):
            for batch in super().__iter__():
                self.left -= 1
                if self.left == 0:
                    raise StoppedError
                yield batch

    train = Tearing(loaders[0].dataset, shuffle=True)
    whole = trainer_of(tmp_path / "whole")
    torn = trainer_of(tmp_path / "torn")
    with pytest.raises(StoppedError):
        torn.train(train, loaders[1], EPOCHS)
    assert 0 < 20 - len(train) < len(train)
    history = torn.train(train, loaders[1], EPOCHS, resume=True)
    train.left = -1
    assert history == whole.train(train, loaders[1], EPOCHS)
    assert_same_state(torn, whole)


KILL_BEFORE_EACH_FILE_OPERATION = """
import os, signal, sys
from pathlib import Path
from test_resume import contents, create_data_loaders, planted_panel, trainer_of

folder = Path(sys.argv[1])
loaders = create_data_loaders(planted_panel(dates=30))[:2]
trainer_of(folder / "imports").checkpoints.offer(trainer_of(folder).model, 1, 1.0, {})

def train(place, kill_at):
    child = os.fork()
    if not child:
        count = 0
        def hook(event, arguments):
            nonlocal count
            writes = event == "open" and isinstance(arguments[1], str) and "w" in arguments[1]
            if (writes or event in ("os.rename", "os.remove")) and place in str(arguments[0]):
                count += 1
                if count == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        trainer_of(Path(place), keep_best=1).train(*loaders, 2, resume=True)
        os._exit(0)
    return os.waitpid(child, 0)[1]

whole = str(folder / "whole")
assert train(whole, 0) == 0
kills = 1
while train(part := str(folder / f"part {kills}"), kills) == signal.SIGKILL:
    assert train(part, 0) == 0
    assert contents(Path(part)) == contents(Path(whole)), kills
    kills += 1
print(kills)
"""


def test_a_training_killed_before_any_of_its_file_operations_ends_with_the_same_files(tmp_path):
    here = Path(__file__).parent
    code = f"import sys; sys.path[:0] = [{str(here.parent)!r}, {str(here)!r}]\n"
    code += KILL_BEFORE_EACH_FILE_OPERATION
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    # each of two epochs at least makes a file of its state and moves it into its place
    assert int(done.stdout) > 4


def test_early_stopping_goes_on_waiting_where_it_was(loaders, tmp_path):
    arguments = {"early_stopping_patience": 3, "min_delta": 10.0, "resume": True}
    whole = trainer_of(tmp_path / "whole").train(*loaders, EPOCHS, **arguments)
    # the first epoch improves on nothing before it; then three without improvement by 10
    assert len(whole["val_loss"]) == 4
    with pytest.raises(StoppedError):
        trainer_of(tmp_path / "part").train(*loaders, EPOCHS, **arguments, progress=stop_after(3))
    assert trainer_of(tmp_path / "part").train(*loaders, EPOCHS, **arguments) == whole
    assert contents(tmp_path / "part") == contents(tmp_path / "whole")


@pytest.mark.parametrize("own", [False, True])
def test_a_torch_data_loader_goes_on_with_its_order(own, loaders, tmp_path):
    def shuffled() -> DataLoader:
        generator = torch.Generator().manual_seed(5) if own else None
        data = loaders[0].dataset
        return DataLoader(data, 32, shuffle=True, drop_last=True, generator=generator)

    whole = trainer_of(tmp_path / "whole").train(shuffled(), loaders[1], EPOCHS)
    with pytest.raises(StoppedError):
        trainer_of(tmp_path / "part").train(shuffled(), loaders[1], EPOCHS, progress=stop_after(3))
    resumed = trainer_of(tmp_path / "part").train(shuffled(), loaders[1], EPOCHS, resume=True)
    assert resumed == whole
    assert len(set(whole["train_loss"])) == EPOCHS


def test_a_finished_training_is_not_trained_again(loaders, tmp_path):
    first = trainer_of(tmp_path)
    history = first.train(*loaders, EPOCHS)
    before = contents(tmp_path)
    again = trainer_of(tmp_path, seed=4)
    calls = []
    resumed = again.train(*loaders, EPOCHS, resume=True, progress=lambda *call: calls.append(call))
    rows = len(loaders[0].dataset)
    assert calls == [("train", EPOCHS * rows, EPOCHS * rows, "rows")]
    assert resumed == history
    assert contents(tmp_path) == before
    assert_same_state(again, first)


def test_without_resume_a_training_starts_afresh(loaders, tmp_path):
    whole = trainer_of(tmp_path / "whole").train(*loaders, 2)
    with pytest.raises(StoppedError):
        trainer_of(tmp_path / "part").train(*loaders, EPOCHS, progress=stop_after(4))
    assert trainer_of(tmp_path / "part").train(*loaders, 2) == whole
    assert contents(tmp_path / "part") == contents(tmp_path / "whole")


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


def test_a_validation_loader_that_shuffles_measures_the_same_and_leaves_torch_as_it_was(
    loaders, tmp_path
):
    def shuffled() -> DataLoader:
        return DataLoader(loaders[1].dataset, 16, shuffle=True)

    torch.manual_seed(7)
    before = torch.get_rng_state()
    whole = trainer_of(tmp_path / "whole").train(loaders[0], shuffled(), EPOCHS)
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(StoppedError):
        trainer_of(tmp_path / "part").train(loaders[0], shuffled(), EPOCHS, progress=stop_after(3))
    torch.manual_seed(8)
    resumed = trainer_of(tmp_path / "part").train(loaders[0], shuffled(), EPOCHS, resume=True)
    assert resumed == whole


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


def test_a_training_logs_each_epoch_its_resumption_and_its_early_end(loaders, tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="stocktrend.training.trainer")
    arguments = {"early_stopping_patience": 3, "min_delta": 10.0, "resume": True}
    with pytest.raises(StoppedError):
        trainer_of(tmp_path).train(*loaders, EPOCHS, **arguments, progress=stop_after(2))
    history = trainer_of(tmp_path).train(*loaders, EPOCHS, **arguments)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 6
    for number, line in enumerate([*lines[:2], *lines[3:5]]):
        losses = history["train_loss"][number], history["val_loss"][number]
        assert line.startswith(
            f"epoch {number + 1} of {EPOCHS}: train_loss {losses[0]:.6g}, val_loss {losses[1]:.6g}"
        )
        is_best = history["val_loss"][number] == min(history["val_loss"][: number + 1])
        assert line.endswith("best so far") == is_best
    # a warm-up of two epochs: half the rates of the three groups first, then all of them
    assert "learning rates 0.0005, 0.00025, 0.0005" in lines[0]
    assert "learning rates 0.001, 0.0005, 0.001" in lines[1]
    assert lines[2] == f"resumed after epoch 2 of {EPOCHS}"
    assert lines[5] == "stopped early: 3 epochs without improvement"


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


def test_saving_takes_a_fiftieth_of_the_time_at_most(tmp_path):
    seconds = 0.0
    saved = []

    class Slow:
        """A part whose saving takes three seconds."""

        def state_dict(self):
            nonlocal seconds
            seconds += 3
            saved.append(epoch)
            return {}

    epoch = 0
    state = TrainingState(tmp_path, {}, {"slow": Slow()}, lambda: seconds)
    state.save()
    for epoch in range(1, 21):
        seconds += 40
        state.save(at_once=epoch == 20)
    # 3 s are a fiftieth of 150 s, which four epochs of 40 s are the first to exceed
    assert saved == [0, 1, 5, 9, 13, 17, 20]


def test_whatever_epochs_were_saved_the_checkpoints_are_the_same(loaders, tmp_path):
    """The state is of epoch 2, the checkpoints beside it are of epoch 5."""
    trainer_of(tmp_path / "whole").train(*loaders, EPOCHS)
    with pytest.raises(StoppedError):
        trainer_of(tmp_path / "part").train(*loaders, EPOCHS, progress=stop_after(2))
    early = (tmp_path / "part" / "training.safetensors").read_bytes()
    with pytest.raises(StoppedError):
        trainer_of(tmp_path / "part").train(*loaders, EPOCHS, progress=stop_after(5))
    (tmp_path / "part" / "training.safetensors").write_bytes(early)
    shutil.copy(
        tmp_path / "part" / "epoch_0005.safetensors", tmp_path / "part/epoch_0099.safetensors"
    )
    trainer_of(tmp_path / "part").train(*loaders, EPOCHS, resume=True)
    assert contents(tmp_path / "part") == contents(tmp_path / "whole")
