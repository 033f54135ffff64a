"""The scorer of news that the settings choose."""

from pathlib import Path
from typing import Final

from stocktrend.config import Settings
from stocktrend.errors import ConfigError
from stocktrend.features.text.classifier import ModelScorer
from stocktrend.features.text.headlines import HeadlineScorer
from stocktrend.features.text.kept import KeptScores
from stocktrend.features.text.model_folder import model_digest
from stocktrend.features.text.scorer import TextScorer

KEPT_FOLDER: Final = "scored"
"""Below the data root: one file a model, with the score of each text that it has read."""


def load_scorer(settings: Settings, root: Path | str) -> TextScorer:
    """The lexicon, or the model that ``settings.text`` names, with what it said before.

    Raises:
        ConfigError: the model's folder is missing or not that of a classifier, its labels do not
            say what they are worth, or transformers is not installed.
    """
    chosen = settings.text
    if chosen.model is None:
        return HeadlineScorer()
    scorer = ModelScorer(
        Path(root) / chosen.model,
        labels=chosen.labels,
        languages=frozenset(chosen.languages),
        threads=settings.threads,
    )
    return KeptScores(scorer, Path(root) / KEPT_FOLDER / f"{scorer.digest[:16]}.sqlite")


def model_files(settings: Settings, root: Path | str) -> dict[str, str]:
    """Twelve hex digits of the content of the model's folder, by the setting; none for the lexicon.

    Raises:
        ConfigError: the folder is missing.
    """
    model = settings.text.model
    return {} if model is None else {model: model_digest(Path(root) / model)[:12]}


def require_scorer(settings: Settings, scorer: TextScorer | None) -> TextScorer:
    """The scorer given, else the lexicon; raise a ConfigError where the settings name a model."""
    if scorer is None and settings.text.model is not None:
        raise ConfigError(
            f"the settings name text.model, {settings.text.model}, however no scorer was given. "
            "Pass scorer=load_scorer(settings, data_root)"
        )
    return scorer or HeadlineScorer()
