"""The market's words: tones that a reader finds again, and nothing but words to find them in."""

import numpy as np
import pytest

from stocktrend.features.text import HeadlineScorer, PolicyScorer
from stocktrend.sources.market import headlines
from stocktrend.sources.market.names import company_name, ticker_symbol
from stocktrend.sources.market.statements import hawkish_share, in_eighths, statement

FILLED = {
    "name": "Alder Systems",
    "pct": 7,
    "small": 2,
    "amount": 250,
    "price": "$48",
    "quarter": "Q3",
    "broker": headlines.BROKERS[0],
    "product": headlines.PRODUCTS[0],
    "region": headlines.REGIONS[0],
}


def _scores(templates: tuple[str, ...]) -> np.ndarray:
    return HeadlineScorer().score([t.format(**FILLED) for t in templates])


@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        (headlines.POSITIVE, headlines.NEGATIVE),
        (headlines.MARKET_POSITIVE, headlines.MARKET_NEGATIVE),
    ],
)
def test_the_headline_scorer_reads_the_tone_of_nearly_every_template(
    positive: tuple[str, ...], negative: tuple[str, ...]
) -> None:
    assert (_scores(positive) > 0).mean() >= 0.85
    assert (_scores(negative) < 0).mean() >= 0.85


def test_the_headline_scorer_finds_no_tone_in_neutral_headlines_on_average() -> None:
    assert abs(_scores(headlines.NEUTRAL + headlines.MARKET_NEUTRAL).mean()) < 0.15


def test_the_policy_scorer_ranks_statements_by_their_stance() -> None:
    rng = np.random.default_rng(0)
    stances = np.linspace(-2, 2, 41)
    changes = np.where(stances > 0.6, 25, np.where(stances < -0.6, -25, 0))
    texts = [statement(s, int(c), 2.0, "May", rng) for s, c in zip(stances, changes, strict=True)]
    scores = PolicyScorer().score(texts)
    assert np.corrcoef(stances, scores)[0, 1] > 0.9


def test_a_neutral_stance_words_half_its_points_hawkishly() -> None:
    assert hawkish_share(0) == 0.5
    assert hawkish_share(1.2815515655) == pytest.approx(0.9)


def test_rates_are_written_in_fractions() -> None:
    assert [in_eighths(r) for r in (0.0, 0.5, 2.25, 3.0)] == ["0", "1/2", "2-1/4", "3"]


def test_names_and_symbols_are_unique() -> None:
    numbers = range(5_000)
    assert len({ticker_symbol(n) for n in numbers}) == 5_000
    assert len({company_name(n) for n in numbers}) == 5_000
