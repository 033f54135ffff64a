"""Stance of monetary policy language."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class PolicyScorer:
    """Scores English policy texts: hawkish +1, dovish -1, neutral 0."""

    name = "policy"
    languages = frozenset({"en"})

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Scores of shape ``(len(texts),)`` in [-1, 1]."""
        return np.zeros(len(texts))
