"""The losses against closed forms, finite differences and hand-computed numbers."""

import math

import pytest
import torch
from torch import Tensor

from stocktrend import targets
from stocktrend.errors import ModelError
from stocktrend.model import (
    DualTowerLoss,
    EmbeddingMagnitudeLoss,
    RelevanceDirectionLoss,
    RelevanceRegressionLoss,
    TowerRegularizationLoss,
    create_model,
    direction,
)

NAN = math.nan


def outputs(horizons: tuple[int, ...] = (7, 30)) -> dict[str, Tensor]:
    """Hand-made outputs of two rows: score 0.5 and -0.5, logits (1, 0), orthogonal embeddings."""
    made = {
        "context_embedding": torch.tensor([[1.0, 0.0], [0.0, 2.0]]),
        "stock_embedding": torch.ones(2, 4),
        "projected_stock": torch.tensor([[0.0, 1.0], [0.0, 1.0]]),
    }
    for h in horizons:
        made[f"score_{h}d"] = torch.tensor([0.5, -0.5])
        made[f"logits_{h}d"] = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    return made


def labels(**targets: list[float]) -> dict[str, Tensor]:
    return {f"target_{name}": torch.tensor(values) for name, values in targets.items()}


def test_regression_is_the_mean_square():
    loss = RelevanceRegressionLoss()(torch.tensor([0.5, -0.2]), torch.tensor([0.0, 0.2]))
    assert loss.item() == pytest.approx((0.25 + 0.16) / 2)


def test_tensors_and_arrays_have_the_same_directions():
    target = torch.linspace(-1, 1, 41, dtype=torch.float64)
    assert direction(target).tolist() == targets.direction(target.numpy())[:, 0].tolist()


def test_direction_targets_are_soft_inside_a_tenth_and_hard_from_there():
    target = torch.tensor([-1.0, -0.1, -0.0999, 0.0, 0.0999, 0.1, 1.0])
    assert direction(target).tolist() == [0, 0, 0.5, 0.5, 0.5, 1, 1]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (0.5, -math.log(math.e**2 / (math.e**2 + math.e))),
        (-0.5, -math.log(math.e / (math.e**2 + math.e))),
        (
            0.0,
            -0.5 * math.log(math.e**2 / (math.e**2 + math.e))
            - 0.5 * math.log(math.e / (math.e**2 + math.e)),
        ),
    ],
)
def test_direction_is_the_cross_entropy_of_the_softmax(target, expected):
    loss = RelevanceDirectionLoss()(torch.tensor([[2.0, 1.0]]), torch.tensor([target]))
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_direction_agrees_with_torchs_cross_entropy_on_soft_targets():
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(100, 2, generator=generator) * 3
    target = torch.rand(100, generator=generator) * 2 - 1
    positive = direction(target)
    truth = torch.stack([positive, 1 - positive], dim=1)
    expected = torch.nn.functional.cross_entropy(logits, truth)
    assert RelevanceDirectionLoss()(logits, target).item() == pytest.approx(expected.item())


def test_regularization_is_the_mean_squared_cosine_whatever_the_lengths():
    c = torch.tensor([[1.0, 0.0], [3.0, 0.0]])
    p = torch.tensor([[2.0, 2.0], [0.0, 5.0]])
    assert TowerRegularizationLoss()(c, p).item() == pytest.approx((0.5 + 0.0) / 2)
    assert TowerRegularizationLoss()(c, -7 * c).item() == pytest.approx(1.0)


def test_magnitude_is_zero_at_unit_scale_and_grows_to_both_sides():
    loss = EmbeddingMagnitudeLoss()
    assert loss(torch.ones(3, 32), -torch.ones(3, 64)).item() == 0
    assert loss(2 * torch.ones(3, 32), torch.zeros(3, 64)).item() == pytest.approx(9 + 1)


