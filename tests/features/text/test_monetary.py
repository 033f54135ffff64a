"""What PolicyScorer reads, in sentences of our own and against hand-labelled sentences."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import f1_score

from stocktrend.features.text import PolicyScorer
from stocktrend.features.text.monetary import NEUTRAL

SCORER = PolicyScorer()


@pytest.mark.parametrize(
    "text",
    [
        "Inflation has risen further.",
        "Unemployment has fallen.",
        "Economic growth picked up in the spring.",
        "The Committee decided to raise the target range.",
        "Labor markets remain tight and wages are rising.",
        "A restrictive stance will be needed.",
        "The Committee will accelerate the tightening of its balance sheet.",
        "It began to reduce the size of the balance sheet.",
        "The balance sheet will shrink as securities roll off.",
        "The Committee will taper its asset purchases.",
        "It is time to remove policy accommodation.",
        "Some members favored further rate hikes.",
        "Inflation is no longer falling.",
        "Inflation is well above 2 percent.",
        "Unemployment stood at 4 percent, down from 5 percent.",
        "The dollar depreciated.",
        "Members saw upside risks to inflation.",
    ],
)
def test_hawkish_language_is_positive(text: str) -> None:
    assert SCORER.score([text])[0] > NEUTRAL


@pytest.mark.parametrize(
    "text",
    [
        "Inflation has declined.",
        "Unemployment has risen.",
        "Economic growth slowed in the spring.",
        "The Committee decided to lower the target range.",
        "Inflation remains subdued and below the objective.",
        "Policy will stay highly accommodative.",
        "Inflation is not rising.",
        "The Committee will slow the tightening of its balance sheet.",
        "The balance sheet will be expanded.",
        "The Committee will continue its asset purchases.",
        "Members agreed to pause rate increases.",
        "Fewer rate hikes will be needed.",
        "Further easing may be needed.",
        "Inflation is running under 2 percent.",
        "Layoffs rose.",
        "Banks tightened lending standards.",
        "The risks are tilted to the downside.",
        "The dollar appreciated sharply.",
    ],
)
def test_dovish_language_is_negative(text: str) -> None:
    assert SCORER.score([text])[0] < -NEUTRAL


@pytest.mark.parametrize(
    "text", ["", "The meeting was held on Tuesday.", "Staff presented slides."]
)
def test_language_without_a_stance_scores_zero(text: str) -> None:
    assert SCORER.score([text])[0] == 0


@pytest.mark.parametrize(
    "text",
    [
        "The Committee decided to maintain the target range for the federal funds rate.",
        "Longer-term inflation expectations were little changed.",
        "The Committee seeks maximum employment and price stability.",
    ],
)
def test_unchanged_rates_and_the_mandate_are_neutral(text: str) -> None:
    assert abs(SCORER.score([text])[0]) < NEUTRAL


def test_a_text_scores_the_mean_of_the_sentences_that_say_something() -> None:
    hawkish, dovish = "Inflation has risen.", "Growth has slowed markedly."
    whole = " ".join([hawkish, "The meeting was held on Tuesday.", dovish])
    scores = SCORER.score([hawkish, dovish, whole])
    assert scores[2] == pytest.approx((scores[0] + scores[1]) / 2)


def test_three_classes_agree_with_hand_labels(real_data: Path) -> None:
    labelled = pl.read_csv(real_data / "text/policy_sentences.csv")
    scores = SCORER.score(labelled["text"].to_list())
    classes = np.where(
        scores > NEUTRAL, "hawkish", np.where(scores < -NEUTRAL, "dovish", "neutral")
    )
    assert f1_score(labelled["label"].to_numpy(), classes, average="macro") >= 0.55


def test_statements_turn_hawkish_where_rates_were_raised(real_data: Path) -> None:
    decisions = pl.read_csv(real_data / "policy/fomc.csv").drop_nulls(["statement", "change_bp"])
    scores = pl.Series(SCORER.score(decisions["statement"].to_list()))
    raised = scores.filter(decisions["change_bp"] > 0).mean()
    held = scores.filter(decisions["change_bp"] == 0).mean()
    lowered = scores.filter(decisions["change_bp"] < 0).mean()
    assert raised > held > lowered  # type: ignore[operator]
