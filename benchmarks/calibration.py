"""Whether nine intervals in ten hold, and what was said to happen in 60 of 100 cases did.

    python benchmarks/calibration.py [--seeds 1 2 3 4] [--data FOLDER] [--keep FOLDER] [--pace 0]

Simulates the market ``realistic`` once a seed (40 tickers, weekly, 1985 to 2019), walks through
2005 to 2019 with a ridge that is trained anew each year, calibrates it as a study does, and prints
coverage and calibration error on all test dates, by year and by third of volatility, of all seeds
together. Then the same on the S&P 500, 2008 to 2014, where the real data is there; nothing is asked
of that. Exit code 1 where the simulated test dates are fewer than 500, intervals of 90% hold less
than 88% or more than 92% of their rows, or the calibration error is above 0.02, at either horizon.
``--pace 0`` leaves the intervals of a fold as they were at its start. Takes four minutes of a core.
"""

import argparse
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

import stocktrend as st
from sp500_settings import sp500_settings
from stocktrend.config import WalkForward
from stocktrend.evaluation import conformal
from stocktrend.evaluation.contenders import contenders
from stocktrend.evaluation.coverage import GroupCoverage, coverages
from stocktrend.evaluation.folds import fold_panel, walk_forward_folds
from stocktrend.evaluation.outcomes import outcomes
from stocktrend.evaluation.rows import Tables
from stocktrend.evaluation.verdict import in_days
from stocktrend.recipe import PRESETS
from us88_settings import data_root

HORIZONS = (7, 30)
TARGETED = (0.88, 0.92)
LARGEST_ERROR = 0.02
LEAST_DATES = 500
Figures = Sequence[tuple[int, GroupCoverage]]
"""Horizon and group."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    default = os.environ.get("STOCKTREND_TEST_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--keep", type=Path, help="folder for the markets, kept")
    parser.add_argument("--pace", type=float, default=conformal.PACE)
    arguments = parser.parse_args()
    conformal.PACE = arguments.pace
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        walks = [
            walk(simulated(folder / f"realistic_{seed}", seed), date(2005, 1, 1), seed)
            for seed in arguments.seeds
        ]
        figures = study(walks)
        show(f"market realistic, seeds {arguments.seeds}", figures)
        if arguments.data.is_dir():
            root = data_root(folder / "sp500", sp500_settings(arguments.data))
            st.ingest(root, retrieved_at=datetime(2026, 11, 23, tzinfo=UTC))
            show("S&P 500", study([walk(st.build_panel(root), date(2008, 1, 1), 0)]))
    missed = list(misses(figures))
    print("missed: " + ("nothing" if not missed else "; ".join(missed)))
    raise SystemExit(1 if missed else 0)


def simulated(root: Path, seed: int) -> pl.DataFrame:
    """A panel of 40 tickers over 35 years."""
    st.simulate(
        root, market="realistic", tickers=40, start="1985-01-01", end="2019-12-31", seed=seed
    )
    st.ingest(root)
    return st.build_panel(root)


def walk(panel: pl.DataFrame, first_test: date, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Predictions of the test rows of all folds, and what came."""
    folds = walk_forward_folds(panel["as_of"], WalkForward(first_test=first_test))
    panels = [fold_panel(panel, fold, HORIZONS) for fold in folds]
    (ridge,) = contenders(PRESETS["cross_sectional"], ("ridge",))
    shown = [
        conformal.calibrated(raw, rows, HORIZONS).filter(pl.col("split") == "test")
        for raw, rows in zip(ridge.scores(panels, HORIZONS, seed=seed), panels, strict=True)
    ]
    whole = pl.concat(shown).with_columns(model=pl.lit("ridge"))
    # tickers of different seeds are different stocks
    ticker = pl.format("{} {}", "ticker", pl.lit(seed))
    return whole.with_columns(ticker=ticker), outcomes(panel, HORIZONS).with_columns(ticker=ticker)


def study(walks: Iterable[tuple[pl.DataFrame, pl.DataFrame]]) -> Figures:
    """Figures of all walks together."""
    said, came = (pl.concat(frames) for frames in zip(*walks, strict=True))
    tables = Tables.match(said, came, HORIZONS)
    return [(h, one) for h in HORIZONS for one in coverages(tables.sample(h), h)["ridge"]]


def show(title: str, figures: Figures) -> None:
    """One line a group."""
    print(f"{title}\n")
    print("| horizon | group | dates | rows | held | below | above | width | called | error |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for horizon, one in figures:
        print(
            f"| {horizon}d | {one.group} | {one.dates} | {one.rows:,} | {one.coverage:.1%} "
            f"| {one.below:.1%} | {one.above:.1%} | {one.width:.2f} | {one.called:.2%} "
            f"| {one.calibration_error or 0:.3f} |"
        )
    print(flush=True)


def misses(figures: Figures) -> Iterator[str]:
    """What of all test dates is not as it is to be."""
    for horizon, one in figures:
        if one.kind != "all":
            continue
        if one.dates < LEAST_DATES:
            yield f"{in_days(horizon)}: {one.dates} dates, fewer than {LEAST_DATES}"
        if not TARGETED[0] <= one.coverage <= TARGETED[1]:
            yield f"{in_days(horizon)}: intervals hold {one.coverage:.1%}"
        if one.calibration_error is None or one.calibration_error > LARGEST_ERROR:
            yield f"{in_days(horizon)}: calibration error {one.calibration_error}"


if __name__ == "__main__":
    main()
