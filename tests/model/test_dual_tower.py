"""The network: shapes, formulas, first weights, errors."""

from dataclasses import asdict
from itertools import pairwise

import pytest
import torch

from stocktrend.errors import ModelError
from stocktrend.model import (
    DualTowerLoss,
    DualTowerRelevanceModel,
    create_model,
    resolve_device,
)
from stocktrend.model.dual_tower import INTERACTIONS


def batch(rows: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(rows, 25, generator=generator), torch.randn(rows, 62, generator=generator)


def joint_input(model: DualTowerRelevanceModel, outputs_of: tuple[torch.Tensor, torch.Tensor]):
    """What the 7-day head reads, and the model's outputs."""
    seen = []
    model.heads["7d"].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    outputs = model(*outputs_of)
    return seen[0], outputs


def test_outputs_have_the_documented_names_and_shapes():
    outputs = create_model("cpu").eval()(*batch(6))
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {
        "score_7d": (6,),
        "pos_prob_7d": (6,),
        "neg_prob_7d": (6,),
        "logits_7d": (6, 2),
        "score_30d": (6,),
        "pos_prob_30d": (6,),
        "neg_prob_30d": (6,),
        "logits_30d": (6, 2),
        "context_embedding": (6, 32),
        "stock_embedding": (6, 64),
        "projected_stock": (6, 32),
    }


def test_scores_stay_in_range_and_probabilities_sum_to_one_for_extreme_inputs():
    context, stock = batch(50)
    outputs = create_model("cpu").eval()(context * 1e4, stock * 1e4)
    assert outputs["score_7d"].abs().max() <= 1
    assert torch.allclose(outputs["pos_prob_7d"] + outputs["neg_prob_7d"], torch.ones(50))


def test_the_positive_probability_is_the_logistic_of_the_logit_difference():
    outputs = create_model("cpu").eval()(*batch())
    difference = outputs["logits_30d"][:, 0] - outputs["logits_30d"][:, 1]
    assert torch.allclose(outputs["pos_prob_30d"], 1 / (1 + torch.exp(-difference)))


def test_full_interaction_is_both_main_effects_and_their_product():
    joint, outputs = joint_input(create_model("cpu").eval(), batch())
    c, p = outputs["context_embedding"], outputs["projected_stock"]
    assert torch.allclose(joint, (1 + c) * (1 + p) - 1, atol=1e-5)


def test_product_interaction_is_the_product_alone():
    joint, outputs = joint_input(create_model("cpu", interaction="product").eval(), batch())
    assert torch.equal(joint, outputs["context_embedding"] * outputs["projected_stock"])


def test_concat_interaction_puts_both_side_by_side():
    joint, outputs = joint_input(create_model("cpu", interaction="concat").eval(), batch())
    assert torch.equal(joint[:, :32], outputs["context_embedding"])
    assert torch.equal(joint[:, 32:], outputs["projected_stock"])


def test_context_interaction_does_not_read_the_stock():
    model = create_model("cpu", interaction="context").eval()
    context, stock = batch()
    assert torch.equal(model(context, stock)["score_7d"], model(context, -stock)["score_7d"])


def test_stock_interaction_does_not_read_the_context():
    model = create_model("cpu", interaction="stock").eval()
    context, stock = batch()
    assert torch.equal(model(context, stock)["score_7d"], model(-context, stock)["score_7d"])
    joint, outputs = joint_input(model, (context, stock))
    assert torch.equal(joint, outputs["projected_stock"])


def test_additive_interaction_is_a_function_of_the_context_plus_one_of_the_stock():
    model = create_model("cpu", interaction="additive").eval().double()
    context, stock = (part.double() for part in batch())
    context_2, stock_2 = context.flip(0), stock.flip(0)

    def before_tanh(context: torch.Tensor, stock: torch.Tensor) -> torch.Tensor:
        return model(context, stock)["score_7d"].atanh()

    one = before_tanh(context, stock) - before_tanh(context, stock_2)
    other = before_tanh(context_2, stock) - before_tanh(context_2, stock_2)
    assert one.abs().min() > 0.01
    assert torch.allclose(one, other, atol=1e-9)


def test_an_mlp_is_a_stock_tower_that_reads_all_features():
    model = create_model("cpu", interaction="mlp").eval()
    context, stock = batch()
    joint, outputs = joint_input(model, (context, stock))
    tower = model.stock_tower(torch.cat((context, stock), dim=1))
    assert torch.equal(joint, model.projection(tower))
    assert torch.equal(outputs["stock_embedding"], tower)
    assert not torch.equal(outputs["score_7d"], model(-context, stock)["score_7d"])


@pytest.mark.parametrize("interaction", INTERACTIONS)
def test_every_interaction_trains_all_its_weights_and_can_be_built_again(interaction):
    model = create_model("cpu", interaction=interaction)
    labels = {f"target_{h}d": torch.linspace(-1, 1, 6) for h in (7, 30)}
    DualTowerLoss()(model(*batch()), labels).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    again = DualTowerRelevanceModel(**asdict(model.shape))
    again.load_state_dict(model.state_dict())
    outputs = model.eval()(*batch())
    assert torch.equal(again.eval()(*batch())["score_7d"], outputs["score_7d"])


def test_parts_have_the_parameter_counts_of_the_design():
    parts = {
        name: sum(p.numel() for p in part.parameters())
        for name, part in create_model("cpu").named_children()
    }
    block = {"context": 0, "stock": 0}
    for tower, sizes in (("context", (25, 128, 64, 32)), ("stock", (62, 256, 128, 64))):
        for width, hidden in pairwise(sizes):
            block[tower] += width * hidden + hidden + 2 * hidden
    assert parts == {
        "context_tower": block["context"] + 32 * 32 + 32,
        "stock_tower": block["stock"] + 64 * 64 + 64,
        "projection": 64 * 32 + 32,
        "heads": 2 * (32 * 16 + 16 + 2 * 16 + 16 * 8 + 8 + 8 * 3 + 3),
    }


def test_weights_start_kaiming_normal_and_biases_zero():
    model = create_model("cpu", stock_hidden_dims=(1000, 1000))
    linear = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
    assert all(not layer.bias.any() for layer in linear)
    wide = next(layer for layer in linear if layer.weight.shape == (1000, 1000))
    assert wide.weight.std().item() == pytest.approx((2 / 1000) ** 0.5, rel=0.01)
    assert abs(wide.weight.mean().item()) < 1e-3


def test_same_seed_gives_the_same_weights_and_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, second, other = (create_model("cpu", seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["projection.weight"], other["projection.weight"])


def test_larger_sizes_and_other_horizons_can_be_asked_for():
    model = DualTowerRelevanceModel(
        context_hidden_dims=[256, 128, 64],
        stock_hidden_dims=[512, 256, 128],
        context_embedding_dim=64,
        stock_embedding_dim=128,
        horizons=[5, 90],
    ).eval()
    outputs = model(*batch())
    assert outputs["score_90d"].shape == (6,)
    assert "score_7d" not in outputs
    context, stock = model.extract_embeddings(*batch())
    assert (context.shape, stock.shape) == ((6, 64), (6, 128))


def test_extracted_embeddings_are_those_of_the_forward_pass():
    model = create_model("cpu").eval()
    outputs = model(*batch())
    context, stock = model.extract_embeddings(*batch())
    assert torch.equal(context, outputs["context_embedding"])
    assert torch.equal(stock, outputs["stock_embedding"])


def test_forward_moves_its_inputs_to_the_device_of_the_model():
    outputs = create_model("cpu").to("meta")(*batch())
    assert outputs["score_7d"].device.type == "meta"


@pytest.mark.parametrize(
    ("context", "stock"),
    [((4, 62), (4, 25)), ((4, 25), (5, 62)), ((25,), (62,)), ((4, 25, 1), (4, 62))],
)
def test_inputs_of_other_shapes_are_refused(context, stock):
    with pytest.raises(ModelError, match=r"context must be \(B, 25\) and stock \(B, 62\)"):
        create_model("cpu").eval()(torch.zeros(context), torch.zeros(stock))


def test_a_single_row_is_refused_in_training_and_predicted_in_eval():
    model = create_model("cpu")
    with pytest.raises(ModelError, match="at least two rows"):
        model(*batch(1))
    assert model.eval()(*batch(1))["score_7d"].shape == (1,)


def test_all_wrong_shape_arguments_are_named_at_once():
    with pytest.raises(ModelError) as error:
        DualTowerRelevanceModel(
            stock_dim=0, context_dropout=1.0, horizons=(7, 7), interaction="sum"
        )
    for name in ("stock_dim", "context_dropout", "horizons", "interaction"):
        assert name in str(error.value)


def test_auto_is_the_cpu_without_a_gpu_and_an_unknown_device_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == torch.device("cpu")
    with pytest.raises(ModelError, match="abacus"):
        resolve_device("abacus")
