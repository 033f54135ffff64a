"""Compiled training against torch's own layers, automatic differentiation and optimizers."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from planted import planted_panel
from stocktrend.dataset import BatchLoader, DualTowerDataModule, time_split
from stocktrend.model import DualTowerLoss, DualTowerRelevanceModel, create_model
from stocktrend.recipe import Recipe
from stocktrend.training import DualTowerTrainer, create_optimizer, train_ensemble, train_ensembles
from stocktrend.training.compiled import CompiledTraining
from stocktrend.training.compiled.hidden import hidden, noise
from stocktrend.training.compiled.network import Batch, step, work_size

SMALL = {
    "context_hidden_dims": (12, 8),
    "stock_hidden_dims": (16, 8),
    "context_embedding_dim": 4,
    "stock_embedding_dim": 6,
}
STILL = {"context_dropout": 0.0, "stock_dropout": 0.0}
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
    "one horizon": {"horizons": (7,)},
}


@pytest.fixture(scope="module")
def data() -> DualTowerDataModule:
    return DualTowerDataModule(time_split(planted_panel(dates=45)), 32)


def trained(data, compiled: bool, kind: str, shape: dict, batch_size: int = 32, **arguments):
    """A model and its history after two epochs; the last batch is smaller than the others."""
    model = create_model("cpu", seed=5, **(SMALL | STILL | shape))
    loss = DualTowerLoss(0.7, 1.3, 0.4, 0.2, 0.05, horizons=model.horizons)
    optimizer = create_optimizer(model, weight_decay=1e-2, optimizer_type=kind)
    trainer = DualTowerTrainer(
        model, loss, optimizer, checkpoint_dir=None, compiled=compiled, max_grad_norm=0.5
    )
    order = BatchLoader(data.train, batch_size, shuffle=True, seed=3)
    assert len(data.train) % batch_size
    held_out = BatchLoader(data.validation, 512, shuffle=False)
    return model, trainer.train(order, held_out, epochs=2, seed=1, **arguments)


@pytest.mark.parametrize("kind", ["adam", "adamw"])
@pytest.mark.parametrize("case", CASES)
def test_training_is_torchs_up_to_rounding(case, kind, data):
    shape = CASES[case]
    ours, curve = trained(data, True, kind, shape)
    torchs, expected = trained(data, False, kind, shape)
    np.testing.assert_allclose(curve["train_loss"], expected["train_loss"], rtol=1e-4)
    np.testing.assert_allclose(curve["val_loss"], expected["val_loss"], rtol=1e-3)
    context, stock, _ = data.validation[torch.arange(len(data.validation))]
    found, truth = ours(context, stock), torchs(context, stock)
    for name in truth:
        torch.testing.assert_close(found[name], truth[name], rtol=0, atol=5e-3)


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


def test_noise_is_uniform_over_places_and_over_seeds():
    places = [noise(np.uint32(i), np.uint32(9)) for i in range(20_000)]
    seeds = [noise(np.uint32(9), np.uint32(i)) for i in range(20_000)]
    for drawn in (places, seeds):
        assert stats.kstest(np.array(drawn) / 2**32, "uniform").pvalue > 1e-3


def test_gradients_with_dropout_are_those_of_finite_differences(data):
    model = create_model("cpu", seed=2, **SMALL, context_dropout=0.4, stock_dropout=0.4)
    plan = CompiledTraining(
        model, DualTowerLoss(regularization_weight=0.1), create_optimizer(model), 1.0
    )._plan()
    context, stock, labels = data.train[torch.arange(64)]
    targets = torch.stack(list(labels.values())).numpy().copy()
    batch = Batch(context.contiguous().numpy(), stock.contiguous().numpy(), targets)
    weights = torch.cat([p.detach().reshape(-1) for p in model.parameters()]).numpy()
    running = np.zeros(10_000, np.float32)
    work = np.empty(work_size(plan, 64), np.float32)
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


def test_a_member_that_fails_ends_the_training_with_its_error():
    panel = planted_panel(dates=40)
    recipe = Recipe.model_validate(SMALL | {"epochs": 3, "members": 3, "head_lr": 1e30})
    with pytest.raises(Exception, match="loss must stay finite"):
        train_ensemble(panel, recipe, threads=2)


def with_hook(model, loss, optimizer):
    model.projection.register_forward_hook(lambda *_: None)


def with_a_frozen_tower(model, loss, optimizer):
    model.context_tower.requires_grad_(False)


def with_another_term(model, loss, optimizer):
    loss.magnitude = nn.Identity()


def with_amsgrad(model, loss, optimizer):
    optimizer.param_groups[0]["amsgrad"] = True


def with_double_precision(model, loss, optimizer):
    model.double()


@pytest.mark.parametrize(
    "change",
    [with_hook, with_a_frozen_tower, with_another_term, with_amsgrad, with_double_precision],
)
def test_what_was_changed_is_left_to_torch(change):
    model = create_model("cpu", **SMALL)
    parts = model, DualTowerLoss(), create_optimizer(model)
    assert CompiledTraining.of(*parts, 1.0)
    change(*parts)
    assert CompiledTraining.of(*parts, 1.0) is None


def test_models_losses_and_optimizers_of_ones_own_are_left_to_torch():
    class Own(DualTowerRelevanceModel):
        """A subclass may compute anything."""

    model = create_model("cpu", **SMALL)
    own = Own(**SMALL)
    parts = [
        (own, DualTowerLoss(), create_optimizer(own)),
        (model, nn.MSELoss(), create_optimizer(model)),
        (model, DualTowerLoss(horizons=(7,)), create_optimizer(model)),
        (model, DualTowerLoss(), torch.optim.SGD(model.parameters())),
        (model, DualTowerLoss(), torch.optim.Adam(list(model.parameters())[1:])),
    ]
    assert [CompiledTraining.of(*part, 1.0) for part in parts] == [None] * 5
