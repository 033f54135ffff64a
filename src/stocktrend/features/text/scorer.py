"""What a scorer of text is, and the one way to call it."""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stocktrend.errors import DataError
from stocktrend.progress import Progress, silent

CHUNK: Final = 1_000
"""Texts between two reports of progress, and at most lost of a slow scorer that is stopped."""


class TextScorer(Protocol):
    """Maps each text to a number in [-1, 1], independently of the other texts."""

    @property
    def name(self) -> str:
        """Identifies the scorer in reports."""

    @property
    def languages(self) -> frozenset[str]:
        """Language codes that it reads, such as ``en``; others must not reach it."""

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Scores of shape ``(len(texts),)`` in [-1, 1]; 0 is neutral or unknown."""


def score_texts(
    scorer: TextScorer, texts: pl.Series, *, progress: Progress = silent
) -> NDArray[np.float64]:
    """Score texts in chunks and check what the scorer returns.

    Raises:
        DataError: a score is not finite, outside [-1, 1] or missing.
    """
    scores = np.empty(len(texts))
    for done in range(0, len(texts), CHUNK):
        chunk = texts.slice(done, CHUNK).to_list()
        scores[done : done + len(chunk)] = asked(scorer, chunk)
        progress("score texts", done + len(chunk), len(texts), "texts")
    return scores


def asked(scorer: TextScorer, texts: Sequence[str]) -> NDArray[np.float64]:
    """What a scorer says, checked.

    Raises:
        DataError: a score is not finite, outside [-1, 1] or missing.
    """
    result = np.asarray(scorer.score(texts), dtype=np.float64)
    if result.shape != (len(texts),) or not (np.abs(result) <= 1).all():
        raise DataError(
            f"a scorer must return one number in [-1, 1] per text, however {scorer.name!r} "
            f"returned shape {result.shape} for {len(texts)} texts, or a number outside. "
            "Mend the scorer"
        )
    return result
