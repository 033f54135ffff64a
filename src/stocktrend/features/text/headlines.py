"""Sentiment of headlines and social posts about companies and markets.

What a movement means depends on what moves: "profit falls" is bad, "losses narrow" and "costs
fall" are good. Each hit of the lexicon is one of: tone, motion or change (with the object that it
moves), negation, scale, or the beginning of a clause. The sum of the hits is squashed into
[-1, 1]. The lexicon is a data file of this package, written for it; nothing is fitted to labels.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stocktrend.features.text.lexicon import Entry, load_lexicon, tokens_of

REACH: Final = 4
"""Words between a movement and its object, at most."""
NEGATION_REACH: Final = 3
SCALE_REACH: Final = 2
HALF_SATURATION: Final = 2.0

Hit = tuple[int, int, Entry]


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
            (_squash(_total(find(tokens_of(text)))) for text in texts), np.float64, len(texts)
        )


def _squash(total: float) -> float:
    return total / math.sqrt(total * total + HALF_SATURATION)


def _total(hits: list[Hit]) -> float:
    """Sum of the clauses of one text."""
    total, weight, begin = 0.0, 1.0, 0
    for index, (_, _, entry) in enumerate(hits):
        if entry.kind == "clause":
            total += weight * _clause(hits[begin:index])
            weight, begin = entry.weight, index + 1
    return total + weight * _clause(hits[begin:])


def _clause(hits: list[Hit]) -> float:
    """Sum over the hits of one clause; an object that something moves says nothing by itself."""
    moved: set[int] = set()
    values: list[tuple[int, float]] = []
    for index, (_, _, entry) in enumerate(hits):
        if entry.kind in ("motion", "change"):
            target = _object_of(index, hits)
            sign = 1.0
            if target is not None:
                moved.add(target)
                sign = math.copysign(1.0, hits[target][2].weight)
            values.append((index, entry.weight * sign))
        elif entry.kind == "tone":
            values.append((index, entry.weight))
    values += [
        (index, entry.weight)
        for index, (_, _, entry) in enumerate(hits)
        if entry.kind == "object" and index not in moved
    ]
    return sum(value * _modifier(index, hits) for index, value in values)


def _object_of(index: int, hits: list[Hit]) -> int | None:
    """The hit that a movement moves: before a motion, after a change, else the other side."""
    position, length, entry = hits[index]
    after = before = None
    for other in range(index + 1, len(hits)):
        if hits[other][0] - (position + length) >= REACH:
            break
        if hits[other][2].kind == "object":
            after = _last_of_compound(other, hits)
            break
    for other in range(index - 1, -1, -1):
        if position - (hits[other][0] + hits[other][1]) >= REACH:
            break
        if hits[other][2].kind == "object":
            before = other
            break
    if entry.kind == "change":
        return after if after is not None else before
    return before if before is not None else after


def _last_of_compound(index: int, hits: list[Hit]) -> int:
    """The head of adjoining objects is the last: production costs are costs."""
    while (
        index + 1 < len(hits)
        and hits[index + 1][2].kind == "object"
        and hits[index + 1][0] == hits[index][0] + hits[index][1]
    ):
        index += 1
    return index


def _modifier(index: int, hits: list[Hit]) -> float:
    """The product of negations and scales shortly before a hit."""
    position = hits[index][0]
    factor = 1.0
    for other in range(index - 1, -1, -1):
        start, length, entry = hits[other]
        gap = position - (start + length)
        if gap >= NEGATION_REACH:
            break
        if entry.kind == "negate" or (entry.kind == "scale" and gap < SCALE_REACH):
            factor *= entry.weight
    return factor
