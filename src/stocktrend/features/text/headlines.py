"""Sentiment of headlines and social posts about companies and markets.

The lexicon is a data file of this package, written for it: nothing is fitted to labelled text.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stocktrend.features.text.composition import Grammar, squash, total
from stocktrend.features.text.lexicon import load_lexicon, tokens_of

GRAMMAR: Final = Grammar(object_reach=4, negation_reach=3, scale_reach=2, unattached=1.0)
HALF: Final = 2.0


class HeadlineScorer:
    """Scores English headlines and posts: +1 good news for the price, -1 bad, 0 neutral.

    Example:
        >>> scores = HeadlineScorer().score(["Profit falls", "Losses narrow", "Annual meeting"])
        >>> [int(np.sign(score)) for score in scores]
        [-1, 1, 0]
    """

    name = "headlines"
    languages = frozenset({"en"})

    def __init__(self) -> None:
        self._lexicon = load_lexicon("headlines")

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Scores of shape ``(len(texts),)`` in [-1, 1]."""
        find = self._lexicon.find
        return np.fromiter(
            (squash(total(find(tokens_of(text)), GRAMMAR), HALF) for text in texts),
            np.float64,
            len(texts),
        )
