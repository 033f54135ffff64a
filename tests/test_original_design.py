"""The code of the original design, word for word: its declarations hold and its blocks run.

The blocks run in order in one namespace. Only the folder of the data and the device are replaced,
by those of the test, and the examples' simulated market begins later, so that it is small; names
that a block takes from elsewhere are imported before the first one.
"""

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

import stocktrend as st
from code_blocks import Block, Session, blocks
from examples import training_data
from stocktrend.catalog import FEATURE_GROUPS
from stocktrend.training.checkpoints import KEEP

ROOT = Path(__file__).parents[1]
SOURCE = Path(__file__).parent / "original_design" / "blocks.md"
TEXT = SOURCE.read_text(encoding="utf-8")
PYTHON = [block for block in blocks(TEXT) if block.language == "python"]
DECLARATIONS, RUNNING = PYTHON[:5], PYTHON[5:]
FILES = re.findall(r"\*\*File\*\*: `(.*)\.py`", TEXT)
BASES = {"nn.Module": nn.Module, "Dataset": Dataset}

PREAMBLE = """
from examples.dual_tower_examples import *
from data_pipeline.models.dual_tower_model import DualTowerRelevanceModel
"""
ONE_BATCH = "context, stock, labels = next(iter(test_loader))"


def heading(block: Block) -> str:
    return block.heading


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A folder with the raw files of a small market, and the preamble."""
    folder = tmp_path_factory.mktemp("design")
    st.simulate(
        folder / "data", market="strong", tickers=7, start="2016-01-01", end="2017-06-30", seed=1
    )
    made = Session(folder, SOURCE)
    made.run(PREAMBLE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_data, "FIRST", "2017-10-01")
        yield made


def run_until(session: Session, number: int) -> dict[str, Any]:
    """Run the blocks that have not run yet, up to this one."""
    for block in RUNNING[session.done : number + 1]:
        code = block.code.replace("'/data'", repr(str(session.folder / "data")))
        code = code.replace("'cuda'", "'cpu'")
        if "(context, stock)" in code and "context" not in session.namespace:
            session.run(ONE_BATCH)
        session.run(code, block.line)
        session.done += 1
    return session.namespace


@pytest.mark.parametrize("number", range(len(RUNNING)), ids=[heading(b) for b in RUNNING])
def test_the_block_runs_as_it_was_written(session: Session, number: int) -> None:
    run_until(session, number)


def test_there_are_ten_blocks_to_run_and_five_declarations() -> None:
    assert [heading(b) for b in DECLARATIONS] == [
        "Model Implementation",
        "Loss Functions",
        "Data Loading",
        "Training Loop",
        "Factory Functions",
    ]
    assert len(RUNNING) == 10


def test_the_places_that_the_test_replaces_are_there() -> None:
    assert TEXT.count("'/data'") == 1
    assert TEXT.count("'cuda'") == 2


@pytest.mark.parametrize("number", range(5), ids=[heading(b) for b in DECLARATIONS])
def test_the_declared_names_are_where_they_were_declared(number: int) -> None:
    block = DECLARATIONS[number]
    module = import_module(FILES[number].replace("/", "."))
    classes = re.findall(r"^class (\w+)(?:\((.*)\))?$", block.code, re.MULTILINE)
    functions = re.findall(r"^(\w+)\(\)", block.code, re.MULTILINE)
    assert classes or functions
    for name, base in classes:
        found = getattr(module, name)
        assert inspect.isclass(found)
        assert not base or issubclass(found, BASES[base])
    for name in functions:
        assert inspect.isfunction(getattr(module, name))


SIGNATURES = {
    "ContextTower": "input_dim=25, hidden_dims=(128, 64, 32), embedding_dim=32, dropout=0.2",
    "StockTower": "input_dim=62, hidden_dims=(256, 128, 64), embedding_dim=64, dropout=0.3",
    "RelevanceHead": "input_dim=32",
    "RelevanceRegressionLoss.forward": "self, score, target",
    "RelevanceDirectionLoss.forward": "self, logits, target",
    "TowerRegularizationLoss.forward": "self, context, projected",
    "EmbeddingMagnitudeLoss.forward": "self, *embeddings",
    "DualTowerLoss": "regression_weight_7d=1.0, regression_weight_30d=1.0, "
    "classification_weight_7d=0.5, classification_weight_30d=0.5, regularization_weight=0.01, "
    "horizons=(7, 30), weights=None",
    "DualTowerDataset": "df, scaler=None, horizons=(7, 30), target='tanh'",
    "DualTowerDataModule": "df, batch_size=32, *, horizons=(7, 30), split=None, "
    "features='zscore', target='tanh', seed=0, inputs=None",
    "create_optimizer": "model, context_lr=0.001, stock_lr=0.0005, head_lr=0.001, "
    "weight_decay=1e-05, optimizer_type='adam'",
    "create_scheduler": "optimizer, total_epochs=100, scheduler_type='cosine', warmup_epochs=5",
}
"""Parameters and defaults; the losses without settings have those of their formulas."""


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_declared_names_take_these_parameters(name: str) -> None:
    top = name.split(".")[0]
    modules = [import_module(file.replace("/", ".")) for file in FILES]
    found = next(getattr(module, top) for module in modules if hasattr(module, top))
    function = found.forward if name.endswith(".forward") else found
    parameters = inspect.signature(function).parameters.values()
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    assert str(inspect.Signature(bare)) == f"({SIGNATURES[name]})"


def test_every_file_of_the_declared_structure_exists() -> None:
    tree = next(b for b in blocks(TEXT) if b.heading == "File Structure").code
    folders: list[str] = []
    for line in tree.splitlines()[1:]:
        indent, name = re.match(r"([│ ]*)[├└]── (\S+)", line).groups()
        folders[len(indent) // 4 :] = [name]
        path = Path(*folders)
        assert (ROOT / path).exists() or (ROOT / "src" / path).exists(), path


# What the blocks left


def test_training_on_raw_files_gives_a_history_of_at_most_the_epochs_asked_for(
    session: Session,
) -> None:
    names = run_until(session, 2)
    history = names["history"]
    assert {"train_loss", "val_loss"} < set(history)
    assert len(history["train_loss"]) == len(history["val_loss"]) <= 50
    assert names["df"].columns[4:91] == list(st.FEATURES)
    assert next(iter(names["train_loader"]))[0].shape == (32, 25)


def test_larger_towers_have_the_sizes_that_were_asked_for(session: Session) -> None:
    names = run_until(session, 3)
    model = names["DualTowerRelevanceModel"](context_embedding_dim=64, stock_embedding_dim=128)
    assert (model.shape.context_embedding_dim, model.shape.stock_embedding_dim) == (64, 128)
    assert names["model"].shape.context_hidden_dims == (256, 128, 64)
    assert names["model"].shape.stock_hidden_dims == (512, 256, 128)


def test_the_loss_has_the_weights_that_were_asked_for(session: Session) -> None:
    loss = run_until(session, 4)["loss_fn"]
    assert loss.weights == {7: (2.0, 1.0), 30: (1.0, 0.5)}
    assert loss.regularization_weight == 0.05


def test_a_longer_training_keeps_three_checkpoints_where_it_was_told(session: Session) -> None:
    trainer = run_until(session, 5)["trainer"]
    assert trainer.max_grad_norm == 0.5
    kept = list((session.folder / "my_checkpoints").glob("epoch_*.safetensors"))
    assert len(kept) == KEEP == 3


def test_importance_is_shown_for_news_policy_and_macro(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    run_until(session, 6)
    session.run(RUNNING[6].code)
    printed = capsys.readouterr().out
    assert all(re.search(rf"^ {group} ", printed, re.MULTILINE) for group in ("news", "policy"))
    assert " macro " in printed


def test_extracted_embeddings_have_one_row_a_sample(session: Session) -> None:
    names = run_until(session, 7)
    rows = names["test_loader"].batch_size
    assert names["context_embed"].shape == (rows, 64)
    assert names["stock_embed"].shape == (rows, 128)


def test_metrics_are_mse_mae_correlation_and_direction_accuracy_of_both_horizons(
    session: Session,
) -> None:
    metrics = run_until(session, 8)["metrics"]
    kinds = ("mse", "mae", "correlation", "direction_accuracy")
    assert set(metrics) == {f"{kind}_{h}d" for kind in kinds for h in (7, 30)}


def test_scores_are_in_range_and_probabilities_sum_to_one(session: Session) -> None:
    outputs = run_until(session, 9)["outputs"]
    for h in (7, 30):
        assert outputs[f"score_{h}d"].abs().max() <= 1
        total = outputs[f"pos_prob_{h}d"] + outputs[f"neg_prob_{h}d"]
        assert torch.allclose(total, torch.ones_like(total))


# Figures of the design


def defaults(function: Any) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def test_feature_counts_are_those_of_the_design() -> None:
    counts = {group: len(names) for group, names in FEATURE_GROUPS.items()}
    assert (counts["news"], counts["policy"], counts["macro"]) == (8, 5, 12)
    assert (counts["bar"], counts["returns"]) == (5, 5)
    assert counts["technical"] >= 20
    assert counts["volatility"] >= 10
    assert len(st.CONTEXT_FEATURES) == 25
    assert len(st.STOCK_FEATURES) == 62


def test_towers_and_heads_have_the_layers_of_the_design() -> None:
    model = st.create_model("cpu")
    widths = {
        name: [layer.out_features for layer in part.modules() if isinstance(layer, nn.Linear)]
        for name, part in model.named_children()
    }
    assert widths["context_tower"] == [128, 64, 32, 32]
    assert widths["stock_tower"] == [256, 128, 64, 64]
    assert widths["heads"] == [16, 8, 3] * 2
    dropouts = [m.p for m in model.modules() if isinstance(m, nn.Dropout)]
    assert dropouts == [0.2] * 3 + [0.3] * 3
    assert model.horizons == (7, 30)


def test_training_settings_are_those_of_the_design() -> None:
    trainer = list(inspect.signature(st.DualTowerTrainer).parameters)
    assert trainer[:7] == [
        "model",
        "loss_fn",
        "optimizer",
        "scheduler",
        "device",
        "checkpoint_dir",
        "max_grad_norm",
    ]
    assert (
        defaults(st.DualTowerTrainer).items()
        >= {
            "loss_fn": None,
            "optimizer": None,
            "scheduler": None,
            "device": "auto",
            "checkpoint_dir": "checkpoints",
            "max_grad_norm": 1.0,
        }.items()
    )
    train = st.DualTowerTrainer.train
    assert list(inspect.signature(train).parameters)[:3] == ["self", "train_loader", "val_loader"]
    expected = {"epochs": 100, "early_stopping_patience": 15, "min_delta": 1e-4}
    assert expected.items() <= defaults(train).items()
    assert defaults(st.create_data_loaders)["batch_size"] == 32


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "data_pipeline.models.dual_tower_model"],
        [str(ROOT / "src/data_pipeline/models/dual_tower_model.py")],
    ],
    ids=["module", "file"],
)
def test_the_model_file_verifies_the_installation(command: list[str], tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for verified in ("Imports", "Shapes", "Backward pass", *(f.replace("/", ".") for f in FILES)):
        assert verified in done.stdout
    assert "score_30d           (32,)" in done.stdout
    assert "81,030 parameters, all with finite gradients" in done.stdout
    assert done.stdout.endswith("Everything works.\n")
