"""Sentiment by a classifier of texts in a local folder, such as FinBERT.

The score of a text is the mean of the labels' scores under the model's probabilities: of positive,
negative and neutral P(positive) - P(negative).

Texts are taken in the order of their length, and a text always stands in a batch of one shape: as
many rows, and as many tokens, as its own length asks for, whatever is scored beside it. Matrix
products are rounded by their shapes, so the same text gets the same bits.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stocktrend.errors import ConfigError, StocktrendError, install
from stocktrend.features.text.model_folder import KIND, label_scores, model_digest
from stocktrend.threads import one_torch_thread

BATCH: Final = 8
LONGEST: Final = 512
"""Tokens of a text that are read, at most."""
STEP: Final = 8
"""A text is filled up to a multiple of this many tokens."""

Scores = NDArray[np.float64]


class ModelScorer:
    """Scores texts by a classifier in a folder of Hugging Face's layout.

    Nothing is asked of the network, no code of the folder runs, and weights are read from
    safetensors alone. The model is loaded when the first text is scored; needs the extra ``text``.

    Args:
        folder: With ``config.json``, ``model.safetensors`` and the tokenizer's files.
        labels: Score in [-1, 1] of each label; by default their names say it: positive, negative
            and neutral, or 1 star to 5 stars.
        languages: Codes of the languages that it reads.
        batch: Texts of a forward pass.
        threads: Batches at a time; default: all cores. No result depends on it.

    Raises:
        ConfigError: the folder is not that of such a model, or ``transformers`` is not installed.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        labels: Mapping[str, float] | None = None,
        languages: frozenset[str] = frozenset({"en"}),
        batch: int = BATCH,
        threads: int | None = None,
    ) -> None:
        self._folder = Path(folder)
        self._labels = label_scores(self._folder, labels)
        self._files = model_digest(self._folder)
        self.name = f"model {self._folder.name}"
        self.languages = languages
        self._batch = batch
        self._threads = threads or os.cpu_count() or 1
        if find_spec("transformers") is None:
            raise ConfigError(
                "text.model needs the package transformers, however it is not installed. "
                f"{install('text')}, or leave text.model out for the lexicon"
            )

    @property
    def digest(self) -> str:
        """64 hex digits of what decides a score: the model's files, and what labels are worth."""
        decides = f"{self._files} {self._labels.tolist()}"
        return hashlib.sha256(decides.encode()).hexdigest()

    def score(self, texts: Sequence[str]) -> Scores:
        """Scores of shape ``(len(texts),)`` in [-1, 1]; tokens beyond the model's are not read.

        Raises:
            ConfigError: the model cannot be loaded, or fails at these texts.
        """
        try:
            return self._scored(texts)
        except (StocktrendError, MemoryError):
            raise
        except Exception as error:  # tokenizers raises this very type
            first = " ".join(str(error).split("\n", 2)[:2])
            raise self._unfit(f"{type(error).__name__}: {first}") from error

    def _scored(self, texts: Sequence[str]) -> Scores:
        scores = np.zeros(len(texts))
        batches = list(self._batches(texts))
        with one_torch_thread(), ThreadPoolExecutor(self._threads) as pool:
            found = pool.map(self._forward, [inputs for _, inputs in batches])
            for (places, _), values in zip(batches, found, strict=True):
                scores[places] = values[: len(places)]
        return scores

    def _batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], Any]]:
        """Places of texts of one width, and what the model reads of them.

        The last batch of a width is filled up with one of its texts.
        """
        if not texts:
            return
        tokenizer, _, longest = self._loaded
        tokens = tokenizer(list(texts), truncation=True, max_length=longest)["input_ids"]
        widths = np.array([min(-(-len(row) // STEP) * STEP, longest) for row in tokens])
        for width in np.unique(widths).tolist():
            same = np.flatnonzero(widths == width).tolist()
            for start in range(0, len(same), self._batch):
                places = same[start : start + self._batch]
                filled = places + places[-1:] * (self._batch - len(places))
                yield (
                    places,
                    tokenizer(
                        [texts[place] for place in filled],
                        truncation=True,
                        padding="max_length",
                        max_length=width,
                        return_tensors="pt",
                    ),
                )

    def _forward(self, inputs: Mapping[str, Any]) -> Scores:
        import torch

        _, model, _ = self._loaded
        with torch.inference_mode():
            probabilities = torch.softmax(model(**inputs).logits.double(), dim=-1).numpy()
        return np.clip(probabilities @ self._labels, -1.0, 1.0)

    @cached_property
    def _loaded(self) -> tuple[Any, Any, int]:
        """Tokenizer, model, and how many tokens of a text are read."""
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        local = {"local_files_only": True, "trust_remote_code": False}
        with _quiet():
            tokenizer = AutoTokenizer.from_pretrained(str(self._folder), **local)
            model, report = AutoModelForSequenceClassification.from_pretrained(
                str(self._folder),
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
                **local,
            )
        self._check(tokenizer, model, report)
        if model_digest(self._folder) != self._files:
            raise self._unfit("its files changed since this program began")
        return tokenizer, model.eval(), _longest(tokenizer, model)

    def _check(self, tokenizer: Any, model: Any, report: Mapping[str, Any]) -> None:
        """Raise where what was loaded would score by chance, or fail at a text."""
        if missing := sorted(report["missing_keys"]):
            raise self._unfit(f"its weights lack {', '.join(missing[:3])}, which makes a {KIND}")
        words = model.get_input_embeddings().num_embeddings
        if len(tokenizer) > words:
            raise self._unfit(f"its tokenizer has {len(tokenizer)} words, its weights {words}")
        if tokenizer.pad_token_id is None or model.config.pad_token_id is None:
            raise self._unfit("its tokenizer or config.json names no token to fill texts up with")

    def _unfit(self, found: str) -> ConfigError:
        return ConfigError(
            f"text.model must be a classifier that transformers can load, however "
            f"{self._folder}: {found}. Download all its files again, or choose another model"
        )


def _longest(tokenizer: Any, model: Any) -> int:
    """Tokens that are read: the tokenizer's bound, else two below the model's positions.

    A tokenizer without a bound says a huge number, and some models keep two positions for
    themselves.
    """
    bound = tokenizer.model_max_length
    positions = getattr(model.config, "max_position_embeddings", None) or LONGEST + 2
    return int(min(LONGEST, bound if bound <= positions else positions - 2))


@contextmanager
def _quiet() -> Iterator[None]:
    """Transformers without its progress bars and warnings on the terminal."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