def test_the_total_is_the_weighted_sum_of_the_terms():
    made = outputs()
    known = labels(**{"7d": [0.0, -0.5], "30d": [1.0, 0.0]})
    regression_7d, regression_30d = 0.25 / 2, (0.25 + 0.25) / 2
    up, down = math.log(1 + math.exp(-1)), math.log(1 + math.exp(1))
    classification_7d = ((up + down) / 2 + down) / 2
    classification_30d = (up + (up + down) / 2) / 2
    regularization = 0.5 + (1.25 - 1) ** 2
    expected = (
        2 * regression_7d
        + 3 * regression_30d
        + 0.7 * classification_7d
        + 0.2 * classification_30d
        + 0.1 * regularization
    )
    loss = DualTowerLoss(2.0, 3.0, 0.7, 0.2, 0.1)
    assert loss(made, known).item() == pytest.approx(expected, rel=1e-6)
    parts = loss.parts(made, known)
    assert parts["classification_30d"].item() == pytest.approx(classification_30d, rel=1e-6)
    assert parts["regularization"].item() == pytest.approx(regularization, rel=1e-6)


def test_an_unknown_label_is_masked_for_its_own_head_only():
    loss = DualTowerLoss(regularization_weight=0)
    both = loss.parts(outputs(), labels(**{"7d": [0.3, 0.1], "30d": [0.4, -0.9]}))
    masked = loss.parts(outputs(), labels(**{"7d": [0.3, 0.1], "30d": [0.4, NAN]}))
    assert masked["regression_7d"] == both["regression_7d"]
    assert masked["classification_7d"] == both["classification_7d"]
    assert masked["regression_30d"].item() == pytest.approx((0.5 - 0.4) ** 2)


def test_masking_equals_leaving_the_row_out():
    generator = torch.Generator().manual_seed(3)
    score, logits = torch.randn(5, generator=generator), torch.randn(5, 2, generator=generator)
    target = torch.tensor([0.2, NAN, -0.5, NAN, 0.05])
    kept = [0, 2, 4]
    assert torch.allclose(
        RelevanceRegressionLoss()(score, target),
        RelevanceRegressionLoss()(score[kept], target[kept]),
    )
    assert torch.allclose(
        RelevanceDirectionLoss()(logits, target),
        RelevanceDirectionLoss()(logits[kept], target[kept]),
    )


def test_a_batch_without_known_labels_gives_zero_for_the_head_and_finite_gradients():
    model = create_model("cpu")
    generator = torch.Generator().manual_seed(4)
    made = model(torch.randn(4, 25, generator=generator), torch.randn(4, 62, generator=generator))
    known = torch.rand(4, generator=generator)
    unknown = {"target_7d": torch.full((4,), NAN), "target_30d": known}
    loss = DualTowerLoss()
    assert loss.parts(made, unknown)["regression_7d"].item() == 0
    assert loss.parts(made, unknown)["classification_7d"].item() == 0
    loss(made, unknown).backward()
    assert not any(p.grad.any() for p in model.heads["7d"].parameters())
    assert all(p.grad.isfinite().all() for p in model.parameters())
    assert any(p.grad.any() for p in model.heads["30d"].parameters())


def test_zero_embeddings_give_finite_gradients():
    c = torch.zeros(2, 3, requires_grad=True)
    (TowerRegularizationLoss()(c, torch.zeros(2, 3)) + EmbeddingMagnitudeLoss()(c)).backward()
    assert c.grad.isfinite().all()


def test_gradients_agree_with_finite_differences():
    generator = torch.Generator().manual_seed(1)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64, requires_grad=True)

    target = torch.tensor([0.5, NAN, -0.3, 0.02, 0.1], dtype=torch.float64)
    check = torch.autograd.gradcheck
    assert check(lambda score: RelevanceRegressionLoss()(score, target), (random(5),))
    assert check(lambda logits: RelevanceDirectionLoss()(logits, target), (random(5, 2),))
    assert check(TowerRegularizationLoss(), (random(5, 3), random(5, 3)))
    assert check(EmbeddingMagnitudeLoss(), (random(5, 3), random(5, 4)))
    names = ["score_7d", "logits_7d", "context_embedding", "projected_stock", "stock_embedding"]
    loss = DualTowerLoss(horizons=(7,), regularization_weight=0.5)

    def total(*values: Tensor) -> Tensor:
        return loss(dict(zip(names, values, strict=True)), {"target_7d": target})

    assert check(total, (random(5), random(5, 2), random(5, 3), random(5, 3), random(5, 4)))


