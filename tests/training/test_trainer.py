"""The training loop: what it learns, when it stops, what it keeps, that it repeats itself."""

import hashlib
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from small_training import small_model
from torch import nn
from torch.utils.data import DataLoader

from planted import planted_panel
from stocktrend.dataset import BatchLoader, create_data_loaders
from stocktrend.errors import DataError, ModelError
from stocktrend.model import create_model
from stocktrend.training import (
    Checkpoints,
    DualTowerTrainer,
    create_optimizer,
    create_scheduler,
)

TESTS = Path(__file__).parents[1]


class ScriptedValidation(nn.Module):
    """A loss that follows the gradient as usual, but reads validation losses from a list."""

    def __init__(self, model: nn.Module, losses: list[float]) -> None:
        super().__init__()
        self.model = [model]
        self.losses = iter(losses)

    def forward(self, outputs, labels):
        if self.model[0].training:
            return outputs["score_7d"].square().mean()
        return torch.tensor(next(self.losses))


def train_scripted(losses: list[float], loaders, folder: Path | None = None, **arguments):
    """Train with one validation batch an epoch, so that each epoch reads one scripted loss."""
    model = small_model()
    trainer = DualTowerTrainer(model, ScriptedValidation(model, losses), checkpoint_dir=folder)
    whole = BatchLoader(loaders[1].dataset, 10_000, shuffle=False)
    history = trainer.train(loaders[0], whole, epochs=len(losses), **arguments)
    return trainer, history


def digest(model: nn.Module) -> str:
    state = model.state_dict()
    return hashlib.sha256(b"".join(state[k].numpy().tobytes() for k in sorted(state))).hexdigest()


def trained_digest(seed: int = 0) -> str:
    train, validation, _ = create_data_loaders(planted_panel(), seed=seed)
    model = create_model("cpu", seed=seed)
    trainer = DualTowerTrainer(model, checkpoint_dir=None)
    trainer.train(train, validation, epochs=2, seed=seed)
    return digest(model)


def test_a_planted_effect_is_learned_and_measured_on_rows_not_seen():
    train, validation, test = create_data_loaders(planted_panel(dates=150, tickers=20))
    model = create_model("cpu")
    history = DualTowerTrainer(model, checkpoint_dir=None).train(train, validation, epochs=15)
    scores, targets = [], []
    for context, stock, labels in test:
        scores.append(model(context, stock)["score_7d"].detach())
        targets.append(labels["target_7d"])
    pair = torch.stack([torch.cat(scores), torch.cat(targets)])
    assert torch.corrcoef(pair)[0, 1] > 0.8
    assert history["train_loss"][-1] < history["train_loss"][0]
    assert max(history["correlation_30d"]) > 0.8
    assert max(history["direction_accuracy_7d"]) > 0.8


def test_history_has_one_value_an_epoch_for_each_loss_and_metric(loaders):
    history = DualTowerTrainer(small_model(), checkpoint_dir=None).train(*loaders[:2], epochs=3)
    metrics = ("mse", "mae", "correlation", "direction_accuracy")
    assert set(history) == {
        "train_loss",
        "val_loss",
        *(f"{metric}_{h}d" for metric in metrics for h in (7, 30)),
    }
    assert {len(values) for values in history.values()} == {3}
    assert all(math.isfinite(value) for values in history.values() for value in values)


def test_training_stops_when_the_loss_has_not_improved_by_min_delta(loaders):
    losses = [5.0, 4.0, 3.9999, 3.9998, 3.9997, 1.0]
    _, history = train_scripted(losses, loaders, early_stopping_patience=3, min_delta=1e-2)
    assert history["val_loss"] == pytest.approx(losses[:5])


def test_small_steps_that_add_up_to_min_delta_count_as_improvement(loaders):
    losses = [5.0, 4.95, 4.89, 4.84, 4.78, 4.73]
    _, history = train_scripted(losses, loaders, early_stopping_patience=2, min_delta=0.1)
    assert len(history["val_loss"]) == 6


def test_the_model_ends_in_eval_mode_with_the_weights_of_the_lowest_loss(loaders, tmp_path):
    trainer, _ = train_scripted([3.0, 1.0, 2.0, 4.0], loaders, tmp_path)
    assert not trainer.model.training
    best = load_file(tmp_path / "epoch_0002.safetensors")
    assert all(torch.equal(best[name], value) for name, value in trainer.model.state_dict().items())
    last_kept = load_file(tmp_path / "epoch_0003.safetensors")
    assert not torch.equal(best["projection.weight"], last_kept["projection.weight"])


def test_the_three_checkpoints_are_the_best_three(loaders, tmp_path):
    losses = [6.0, 2.0, 5.0, 1.0, 4.0, 3.0, 7.0]
    _, history = train_scripted(losses, loaders, tmp_path)
    index = json.loads((tmp_path / "checkpoints.json").read_text())
    kept = [(c["epoch"], c["val_loss"], c["weights"]) for c in index["checkpoints"]]
    assert kept == [
        (4, 1.0, "epoch_0004.safetensors"),
        (2, 2.0, "epoch_0002.safetensors"),
        (6, 3.0, "epoch_0006.safetensors"),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoints.json",
        "epoch_0002.safetensors",
        "epoch_0004.safetensors",
        "epoch_0006.safetensors",
        "training.safetensors",
    ]
    assert index["checkpoints"][0]["metrics"]["mse_7d"] == pytest.approx(history["mse_7d"][3])


def test_load_best_checkpoint_gives_another_model_the_best_weights(loaders, tmp_path):
    trainer, _ = train_scripted([3.0, 1.0, 2.0], loaders, tmp_path)
    other = DualTowerTrainer(small_model(seed=9), checkpoint_dir=tmp_path)
    other.load_best_checkpoint()
    assert digest(other.model) == digest(trainer.model)
    assert not other.model.training


