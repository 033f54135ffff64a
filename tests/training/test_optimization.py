"""Parameter groups and schedules against numbers worked out by hand."""

import math

import pytest
import torch

from stocktrend.errors import ModelError
from stocktrend.model import create_model
from stocktrend.training import create_optimizer, create_scheduler


def rates(optimizer: torch.optim.Optimizer) -> list[float]:
    return [group["lr"] for group in optimizer.param_groups]


def test_each_part_has_its_learning_rate_and_every_parameter_one_group():
    model = create_model("cpu")
    optimizer = create_optimizer(model)
    groups = {group["name"]: group for group in optimizer.param_groups}
    assert {name: group["lr"] for name, group in groups.items()} == {
        "context": 1e-3,
        "stock": 5e-4,
        "head": 1e-3,
    }
    assert all(group["weight_decay"] == 1e-5 for group in groups.values())
    grouped = [id(p) for group in groups.values() for p in group["params"]]
    assert sorted(grouped) == sorted(id(p) for p in model.parameters())


def test_weight_decay_is_coupled_in_adam_and_decoupled_in_adamw():
    for kind, expected in (("adam", 1 - 0.1), ("adamw", 1 - 0.1 * 0.5)):
        model = create_model("cpu", context_hidden_dims=(2,), stock_hidden_dims=(2,))
        optimizer = create_optimizer(model, 0.1, 0.1, 0.1, weight_decay=0.5, optimizer_type=kind)
        for parameter in model.parameters():
            torch.nn.init.ones_(parameter)
            parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
        # Adam turns the L2 penalty's gradient into a full step; AdamW shrinks by lr * decay.
        for parameter in model.parameters():
            assert torch.allclose(parameter, torch.full_like(parameter, expected), atol=1e-5)


def test_cosine_warms_up_linearly_and_decays_to_the_end():
    optimizer = create_optimizer(create_model("cpu"))
    scheduler = create_scheduler(optimizer, total_epochs=100)
    seen = []
    for _ in range(100):
        seen.append(rates(optimizer)[0] / 1e-3)
        optimizer.step()
        scheduler.step()
    assert seen[:6] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])
    assert seen[5 + 19] == pytest.approx((1 + math.cos(math.pi * 0.2)) / 2)
    assert seen[99] == pytest.approx((1 + math.cos(math.pi * 94 / 95)) / 2)
    assert rates(optimizer)[0] == pytest.approx(0, abs=1e-12)


def test_the_schedule_keeps_the_ratio_between_the_groups():
    optimizer = create_optimizer(create_model("cpu"))
    create_scheduler(optimizer, total_epochs=10, warmup_epochs=2)
    assert rates(optimizer) == pytest.approx([5e-4, 2.5e-4, 5e-4])


def test_plateau_warms_up_and_halves_after_five_epochs_without_improvement():
    optimizer = create_optimizer(create_model("cpu"))
    scheduler = create_scheduler(optimizer, scheduler_type="plateau", warmup_epochs=2)
    seen = []
    for loss in [3.0, 2.0, 1.0, *[1.0] * 7]:
        seen.append(rates(optimizer)[0] / 1e-3)
        optimizer.step()
        scheduler.step(loss)
    # best at the third epoch; the sixth epoch without improvement halves the rate
    assert seen == pytest.approx([0.5, 1, 1, 1, 1, 1, 1, 1, 1, 0.5])


def test_none_keeps_the_rate():
    optimizer = create_optimizer(create_model("cpu"))
    scheduler = create_scheduler(optimizer, 3, "none", 0)
    for _ in range(3):
        assert rates(optimizer) == [1e-3, 5e-4, 1e-3]
        optimizer.step()
        scheduler.step()


def test_unknown_kinds_and_epochs_out_of_range_are_refused():
    optimizer = create_optimizer(create_model("cpu"))
    with pytest.raises(ModelError, match='"adam" or "adamw", however: \'sgd\''):
        create_optimizer(create_model("cpu"), optimizer_type="sgd")
    with pytest.raises(ModelError, match='"cosine", "plateau" or "none"'):
        create_scheduler(optimizer, scheduler_type="step")
    with pytest.raises(ModelError, match="total_epochs"):
        create_scheduler(optimizer, total_epochs=0)
