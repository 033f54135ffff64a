"""The design's performance targets, measured on the simulated market ``strong``.

    python benchmarks/strong_market.py [--seeds 1 2 3] [--market none] [--keep FOLDER]

For each seed it simulates a market (at most 100,000 weekly rows), trains the preset ``original``,
and prints on the test split, beside the targets: the model, an oracle that knows the expected
returns, and the controls (constant, ridge, either tower alone: the same recipe with the other
tower's features missing). Then what is left of the correlation when whole contexts change places
between dates, and when stock states change places within a date. With ``--market none`` there is
nothing to find, and the correlation's interval has to hold 0. A seed takes about ten minutes on
one idle core, one of ``none`` about three.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

import stocktrend as st
from stocktrend.catalog import (
    CONTEXT_FEATURES,
    MACRO_FEATURES,
    NEWS_FEATURES,
    POLICY_FEATURES,
    STOCK_FEATURES,
)
from stocktrend.dataset import time_split
from stocktrend.evaluation import Metrics, metrics
from stocktrend.evaluation.contenders import contenders, displayed
from stocktrend.recipe import PRESETS
from stocktrend.training import Ensemble, train_ensemble

HORIZONS = (7, 30)
REPEATS = 5
MOST_ROWS = 100_000
LEAST_DEVIATION = 0.25
LEAST_SHARE = 0.95
CONTROLS = ("constant", "ridge", "stock tower alone", "context tower alone")


class Targets(NamedTuple):
    """The design's expectations of one horizon."""

    mse: float
    mae: float
    correlation: float
    direction: float


TARGETS = {7: Targets(0.10, 0.15, 0.75, 0.70), 30: Targets(0.15, 0.20, 0.70, 0.65)}


