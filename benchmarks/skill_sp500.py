"""Skill on the members of the S&P 500, week by week, beside all controls.

    python benchmarks/skill_sp500.py [tuning] [test] [time] [--controls A B] [--keep FOLDER]

Walks forward with yearly retraining on daily bars of 2005 to 2014, macro and policy; each date has
the stocks that were members then and have prices. ``tuning``: tests from 2008, with the last labels
known in 2011; what is chosen is chosen there. ``test``: 2012 to 2014, which choose nothing, and so
are looked at only where they are asked for. ``time``: trains the model alone on all 7 folds, with
no word on skill; exit code 1 where that takes 4 minutes or more of two cores. Default: tuning and
time. The prices are those of members that could still be found in 2018, so survivors are too many.
"""

import argparse
import os
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

import stocktrend as st
from skill_tables import show, table
from sp500_settings import sp500_settings
from stocktrend.cli.display import ProgressDisplay
from stocktrend.config import Settings, WalkForward
from stocktrend.evaluation.contenders import contenders
from stocktrend.evaluation.folds import fold_panel, walk_forward_folds
from us88_settings import data_root

RETRIEVED = datetime(2026, 11, 23, tzinfo=UTC)
PERIODS = {
    "tuning": (date(2008, 1, 1), date(2011, 11, 24)),  # 37 days later the last label is known
    "test": (date(2012, 1, 1), date(2014, 12, 31)),
}
LONGEST = 240
CORES = 2
TIMED_MEMBERS = 8
PUBLISHED = (
    (
        "Gu, Kelly and Xiu 2020, Review of Financial Studies 33(5)",
        "US stocks 1987-2016, a month ahead",
        "R2 against zero .0040 (NN3), .0070 of the largest 1,000; long less short Sharpe 1.35 by "
        "value, 2.45 equal weights (NN4), no costs",
    ),
    (
        "Fischer and Krauss 2018, European Journal of Operational Research 270(2)",
        "S&P 500 members 1992-2015, a day ahead",
        "long less short .0046 a day, Sharpe 5.8, no costs; around 0 after costs from 2010 on",
    ),
    (
        "Qlib, examples/benchmarks/README.md, Alpha158",
        "CSI 300, China, a day ahead",
        "rank IC .047 linear, .047 LightGBM, .043 MLP",
    ),
)
"""Other markets, horizons and years: an order of magnitude and no more."""


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", help="tuning, test, time; default: tuning time")
    default = os.environ.get("STOCKTREND_TEST_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--keep", type=Path, help="data root to use and keep")
    parser.add_argument("--controls", nargs="*", help="default: all")
    parser.add_argument("--tickers", nargs="*", help="default: all")
    parser.add_argument("--members", type=int, help="of the ensembles; default: the preset's")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    parts = asked.parts or ["tuning", "time"]
    if strange := set(parts) - {*PERIODS, "time"}:
        parser.error(f"parts must be tuning, test or time, however: {', '.join(sorted(strange))}")
    settings = sp500_settings(asked.data).model_copy(
        update={
            "tickers": tuple(asked.tickers) if asked.tickers else None,
            "recipe": {} if asked.members is None else {"members": asked.members},
            "seed": asked.seed,
        }
    )
    controls = None if asked.controls is None else tuple(asked.controls)
    with tempfile.TemporaryDirectory() as scratch, ProgressDisplay() as progress:
        root = data_root(asked.keep or Path(scratch) / "sp500", settings)
        st.ingest(root, retrieved_at=RETRIEVED, progress=progress)
        for name, (first, last) in PERIODS.items():
            if name in parts:
                walk = WalkForward(first_test=first, controls=controls)
                chosen = settings.model_copy(update={"walk_forward": walk, "end": last})
                show(
                    f"S&P 500, {name} years",
                    st.walk_forward(root, settings=chosen, progress=progress),
                )
        if PERIODS.keys() & set(parts):
            print("\n## Published\n")
            table(("work", "data", "figures"), PUBLISHED)
        if "time" in parts:
            measure(root, settings)


def measure(root: Path, settings: Settings) -> None:
    """Train the model on the folds of both periods and say how long it took.

    Raises:
        SystemExit: longer than the bar, on as many idle cores.
    """
    panel = st.build_panel(root, settings=settings)
    _, recipe = settings.recipe_for(panel["ticker"].n_unique())
    recipe = recipe.model_copy(update={"members": TIMED_MEMBERS})
    (model,) = contenders(recipe, ("dual_tower",))
    folds = walk_forward_folds(panel["as_of"], WalkForward(first_test=PERIODS["tuning"][0]))
    panels = [fold_panel(panel, fold, settings.horizons) for fold in folds]
    wall, cpu = time.perf_counter(), time.process_time()
    model.scores(panels, settings.horizons, seed=settings.seed)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"The model alone, {len(folds)} folds of {recipe.members} members: {wall:.0f} s, "
        f"{cpu:.0f} s of processor time, {cpu / CORES:.0f} s on {CORES} idle cores; "
        f"bar {LONGEST} s."
    )
    if cpu / CORES >= LONGEST:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
