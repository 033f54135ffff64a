"""Compiled training against torch's own layers, automatic differentiation and optimizers."""

import numpy as np
import polars as pl
import pytest
import torch
from scipy import stats
from torch import nn

from planted import planted_panel
from stocktrend.catalog import CONTEXT_FEATURES, STOCK_FEATURES, Inputs
from stocktrend.dataset import BatchLoader, DualTowerDataModule, DualTowerDataset, time_split
from stocktrend.errors import ModelError
from stocktrend.model import DualTowerLoss, DualTowerRelevanceModel, create_model
from stocktrend.recipe import Recipe
from stocktrend.training import DualTowerTrainer, create_optimizer, train_ensemble, train_ensembles
from stocktrend.training.compiled import CompiledTraining
from stocktrend.training.compiled.hidden import hidden, noise
from stocktrend.training.compiled.layout import Batch, work_of, work_size
from stocktrend.training.compiled.network import step
from stocktrend.training.compiled.tower import outputs

SMALL = {
    "context_hidden_dims": (12, 8),
    "stock_hidden_dims": (16, 8),
    "context_embedding_dim": 4,
    "stock_embedding_dim": 6,
}
STILL = {"context_dropout": 0.0, "stock_dropout": 0.0}
WITH_OWN = {"context_dim": 26, "stock_dim": 64}
CASES = {
    interaction: {"interaction": interaction}
    for interaction in ("full", "product", "concat", "additive", "context", "stock", "mlp")
} | {
    "one block": {"context_hidden_dims": (8,), "stock_hidden_dims": (16,)},
    "four blocks": {"context_hidden_dims": (8, 8, 4, 4), "stock_hidden_dims": (16, 8, 8, 4)},
    "as designed": {
        "context_hidden_dims": (128, 64, 32),
        "stock_hidden_dims": (256, 128, 64),
        "context_embedding_dim": 32,
        "stock_embedding_dim": 64,
    },
    "no blocks": {"context_hidden_dims": (), "stock_hidden_dims": ()},
    "linear": {
        "context_hidden_dims": (),
        "stock_hidden_dims": (),
        "interaction": "additive",
    },
    "one horizon": {"horizons": (30,)},
    "three horizons, the last first": {"horizons": (90, 7, 30)},
}


@pytest.fixture(scope="module")
def data() -> DualTowerDataModule:
    """With own features, and targets of 90 days that are known in some batches only."""
    panel = time_split(planted_panel(dates=45))
    few = (pl.col("ticker") == "T000") & (pl.col("target_7d") > 0)
    more = {
        "target_90d": pl.when(few).then(0.3),
        "target_30d": -pl.col("target_30d"),
        "own_a": pl.col(STOCK_FEATURES[5]).shift(1),
        "own_b": pl.col(STOCK_FEATURES[6]).shift(2),
        "own_c": pl.col(STOCK_FEATURES[7]).shift(3),
    }
    own = Inputs((*CONTEXT_FEATURES, "own_a"), (*STOCK_FEATURES, "own_b", "own_c"))
    return DualTowerDataModule(panel.with_columns(**more), horizons=(7, 30, 90), inputs=own)


HOW = {
    "adam": {"weight_decay": 1e-2, "max_grad_norm": 0.5},
    "adamw": {"weight_decay": 1.0, "max_grad_norm": 50.0},
}
"""Decay that shows in AdamW would be all that shows in Adam; every gradient is clipped, or none."""


def trained(data, compiled: bool, kind: str, shape: dict, hand_over: bool = False):
    """A model and its history after two epochs; the last batch is smaller than the others."""
    model = create_model("cpu", seed=5, **(SMALL | STILL | WITH_OWN | shape))
    generator = torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter, std=0.3, generator=generator)
    loss = DualTowerLoss(0.7, 1.3, 0.4, 0.2, 0.05, horizons=model.horizons)
    decay, norm = HOW[kind]["weight_decay"], HOW[kind]["max_grad_norm"]
    optimizer = create_optimizer(model, weight_decay=decay, optimizer_type=kind)
    trainer = DualTowerTrainer(
        model, loss, optimizer, checkpoint_dir=None, compiled=compiled, max_grad_norm=norm
    )
    order = BatchLoader(data.train, shuffle=True, seed=3)
    assert len(data.train) % order.batch_size > 1
    assert not compiled or CompiledTraining.of(model, loss, optimizer, norm, order)
    held_out = BatchLoader(data.validation, 512, shuffle=False)

    def after_an_epoch(*_: object) -> None:
        trainer.compiled = compiled != hand_over

    return model, trainer.train(order, held_out, epochs=2, seed=1, progress=after_an_epoch)


