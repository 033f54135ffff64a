"""The examples: what they return, what they draw, and how they are called from a shell."""

import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import torch
from torch.utils.data import DataLoader

import examples.dual_tower_examples as examples
from browser import open_page
from examples import charts
from examples.command import run
from planted import planted_panel
from stocktrend import build_panel
from stocktrend.dataset import create_data_loaders
from stocktrend.errors import DataError
from stocktrend.model import create_model
from stocktrend.training.metrics import correlation

ROOT = Path(__file__).parents[2]
FILE = ROOT / "examples" / "dual_tower_examples.py"
PAGES = (
    "1_training.html",
    "2_predictions.html",
    "3_interpretation.html",
    "4_importance.html",
    "5_evaluation.html",
)


@pytest.fixture(scope="module")
def loader():
    """Test rows of a small panel."""
    return create_data_loaders(planted_panel(dates=60))[2]


@pytest.fixture(scope="module")
def drawn(built_market: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What all five print in a shell, and the folder of their pages."""
    folder = tmp_path_factory.mktemp("examples")
    root = shutil.copytree(built_market, folder / "market")
    command = [sys.executable, FILE, "--data-root", root, "--epochs", "2", "--output", "pages"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout, folder / "pages"


def test_there_are_five_examples_of_which_four_take_model_and_loader_or_nothing() -> None:
    assert len(examples.__all__) == 5
    for name in examples.__all__[1:]:
        parameters = inspect.signature(getattr(examples, name)).parameters
        assert list(parameters)[:2] == ["model", "test_loader"]
    for name in examples.__all__:
        parameters = inspect.signature(getattr(examples, name)).parameters.values()
        assert all(p.default is not p.empty for p in parameters)


def test_training_returns_model_trainer_and_the_loader_of_the_test_rows(
    market: Path, tmp_path: Path
) -> None:
    model, trainer, test_loader = examples.example_1_basic_training(
        market, epochs=1, output=tmp_path / "pages"
    )
    assert trainer.model is model
    assert not model.training
    dates = build_panel(market)["as_of"].unique().sort()
    assert test_loader.dataset.keys["as_of"].min() == dates[round(0.85 * len(dates))]
    assert (tmp_path / "pages" / "checkpoints" / "checkpoints.json").exists()


def test_predictions_are_those_of_the_model_with_the_names_of_their_rows(loader) -> None:
    model = create_model("cpu", seed=3).eval()
    predictions, statistics = examples.example_2_predictions(model, loader, output=None)
    dataset = loader.dataset
    assert predictions.select("ticker", "as_of").equals(dataset.keys)
    context, stock, _ = dataset[torch.arange(len(dataset))]
    with torch.inference_mode():
        expected = model(context, stock)["score_7d"].double()
    found = predictions["score_7d"].to_torch()
    assert torch.allclose(found, expected, atol=1e-6)
    row = statistics.row(by_predicate=pl.col("output") == "score_7d", named=True)
    assert row["mean"] == pytest.approx(float(expected.mean()), abs=1e-6)
    assert row["above middle"] == pytest.approx(float((expected > 0).double().mean()))


def test_metrics_are_those_of_scores_and_known_targets(loader) -> None:
    model = create_model("cpu", seed=3).eval()
    metrics = examples.example_5_evaluation_metrics(model, loader, output=None)
    context, stock, labels = loader.dataset[torch.arange(len(loader.dataset))]
    target = labels["target_30d"].double()
    with torch.inference_mode():
        score = model(context, stock)["score_30d"].double()
    known = ~target.isnan()
    error = (score - target)[known]
    assert metrics["mse_30d"] == pytest.approx(float((error**2).mean()), rel=1e-5)
    assert metrics["mae_30d"] == pytest.approx(float(error.abs().mean()), rel=1e-5)
    assert metrics["correlation_30d"] == pytest.approx(correlation(score[known], target[known]))
    hits = (score[known] > 0) == (target[known] > 0)
    assert metrics["direction_accuracy_30d"] == pytest.approx(float(hits.double().mean()))


def test_rows_of_a_loader_that_shuffles_are_numbered_and_not_named(loader) -> None:
    shuffled = DataLoader(loader.dataset, batch_size=16, shuffle=True)
    predictions, _ = examples.example_2_predictions(create_model("cpu"), shuffled, output=None)
    assert predictions["ticker"][0] == "row 0"
    in_order = DataLoader(loader.dataset, batch_size=16)
    predictions, _ = examples.example_2_predictions(create_model("cpu"), in_order, output=None)
    assert predictions["ticker"][0] == loader.dataset.keys["ticker"][0]


def test_one_of_model_and_loader_alone_is_refused() -> None:
    with pytest.raises(DataError, match="test_loader is None: pass both"):
        examples.example_2_predictions(create_model("cpu"), output=None)


def test_every_horizon_has_a_trace_also_beyond_the_number_of_colours() -> None:
    days = [5, 7, 30, 60, 90]
    scores = pl.DataFrame({f"{kind}_{h}d": [0.1] for h in days for kind in ("score", "pos_prob")})
    history = {f"correlation_{h}d": [0.2] for h in days}
    names = [f"{h} days" for h in days]
    for figure in (
        charts.score_counts(scores, days),
        charts.scores_and_probabilities(scores, days),
        charts.validation_correlation(history, days),
    ):
        assert [trace["name"] for trace in figure["data"]] == names


def test_the_shell_draws_five_pages_and_prints_what_it_found(drawn: tuple[str, Path]) -> None:
    printed, folder = drawn
    for page in PAGES:
        assert (folder / page).is_file()
        assert f"Wrote pages/{page}" in printed
    for words in ("Panel: ", "direction accuracy", " news ", " policy ", " macro ", "P(up)"):
        assert words in printed


@pytest.mark.parametrize("name", PAGES)
def test_every_plot_of_a_page_is_drawn_without_a_network(
    drawn: tuple[str, Path], name: str, tmp_path: Path
) -> None:
    opened = open_page(drawn[1] / name, tmp_path / "profile")
    assert opened.plots.plots == opened.document.count('role="img"') >= 2
    assert opened.plots.drawn >= opened.plots.plots
    assert opened.loaded == ["plotly.min.js"]
    assert opened.complaints == []


def test_the_module_can_be_run_too_and_its_help_names_the_options() -> None:
    command = [sys.executable, "-m", "examples.dual_tower_examples", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    for option in ("--data-root", "--output", "--epochs", "--seed"):
        assert option in done.stdout


def test_wrong_arguments_are_refused_before_anything_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    occupied = tmp_path / "file"
    occupied.touch()
    for arguments, said in (
        (["6"], "numbers 1 to 5, however: [6]"),
        (["--epochs", "0"], "--epochs must be at least 1, however: 0"),
        (["--data-root", str(occupied)], f"however: {occupied} is a file"),
    ):
        with pytest.raises(SystemExit) as left:
            run(examples.example_1_basic_training, {5: None}, tmp_path / "pages", arguments)
        assert left.value.code == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "pages").exists()