def test_gradients_have_their_closed_forms():
    score = torch.tensor([0.5, -0.2, 0.9], requires_grad=True)
    target = torch.tensor([0.1, 0.2, NAN])
    RelevanceRegressionLoss()(score, target).backward()
    # 2 (score - target) / n over the two known rows.
    assert score.grad.tolist() == pytest.approx([0.4, -0.4, 0.0])
    logits = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.3, 0.3]], requires_grad=True)
    RelevanceDirectionLoss()(logits, torch.tensor([0.5, NAN, 0.0])).backward()
    # (softmax - truth) / n; the third row is at its minimum.
    miss = (1 / (1 + math.exp(-1)) - 1) / 2
    expected = [miss, -miss, 0, 0, 0, 0]
    assert logits.grad.flatten().tolist() == pytest.approx(expected, abs=1e-7)
    e = torch.full((2, 3), 2.0, requires_grad=True)
    EmbeddingMagnitudeLoss()(e).backward()
    # 2 (mean(e^2) - 1) * 2 e / n = 2 * 3 * 4 / 6.
    assert e.grad.flatten().tolist() == pytest.approx([4.0] * 6)
    c = torch.tensor([[1.0, 0.0]], requires_grad=True)
    TowerRegularizationLoss()(c, torch.tensor([[1.0, 1.0]])).backward()
    # cos^2 of the angle is 1/2 at 45 degrees, and falls by sin(90 degrees) a radian.
    assert c.grad.flatten().tolist() == pytest.approx([0.0, 1.0])


def test_losses_of_several_heads_are_a_loss_each():
    score = torch.tensor([[0.5, 0.5], [0.0, 1.0]])
    target = torch.tensor([[0.0, NAN], [0.0, 0.0]])
    assert RelevanceRegressionLoss()(score, target).tolist() == pytest.approx([0.25, 0.5])
    logits = torch.zeros(2, 2, 2)
    expected = [math.log(2)] * 2
    assert RelevanceDirectionLoss()(logits, target).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(2, 1), (1,), (3,), ()])
def test_a_label_of_another_shape_is_an_error_and_never_broadcast(shape):
    known = labels(**{"7d": [0.1, 0.2], "30d": [0.1, 0.2]}) | {"target_30d": torch.zeros(shape)}
    with pytest.raises(ModelError, match=r"score_30d and target_30d must have one shape"):
        DualTowerLoss()(outputs(), known)
    with pytest.raises(ModelError, match="one shape"):
        RelevanceRegressionLoss()(torch.zeros(2), torch.zeros(shape))
    with pytest.raises(ModelError, match="two columns"):
        RelevanceDirectionLoss()(torch.zeros(2, 2), torch.zeros(shape))


def test_logits_need_two_columns():
    made = outputs() | {"logits_7d": torch.zeros(2, 3), "logits_30d": torch.zeros(2, 3)}
    with pytest.raises(ModelError, match="two columns"):
        DualTowerLoss()(made, labels(**{"7d": [0.1, 0.2], "30d": [0.1, 0.2]}))


def test_embeddings_of_two_sizes_are_an_error():
    with pytest.raises(ModelError, match="one shape"):
        TowerRegularizationLoss()(torch.zeros(2, 32), torch.zeros(2, 64))


def test_a_horizon_that_model_or_data_lack_is_named():
    with pytest.raises(ModelError, match="score_90d, target_90d"):
        DualTowerLoss(horizons=(7, 90))(outputs(), labels(**{"7d": [0.1, 0.2]}))


def test_other_horizons_take_their_weights_from_the_mapping():
    loss = DualTowerLoss(horizons=(5, 7, 90), weights={90: (0.0, 0.0), 7: (3.0, 4.0)})
    assert loss.weights == {5: (1.0, 0.5), 7: (3.0, 4.0), 90: (0.0, 0.0)}
    made = outputs((5, 7, 90))
    known = labels(**{"5d": [0.1, 0.2], "7d": [0.1, 0.2], "90d": [0.1, 0.2]})
    changed = known | {"target_90d": torch.tensor([-1.0, 1.0])}
    assert loss(made, known) == loss(made, changed)


def test_wrong_weights_are_all_named():
    with pytest.raises(ModelError) as error:
        DualTowerLoss(-1.0, regularization_weight=-2.0, weights={90: (1.0, 1.0)})
    for value in ("90", "-1.0", "-2.0"):
        assert value in str(error.value)
