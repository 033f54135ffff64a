"""How texts are handed to a scorer, and what turns the two of this package round."""

import math
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from stocktrend.errors import DataError
from stocktrend.features.text import HeadlineScorer, PolicyScorer, score_texts


class LengthScorer:
    """A text's score is a thousandth of its length; it counts how many it is asked at a time."""

    name = "length"
    languages = frozenset({"en"})

    def __init__(self) -> None:
        self.asked: list[int] = []

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        self.asked.append(len(texts))
        return np.array([len(text) / 1000 for text in texts])


class ConstantScorer:
    """Answers with the same array, whatever it is asked."""

    name = "constant"
    languages = frozenset({"en"})

    def __init__(self, answer: Sequence[float]) -> None:
        self.answer = answer

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array(self.answer)


def test_texts_are_scored_in_chunks_and_each_tells_how_far_it_is() -> None:
    told: list[tuple[str, float, float, str]] = []
    scorer = LengthScorer()
    texts = pl.Series(["x" * (number % 7) for number in range(20_001)])
    scores = score_texts(scorer, texts, progress=lambda *step: told.append(step))  # type: ignore[arg-type]
    assert scores.tolist() == [(number % 7) / 1000 for number in range(20_001)]
    assert scorer.asked == [1000] * 20 + [1]
    assert [step[1:3] for step in told[-2:]] == [(20_000, 20_001), (20_001, 20_001)]
    assert score_texts(scorer, pl.Series([], dtype=pl.String)).tolist() == []


@pytest.mark.parametrize(
    "answer", [[0.5], [0.1, 0.2, 0.3], [1.001, 0.0], [0.0, -1.001], [0.0, math.nan]]
)
def test_a_scorer_that_breaks_its_contract_is_named(answer: list[float]) -> None:
    with pytest.raises(DataError, match="'constant'"):
        score_texts(ConstantScorer(answer), pl.Series(["a", "b"]))


def test_the_ends_of_the_range_are_scores() -> None:
    scores = score_texts(ConstantScorer([1.0, -1.0]), pl.Series(["a", "b"]))
    assert scores.tolist() == [1.0, -1.0]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("Profit soars", "Losses soar"),
        ("Profit at the retailer soars", "Losses at the retailer soar"),
        ("Costs fall sharply", "Profit falls sharply"),
        ("Quarterly losses narrow", "Quarterly profit narrows"),
        ("Shares surge", "Shares did not surge"),
        ("Results beat forecasts", "Results fail to beat forecasts"),
        ("Demand does not weaken", "Demand weakens"),
        ("Regulator clears the merger", "Regulator does not clear the merger"),
    ],
)
def test_what_moves_and_negations_turn_a_headline_round(good: str, bad: str) -> None:
    up, down = HeadlineScorer().score([good, bad])
    assert up > 0 > down


@pytest.mark.parametrize(
    ("hawkish", "dovish"),
    [
        ("Inflation rose", "Unemployment rose"),
        ("Unemployment fell", "Inflation fell"),
        ("Prices in most sectors of the economy surged", "Prices in most sectors declined"),
        ("Inflation is too high", "Inflation is no longer too high"),
        ("The labor market has not weakened", "The labor market has weakened"),
        ("Inflation is expected to rise further", "Inflation is not expected to rise further"),
        ("The Committee will raise the target range", "The Committee will not raise the range"),
    ],
)
def test_what_moves_and_negations_turn_a_statement_round(hawkish: str, dovish: str) -> None:
    up, down = PolicyScorer().score([hawkish, dovish])
    assert up > 0 > down
