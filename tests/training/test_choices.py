"""What a user may choose: horizons, weights, metrics, schedules; and what whole trainings keep."""

import json
import math

import polars as pl
import pytest
import torch
from safetensors.torch import load_file
from small_training import SMALL
from torch import nn

from planted import planted_panel
from stocktrend.dataset import BatchLoader, create_data_loaders
from stocktrend.errors import ModelError
from stocktrend.model import DualTowerLoss, create_model
from stocktrend.training import (
    VALIDATION_METRICS,
    DualTowerTrainer,
    create_optimizer,
    create_scheduler,
)


def panel_with(horizons: tuple[int, ...], dates: int = 60) -> pl.DataFrame:
    """The planted panel with labels of any horizons, each known that many days after its row."""
    panel = planted_panel(dates=dates)
    return panel.with_columns(
        column
        for h in horizons
        for column in (
            pl.col("return_7d").alias(f"return_{h}d"),
            pl.col("target_7d").alias(f"target_{h}d"),
            (pl.col("as_of") + pl.duration(days=h)).alias(f"label_known_at_{h}d"),
        )
    )


@pytest.mark.parametrize("horizons", [(5,), (7, 30, 90), (1, 2, 3, 4)])
def test_heads_for_any_horizons_learn_what_was_planted(horizons, tmp_path):
    train, validation, test = create_data_loaders(panel_with(horizons, 150), horizons=horizons)
    model = create_model("cpu", horizons=horizons, **SMALL)
    weights = {h: (1.0 + h, 0.25) for h in horizons}
    loss = DualTowerLoss(horizons=horizons, weights=weights)
    optimizer = create_optimizer(model, 0.01, 0.01, 0.01)
    trainer = DualTowerTrainer(model, loss, optimizer, checkpoint_dir=tmp_path)
    history = trainer.train(train, validation, epochs=12)
    names = {f"{metric}_{h}d" for metric in VALIDATION_METRICS for h in horizons}
    assert set(history) == {"train_loss", "val_loss"} | names
    for h in horizons:
        assert max(history[f"correlation_{h}d"]) > 0.7
    context, stock, labels = test.dataset[torch.arange(20)]
    outputs = model(context, stock)
    assert {f"score_{h}d" for h in horizons} <= set(outputs)
    assert set(labels) == {f"target_{h}d" for h in horizons}


def test_a_head_without_weight_learns_nothing_of_its_target(loaders):
    model = create_model("cpu", **SMALL)
    before = {n: p.detach().clone() for n, p in model.heads.named_parameters()}
    loss = DualTowerLoss(regularization_weight=0.0, weights={7: (1.0, 0.5), 30: (0.0, 0.0)})
    optimizer = create_optimizer(model, weight_decay=0.0)
    DualTowerTrainer(model, loss, optimizer, checkpoint_dir=None).train(*loaders, epochs=1)
    moved = {
        name.split(".")[0]: not torch.equal(parameter, before[name])
        for name, parameter in model.heads.named_parameters()
        if name.endswith("weight")
    }
    assert len(moved) == 2
    assert sum(moved.values()) == 1


def test_a_trainer_needs_no_more_than_a_model(loaders, tmp_path):
    model = create_model(**SMALL, device="cpu")
    trainer = DualTowerTrainer(model=model, max_grad_norm=0.5, checkpoint_dir=tmp_path / "mine")
    history = trainer.train(*loaders, epochs=2, early_stopping_patience=25)
    assert len(history["val_loss"]) == 2
    assert (tmp_path / "mine" / "checkpoints.json").is_file()
    # the documented defaults: Adam, and five epochs of warm-up before the cosine
    assert isinstance(trainer.optimizer, torch.optim.Adam)
    rates = [group["lr"] for group in trainer.optimizer.param_groups]
    assert rates == pytest.approx([0.6e-3, 0.3e-3, 0.6e-3])


def test_training_for_no_epochs_is_refused(loaders):
    with pytest.raises(ModelError, match="epochs must be at least 1, however: 0"):
        DualTowerTrainer(create_model("cpu", **SMALL)).train(*loaders, epochs=0)


