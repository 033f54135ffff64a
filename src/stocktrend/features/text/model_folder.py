"""A folder with a text classifier as Hugging Face lays it out: what must be in it, and its digest.

Its layout is that of ``save_pretrained``
(https://huggingface.co/docs/transformers/main_classes/model): ``config.json``, weights in
``model.safetensors`` or shards with an index, and the files of a tokenizer.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stocktrend.errors import ConfigError

CONFIG: Final = "config.json"
WEIGHTS: Final = ("model.safetensors", "model.safetensors.index.json")
VOCABULARY: Final = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
"""Files of which a tokenizer has one; without any, transformers makes one that knows no word."""
PICKLED: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt")
DECIDING: Final = frozenset({".json", ".txt", ".model", ".codes", ".safetensors"})
"""Ends of the files that decide what a model says; a folder may hold a README and more."""
KIND: Final = "ForSequenceClassification"
SCORES: Final = {
    name: score
    for score, names in {
        1.0: ("positive", "pos", "bullish", "5 stars"),
        0.5: ("4 stars",),
        0.0: ("neutral", "neu", "3 stars"),
        -0.5: ("2 stars",),
        -1.0: ("negative", "neg", "bearish", "1 star"),
    }.items()
    for name in names
}
"""What the usual names of labels say, in small letters."""


def model_digest(folder: Path) -> str:
    """64 hex digits of the files of a folder that decide what its model says.

    Raises:
        ConfigError: the folder is not there or cannot be read.
    """
    try:
        files = sorted(f for f in folder.iterdir() if f.suffix in DECIDING and f.is_file())
        states = ((file.name, file.stat()) for file in files)
        return _digest(folder, tuple((n, s.st_size, s.st_mtime_ns) for n, s in states))
    except OSError as error:
        raise ConfigError(
            f"text.model must name a folder that can be read, however {folder}: "
            f"{error.strerror}. Paths are relative to the data root: put the folder there or mend "
            "the setting"
        ) from error


@lru_cache(maxsize=8)
def _digest(folder: Path, states: tuple[tuple[str, int, int], ...]) -> str:
    """Of the contents, read again when a size or a time of the files is another."""
    digest = hashlib.sha256()
    for name, size, _ in states:
        digest.update(f"{name} {size}\n".encode())
        with (folder / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def label_scores(folder: Path, given: Mapping[str, float] | None = None) -> NDArray[np.float64]:
    """The score of each output of a folder's classifier, shape ``(outputs,)``.

    Args:
        folder: Checked for all that can be told without running anything.
        given: Label -> score; by default the labels' names have to say it.

    Raises:
        ConfigError: with every problem found.
    """
    problems = _missing(folder)
    if problems:
        raise ConfigError(problems)
    config = _config(folder)
    labels = {int(n): str(name) for n, name in config.get("id2label", _UNNAMED).items()}
    kinds = config.get("architectures") or [KIND]
    if not any(str(kind).endswith(KIND) for kind in kinds):
        problems.append(
            f"text.model must be a classifier of texts, however {folder / CONFIG} names "
            f"{', '.join(map(str, kinds))}. Choose one trained for it, whose architecture is "
            f"named ...{KIND}"
        )
    if len(labels) < 2 or config.get("problem_type") in (
        "regression",
        "multi_label_classification",
    ):
        problems.append(
            "text.model must tell labels of which one holds apart, however "
            f"{folder / CONFIG} has {len(labels)} and is of "
            f"{config.get('problem_type') or 'a regression'}: its numbers have no bounds that a "
            "score could be read from. Choose a model with labels such as positive and negative"
        )
    if problems:
        raise ConfigError(problems)
    return _scores([labels[number] for number in sorted(labels)], given)


_UNNAMED: Final = {"0": "LABEL_0", "1": "LABEL_1"}
"""The labels of a configuration that has none."""


def _missing(folder: Path) -> list[str]:
    """What a folder lacks."""
    if not (folder / CONFIG).is_file():
        return [
            f"text.model must name a folder with {CONFIG}, weights and tokenizer of a model, "
            f"however {folder} has no {CONFIG}. Download all files of the model into it"
        ]
    problems = []
    if not any(file for pattern in VOCABULARY for file in folder.glob(pattern)):
        problems.append(
            f"text.model must have a tokenizer, however {folder} has no {', '.join(VOCABULARY)}. "
            "Download all files of the model into it"
        )
    if any((folder / name).is_file() for name in WEIGHTS):
        return problems
    pickled = sorted(file.name for pattern in PICKLED for file in folder.glob(pattern))
    remedy = (
        "Where you trust it, turn it into safetensors elsewhere: "
        "transformers.AutoModelForSequenceClassification.from_pretrained(folder)"
        ".save_pretrained(folder)"
        if pickled
        else f"Download {WEIGHTS[0]} into it"
    )
    found = f"only {', '.join(pickled)}, and such files can run code" if pickled else "none"
    return [
        *problems,
        f"text.model must have weights in {WEIGHTS[0]}, however {folder} has {found}. {remedy}",
    ]


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
        labels = config.get("id2label", _UNNAMED)
        if sorted(int(number) for number in labels) != list(range(len(labels))):
            raise ValueError("id2label does not number the outputs from 0")
        if not isinstance(labels, dict) or not isinstance(config.get("architectures", []), list):
            raise ValueError("id2label is no mapping, or architectures no list")
        return dict(config)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"text.model must have a {CONFIG} that can be read, however {folder / CONFIG}: "
            f"{error}. Download it again"
        ) from error


def _scores(labels: list[str], given: Mapping[str, float] | None) -> NDArray[np.float64]:
    """Scores in the order of the labels."""
    known = SCORES if given is None else {name.casefold(): value for name, value in given.items()}
    shown = ", ".join(labels)
    unknown = [label for label in labels if label.casefold() not in known]
    if given is not None and (unknown or len(known) != len(labels)):
        raise ConfigError(
            f"text.labels must give each label of the model a score, however it has {shown} and "
            f"the setting {', '.join(given)}. Name these labels and no others"
        )
    scores = np.array([known.get(label.casefold(), 0.0) for label in labels], dtype=np.float64)
    if unknown or not scores.min() < 0 < scores.max():
        example = ", ".join(f"{label}: ..." for label in labels)
        raise ConfigError(
            "text.labels must say what the model's labels are worth where their names do not, "
            f"however they are {shown}. Write labels: {{{example}}}, a number in [-1, 1] each; "
            "the page of the model tells which is which"
        )
    return scores
