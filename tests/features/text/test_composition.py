"""What the words of a small lexicon add up to, worked out by hand."""

import math

import pytest

from stocktrend.features.text.composition import Grammar, squash, total
from stocktrend.features.text.lexicon import parse_lexicon

LEXICON = parse_lexicon(
    """
tone 1: good
tone -2: awful_news
motion 1: rises goes_up
motion -1: falls
change -3: cut
object 1: profit market_share
object -1: cost
negate -1: not no_longer
negate -0.5: hardly
scale 2: very
clause 0.5: but
clause 1: so
"""
)
GRAMMAR = Grammar(object_reach=3, negation_reach=3, scale_reach=2, unattached=0.25)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("good", 1),
        ("awful news", -2),
        ("profit", 1),
        ("cost", -1),
        ("nothing known here", 0),
        # A movement takes the sign of what moves, and counts less without an object.
        ("profit rises", 1),
        ("profit falls", -1),
        ("cost falls", 1),
        ("cost goes up", -1),
        ("cut cost", 3),
        ("cut profit", -3),
        ("falls", -0.25),
        ("cut", -0.75),
        # A motion looks before it and then after it, a change after it and then before it.
        ("falls profit", -1),
        ("profit cut", -3),
        ("profit falls cost", -1 - 1),
        ("profit cut cost", 1 + 3),
        # Two words may lie between a movement and its object, three may not.
        ("profit x x falls", -1),
        ("profit x x x falls", 1 - 0.25),
        ("cut x x profit", -3),
        ("cut x x x profit", -0.75 + 1),
        ("goes up x x cost", -1),
        ("goes up x x x cost", 0.25 - 1),
        ("market share x x falls", -1),
        ("market share x x x falls", 1 - 0.25),
        # The nearest object moves; others stand for themselves.
        ("profit x cost falls", 1 + 1),
        ("cut x cost x profit", 3 + 1),
        ("profit good falls", -1 + 1),
        ("cut good profit", -3 + 1),
        # Adjoining objects move together, and the last gives the sign.
        ("profit cost falls", 1),
        ("cost profit falls", -1),
        ("cost cost market share falls", -1),
        ("cut profit profit cost", 3),
        ("good cost falls", 1 + 1),
        ("cost falls x profit", 1 + 1),
        # What a clause begins with weighs all of it, and nothing reaches out of it.
        ("but good", 0.5),
        ("good but awful news", 1 - 1),
        ("good but good so good", 1 + 0.5 + 1),
        ("profit but falls", 1 - 0.125),
        ("not but good", 0.5),
        # Negations reach over two words, scales over one; both multiply what follows.
        ("not good", -1),
        ("not x x good", -1),
        ("not x x x good", 1),
        ("no longer x x good", -1),
        ("no longer x x x good", 1),
        ("hardly good", -0.5),
        ("not hardly good", 0.5),
        ("very good", 2),
        ("very x good", 2),
        ("very x x good", 1),
        ("not very good", -2),
        ("very not good", -2),
        ("very x not good", -1),
        ("good not", 1),
        ("not awful news", 2),
        ("profit not falls", 1),
        ("not profit falls", 1),
        ("very cost", -2),
        ("good x not x good", 1 - 1),
    ],
)
def test_a_text_adds_up(text: str, expected: float) -> None:
    assert total(LEXICON.find(text.split()), GRAMMAR) == pytest.approx(expected)


def test_a_sum_is_squashed_by_its_square() -> None:
    assert squash(3.0, 2.0) == pytest.approx(3 / math.sqrt(11))
    assert squash(-0.5, 2.0) == pytest.approx(-0.5 / 1.5)
    assert squash(0.0, 2.0) == 0.0