def test_metrics_of_ones_own_are_in_the_history_and_the_checkpoints(loaders, tmp_path):
    def worst(score: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (score - target).abs().max()

    def undefined(score: torch.Tensor, target: torch.Tensor) -> float:
        return math.nan

    model = create_model("cpu", **SMALL)
    metrics = {"worst": worst, "undefined": undefined, "mse": VALIDATION_METRICS["mse"]}
    trainer = DualTowerTrainer(model, checkpoint_dir=tmp_path, metrics=metrics)
    history = trainer.train(*loaders, epochs=1)
    _, _, labels = loaders[1].dataset[torch.arange(len(loaders[1].dataset))]
    context, stock, _ = loaders[1].dataset[torch.arange(len(loaders[1].dataset))]
    with torch.inference_mode():
        score = model(context, stock)["score_7d"]
    known = ~labels["target_7d"].isnan()
    error = (score - labels["target_7d"])[known].abs()
    assert history["worst_7d"] == [pytest.approx(float(error.max()), rel=1e-5)]
    assert history["mse_7d"] == [pytest.approx(float(error.square().mean()), rel=1e-5)]
    assert math.isnan(history["undefined_30d"][0])
    kept = json.loads((tmp_path / "checkpoints.json").read_text())["checkpoints"][0]["metrics"]
    assert kept["undefined_7d"] is None
    assert kept["worst_7d"] == history["worst_7d"][0]


class Rounded(nn.Module):
    """The usual loss; on validation rows rounded to 2 decimals, so that epochs tie."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = [model]
        self.loss = DualTowerLoss()

    def forward(self, outputs, labels):
        loss = self.loss(outputs, labels)
        return loss if self.model[0].training else (100 * loss).round() / 100


def test_the_checkpoints_of_a_whole_training_are_its_best_three_the_earlier_of_equals(
    loaders, tmp_path
):
    model = create_model("cpu", **SMALL)
    whole = BatchLoader(loaders[1].dataset, 10_000, shuffle=False)
    optimizer = create_optimizer(model, 0.01, 0.01, 0.01)
    trainer = DualTowerTrainer(model, Rounded(model), optimizer, checkpoint_dir=tmp_path)
    weights = []

    def remember(step: str, done: int, total: int, unit: str) -> None:
        weights.append({name: value.clone() for name, value in model.state_dict().items()})

    history = trainer.train(loaders[0], whole, 40, 40, progress=remember)
    losses = history["val_loss"]
    assert len(losses) == len(weights) == 40
    best = sorted(range(40), key=lambda epoch: (losses[epoch], epoch))[:3]
    assert losses.count(losses[best[-1]]) > 1, "the planted data must make epochs tie"
    kept = json.loads((tmp_path / "checkpoints.json").read_text())["checkpoints"]
    assert [(c["epoch"], c["val_loss"]) for c in kept] == [(e + 1, losses[e]) for e in best]
    for checkpoint, epoch in zip(kept, best, strict=True):
        stored = load_file(tmp_path / checkpoint["weights"])
        assert all(torch.equal(stored[name], weights[epoch][name]) for name in stored)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    trainer.load_best_checkpoint()
    state = model.state_dict()
    assert all(torch.equal(state[name], weights[best[0]][name]) for name in state)


def test_a_plateau_of_the_whole_training_lowers_the_rate_when_its_rule_says(loaders, tmp_path):
    """The rule by hand: halve once more than 5 epochs in a row are not 1e-4 below the best."""
    model = create_model("cpu", **SMALL)
    optimizer = create_optimizer(model, 0.01, 0.01, 0.01)
    scheduler = create_scheduler(optimizer, scheduler_type="plateau", warmup_epochs=3)
    rates: list[float] = []

    def remember(step: str, done: int, total: int, unit: str) -> None:
        rates.append(optimizer.param_groups[0]["lr"])

    trainer = DualTowerTrainer(model, None, optimizer, scheduler, checkpoint_dir=None)
    losses = trainer.train(*loaders, 40, 40, progress=remember)["val_loss"]
    rate, best, bad, expected = 0.01, math.inf, 0, []
    for epoch, loss in enumerate(losses):
        if epoch < 2:  # the warm-up's epochs have 1/3, 2/3 and all of the rate
            expected.append(rate * (epoch + 2) / 3)
            continue
        best, bad = (loss, 0) if loss < best * (1 - 1e-4) else (best, bad + 1)
        if bad > 5:
            rate, bad = rate / 2, 0
        expected.append(rate)
    assert rates == pytest.approx(expected)
    assert rates[-1] < 0.01


def test_early_stopping_counts_from_the_last_improvement_by_more_than_min_delta(loaders):
    losses = [1.0, 0.9, 0.85, 0.8, 0.7, 0.71, 0.72, 0.0]
    scripted = iter(losses)

    class Scripted(nn.Module):
        def forward(self, outputs, labels):
            if outputs["score_7d"].requires_grad:
                return outputs["score_7d"].square().mean()
            return torch.tensor(next(scripted), dtype=torch.float64)

    trainer = DualTowerTrainer(create_model("cpu", **SMALL), Scripted(), checkpoint_dir=None)
    whole = BatchLoader(loaders[1].dataset, 10_000, shuffle=False)
    history = trainer.train(
        loaders[0], whole, len(losses), early_stopping_patience=2, min_delta=0.125
    )
    # reference 1.0; 0.9 waits 1; 0.85 is 0.15 below: reference 0.85; 0.8 waits 1; 0.7 is 0.15
    # below: reference 0.7; 0.71 waits 1; 0.72 waits 2: stop. The best is 0.7, not the last.
    assert history["val_loss"] == pytest.approx(losses[:7])
