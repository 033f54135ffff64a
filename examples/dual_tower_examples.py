"""Five examples of the dual-tower model under the names of the original design.

From a checkout: ``python examples/dual_tower_examples.py``, or in Python::

    from examples.dual_tower_examples import example_1_basic_training

    model, trainer, test_loader = example_1_basic_training()

Examples 2 to 5 take what example 1 returned. Without it they train a small model on a small
simulated market, once in a process. Each example prints what it found and draws a page.
"""

import sys
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

if not __package__:
    # Run as a file: Python then knows the folder of this file, not the one above it.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import polars as pl

from data_pipeline.models.dual_tower_data import create_data_loaders
from data_pipeline.models.dual_tower_loss import DualTowerLoss
from data_pipeline.models.dual_tower_model import DualTowerRelevanceModel, create_model
from data_pipeline.models.dual_tower_trainer import (
    DualTowerTrainer,
    create_optimizer,
    create_scheduler,
)
from examples import charts
from examples.command import run
from examples.controls import beside_controls
from examples.drawing import Place, draw
from examples.importance import group_importance
from examples.interpretation import interpret
from examples.rows import Batch, Rows, describe, predict, rows_of
from examples.text_tables import show
from examples.training_data import panel_of
from stocktrend.dataset import BatchLoader
from stocktrend.errors import DataError
from stocktrend.training import VALIDATION_METRICS
from stocktrend.training.metrics import measure

__all__ = [
    "example_1_basic_training",
    "example_2_predictions",
    "example_3_interpretation",
    "example_4_feature_importance",
    "example_5_evaluation_metrics",
]

OUTPUT = Path("dual_tower_examples")


def example_1_basic_training(
    data_root: Path | str | None = None,
    *,
    tickers: int = 20,
    epochs: int = 15,
    seed: int = 1,
    output: Place = OUTPUT,
) -> tuple[DualTowerRelevanceModel, DualTowerTrainer, BatchLoader]:
    """Train a model: raw files, panel, loaders, model, trainer.

    Args:
        data_root: Folder with your ``raw/``. Where it has none, a simulated market is written
            there; None takes a temporary folder.
        tickers: Companies of the simulated market.
        epochs: At most; training stops early when the validation loss no longer improves.
        seed: Of the simulated market and of the model.
        output: Folder of the page and of the checkpoints; None draws and keeps nothing.

    Returns:
        The model with its best weights, the trainer, and the loader of the test rows.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder if data_root is None else data_root).expanduser()
        panel, horizons = panel_of(root, tickers, seed)
    train_loader, val_loader, test_loader = create_data_loaders(
        panel, batch_size=32, horizons=horizons, seed=seed
    )
    model = create_model(seed=seed, horizons=horizons)
    optimizer = create_optimizer(model)
    trainer = DualTowerTrainer(
        model,
        DualTowerLoss(horizons=horizons),
        optimizer,
        create_scheduler(optimizer, total_epochs=epochs),
        checkpoint_dir=None if output is None else Path(output) / "checkpoints",
    )
    print(f"Training on {len(train_loader.dataset):,} rows, at most {epochs} epochs ...")
    history = trainer.train(train_loader, val_loader, epochs=epochs, seed=seed)
    losses = history["val_loss"]
    best = min(range(len(losses)), key=losses.__getitem__)
    print(f"Stopped after epoch {len(losses)}; kept epoch {best + 1}, loss {losses[best]:.3f}.")
    draw(
        output,
        1,
        "Training",
        f"The weights of the lowest validation loss are kept, here of epoch {best + 1}. "
        "When the training loss falls on and the validation loss does not, the model begins to "
        "learn its training rows by heart.",
        {
            "Loss": charts.losses(history),
            "Correlation of score and target on the validation rows": (
                charts.validation_correlation(history, model.horizons)
            ),
        },
    )
    return model, trainer, test_loader


def example_2_predictions(
    model: DualTowerRelevanceModel | None = None,
    test_loader: Iterable[Batch] | None = None,
    *,
    output: Place = OUTPUT,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Score every test row and describe the scores.

    Returns:
        The predictions, one line a row (``ticker, as_of`` and, per horizon, ``score_{h}d``,
        ``pos_prob_{h}d``, ``neg_prob_{h}d``, ``target_{h}d``), and their statistics, one line an
        output.
    """
    model, rows = _given(model, test_loader)
    predictions = predict(model, rows)
    statistics = describe(predictions, model.horizons)
    show(statistics, f"{len(rows):,} test rows")
    draw(
        output,
        2,
        "Predictions",
        f"Scores and probabilities of {len(rows):,} test rows. A score near 0 says that no "
        "trend is to be expected; a model that learnt little gives narrow hills around it.",
        {
            "How often each score occurs": charts.score_counts(predictions, model.horizons),
            "Score and probability of a rise": charts.scores_and_probabilities(
                predictions, model.horizons
            ),
            "Statistics": statistics,
        },
    )
    return predictions, statistics


