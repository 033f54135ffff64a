"""Scorers of text: headlines and posts, the language of monetary policy, and a user's own model."""

from stocktrend.features.text.chosen import load_scorer
from stocktrend.features.text.classifier import ModelScorer
from stocktrend.features.text.headlines import HeadlineScorer
from stocktrend.features.text.kept import KeptScores
from stocktrend.features.text.monetary import PolicyScorer
from stocktrend.features.text.scorer import TextScorer, score_texts

__all__ = [
    "HeadlineScorer",
    "KeptScores",
    "ModelScorer",
    "PolicyScorer",
    "TextScorer",
    "load_scorer",
    "score_texts",
]
