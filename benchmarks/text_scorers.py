"""Quality and speed of the text scorers against labelled text, beside VADER, in one run.

    python benchmarks/text_scorers.py [--half a|b] [--seed N] [--model FOLDER]

Reads text/*.csv from the folder STOCKTREND_TEST_DATA (default ../shared/data). VADER takes part
where it is installed (pip install vaderSentiment), and of news a classifier in a local folder
where one is named, as the setting text.model takes it. Intervals are 95%, from a bootstrap of the
distinct texts (some headlines stand there once for each company they name) in which all scorers
see the same draws, so that of a difference is paired. Speed is CPU time of one core, the fastest
of three runs.

The lexicons are general language, not a fit: whoever extends them reads errors in half a only, and
half b tells whether the change generalises. A hash of the text decides its half.
"""

import argparse
import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from arch.bootstrap import IIDBootstrap
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from stocktrend.evaluation import Estimate
from stocktrend.features.text import HeadlineScorer, ModelScorer, PolicyScorer
from stocktrend.features.text.monetary import NEUTRAL

ROOT = Path(__file__).parents[1]
REPETITIONS = 1_000
CLEAR = 0.1
"""Texts whose label is nearer to 0 have no sign to agree with."""
VADER_NEUTRAL = 0.05
"""VADER's own bound of a neutral text."""

Scores = NDArray[np.float64]
Score = Callable[[Sequence[str]], Scores]
Figure = Callable[[Scores, Any], float]


@dataclass(frozen=True)
class Scorer:
    """A column. Scores within ``neutral`` of 0 are neutral; ``timed`` texts show its speed."""

    name: str
    score: Score
    neutral: float
    timed: int = 5_000


def vader() -> Score | None:
    """VADER's compound score, where it is installed."""
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        return None
    analyzer = SentimentIntensityAnalyzer()
    return lambda texts: np.array([analyzer.polarity_scores(text)["compound"] for text in texts])


def correlation(scores: Scores, truth: Scores) -> float:
    return float(np.corrcoef(scores, truth)[0, 1])


def sign_agreement(scores: Scores, truth: Scores) -> float:
    return float((np.sign(scores) == np.sign(truth))[np.abs(truth) > CLEAR].mean())


def share_of_zeros(scores: Scores, _truth: Any) -> float:
    return float((scores == 0).mean())


def macro_f1(scores: Scores, truth: Any) -> float:
    """Of hawkish, dovish and neutral, from scores whose neutral texts are within 1 of 0."""
    classes = np.where(scores > 1, "hawkish", np.where(scores < -1, "dovish", "neutral"))
    return float(f1_score(truth, classes, average="macro"))


def compare(
    figure: Figure, scores: list[Scores], truth: Any, texts: list[str], seed: int
) -> list[Estimate]:
    """The figure of each scorer, then what the first has over each other one."""
    number = np.unique(np.array(texts), return_inverse=True)[1]
    rows_of = [np.flatnonzero(number == each) for each in range(number.max() + 1)]

    def figures(drawn: NDArray[np.int64]) -> Scores:
        rows = np.concatenate([rows_of[each] for each in drawn])
        values = [figure(one[rows], truth[rows]) for one in scores]
        return np.array(values + [values[0] - other for other in values[1:]])

    every = np.arange(len(rows_of))
    low, high = IIDBootstrap(every, seed=seed).conf_int(
        figures, REPETITIONS, method="percentile", size=0.95
    )
    return [Estimate(*map(float, each)) for each in zip(figures(every), low, high, strict=True)]


def speed(scorer: Scorer, texts: list[str]) -> float:
    """Texts a second of CPU time."""
    texts = (texts * max(1, scorer.timed // len(texts)))[:: max(1, len(texts) // scorer.timed)]
    seconds = []
    for _ in range(3):
        begin = time.process_time()
        scorer.score(texts)
        seconds.append(time.process_time() - begin)
    return len(texts) / min(seconds)


def in_half(text: str, half: str | None) -> bool:
    """Whether a text belongs to half a (an even hash) or b; to no half in particular, all do."""
    even = hashlib.sha256(text.encode()).digest()[0] % 2 == 0
    return half is None or even == (half == "a")


def scorers_of(name: str, model: Path | None) -> list[Scorer]:
    """Ours first."""
    policy = name == "policy_sentences"
    ours = PolicyScorer() if policy else HeadlineScorer()
    peer = vader()
    found = [Scorer("ours", ours.score, NEUTRAL)]
    if peer is not None:
        found.append(Scorer("VADER", peer, VADER_NEUTRAL))
    if model is not None and not policy:
        found.append(Scorer(model.name, ModelScorer(model, threads=1).score, NEUTRAL, timed=200))
    return found


def table(name: str, labelled: pl.DataFrame, seed: int, model: Path | None) -> list[list[str]]:
    """A heading and one row per figure of a data set: ours, the others', the differences."""
    texts = labelled["text"].to_list()
    policy = name == "policy_sentences"
    scorers = scorers_of(name, model)
    figures: dict[str, Figure] = (
        {"macro-F1": macro_f1} if policy else {"correlation": correlation, "sign": sign_agreement}
    )
    scores = [one.score(texts) / (one.neutral if policy else 1.0) for one in scorers]
    truth = labelled["label" if policy else "score"].to_numpy()
    names = [one.name for one in scorers]
    heading = ["data", "figure", *names, *(f"ours - {other}" for other in names[1:])]
    rows = [
        [name, label, *map(str, compare(figure, scores, truth, texts, seed))]
        for label, figure in {**figures, "scored 0": share_of_zeros}.items()
    ]
    return [heading, *rows, [name, "texts/s", *(f"{speed(one, texts):,.0f}" for one in scorers)]]


def main() -> None:
    """Print one line per data set and figure."""
    arguments = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    arguments.add_argument("--half", choices=("a", "b"), help="of the texts; all without it")
    arguments.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    arguments.add_argument("--model", type=Path, help="folder of a classifier, another column")
    options = arguments.parse_args()
    folder = Path(os.environ.get("STOCKTREND_TEST_DATA", ROOT / ".." / "shared" / "data")) / "text"
    if vader() is None:
        print("VADER is not installed: pip install vaderSentiment\n")
    for name in ("headlines", "posts", "policy_sentences"):
        labelled = pl.read_csv(folder / f"{name}.csv")
        chosen = [in_half(text, options.half) for text in labelled["text"]]
        for row in table(name, labelled.filter(chosen), options.seed, options.model):
            print(("{:<18}{:<13}" + "{:<24}" * (len(row) - 2)).format(*row).rstrip())


if __name__ == "__main__":
    main()
