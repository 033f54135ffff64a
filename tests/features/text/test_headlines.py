"""What HeadlineScorer reads, in sentences of our own and against expert labels."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from stocktrend.features.text import HeadlineScorer

SCORER = HeadlineScorer()


def sign(text: str) -> int:
    return int(np.sign(SCORER.score([text])[0]))


@pytest.mark.parametrize(
    "text",
    [
        "Losses narrow at regional lender",
        "Costs fall for a third quarter",
        "Airline cuts its debt",
        "Fear of default recedes as debt falls",
        "Chipmaker beats estimates",
        "Insurer raises its dividend",
        "Results did not disappoint",
        "Order intake up 12%",
        "Engineering group wins contract worth EUR 40 million",
        "Net loss narrows to EUR 3m from EUR 9m",
        "Operating loss was EUR 2m, down from EUR 5m",
        "Pretax profit of 12m compared with a loss of 4m",
        "Utility swings to profit",
        "Broker raises price target on retailer",
        "Grocer buys back shares worth 300m",
        "Court dismisses lawsuit against drugmaker",
        "Insurer rejects fears over its reserves",
        "Regulator gives green light to asthma drug",
        "Brewer sweetens offer for rival",
        "Airline pares losses",
        "Housebuilder hits record high",
        "$XYZ breaking out on volume",
        "loaded up on $XYZ calls \U0001f680",
        "$XYZ to the moon :)",
    ],
)
def test_good_news_is_positive(text: str) -> None:
    assert sign(text) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Profit falls at regional lender",
        "Debt rises for a third quarter",
        "Airline slashes its dividend",
        "Net loss widens",
        "Chipmaker misses estimates",
        "Shares plunge after profit warning",
        "Retailer is no longer profitable",
        "Production costs climb",
        "Order intake down 12%",
        "Loss widens to 9m from 3m",
        "Operating profit was EUR 12m, down from EUR 15m",
        "Loss of 2m compared with a profit of 4m",
        "Utility swings to a loss",
        "Lender to pay $250 million to settle mis-selling claims",
        "Watchdog opens inquiry into insurer",
        "Broker cuts price target on retailer",
        "Group announces rights issue",
        "Miner abandons takeover bid",
        "Supplier loses contract with carmaker",
        "Earnings hurt by weak pound",
        "Drugmaker's trial fails to meet main goal",
        "Maker of chips to lay off 500 workers",
        "Shares hit 52-week low",
        "$XYZ breaking down, shorting here",
        "bagholders everywhere $XYZ \U0001f4c9",
        "dumped my $XYZ :(",
    ],
)
def test_bad_news_is_negative(text: str) -> None:
    assert sign(text) == -1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "Annual meeting on Tuesday",
        "https://example.org/crash/:( @profit_falls $WIN #moon",
    ],
)
def test_neutral_text_addresses_and_names_score_zero(text: str) -> None:
    assert SCORER.score([text])[0] == 0


def test_intensity_words_scale_the_score() -> None:
    mild, plain, strong = SCORER.score(
        ["Profit slightly lower", "Profit lower", "Profit sharply lower"]
    )
    assert strong < plain < mild < 0


def test_scores_have_the_shape_and_the_range_of_the_protocol() -> None:
    texts = ["surge rally soar win " * 50, "crash fraud bankrupt " * 50, "nothing"]
    scores = SCORER.score(texts)
    assert scores.shape == (3,)
    assert scores.dtype == np.float64
    assert np.abs(scores).max() <= 1
    assert SCORER.score([]).shape == (0,)


def test_a_text_scores_the_same_alone_and_among_others() -> None:
    texts = ["Profit falls", "Losses narrow", "Shares rally"]
    assert SCORER.score(texts).tolist() == [SCORER.score([text])[0] for text in texts]


def test_a_typographic_apostrophe_negates_as_a_plain_one() -> None:
    plain, typographic = SCORER.score(["They don't fail", "They don\u2019t fail"])
    assert plain == typographic > 0


@pytest.mark.parametrize(("name", "least"), [("headlines", 0.55), ("posts", 0.55)])
def test_scores_agree_with_expert_labels(real_data: Path, name: str, least: float) -> None:
    labelled = pl.read_csv(real_data / f"text/{name}.csv")
    truth = labelled["score"].to_numpy()
    scores = SCORER.score(labelled["text"].to_list())
    clear = np.abs(truth) > 0.1
    assert np.corrcoef(scores, truth)[0, 1] >= least
    assert (np.sign(scores) == np.sign(truth))[clear].mean() >= 0.70
