"""What the compiled loops do not know is trained in torch."""

import os
import subprocess
import sys

import pytest
import torch
from small_training import SMALL, small_model
from torch import nn

from planted import planted_panel
from stocktrend.dataset import BatchLoader, DualTowerDataset
from stocktrend.errors import ModelError
from stocktrend.model import DualTowerLoss, DualTowerRelevanceModel
from stocktrend.training import DualTowerTrainer, create_optimizer
from stocktrend.training.compiled import CompiledTraining


@pytest.fixture(scope="module")
def batches() -> BatchLoader:
    return BatchLoader(DualTowerDataset(planted_panel(dates=6)), shuffle=True)


def with_a_hook_on_a_layer(model, loss, optimizer):
    model.projection.register_forward_hook(lambda *_: None)


def with_a_hook_on_a_gradient(model, loss, optimizer):
    model.projection.weight.register_hook(lambda slope: slope * 0)


def with_a_hook_on_a_sum_of_gradients(model, loss, optimizer):
    model.projection.weight.register_post_accumulate_grad_hook(lambda parameter: None)


def with_a_hook_on_steps(model, loss, optimizer):
    optimizer.register_step_post_hook(lambda *_: None)


def with_a_frozen_tower(model, loss, optimizer):
    model.context_tower.requires_grad_(False)


def with_another_layer(model, loss, optimizer):
    model.stock_tower.layers[2] = nn.GELU()


def with_another_dropout(model, loss, optimizer):
    model.stock_tower.layers[3].p = 0.9


def with_one_head_for_two(model, loss, optimizer):
    model.heads["30d"] = model.heads["7d"]
    own = create_optimizer(model)
    optimizer.param_groups = own.param_groups


def with_another_way_forward(model, loss, optimizer):
    model.forward = lambda context, stock: DualTowerRelevanceModel.forward(model, -context, stock)


def with_another_term(model, loss, optimizer):
    loss.magnitude = nn.Identity()


def with_amsgrad(model, loss, optimizer):
    optimizer.param_groups[0]["amsgrad"] = True


def with_the_decay_of_adamw(model, loss, optimizer):
    optimizer.param_groups[0]["decoupled_weight_decay"] = True


def with_steps_of_a_part(model, loss, optimizer):
    model.projection(torch.zeros(2, 4)).sum().backward()
    optimizer.step()


def with_double_precision(model, loss, optimizer):
    model.double()


@pytest.mark.parametrize(
    "change", [value for name, value in list(globals().items()) if name.startswith("with_")]
)
def test_what_was_changed_is_left_to_torch(change, batches):
    model = small_model()
    parts = model, DualTowerLoss(), create_optimizer(model)
    assert CompiledTraining.of(*parts, 1.0, batches)
    change(*parts)
    assert CompiledTraining.of(*parts, 1.0, batches) is None


def test_models_losses_and_optimizers_of_ones_own_are_left_to_torch(batches):
    class Own(DualTowerRelevanceModel):
        """A subclass may compute anything."""

    model = small_model()
    own = Own(**SMALL)
    parts = [
        (own, DualTowerLoss(), create_optimizer(own)),
        (model, nn.MSELoss(), create_optimizer(model)),
        (model, DualTowerLoss(horizons=(7,)), create_optimizer(model)),
        (model, DualTowerLoss(), torch.optim.SGD(model.parameters())),
        (model, DualTowerLoss(), torch.optim.Adam(list(model.parameters())[1:])),
    ]
    assert [CompiledTraining.of(*part, 1.0, batches) for part in parts] == [None] * 5


def test_loaders_and_data_of_ones_own_are_left_to_torch(batches):
    class OwnLoader(BatchLoader):
        """Its batches may be any."""

    class OwnData(DualTowerDataset):
        """So may its rows."""

    cut, double = (DualTowerDataset(planted_panel(dates=6)) for _ in range(2))
    cut.rows, double.rows = cut.rows[:, :-1], double.rows.double()
    model = small_model()
    parts = model, DualTowerLoss(), create_optimizer(model), 1.0
    assert CompiledTraining.of(*parts, batches)
    others = [
        list(batches),
        OwnLoader(batches.dataset, shuffle=True),
        BatchLoader(OwnData(planted_panel(dates=6)), shuffle=True),
        BatchLoader(DualTowerDataset(planted_panel(dates=6), horizons=(7,)), shuffle=True),
        BatchLoader(cut, shuffle=True),
        BatchLoader(double, shuffle=True),
    ]
    assert [CompiledTraining.of(*parts, loader) for loader in others] == [None] * 6
    narrow = small_model(context_dim=24, stock_dim=63)
    parts = narrow, DualTowerLoss(), create_optimizer(narrow), 1.0
    assert CompiledTraining.of(*parts, batches) is None


def test_one_row_is_refused_as_torch_refuses_it(batches):
    one = DualTowerDataset(planted_panel(dates=6).head(1))
    trainer = DualTowerTrainer(small_model(), checkpoint_dir=None)
    with pytest.raises(ModelError, match="at least two rows in training mode, however: 1"):
        trainer.train(BatchLoader(one, shuffle=True), batches, epochs=1)


def test_an_input_that_is_no_number_makes_the_training_loss_none():
    data = DualTowerDataset(planted_panel(dates=6))
    held_out = BatchLoader(data, shuffle=False)
    torn = DualTowerDataset(planted_panel(dates=6))
    torn.rows[5, 3] = torch.nan
    trainer = DualTowerTrainer(small_model(), checkpoint_dir=None)
    with pytest.raises(ModelError, match="however in epoch 1: train nan"):
        trainer.train(BatchLoader(torn, shuffle=True), held_out, epochs=1)


def test_the_first_products_of_a_program_run_in_one_thread():
    code = (
        "from stocktrend.threads import one_blas_thread\n"
        "with one_blas_thread():\n"
        "    import scipy.linalg.cython_blas, threadpoolctl\n"
        "    found = [x for x in threadpoolctl.threadpool_info() if x['user_api'] == 'blas']\n"
        "    assert len(found) > 1, 'numpy and scipy bring one each'\n"
        "    print({x['num_threads'] for x in found})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"},
    )
    assert done.stdout.strip() == "{1}"
