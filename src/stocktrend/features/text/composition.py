"""From the hits of a lexicon to one number: what a movement means depends on what moves.

Each hit is one of: tone (good or bad in itself), motion or change (with the object that it
moves), negation, scale, or the beginning of a clause. "Profit falls" is bad, "losses narrow" and
"costs fall" are good; "inflation fell" is dovish, "unemployment fell" hawkish.
"""

import math
from dataclasses import dataclass

from stocktrend.features.text.lexicon import Entry

Hit = tuple[int, int, Entry]
"""Position of the first token, number of tokens, meaning."""


@dataclass(frozen=True)
class Grammar:
    """How far words reach, and what a movement without an object is worth.

    Attributes:
        object_reach: Words between a movement and its object, fewer than this.
        negation_reach: Words between a negation and what it turns, fewer than this.
        scale_reach: Words between a scale and what it scales, fewer than this.
        unattached: Share of its weight that a movement keeps without an object.
    """

    object_reach: int
    negation_reach: int
    scale_reach: int
    unattached: float


def total(hits: list[Hit], grammar: Grammar) -> float:
    """Sum over the clauses of a text, each times the weight of the word that begins it."""
    result, weight, begin = 0.0, 1.0, 0
    for index, (_, _, entry) in enumerate(hits):
        if entry.kind == "clause":
            result += weight * _clause(hits[begin:index], grammar)
            weight, begin = entry.weight, index + 1
    return result + weight * _clause(hits[begin:], grammar)


def squash(value: float, half: float) -> float:
    """Into (-1, 1): ``value / sqrt(value^2 + half)``."""
    return value / math.sqrt(value * value + half)


def _clause(hits: list[Hit], grammar: Grammar) -> float:
    """Sum over the hits of a clause; an object that something moves says nothing by itself."""
    moved: set[int] = set()
    values: list[tuple[int, float]] = []
    for index, (_, _, entry) in enumerate(hits):
        if entry.kind == "tone":
            values.append((index, entry.weight))
        elif entry.kind in ("motion", "change"):
            compound = _object_of(index, hits, grammar.object_reach)
            if compound:
                moved.update(compound)
                sign = math.copysign(1.0, hits[compound[-1]][2].weight)
                values.append((index, sign * entry.weight))
            else:
                values.append((index, entry.weight * grammar.unattached))
    values += [
        (index, entry.weight)
        for index, (_, _, entry) in enumerate(hits)
        if entry.kind == "object" and index not in moved
    ]
    return sum(value * _modifier(index, hits, grammar) for index, value in values)


def _object_of(index: int, hits: list[Hit], reach: int) -> range | None:
    """The hits that a movement moves: before a motion, after a change, else on the other side."""
    position, length, entry = hits[index]
    after = before = None
    for other in range(index + 1, len(hits)):
        if hits[other][0] - (position + length) >= reach:
            break
        if hits[other][2].kind == "object":
            after = _compound(other, hits)
            break
    for other in range(index - 1, -1, -1):
        if position - (hits[other][0] + hits[other][1]) >= reach:
            break
        if hits[other][2].kind == "object":
            before = _compound(other, hits)
            break
    first, second = (after, before) if entry.kind == "change" else (before, after)
    return first if first is not None else second


def _compound(index: int, hits: list[Hit]) -> range:
    """Adjoining objects are one, and its head is the last: production costs are costs."""
    begin = end = index
    while begin > 0 and _adjoin(hits[begin - 1], hits[begin]):
        begin -= 1
    while end + 1 < len(hits) and _adjoin(hits[end], hits[end + 1]):
        end += 1
    return range(begin, end + 1)


def _adjoin(first: Hit, second: Hit) -> bool:
    """Whether both are objects with no word between them."""
    return first[2].kind == second[2].kind == "object" and first[0] + first[1] == second[0]


def _modifier(index: int, hits: list[Hit], grammar: Grammar) -> float:
    """The product of negations and scales shortly before a hit."""
    position = hits[index][0]
    factor = 1.0
    for other in range(index - 1, -1, -1):
        start, length, entry = hits[other]
        gap = position - (start + length)
        if gap >= grammar.negation_reach:
            break
        if entry.kind == "negate" or (entry.kind == "scale" and gap < grammar.scale_reach):
            factor *= entry.weight
    return factor
