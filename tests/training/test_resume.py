"""A training that was stopped and resumed equals one that was not, bit for bit."""

import logging
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from small_training import (
    EPOCHS,
    PARTS,
    StoppedError,
    assert_same_state,
    contents,
    stop_after,
    trainer_of,
)
from torch.utils.data import DataLoader

from stocktrend.dataset import BatchLoader
from stocktrend.training.state import TrainingState


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
from planted import planted_panel
from small_training import contents, trainer_of
from stocktrend.dataset import create_data_loaders

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
