"""How texts are handed to a scorer, and how far words reach in the two of this package."""

import math
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from stocktrend.errors import DataError
from stocktrend.features.text import HeadlineScorer, PolicyScorer, TextScorer, score_texts
from stocktrend.features.text.lexicon import load_lexicon

HEADLINES, POLICY = load_lexicon("headlines").words, load_lexicon("policy").words


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
    assert scorer.asked == [20_000, 1]
    assert [step[1:3] for step in told] == [(20_000, 20_001), (20_001, 20_001)]
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


def sum_of(scorer: TextScorer, text: str) -> float:
    """What a text adds up to: ``value / sqrt(value^2 + 2)`` solved for the value."""
    score = float(scorer.score([text])[0])
    return score * math.sqrt(2 / (1 - score * score))


SOARS, PROFIT = HEADLINES["soars"].weight, HEADLINES["profit"].weight
VERY, NOT = HEADLINES["very"].weight, HEADLINES["not"].weight


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("soars", SOARS),
        ("profit soars", SOARS),
        ("profit q q q soars", SOARS),
        ("profit q q q q soars", PROFIT + SOARS),
        ("not q q soars", NOT * SOARS),
        ("not q q q soars", SOARS),
        ("very q soars", VERY * SOARS),
        ("very q q soars", SOARS),
    ],
)
def test_in_a_headline_objects_reach_over_three_words_and_moves_speak_alone(
    text: str, expected: float
) -> None:
    assert sum_of(HeadlineScorer(), text) == pytest.approx(expected)


SURGED, PRICES = POLICY["surged"].weight, POLICY["prices"].weight
MUCH, NEVER = POLICY["much"].weight, POLICY["never"].weight


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("surged", 0.2 * SURGED),
        ("prices surged", SURGED),
        ("prices q q q q q surged", SURGED),
        ("prices q q q q q q surged", PRICES + 0.2 * SURGED),
        ("prices never q q surged", NEVER * SURGED),
        ("prices never q q q surged", SURGED),
        ("prices much q surged", MUCH * SURGED),
        ("prices much q q surged", SURGED),
    ],
)
def test_in_policy_objects_reach_over_five_words_and_moves_alone_say_a_fifth(
    text: str, expected: float
) -> None:
    assert sum_of(PolicyScorer(), text) == pytest.approx(expected)


def test_a_policy_text_is_the_mean_of_its_sentences_that_speak() -> None:
    scorer = PolicyScorer()
    first, second, silent = "Prices surged", "Unemployment rose", "The committee met"
    alone = scorer.score([first, second, silent])
    assert alone[0] > 0 > alone[1]
    assert alone[2] == 0
    together = scorer.score([f"{first}. {silent}. {second}. {silent}."])
    assert together[0] == pytest.approx((alone[0] + alone[1]) / 2)