def assert_same_training(one, other, data) -> None:
    """Two models and their histories, up to rounding."""
    (ours, curve), (torchs, expected) = one, other
    np.testing.assert_allclose(curve["train_loss"], expected["train_loss"], rtol=1e-4)
    np.testing.assert_allclose(curve["val_loss"], expected["val_loss"], rtol=1e-3)
    context, stock, _ = data.validation[torch.arange(len(data.validation))]
    found, truth = ours(context, stock), torchs(context, stock)
    for name in truth:
        torch.testing.assert_close(found[name], truth[name], rtol=0, atol=5e-3)


@pytest.mark.parametrize("kind", ["adam", "adamw"])
@pytest.mark.parametrize("case", CASES)
def test_training_is_torchs_up_to_rounding(case, kind, data):
    compiled, torchs = (trained(data, way, kind, CASES[case]) for way in (True, False))
    assert_same_training(compiled, torchs, data)


@pytest.mark.parametrize("first", [True, False])
def test_torch_and_compiled_loops_go_on_from_each_others_state(first, data):
    mixed, torchs = trained(data, first, "adam", {}, True), trained(data, False, "adam", {})
    assert_same_training(mixed, torchs, data)
    counts = mixed[0].state_dict(), torchs[0].state_dict()
    for name in (name for name in counts[0] if name.endswith("tracked")):
        assert counts[0][name] == counts[1][name]


def test_a_layer_drops_its_share_and_keeps_the_mean():
    ones = np.zeros((400, 250), np.float32)
    none, all_one, out = np.zeros(250, np.float32), np.ones(250, np.float32), ones.copy()
    mean, scale = none.copy(), none.copy()
    masks = []
    for seed in (1, 2):
        hidden(ones, none, all_one, 0.3, np.uint32(seed), mean, scale, out)
        assert set(np.unique(out).round(6)) == {0.0, np.float32(1 / 0.7).round(6)}
        masks.append(out > 0)
    for mask in masks:
        assert stats.binomtest(int(mask.sum()), mask.size, 0.7).pvalue > 1e-3
        rows, columns = mask.mean(axis=1), mask.mean(axis=0)
        assert np.var(rows) == pytest.approx(0.21 / 250, rel=0.25)
        assert np.var(columns) == pytest.approx(0.21 / 400, rel=0.35)
    both = np.corrcoef(masks[0].ravel(), masks[1].ravel())[0, 1]
    assert abs(both) < 4 / np.sqrt(ones.size), "another batch drops other activations"


def prepared(model: DualTowerRelevanceModel, data: DualTowerDataModule, rows: int):
    """What ``step`` takes of a model and the first rows."""
    loss, order = DualTowerLoss(regularization_weight=0.1), BatchLoader(data.train, shuffle=True)
    plan = CompiledTraining(model, loss, create_optimizer(model), 1.0, order)._plan()
    context, stock, labels = data.train[torch.arange(rows)]
    targets = torch.stack([labels["target_7d"], labels["target_30d"]]).numpy().copy()
    batch = Batch(context.contiguous().numpy(), stock.contiguous().numpy(), targets)
    weights = torch.cat([p.detach().reshape(-1) for p in model.parameters()]).numpy()
    running = np.zeros(10_000, np.float32)
    return plan, batch, weights, running, np.empty(work_size(plan, rows), np.float32)


def test_each_block_of_each_tower_drops_its_own_share_in_other_places(data):
    widths = {"context_hidden_dims": (16, 16), "stock_hidden_dims": (16, 16)}
    model = create_model("cpu", **WITH_OWN, **widths, context_dropout=0.2, stock_dropout=0.5)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm1d):  # all pass the ReLU: what is 0 was dropped
            nn.init.zeros_(layer.weight)
            nn.init.ones_(layer.bias)
    plan, batch, weights, running, work = prepared(model, data, 128)
    step(plan, batch, weights, running, 77, work, np.empty_like(weights))
    found = work_of(plan, work, 128)
    towers = ((plan.context, found.context, 0.2), (plan.stock, found.stock, 0.5))
    masks = []
    for inside, own, share in towers:
        for block in (0, 1):
            masks.append(outputs(inside, 128, own, block) == 0)
            assert stats.binomtest(int(masks[-1].sum()), masks[-1].size, share).pvalue > 1e-3
    correlations = np.corrcoef([mask.ravel() for mask in masks])[np.triu_indices(4, 1)]
    assert np.abs(correlations).max() < 4 / np.sqrt(128 * 16)


