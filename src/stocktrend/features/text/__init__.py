"""Scorers of text: headlines and posts, and the language of monetary policy."""

from stocktrend.features.text.headlines import HeadlineScorer
from stocktrend.features.text.monetary import PolicyScorer
from stocktrend.features.text.scorer import TextScorer, score_texts

__all__ = ["HeadlineScorer", "PolicyScorer", "TextScorer", "score_texts"]
