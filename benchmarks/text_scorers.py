"""Quality and speed of the text scorers against labelled text, beside VADER, in one run.

    python benchmarks/text_scorers.py [--half a|b] [--seed N]

Reads text/*.csv from the folder STOCKTREND_TEST_DATA (default ../shared/data). VADER takes part
where it is installed (pip install vaderSentiment). Intervals are 95%, from a bootstrap of the
distinct texts (some headlines stand there once for each company they name) in which both scorers
see the same draws, so that of the difference is paired. Speed is CPU time of one core, the fastest
of three runs.

The lexicons are general language, not a fit: whoever extends them reads errors in half a only, and
half b tells whether the change generalises. A hash of the text decides its half.
"""

import argparse
import hashlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from arch.bootstrap import IIDBootstrap
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from stocktrend.evaluation import Estimate
from stocktrend.features.text import HeadlineScorer, PolicyScorer
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
    """The figure of each scorer and, of two, what the first has over the second."""
    number = np.unique(np.array(texts), return_inverse=True)[1]
    rows_of = [np.flatnonzero(number == each) for each in range(number.max() + 1)]

    def figures(drawn: NDArray[np.int64]) -> Scores:
        rows = np.concatenate([rows_of[each] for each in drawn])
        values = [figure(one[rows], truth[rows]) for one in scores]
        return np.array(values + ([values[0] - values[1]] if len(values) == 2 else []))

    every = np.arange(len(rows_of))
    low, high = IIDBootstrap(every, seed=seed).conf_int(
        figures, REPETITIONS, method="percentile", size=0.95
    )
    return [Estimate(*map(float, each)) for each in zip(figures(every), low, high, strict=True)]


def speed(score: Score, texts: list[str]) -> float:
    """Texts a second of CPU time."""
    texts = texts * max(1, 5_000 // len(texts))
    seconds = []
    for _ in range(3):
        begin = time.process_time()
        score(texts)
        seconds.append(time.process_time() - begin)
    return len(texts) / min(seconds)


def in_half(text: str, half: str | None) -> bool:
    """Whether a text belongs to half a (an even hash) or b; to no half in particular, all do."""
    even = hashlib.sha256(text.encode()).digest()[0] % 2 == 0
    return half is None or even == (half == "a")


def table(name: str, labelled: pl.DataFrame, seed: int) -> list[list[str]]:
    """One row per figure of a data set: ours, VADER's, the difference."""
    texts = labelled["text"].to_list()
    peer = vader()
    policy = name == "policy_sentences"
    scorers = [(PolicyScorer() if policy else HeadlineScorer()).score, *([peer] if peer else [])]
    figures: dict[str, Figure] = (
        {"macro-F1": macro_f1} if policy else {"correlation": correlation, "sign": sign_agreement}
    )
    bounds = [NEUTRAL, VADER_NEUTRAL] if policy else [1.0, 1.0]
    scores = [score(texts) / bound for score, bound in zip(scorers, bounds, strict=False)]
    truth = labelled["label" if policy else "score"].to_numpy()
    rows = [
        [name, label, *map(str, compare(figure, scores, truth, texts, seed))]
        for label, figure in {**figures, "scored 0": share_of_zeros}.items()
    ]
    return [*rows, [name, "texts/s", *(f"{speed(score, texts):,.0f}" for score in scorers)]]


def main() -> None:
    """Print one line per data set and figure."""
    arguments = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    arguments.add_argument("--half", choices=("a", "b"), help="of the texts; all without it")
    arguments.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    options = arguments.parse_args()
    folder = Path(os.environ.get("STOCKTREND_TEST_DATA", ROOT / ".." / "shared" / "data")) / "text"
    if vader() is None:
        print("VADER is not installed: pip install vaderSentiment\n")
    layout = "{:<18}{:<13}{:<24}{:<24}{}"
    print(layout.format("data", "figure", "ours", "VADER", "ours - VADER"))
    for name in ("headlines", "posts", "policy_sentences"):
        labelled = pl.read_csv(folder / f"{name}.csv")
        chosen = [in_half(text, options.half) for text in labelled["text"]]
        for row in table(name, labelled.filter(chosen), options.seed):
            print(layout.format(*row, *[""] * (5 - len(row))).rstrip())


if __name__ == "__main__":
    main()
