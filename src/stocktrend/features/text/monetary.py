"""Stance of monetary policy language: hawkish (tighter) or dovish (easier).

A sentence is scored from topic and direction (inflation, employment, growth or rates, rising or
falling) and from what is said outright ("further easing"). The score of a longer text is the
mean over its sentences that say anything. The lexicon is a data file of this package, written for
it: nothing is fitted to labelled text.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stocktrend.features.text.composition import Grammar, squash, total
from stocktrend.features.text.lexicon import load_lexicon, tokens_of

GRAMMAR: Final = Grammar(object_reach=6, negation_reach=3, scale_reach=2, unattached=0.2)
HALF: Final = 2.0
NEUTRAL: Final = 0.4
"""Within this distance of 0 a sentence counts as neither hawkish nor dovish."""

SENTENCE_END: Final = re.compile(r"(?<=[a-z)%\"'\d])[.;!?]\s+(?=[A-Z\"(])")


class PolicyScorer:
    """Scores English policy texts: hawkish +1, dovish -1, neutral 0.

    Example:
        >>> scores = PolicyScorer().score(["Inflation has risen further.", "Inflation declined."])
        >>> [int(np.sign(score)) for score in scores]
        [1, -1]
    """

    name = "policy"
    languages = frozenset({"en"})

    def __init__(self) -> None:
        self._lexicon = load_lexicon("policy")

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Scores of shape ``(len(texts),)`` in [-1, 1]."""
        return np.fromiter((self._score(text) for text in texts), np.float64, len(texts))

    def _score(self, text: str) -> float:
        find = self._lexicon.find
        hits = [find(tokens_of(sentence)) for sentence in SENTENCE_END.split(text)]
        scores = [squash(total(found, GRAMMAR), HALF) for found in hits]
        speaking = [score for score in scores if score != 0]
        return sum(speaking) / len(speaking) if speaking else 0.0