def main() -> None:
    """Print one block a seed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--market", choices=["strong", "none"], default="strong")
    parser.add_argument("--tickers", type=int, default=48)
    parser.add_argument("--start", default="1979-01-01")
    parser.add_argument("--end", default="2019-12-31")
    parser.add_argument("--keep", type=Path, help="folder for the markets, kept")
    arguments = parser.parse_args()
    missed = []
    with tempfile.TemporaryDirectory() as scratch:
        for seed in arguments.seeds:
            root = (arguments.keep or Path(scratch)) / f"{arguments.market}_{seed}"
            panel = market_panel(root, arguments, seed)
            study = report if arguments.market == "strong" else report_nothing
            missed += [f"seed {seed}, {miss}" for miss in study(panel, seed)]
    if missed:
        raise SystemExit("\n".join(["missed:", *missed]))


def market_panel(root: Path, arguments: argparse.Namespace, seed: int) -> pl.DataFrame:
    """Raw files to a split panel with ``expected_return_{h}d`` beside it."""
    st.simulate(
        root,
        market=arguments.market,
        tickers=arguments.tickers,
        start=arguments.start,
        end=arguments.end,
        seed=seed,
    )
    st.ingest(root)
    panel = time_split(st.build_panel(root), None, HORIZONS)
    if panel.height > MOST_ROWS:
        raise SystemExit(f"at most {MOST_ROWS:,} rows, however: {panel.height:,}")
    return panel.join(pl.read_parquet(root / "truth.parquet"), on=["ticker", "as_of"], how="left")


def train(panel: pl.DataFrame, seed: int, missing: tuple[str, ...] = ()) -> Ensemble:
    """The preset ``original`` on a panel without the ``missing`` features."""
    begin = time.perf_counter()
    ensemble = train_ensemble(without(panel, missing), PRESETS["original"], seed=seed)
    seconds, epochs = time.perf_counter() - begin, len(ensemble.histories[0]["val_loss"])
    print(f"  trained {epochs} epochs in {seconds:.0f} s", flush=True)
    return ensemble


def without(panel: pl.DataFrame, missing: tuple[str, ...]) -> pl.DataFrame:
    """The panel with no value of these features."""
    return panel.with_columns(pl.lit(None, pl.Float64).alias(name) for name in missing)


def report(panel: pl.DataFrame, seed: int) -> list[str]:
    """Model, oracle and controls beside the targets, then the shuffles; what was missed."""
    print(f"strong market, seed {seed}: {panel.height:,} rows", flush=True)
    model = train(panel, seed)
    towers = {
        "stock tower alone": (train(panel, seed, CONTEXT_FEATURES), CONTEXT_FEATURES),
        "context tower alone": (train(panel, seed, STOCK_FEATURES), STOCK_FEATURES),
    }
    test = panel.filter(pl.col("split") == "test")
    controls = {
        control.name: displayed(
            control, *control.scores((panel,), HORIZONS, seed=seed), panel, HORIZONS
        )
        for control in contenders(PRESETS["original"], ("constant", "ridge"))
    }
    scores = model.predict(test)
    missed = []
    alone = {name: one.predict(without(test, gone)) for name, (one, gone) in towers.items()}
    for h in HORIZONS:
        column, aim = f"score_{h}d", TARGETS[h]
        rows = {"dual tower": scores[column], "oracle": oracle_score(panel, h)}
        rows |= {name: frame[column] for name, frame in controls.items()}
        rows |= {name: frame[column] for name, frame in alone.items()}
        deviation = test[f"target_{h}d"].std()
        print(f"\n  {h} days; deviation of the target {deviation:.3f}")
        print(f"  {'':<22}{'MSE':>8}{'MAE':>8}{'direction':>11}   correlation")
        print(
            f"  {'target':<22}{aim.mse:>8.2f}{aim.mae:>8.2f}{aim.direction:>11.2f}   "
            f"{aim.correlation:.2f}"
        )
        figures = {name: figures_of(test, score, h) for name, score in rows.items()}
        for name, found in figures.items():
            show(name, found)
        skill, best = value(figures["dual tower"]), value(figures["oracle"])
        print(f"  share of the oracle's correlation: {skill / best:.3f}")
        checks = {"deviation of the target": deviation >= LEAST_DEVIATION}
        checks |= {"share of the oracle": skill >= LEAST_SHARE * best}
        checks |= reached(figures["dual tower"], aim)
        checks |= {name: value(figures[name]) <= aim.correlation for name in CONTROLS}
        for name, shuffled in (("contexts", other_contexts), ("stocks", other_stocks)):
            left = [
                value(figures_of(test, model.predict(shuffled(test, number))[column], h))
                for number in range(REPEATS)
            ]
            print(
                f"  {name} shuffled: correlation {np.mean(left):.3f}, "
                f"{1 - np.mean(left) / skill:.0%} of the skill lost"
            )
            checks[f"{name} shuffled"] = bool(np.mean(left) <= skill / 2)
        missed += [f"{h} days: {name}" for name, passed in checks.items() if not passed]
    print(flush=True)
    return missed


def reached(found: Metrics, aim: Targets) -> dict[str, bool]:
    """Which of the targets the model reaches."""
    return {
        "MSE": found.mse.value < aim.mse,
        "MAE": found.mae.value < aim.mae,
        "correlation": value(found) > aim.correlation,
        "direction": found.direction_accuracy.value > aim.direction,
    }


def report_nothing(panel: pl.DataFrame, seed: int) -> list[str]:
    """The model on a market without anything to find; where it finds something all the same."""
    print(f"market none, seed {seed}: {panel.height:,} rows", flush=True)
    model = train(panel, seed)
    test = panel.filter(pl.col("split") == "test")
    scores = model.predict(test)
    missed = []
    for h in HORIZONS:
        found = figures_of(test, scores[f"score_{h}d"], h)
        show(f"dual tower, {h} days", found)
        if not found.correlation.low <= 0 <= found.correlation.high:
            missed.append(f"{h} days: correlation {found.correlation}")
    print(flush=True)
    return missed


def figures_of(test: pl.DataFrame, score: pl.Series, horizon: int) -> Metrics:
    """Metrics of a score on the test rows, intervals from blocks of dates."""
    return metrics(test["as_of"], score, test[f"target_{horizon}d"], horizon=horizon, seed=0)


def show(name: str, found: Metrics) -> None:
    """One line of the table."""
    print(
        f"  {name:<22}{found.mse.value:>8.4f}{found.mae.value:>8.4f}"
        f"{found.direction_accuracy.value:>11.3f}   {found.correlation}",
        flush=True,
    )


def value(found: Metrics) -> float:
    """The correlation, 0 where the score is constant."""
    return found.correlation.value or 0.0


def oracle_score(panel: pl.DataFrame, horizon: int) -> pl.Series:
    """The expected target of the test rows, given their expected return.

    ``E[tanh(10 (e + N))]`` with normal noise N of the training rows' mean and deviation, by
    Gauss-Hermite quadrature.
    """
    expected, realised = f"expected_return_{horizon}d", f"return_{horizon}d"
    past = panel.filter(pl.col("split") == "train").select(expected, realised).drop_nulls()
    noise = (past[realised] - past[expected]).to_numpy()
    nodes, weights = np.polynomial.hermite_e.hermegauss(21)
    e = panel.filter(pl.col("split") == "test")[expected].to_numpy()
    outcomes = np.tanh(10 * (e[:, None] + noise.mean() + noise.std() * nodes))
    score: NDArray[np.float64] = outcomes @ weights / weights.sum()
    return pl.Series(score)


def other_contexts(test: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Every date takes the whole context of another date; news moves with its ticker."""
    dates = test["as_of"].unique().sort()
    swap = pl.DataFrame(
        {"as_of": dates, "donor": dates.sample(fraction=1, shuffle=True, seed=seed)}
    )
    market = test.group_by("as_of").agg(pl.col(*POLICY_FEATURES, *MACRO_FEATURES).first())
    news = test.select("ticker", "as_of", *NEWS_FEATURES)
    return (
        test.drop(CONTEXT_FEATURES)
        .join(swap, on="as_of", how="left", maintain_order="left")
        .join(market, left_on="donor", right_on="as_of", how="left", maintain_order="left")
        .join(
            news,
            left_on=["ticker", "donor"],
            right_on=["ticker", "as_of"],
            how="left",
            maintain_order="left",
        )
    )


def other_stocks(test: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Every stock takes the stock features of another stock of its date."""
    place = pl.int_range(pl.len())
    return test.with_columns(pl.col(STOCK_FEATURES).gather(place.shuffle(seed=seed)).over("as_of"))


if __name__ == "__main__":
    main()