def example_3_interpretation(
    model: DualTowerRelevanceModel | None = None,
    test_loader: Iterable[Batch] | None = None,
    *,
    count: int = 5,
    output: Place = OUTPUT,
) -> pl.DataFrame:
    """Put the strongest scores of either sign, and the weakest, into words.

    Args:
        count: Rows of each kind and horizon.

    Returns:
        One line a chosen row and horizon: ``horizon, name, score, move`` (the return whose target
        is the score), ``pos_prob, neg_prob, strength, reading``.
    """
    model, rows = _given(model, test_loader)
    predictions = predict(model, rows)
    interpretations = pl.concat(
        [interpret(predictions, horizon, count) for horizon in model.horizons]
    )
    for horizon in model.horizons:
        chosen = interpretations.filter(pl.col("horizon") == horizon)
        show(chosen.drop("horizon", "neg_prob", "strength"), f"{horizon} days")
    blocks = {
        f"Scores at {h} days": charts.strongest(interpretations.filter(pl.col("horizon") == h), h)
        for h in model.horizons
    }
    draw(
        output,
        3,
        "Interpretation",
        "A positive score says that the context supports the stock, a negative one that it works "
        "against it: a reason to hedge or to hold less of it. Within 0.1 there is no direction.",
        {**blocks, "In words": interpretations.drop("neg_prob")},
    )
    return interpretations


def example_4_feature_importance(
    model: DualTowerRelevanceModel | None = None,
    test_loader: Iterable[Batch] | None = None,
    *,
    repeats: int = 10,
    seed: int = 0,
    output: Place = OUTPUT,
) -> dict[str, dict[str, object]]:
    """Show the impact of news, policy and macro separately, and of each of their features.

    In the simulated market ``strong``, that of example 1, stocks respond to the market's risk,
    which the volatility index among the macro features shows: news and policy hardly matter there.

    Args:
        repeats: Permutations of the dates.
        seed: Of the permutations.

    Returns:
        ``{"news": {"loss": ..., "loss_std": ..., "correlation_7d": ..., "features": {...}}, ...}``:
        by how much the loss rises and the correlations fall when the group's values are those of
        other dates; see ``examples.importance``.
    """
    model, rows = _given(model, test_loader)
    importance = group_importance(model, rows, repeats, seed)
    figures = ["loss", "loss_std", *(f"correlation_{h}d" for h in model.horizons)]
    table = pl.DataFrame(
        [{"group": g, **{name: found[name] for name in figures}} for g, found in importance.items()]
    )
    show(table, "Rise of the loss and fall of the correlations without each group")
    groups = [(g, g, found["loss"], found["loss_std"]) for g, found in importance.items()]
    features = [
        (name, group, one["loss"], one["loss_std"])
        for group, found in importance.items()
        for name, one in found["features"].items()
    ]
    draw(
        output,
        4,
        "Importance of the context",
        "By how much the loss on the test rows rises when a group's values are those of other "
        f"dates: mean and standard deviation of {repeats} permutations. A bar that its "
        "deviation takes across 0 shows nothing, one below 0 that the model is better off without. "
        "Features that repeat each other, as those of sentiment do, count as a group only. In the "
        "simulated market strong stocks respond to risk, which macro shows: news and policy hardly "
        "matter there.",
        {
            "Groups": charts.importance_bars(groups),
            "Features": charts.importance_bars(features),
            "Figures": table,
        },
    )
    return importance


def example_5_evaluation_metrics(
    model: DualTowerRelevanceModel | None = None,
    test_loader: Iterable[Batch] | None = None,
    *,
    output: Place = OUTPUT,
) -> dict[str, float]:
    """Compute MSE, MAE, correlation and direction accuracy of every horizon on the test rows.

    They are printed beside what scores that know nothing would reach; see ``examples.controls``.

    Returns:
        ``mse_7d, mae_7d, correlation_7d, direction_accuracy_7d``, then those of the next horizon.
    """
    model, rows = _given(model, test_loader)
    predictions = predict(model, rows)
    targets = {h: rows.labels[f"target_{h}d"] for h in model.horizons}
    scores = {h: predictions[f"score_{h}d"].to_torch() for h in model.horizons}
    metrics = measure(VALIDATION_METRICS, scores, targets)
    table = beside_controls(metrics, targets)
    show(table, f"{len(rows):,} test rows")
    blocks = {
        f"Target over score at {h} days": charts.outcome_by_score(predictions, h, colour)
        for h, colour in charts.coloured(model.horizons)
    }
    draw(
        output,
        5,
        "Evaluation",
        "Scores that tell something have tenths whose means rise from left to right. Those of "
        "stocktrend evaluate have intervals, which say how much of it may be chance.",
        {"Metrics on the test rows": table, **blocks},
    )
    return metrics


def _given(
    model: DualTowerRelevanceModel | None, test_loader: Iterable[Batch] | None
) -> tuple[DualTowerRelevanceModel, Rows]:
    """The model and the test rows; those of a small training where neither is given."""
    if (model is None) != (test_loader is None):
        missing = "model" if model is None else "test_loader"
        raise DataError(
            f"model and test_loader must come together, however {missing} is None: pass both, as "
            "example 1 returns them, or neither"
        )
    if model is None or test_loader is None:
        model, test_loader = _small_training()
    return model, rows_of(test_loader)


@cache
def _small_training() -> tuple[DualTowerRelevanceModel, BatchLoader]:
    model, _, test_loader = example_1_basic_training(tickers=10, epochs=8, output=None)
    return model, test_loader


if __name__ == "__main__":
    run(
        example_1_basic_training,
        {
            2: example_2_predictions,
            3: example_3_interpretation,
            4: example_4_feature_importance,
            5: example_5_evaluation_metrics,
        },
        OUTPUT,
    )
