"""Next-day moves of 88 US stocks, as Xu and Cohen (ACL 2018) split them, beside published figures.

    python benchmarks/skill_acl18.py [--presets cross_sectional original] [--controls A B]

Daily rows; a row says what the next session will do. Days of training: January 2014 to July 2015,
of validation: August and September 2015, of the test: October to December 2015. Moves above -0.5%
and up to 0.55% have no label: they are neither learnt nor judged, but the stocks stay among the
peers of their day, as the next day's move decides nothing that a row may see. Prints accuracy and
Matthews' correlation with intervals from blocks of days, ours and simple controls; published ones;
and what the best of 20 reaches that toss one coin a day for all stocks. Exit code 1 where any of
ours is above 62%: that would be a leak.
"""

import argparse
import os
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl

import stocktrend as st
from skill_tables import cell, contenders, table
from stocktrend.cli.display import ProgressDisplay
from stocktrend.config import Settings, WalkForward
from stocktrend.evaluation.contenders import CONTENDERS
from stocktrend.sessions import sessions
from us88_settings import data_root, us88_settings

RETRIEVED = datetime(2026, 11, 23, tzinfo=UTC)
TRAINING, VALIDATION, TEST, END = (
    date(2014, 1, 1),
    date(2015, 8, 1),
    date(2015, 10, 1),
    date(2016, 1, 1),
)
"""First predicted day of each part, and of what comes after."""

FALL, RISE = -0.005, 0.0055
LEAK = 0.62
TOSSERS = 20
METRICS = ("direction_accuracy", "mcc", "median_accuracy", "rank_ic")
PUBLISHED = (
    ("StockNet", "58.23", ".0808", "Xu and Cohen 2018, ACL"),
    ("HAN", "57.64", ".0518", "as above"),
    ("random forest", "53.08", ".0129", "as above"),
    ("Adv-ALSTM", "57.20", ".1483", "Feng et al. 2019, IJCAI"),
    ("ALSTM", "54.90", ".1043", "as above"),
    ("LSTM", "53.18", ".0674", "as above"),
    ("momentum", "47.01", "-.0640", "as above"),
)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    default = os.environ.get("STOCKTREND_TEST_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--keep", type=Path, help="data root to use and keep")
    parser.add_argument("--presets", nargs="*", default=["cross_sectional", "original"])
    parser.add_argument("--controls", nargs="*", default=CONTENDERS[1:], help="default: all")
    parser.add_argument("--members", type=int, help="of the ensembles; default: the preset's")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    settings = protocol(asked.data)
    best = 0.0
    with tempfile.TemporaryDirectory() as scratch, ProgressDisplay() as progress:
        root = data_root(asked.keep or Path(scratch) / "acl18", settings)
        st.ingest(root, retrieved_at=RETRIEVED, progress=progress)
        panel = moves(st.build_panel(root, settings=settings, progress=progress))
        for preset in asked.presets:
            study = st.walk_forward(
                panel,
                settings=settings,
                preset=preset,
                members=asked.members,
                controls=asked.controls,
                seed=asked.seed,
                progress=progress,
            )
            best = max(best, show(study))
    print("## Published\n")
    table(("model", "accuracy, %", "MCC", "source"), PUBLISHED)
    accuracy, mcc = tossing(study.outcomes, asked.seed)
    print(f"Best of {TOSSERS} that toss a coin a day, mean: {accuracy:.2%}, MCC {mcc:.3f}")
    if best > LEAK:
        raise SystemExit(f"an accuracy must not be above {LEAK:.0%}, however: {best:.2%}")


def protocol(data: Path) -> Settings:
    """Rows made at the close before each predicted day, and one fold of the three parts."""
    days = sessions()["session"]
    before = [days.filter(days < first)[-1] for first in (TRAINING, VALIDATION, TEST, END)]
    start, validation, test, after = before
    end = days.filter(days < after)[-1]
    known = days.filter((days >= start) & (days < test))
    walk = WalkForward(first_test=test, validation=float((known >= validation).mean() or 0))
    chosen = {"frequency": "daily", "horizons": (1,), "start": start, "end": end}
    return us88_settings(data).model_copy(update={**chosen, "walk_forward": walk})


def moves(panel: pl.DataFrame) -> pl.DataFrame:
    """The panel without the outcomes of moves too small to count."""
    move = pl.col("return_1d")
    counts = (move <= FALL) | (move > RISE)
    names = [name for name in panel.columns if name.startswith(("return_1d", "target_1d"))]
    return panel.with_columns(
        pl.when(counts).then(pl.col(name)).alias(name) for name in [*names, "label_known_at_1d"]
    )


def show(study: st.Study) -> float:
    """Print the contenders of a study; the highest accuracy among them."""
    (fold,), found = study.folds, study.evaluation.horizons[1]
    share = float((study.outcomes["return_1d"].drop_nulls() > 0).to_numpy().mean())
    print(
        f"\n## {study.preset}, {study.recipe.members} members\n\nas of {fold.train}; "
        f"{fold.validation}; {fold.test}: {found.rows:,} moves on {found.dates} days, "
        f"{share:.2%} up\n"
    )
    rows = contenders(found).items()
    table(
        ("contender", *METRICS),
        [(name, *(cell(getattr(of, metric), 4) for metric in METRICS)) for name, of in rows],
    )
    print(f"{found.verdict}\n", flush=True)
    return max(of.direction_accuracy.value or 0.0 for _, of in rows)


def tossing(outcomes: pl.DataFrame, seed: int, trials: int = 2000) -> tuple[float, float]:
    """Mean accuracy and MCC of the most accurate of ``TOSSERS`` that know nothing.

    Each says one side for all stocks of a day. Of counts of (said, came) the MCC is that of the
    four cells.
    """
    of_day = (
        outcomes.drop_nulls("return_1d")
        .group_by("as_of")
        .agg(up=(pl.col("return_1d") > 0).sum(), rows=pl.len())
        .sort("as_of")
    )
    up, rows = (of_day[name].to_numpy().astype(float) for name in ("up", "rows"))
    said = np.random.default_rng(seed).integers(0, 2, (trials, TOSSERS, len(up)))
    right, called = said @ up + (1 - said) @ (rows - up), said @ rows
    best = right.argmax(axis=1)[:, None]
    hits, calls = (np.take_along_axis(x, best, axis=1)[:, 0] for x in (right, called))
    rose, total = up.sum(), rows.sum()
    true_up = (hits - total + calls + rose) / 2
    mcc = (true_up * total - calls * rose) / np.sqrt(
        calls * rose * (total - calls) * (total - rose)
    )
    return float((hits / total).mean()), float(mcc.mean())


if __name__ == "__main__":
    main()
