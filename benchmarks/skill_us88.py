"""Skill on 88 US stocks with posts, week by week, and whether the posts help.

    python benchmarks/skill_us88.py [--controls A B] [--keep FOLDER]

Posts are there from January 2014 to March 2016, so tests go from January 2015 to then, with
retraining each quarter, on prices from September 2012, macro and policy. The model is then trained
and tested once more without any news, and the two are compared on the same rows, paired by date.
The 88 were chosen later, among the largest of their sectors: that they lived and grew is a bias. We
know of no figures published for weeks of these stocks; those for days are in ``skill_acl18.py``.
"""

import argparse
import os
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import stocktrend as st
from skill_tables import cell, show, table
from stocktrend.cli.display import ProgressDisplay
from stocktrend.config import WalkForward
from us88_settings import data_root, us88_settings

RETRIEVED = datetime(2026, 11, 23, tzinfo=UTC)
FIRST_TEST, END = date(2015, 1, 1), date(2016, 3, 31)
COMPARED = ("rank_ic", "demeaned_correlation", "correlation", "mcc", "mse")


def main() -> None:
    """Print the table of the study, then the difference that news makes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    default = os.environ.get("STOCKTREND_TEST_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--keep", type=Path, help="folder for the two data roots, kept")
    parser.add_argument("--controls", nargs="*", help="default: all")
    parser.add_argument("--members", type=int, help="of the ensembles; default: the preset's")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    walk = WalkForward(first_test=FIRST_TEST, every="3mo")
    settings = us88_settings(asked.data).model_copy(update={"walk_forward": walk, "end": END})
    no_news = settings.sources.model_copy(update={"news": ()})
    of = {
        "with news": (settings, asked.controls),
        "without news": (settings.model_copy(update={"sources": no_news}), ()),
    }
    studies = []
    with tempfile.TemporaryDirectory() as scratch, ProgressDisplay() as progress:
        for name, (chosen, controls) in of.items():
            root = data_root((asked.keep or Path(scratch)) / name.replace(" ", "_"), chosen)
            st.ingest(root, retrieved_at=RETRIEVED, progress=progress)
            studies.append(
                st.walk_forward(
                    root,
                    settings=chosen,
                    controls=controls,
                    members=asked.members,
                    seed=asked.seed,
                    progress=progress,
                )
            )
        show("88 US stocks with posts", studies[0])
        news(*studies, seed=asked.seed)


def news(with_news: st.Study, without: st.Study, *, seed: int) -> None:
    """What the model gains by the news group."""
    print("\n## The model with news less the model without\n")
    found = st.compare(with_news, without, seed=seed).horizons
    table(
        ("horizon", "dates", *COMPARED),
        [
            (
                f"{horizon}d",
                str(one.dates),
                *(cell(getattr(one.difference, metric), 4) for metric in COMPARED),
            )
            for horizon, one in found.items()
        ],
    )
    for horizon, one in found.items():
        gain = one.difference.rank_ic
        if gain.low is not None and gain.low > 0:
            says = "the news group helps"
        elif gain.high is not None and gain.high < 0:
            says = "the news group does harm"
        else:
            says = "no evidence that the news group helps"
        print(f"At {horizon} days {says}: {cell(gain, 4)} rank IC.")


if __name__ == "__main__":
    main()