def test_each_batch_epoch_and_member_drops_others():
    data = DualTowerDataset(planted_panel(dates=6))
    twice = DualTowerDataset(planted_panel(dates=6))
    twice.rows = twice.rows.repeat(2, 1)

    def losses(rows: DualTowerDataset, seed: int, dropout: float) -> list[float]:
        """Of two epochs without learning: all that can differ is what was dropped."""
        model = create_model("cpu", **SMALL, context_dropout=dropout, stock_dropout=dropout)
        loader = BatchLoader(rows, len(data), shuffle=False)
        optimizer = create_optimizer(model, 0.0, 0.0, 0.0)
        still = CompiledTraining(model, DualTowerLoss(), optimizer, 1.0, loader)
        return [still.train(number, seed)[0] for number in range(2)]

    for dropout, values in ((0.3, 4), (0.0, 1)):
        first, second = losses(data, 1, dropout)
        found = first, second, losses(data, 2, dropout)[0], losses(twice, 1, dropout)[0]
        assert len({round(value, 6) for value in found}) == values


def test_noise_is_uniform_over_places_and_over_seeds():
    places = [noise(np.uint32(i), np.uint32(9)) for i in range(20_000)]
    seeds = [noise(np.uint32(9), np.uint32(i)) for i in range(20_000)]
    for drawn in (places, seeds):
        assert stats.kstest(np.array(drawn) / 2**32, "uniform").pvalue > 1e-3


def test_gradients_with_dropout_are_those_of_finite_differences(data):
    shape = SMALL | WITH_OWN | {"context_dropout": 0.4, "stock_dropout": 0.4}
    model = create_model("cpu", seed=2, **shape)
    plan, batch, weights, running, work = prepared(model, data, 64)
    slopes, unused = np.empty_like(weights), np.empty_like(weights)
    step(plan, batch, weights, running, 77, work, slopes)
    generator = np.random.default_rng(0)
    for _ in range(10):
        way = slopes * (generator.random(len(weights)) < 0.3).astype(np.float32)
        way *= 1e-2 / np.linalg.norm(way)
        rise = step(plan, batch, weights + way, running, 77, work, unused)
        rise -= step(plan, batch, weights - way, running, 77, work, unused)
        assert rise / 2 == pytest.approx(float(slopes @ way), rel=0.03)


@pytest.mark.parametrize("threads", [1, 2])
def test_members_of_all_windows_are_those_trained_alone_bit_for_bit(threads):
    panels = [time_split(planted_panel(dates=n, seed=n)) for n in (40, 60)]
    recipe = Recipe.model_validate(SMALL | {"epochs": 3, "members": 2})
    together = train_ensembles(panels, recipe, seed=4, threads=threads)
    for panel, ensemble in zip(panels, together, strict=True):
        for number, member in enumerate(ensemble.members):
            alone = train_ensemble(
                panel, recipe.model_copy(update={"members": 1}), seed=4 + number, threads=1
            ).members[0]
            for name, value in alone.state_dict().items():
                assert torch.equal(member.state_dict()[name], value), name


def test_a_member_that_fails_ends_the_training_at_once(tmp_path):
    recipe = Recipe.model_validate(
        SMALL | {"epochs": 500, "early_stopping_patience": 500, "members": 2}
    )
    torn = tmp_path / "member_01" / "training.safetensors"
    torn.parent.mkdir()
    torn.write_bytes(b"torn")
    calls = []
    with pytest.raises(ModelError, match=str(torn)):
        train_ensemble(
            planted_panel(dates=40),
            recipe,
            folder=tmp_path,
            threads=2,
            progress=lambda *call: calls.append(call),
        )
    assert len(calls) < 250, "the first member ends with its epoch, not with its training"


def test_a_member_that_fails_ends_the_training_with_its_error():
    panel = planted_panel(dates=40)
    recipe = Recipe.model_validate(SMALL | {"epochs": 3, "members": 3, "head_lr": 1e30})
    with pytest.raises(Exception, match="loss must stay finite"):
        train_ensemble(panel, recipe, threads=2)
