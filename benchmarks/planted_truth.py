"""How much of a planted truth each contender finds, on the simulated market ``planted``.

    python benchmarks/planted_truth.py [--rows 100000 20000] [--seeds 11 12 13] [--recipe JSON]

For each seed it simulates one market, and for each number of training rows takes so many tickers
that their weekly rows before the validation dates make it; the test dates are the same, with all
tickers. It prints the 7-day correlation with the outcome (pooled) and the rank IC of an oracle that
knows the expected returns, of ridge, LightGBM, an MLP and the dual tower, each as a share of the
oracle's on the same rows, and their means over the seeds. ``truth`` is the correlation with the
expected return itself, which has no noise of outcomes in it.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

import stocktrend as st
from stocktrend.config import Split
from stocktrend.dataset import time_split
from stocktrend.evaluation.contenders import contenders
from stocktrend.recipe import PRESETS, Recipe

HORIZON = 7
NAMES = ("ridge", "lightgbm", "mlp", "dual_tower")
SPLIT = Split(train=0.68, validation=0.14)
PATIENT = {
    "features": "zscore",
    "members": 8,
    "context_hidden_dims": (32,),
    "stock_hidden_dims": (128,),
    "interaction": "product",
    "context_dropout": 0.0,
    "stock_dropout": 0.0,
    "context_lr": 4e-3,
    "stock_lr": 4e-3,
    "head_lr": 4e-3,
    "weight_decay": 0.1,
    "scheduler": "cosine",
    "warmup_epochs": 1,
    "epochs": 10,
    "batch_size": 256,
    "min_steps": 12_000,
    "early_stopping_patience": 100,
}
"""Over the preset: what finds an effect of market and stock together, which takes many steps."""
FIGURES = ("correlation", "share", "rank IC", "share", "truth")


def main() -> None:
    """Print one table a seed and number of rows, and then the means."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 20_000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    parser.add_argument("--preset", default="cross_sectional", choices=sorted(PRESETS))
    parser.add_argument(
        "--recipe", type=json.loads, default=PATIENT, help="settings over it, as JSON"
    )
    parser.add_argument("--contenders", nargs="+", default=list(NAMES))
    parser.add_argument("--start", default="1968-01-01")
    parser.add_argument("--end", default="2019-12-31")
    parser.add_argument("--keep", type=Path, help="folder for the panels, kept")
    arguments = parser.parse_args()
    recipe = Recipe(**{**PRESETS[arguments.preset].model_dump(), **arguments.recipe})
    found: dict[int, list[dict[str, list[float]]]] = {rows: [] for rows in arguments.rows}
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        for seed in arguments.seeds:
            market = market_panel(folder, max(arguments.rows), arguments, seed)
            for rows in arguments.rows:
                panel = with_training_rows(market, rows)
                trained = panel.filter(pl.col("split") == "train").height
                print(f"seed {seed}, {trained:,} training rows", flush=True)
                found[rows].append(report(panel, recipe, arguments.contenders, seed))
    for rows, tables in found.items():
        print(f"\nmean of {len(tables)} seeds, {rows:,} training rows")
        heading()
        for name in tables[0]:
            show(name, np.mean([table[name] for table in tables], axis=0).tolist())


def market_panel(folder: Path, rows: int, arguments: argparse.Namespace, seed: int) -> pl.DataFrame:
    """A split panel with at least so many training rows, ``expected_return_{h}d`` beside it."""
    years = int(arguments.end[:4]) - int(arguments.start[:4]) + 1
    # Some tickers are listed late or leave early, and features need a year of history.
    tickers = round(rows / (SPLIT.train * 52 * (years - 1) * 0.9)) + 1
    kept = folder / f"planted_{tickers}_{seed}.parquet"
    if kept.exists():
        return pl.read_parquet(kept)
    root = folder / f"planted_{tickers}_{seed}"
    begin = time.perf_counter()
    st.simulate(
        root,
        market="planted",
        tickers=tickers,
        start=arguments.start,
        end=arguments.end,
        seed=seed,
    )
    st.ingest(root)
    panel = time_split(st.build_panel(root), SPLIT, (HORIZON,))
    truth = pl.read_parquet(root / "truth.parquet")
    panel = panel.join(truth, on=["ticker", "as_of"], how="left")
    print(f"seed {seed}: {panel.height:,} rows in {time.perf_counter() - begin:.0f} s", flush=True)
    panel.write_parquet(kept)
    return panel


def with_training_rows(panel: pl.DataFrame, rows: int) -> pl.DataFrame:
    """All tickers on the test dates, and the first so many tickers before them.

    So the dates of training stay the same, and the test rows are those of every other number.
    """
    known = pl.col(f"target_{HORIZON}d").is_not_null() & (pl.col("split") == "train")
    counts = panel.group_by("ticker").agg(known.sum().alias("rows")).sort("ticker")
    taken = counts.filter(pl.col("rows").cum_sum() <= rows)["ticker"]
    return panel.filter((pl.col("split") == "test") | pl.col("ticker").is_in(taken.implode()))


def report(
    panel: pl.DataFrame, recipe: Recipe, names: Sequence[str], seed: int
) -> dict[str, list[float]]:
    """Prints the oracle and the contenders on the test rows; their figures by name."""
    keys = ["ticker", "as_of"]
    test = panel.filter(
        pl.col("split") == "test", pl.col(f"return_{HORIZON}d").is_not_null()
    ).select(*keys, truth=f"expected_return_{HORIZON}d", outcome=f"return_{HORIZON}d")
    oracle = figures(test.with_columns(score="truth"))
    found = {"oracle": [oracle[0], 1.0, oracle[1], 1.0, 1.0]}
    heading()
    show("oracle", found["oracle"])
    for contender in contenders(recipe, names):
        begin = time.process_time()
        [scores] = contender.scores([panel], (HORIZON,), seed=seed)
        scored = test.join(scores.select(*keys, score=f"raw_{HORIZON}d"), on=keys)
        correlation, rank_ic, truth = figures(scored)
        found[contender.name] = [
            correlation,
            correlation / oracle[0],
            rank_ic,
            rank_ic / oracle[1],
            truth,
        ]
        show(contender.name, found[contender.name], time.process_time() - begin)
    print(flush=True)
    return found


def figures(scored: pl.DataFrame) -> tuple[float, float, float]:
    """Correlation with the outcome, rank IC, correlation with the truth; 0 where constant."""
    by_date = scored.group_by("as_of").agg(ic=pl.corr("score", "outcome", method="spearman"))
    row = scored.select(
        outcome=pl.corr("score", "outcome"), truth=pl.corr("score", "truth")
    ).fill_nan(0.0)
    return row["outcome"][0], by_date["ic"].fill_nan(0.0).mean(), row["truth"][0]


def heading() -> None:
    """The columns' names."""
    print(f"  {'':<14}" + "".join(f"{name:>12}" for name in FIGURES))


def show(name: str, values: Sequence[float], seconds: float | None = None) -> None:
    """One line of a table."""
    spent = "" if seconds is None else f"{seconds:>9.0f} CPU s"
    print(f"  {name:<14}" + "".join(f"{value:>12.3f}" for value in values) + spent, flush=True)


if __name__ == "__main__":
    main()
