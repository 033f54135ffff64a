"""Quality and speed of the text scorers against labelled text, beside VADER.

    python benchmarks/text_scorers.py

Reads text/*.csv from the folder STOCKTREND_TEST_DATA (default ../shared/data). VADER takes part
where vaderSentiment is installed. Speed is CPU time of one core, the faster of three runs.
"""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from stocktrend.features.text import HeadlineScorer, PolicyScorer
from stocktrend.features.text.monetary import NEUTRAL

ROOT = Path(__file__).parents[1]
Score = Callable[[Sequence[str]], NDArray[np.float64]]


def vader() -> Score | None:
    """VADER's compound score, where it is installed."""
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        return None
    analyzer = SentimentIntensityAnalyzer()
    return lambda texts: np.array([analyzer.polarity_scores(text)["compound"] for text in texts])


def speed(score: Score, texts: list[str]) -> float:
    """Texts a second of CPU time."""
    texts = texts * max(1, 5_000 // len(texts))
    seconds = []
    for _ in range(3):
        begin = time.process_time()
        score(texts)
        seconds.append(time.process_time() - begin)
    return len(texts) / min(seconds)


def main() -> None:
    """Print one line per scorer and data set."""
    folder = Path(os.environ.get("STOCKTREND_TEST_DATA", ROOT / ".." / "shared" / "data")) / "text"
    peer = vader()
    print(
        f"{'data':<18}{'scorer':<12}{'correlation':>12}{'sign':>8}{'macro-F1':>10}{'texts/s':>12}"
    )
    for name in ("headlines", "posts"):
        labelled = pl.read_csv(folder / f"{name}.csv")
        texts, truth = labelled["text"].to_list(), labelled["score"].to_numpy()
        clear = np.abs(truth) > 0.1
        for scorer, score in (("ours", HeadlineScorer().score), ("VADER", peer)):
            if score is None:
                continue
            scores = score(texts)
            correlation = np.corrcoef(scores, truth)[0, 1]
            sign = (np.sign(scores) == np.sign(truth))[clear].mean()
            rate = speed(score, texts)
            print(f"{name:<18}{scorer:<12}{correlation:>12.3f}{sign:>8.3f}{'':>10}{rate:>12,.0f}")
    labelled = pl.read_csv(folder / "policy_sentences.csv")
    texts = labelled["text"].to_list()
    for scorer, score, bound in (("ours", PolicyScorer().score, NEUTRAL), ("VADER", peer, 0.05)):
        if score is None:
            continue
        scores = score(texts)
        label = np.where(scores > bound, "hawkish", np.where(scores < -bound, "dovish", "neutral"))
        quality = f1_score(labelled["label"].to_numpy(), label, average="macro")
        print(
            f"{'policy_sentences':<18}{scorer:<12}{'':>12}{'':>8}{quality:>10.3f}"
            f"{speed(score, texts):>12,.0f}"
        )


if __name__ == "__main__":
    main()
