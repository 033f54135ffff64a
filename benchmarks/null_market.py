"""Whether a study claims skill where there is none, and only there.

    python benchmarks/null_market.py [--seeds 40] [--strong 3] [--first-seed 1]

Simulates small markets of the kind ``none``, whose returns are independent of all that can be
known, walks forward through each with a small recipe and a few controls, and counts per metric and
horizon how often the dual tower's 95% interval lies wholly above what the metric is without skill.
No count may be above the 97.5% point of a binomial with 5%. Then the same on the market ``strong``,
where every study has to claim skill by every metric, but need not beat ridge with so small a
recipe. Exit code 1 where either fails. ``below`` counts intervals wholly on the other side,
``judged`` those that there are: a figure that is not defined claims nothing. Takes six seconds of
processor time a market.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import polars as pl
from scipy.stats import binom

import stocktrend as st
from stocktrend.config import Settings, WalkForward
from stocktrend.evaluation.results import HorizonEvaluation, Outcome

WITHOUT_SKILL = {
    "rank_ic": 0.0,
    "icir": 0.0,
    "correlation": 0.0,
    "demeaned_correlation": 0.0,
    "direction_gain": 0.0,
    "median_accuracy": 0.5,
    "mcc": 0.0,
}
"""Metrics whose value is known where there is nothing to find."""

OF_THE_BOOK = ("gross", "sharpe")
CONTROLS = ("constant", "always_up", "ridge")
TICKERS, START, END = 20, "2008-01-01", "2017-12-31"
SETTINGS = Settings(
    preset="cross_sectional",
    walk_forward=WalkForward(controls=CONTROLS, every="2y"),
    recipe={
        "members": 2,
        "context_hidden_dims": (16, 8),
        "stock_hidden_dims": (32, 16),
        "epochs": 10,
        "batch_size": 128,
    },
)
Market = Literal["strong", "none"]
COLUMNS = {"horizon": pl.Int64, "metric": pl.String, "outcome": pl.String}
FALSE_CLAIMS = 0.05
"""Bar on the share of studies without skill that claim it."""


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=40, help="markets without anything to find")
    parser.add_argument("--strong", type=int, default=3, help="markets with much to find")
    parser.add_argument("--first-seed", type=int, default=1)
    asked = parser.parse_args()
    bound = int(binom.ppf(0.975, asked.seeds, FALSE_CLAIMS)) if asked.seeds else 0
    found = claims("none", range(asked.first_seed, asked.first_seed + asked.seeds))
    missed = show("none", found, most=bound, least=0)
    found = claims("strong", range(asked.first_seed, asked.first_seed + asked.strong))
    found = found.filter(~pl.col("metric").str.ends_with(" against ridge"))
    missed += show("strong", found, most=asked.strong, least=asked.strong)
    print("missed: " + ("; ".join(missed) or "nothing"))
    raise SystemExit(1 if missed else 0)


def claims(market: Market, seeds: range) -> pl.DataFrame:
    """``horizon``, ``metric``, ``outcome`` of every study, one row a judgement."""
    rows: list[tuple[int, str, Outcome]] = []
    for seed in seeds:
        wall, cpu = time.perf_counter(), time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            study = study_of(Path(folder), market, seed)
        for horizon, found in study.evaluation.horizons.items():
            rows += [(horizon, metric, outcome) for metric, outcome in outcomes(found)]
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"{market}, seed {seed}: {wall:.0f} s, {cpu:.0f} CPU s", flush=True)
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def study_of(root: Path, market: Market, seed: int) -> st.Study:
    """Raw files to a judged study of a small market."""
    st.simulate(root, market=market, tickers=TICKERS, start=START, end=END, seed=seed)
    st.ingest(root)
    return st.walk_forward(st.build_panel(root), settings=SETTINGS, seed=seed)


def outcomes(found: HorizonEvaluation) -> Iterator[tuple[str, Outcome]]:
    """What each metric of the dual tower says: better than without skill, worse, or neither."""
    yield "verdict", found.skill
    for metric, nothing in WITHOUT_SKILL.items():
        estimate = getattr(found.model, metric)
        yield metric, side_of(estimate, nothing)
    for comparison in found.comparisons:
        if comparison.control != "always_up":  # that is the direction gain
            yield f"{comparison.metric} against {comparison.control}", comparison.outcome
    for entry, later in found.entries.items():
        yield f"verdict, {entry}", later.skill
    for book in found.portfolios["dual_tower"]:
        for metric in OF_THE_BOOK:
            yield f"{metric} long less short, {book.entry}", side_of(getattr(book, metric), 0.0)


def side_of(estimate: st.Estimate, nothing: float) -> Outcome:
    """On which side of a value an interval lies wholly."""
    if estimate.low is None or estimate.high is None:
        return "undefined"
    return "better" if estimate.low > nothing else "worse" if estimate.high < nothing else "unclear"


def show(market: str, found: pl.DataFrame, *, most: int, least: int) -> list[str]:
    """One line a metric and horizon; what was outside of [least, most]."""
    if found.is_empty():
        return []
    counts = found.group_by("horizon", "metric", maintain_order=True).agg(
        (pl.col("outcome") != "undefined").sum().alias("judged"),
        (pl.col("outcome") == "better").sum().alias("claims"),
        (pl.col("outcome") == "worse").sum().alias("below"),
    )
    print(f"\nmarket {market}: claims of skill, {least} to {most} allowed\n")
    print("| metric | horizon | judged | claims | below | |\n|---|---|---|---|---|---|")
    missed = []
    for horizon, metric, judged, claimed, below in counts.iter_rows():
        fine = least <= claimed <= most
        print(
            f"| {metric} | {horizon}d | {judged} | {claimed} | {below} | {'' if fine else 'NO'} |"
        )
        if not fine:
            missed.append(f"{market}, {metric} at {horizon} days: {claimed} of {judged}")
    print(flush=True)
    return missed


if __name__ == "__main__":
    main()