def test_a_new_training_replaces_the_checkpoints_of_an_earlier_one(loaders, tmp_path):
    train_scripted([1.0, 1.0, 1.0], loaders, tmp_path)
    (tmp_path / "mine.txt").write_text("kept")
    train_scripted([9.0], loaders, tmp_path)
    assert [c.val_loss for c in Checkpoints(tmp_path).kept()] == [9.0]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoints.json",
        "epoch_0001.safetensors",
        "mine.txt",
        "training.safetensors",
    ]


def test_an_index_can_name_no_file_but_checkpoints_of_its_folder(loaders, tmp_path):
    folder = tmp_path / "checkpoints"
    train_scripted([3.0, 2.0, 1.0], loaders, folder)
    other = tmp_path / "epoch_0001.safetensors"
    other.write_bytes(b"mine")
    index = folder / "checkpoints.json"
    kept = json.loads(index.read_text())
    for entry in kept["checkpoints"]:
        entry["weights"] = "../epoch_0001.safetensors"
    index.write_text(json.dumps(kept))
    with pytest.raises(ModelError, match="must lie beside their index"):
        Checkpoints(folder).offer(small_model(), 9, 0.0, {})
    assert other.read_bytes() == b"mine"


def test_checkpoints_that_cannot_be_loaded_say_why(loaders, tmp_path):
    with pytest.raises(ModelError, match="checkpoint_dir"):
        DualTowerTrainer(small_model(), checkpoint_dir=None).load_best_checkpoint()
    with pytest.raises(ModelError, match="Train the model first"):
        DualTowerTrainer(small_model(), checkpoint_dir=tmp_path).load_best_checkpoint()
    train_scripted([1.0], loaders, tmp_path)
    with pytest.raises(ModelError, match="another model shape"):
        DualTowerTrainer(create_model("cpu"), checkpoint_dir=tmp_path).load_best_checkpoint()
    (tmp_path / "epoch_0001.safetensors").write_bytes(b"torn")
    with pytest.raises(ModelError, match="cannot be read"):
        DualTowerTrainer(small_model(), checkpoint_dir=tmp_path).load_best_checkpoint()


def test_the_same_seed_gives_the_same_bits_in_one_process_and_in_another():
    torch.manual_seed(1)
    first = trained_digest()
    torch.manual_seed(2)
    assert trained_digest() == first
    assert trained_digest(seed=1) != first
    code = (
        f"import sys, torch; sys.path[:0] = [{str(TESTS)!r}, {str(TESTS / 'training')!r}]; "
        f"torch.set_num_threads({torch.get_num_threads()}); "
        "from test_trainer import trained_digest; print(trained_digest())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == first


def test_training_leaves_the_global_generator_alone(loaders):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    DualTowerTrainer(small_model(), checkpoint_dir=None).train(*loaders[:2], epochs=1)
    assert torch.equal(torch.rand(2), expected)


def test_gradients_are_clipped_to_the_norm(loaders):
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = create_scheduler(optimizer, 1, "none", 0)
    trainer = DualTowerTrainer(
        model, optimizer=optimizer, scheduler=scheduler, checkpoint_dir=None, max_grad_norm=1e-3
    )
    before = [p.detach().clone() for p in model.parameters()]
    one_batch = BatchLoader(loaders[0].dataset, 10_000, shuffle=True)
    trainer.train(one_batch, loaders[1], epochs=1)
    moved = torch.stack([(p - b).norm() for p, b in zip(model.parameters(), before, strict=True)])
    assert moved.norm().item() == pytest.approx(1e-3, rel=1e-3)


def test_plateau_scheduling_reads_the_validation_loss(loaders):
    model = small_model()
    optimizer = create_optimizer(model)
    scheduler = create_scheduler(optimizer, scheduler_type="plateau", warmup_epochs=0)
    loss = ScriptedValidation(model, [1.0] * 8)
    trainer = DualTowerTrainer(model, loss, optimizer, scheduler, checkpoint_dir=None)
    whole = BatchLoader(loaders[1].dataset, 10_000, shuffle=False)
    trainer.train(loaders[0], whole, epochs=8)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(5e-4)


def test_a_torch_data_loader_works_as_well(loaders):
    train = DataLoader(loaders[0].dataset, batch_size=32, drop_last=True)
    history = DualTowerTrainer(small_model(), checkpoint_dir=None).train(
        train, loaders[1], epochs=1
    )
    assert math.isfinite(history["train_loss"][0])


def test_progress_counts_rows_after_each_epoch(loaders):
    calls = []
    DualTowerTrainer(small_model(), checkpoint_dir=None).train(
        *loaders[:2], epochs=3, progress=lambda *call: calls.append(call)
    )
    rows = len(loaders[0].dataset)
    assert calls == [("train", rows * epoch, rows * 3, "rows") for epoch in (1, 2, 3)]


def test_a_loss_that_is_not_finite_stops_the_training_with_the_remedy(loaders):
    with pytest.raises(ModelError, match=r"epoch 2.*lower the learning rates"):
        train_scripted([1.0, math.nan], loaders)


def test_empty_loaders_are_refused(loaders):
    trainer = DualTowerTrainer(small_model(), checkpoint_dir=None)
    with pytest.raises(DataError, match=r"training loader must have rows.*Use a longer period"):
        trainer.train([], loaders[1])
    with pytest.raises(DataError, match=r"validation loader must have rows.*Use a longer period"):
        trainer.train(loaders[0], [])


def test_cuda_without_a_gpu_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match='device="cpu" or device="auto"'):
        DualTowerTrainer(small_model(), device="cuda")
