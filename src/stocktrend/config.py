"""Every setting in one place, as frozen models.

Values come from, strongest first: arguments, environment (``STOCKTREND_...``, nested with two
underscores), the YAML file ``<data_root>/stocktrend.yaml``, defaults. Paths of sources are
relative to the data root and may be globs.
"""

import re
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from stocktrend.recipe import CROSS_SECTIONAL_FROM, PRESETS, Recipe
from stocktrend.sessions import Frequency
from stocktrend.source_settings import (
    BarsFile,
    Calendar,
    EventsFile,
    ExecutiveOrdersFile,
    FomcFile,
    FredMdFile,
    GdpEstimatesFile,
    IndexFile,
    Lag,
    MembershipFile,
    Model,
    NewsFile,
    NextBusinessDay,
    Release,
    SeriesFile,
    SourceFile,
    Sources,
)

__all__ = [
    "BarsFile",
    "Calendar",
    "EventsFile",
    "ExecutiveOrdersFile",
    "FomcFile",
    "FredMdFile",
    "GdpEstimatesFile",
    "IndexFile",
    "Lag",
    "MembershipFile",
    "NewsFile",
    "NextBusinessDay",
    "Release",
    "SeriesFile",
    "Settings",
    "SourceFile",
    "Sources",
    "Split",
    "TextScoring",
    "WalkForward",
    "feature_parts",
]


class Split(Model):
    """Shares of the dates, oldest first; or the last date of training and of validation."""

    train: float = Field(0.7, gt=0, lt=1)
    validation: float = Field(0.15, gt=0, lt=1)
    train_end: date | None = None
    validation_end: date | None = None

    @model_validator(mode="after")
    def _leaves_test_dates(self) -> Self:
        if (self.train_end is None) != (self.validation_end is None):
            raise ValueError(
                "split.train_end and split.validation_end must be given together, however: "
                f"{self.train_end} and {self.validation_end}. Add the other one"
            )
        if self.train_end is None and self.train + self.validation >= 1:
            raise ValueError(
                "split.train + split.validation must be below 1, so that test dates are left, "
                f"however: {self.train:g} + {self.validation:g}. Make one smaller"
            )
        if self.train_end and self.validation_end and self.train_end >= self.validation_end:
            raise ValueError(
                "split.train_end must be before split.validation_end, however: "
                f"{self.train_end} and {self.validation_end}. Swap or move them"
            )
        return self


class WalkForward(Model):
    """How a study walks forward: it tests one period after the other, and retrains before each.

    ``window`` is ``expanding``, or the length of a rolling one that ends where the tests begin;
    lengths are a number with d, w, mo or y. ``validation`` is a share of the dates before a test
    period, its last ones; ``embargo`` leaves that many days free before validation and test.
    ``controls`` names what the model is compared with; null takes all.
    """

    window: str = "expanding"
    every: str = "1y"
    first_test: date | None = None
    validation: float = Field(0.15, gt=0, lt=1)
    embargo: int = Field(0, ge=0)
    controls: tuple[str, ...] | None = None

    @field_validator("every", "window")
    @classmethod
    def _is_a_length(cls, value: str, field: ValidationInfo) -> str:
        if not re.fullmatch(r"[1-9]\d*(d|w|mo|y)", value) and (field.field_name, value) != (
            "window",
            "expanding",
        ):
            also = "expanding or " if field.field_name == "window" else ""
            raise ValueError(
                f"walk_forward.{field.field_name} must be {also}a number of d, w, mo or y, "
                f"however: {value!r}. Write 1y, 6mo or 90d"
            )
        return value


class TextScoring(Model):
    """What scores the texts of news: the lexicon, or a classifier in a folder.

    ``model`` is a folder in the layout of Hugging Face, relative to the data root; null takes the
    lexicon. ``labels`` gives the score in [-1, 1] of each of its labels, where their names do not
    say it. ``languages`` are those that it reads.
    """

    model: str | None = None
    labels: dict[str, Annotated[float, Field(ge=-1, le=1)]] | None = None
    languages: tuple[str, ...] = ("en",)

    @field_validator("languages")
    @classmethod
    def _are_codes(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        if not languages or not all(re.fullmatch("[a-z]{2,3}", code) for code in languages):
            raise ValueError(
                "text.languages must be codes of two or three small letters, however: "
                f"{list(languages)}. Write for example [en, de]"
            )
        return languages

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.model is None and (self.labels is not None or self.languages != ("en",)):
            raise ValueError(
                "text.labels and text.languages must come with text.model, however it names no "
                "folder. Name one, or leave them out: the lexicon reads English"
            )
        if self.labels is not None and len(set(self.labels.values())) < 2:
            raise ValueError(
                f"text.labels must tell scores apart, however: {self.labels}. "
                "Write for example {LABEL_0: -1, LABEL_1: 0, LABEL_2: 1}"
            )
        return self


def feature_parts(entry: str) -> tuple[str, str | None]:
    """Path and name, None for all, of an entry of ``features``.

    >>> feature_parts("my_features.py:gap_5")
    ('my_features.py', 'gap_5')
    """
    found = re.fullmatch(r"(.+\.py)(?::(\w+))?", entry)
    if found is None:
        raise ValueError(
            f"features must be Python files, however: {entry!r}. "
            "Write my_features.py, or my_features.py:gap_5 for one of its features"
        )
    return found[1], found[2]


class Settings(Model):
    """What a data root is made of and how it is modelled."""

    exchange: str = "XNYS"
    frequency: Frequency = "weekly"
    horizons: tuple[Annotated[int, Field(ge=1, le=400)], ...] = (7, 30)
    start: date | None = None
    end: date | None = None
    tickers: tuple[str, ...] | None = None
    sources: Sources = Sources()
    text: TextScoring = TextScoring()
    features: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    sectors: str | None = None
    costs_bp: float = Field(10.0, ge=0, le=1000)
    preset: Literal["auto", "original", "cross_sectional"] = "auto"
    recipe: dict[str, Any] = Field(default_factory=dict)
    split: Split = Split()
    walk_forward: WalkForward = WalkForward()
    coverage: float = Field(0.9, ge=0.5, le=0.99)
    seed: int = Field(0, ge=0)
    threads: int | None = Field(None, ge=1)

    @field_validator("horizons")
    @classmethod
    def _are_distinct(cls, horizons: tuple[int, ...]) -> tuple[int, ...]:
        if not horizons or len(set(horizons)) < len(horizons):
            raise ValueError(
                f"horizons must be one or more distinct days, however: {list(horizons)}. "
                "Write for example [7, 30]"
            )
        return horizons

    @field_validator("tickers")
    @classmethod
    def _name_one(cls, tickers: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if tickers == ():
            raise ValueError(
                "tickers must name one or more, however: none. Leave the setting out for all"
            )
        return tickers

    @field_validator("checks")
    @classmethod
    def _are_python(cls, checks: tuple[str, ...]) -> tuple[str, ...]:
        for entry in checks:
            if not entry.endswith(".py"):
                raise ValueError(
                    f"checks must be Python files, however: {entry!r}. Write my_checks.py"
                )
        return checks

    @field_validator("features")
    @classmethod
    def _name_files(cls, features: tuple[str, ...]) -> tuple[str, ...]:
        for entry in features:
            feature_parts(entry)
        return features

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> Self:
        if self.start is not None and self.end is not None and self.start > self.end:
            raise ValueError(
                f"start must not be after end, however: {self.start} and {self.end}. Swap them"
            )
        return self

    def recipe_for(self, tickers: int) -> tuple[str, Recipe]:
        """The preset's name and the recipe, with the user's overrides, for a universe size.

        Epochs or a batch size of the user's own are taken literally: ``min_steps`` is then 0.
        """
        name = self.preset
        if name == "auto":
            name = "cross_sectional" if tickers >= CROSS_SECTIONAL_FROM else "original"
        chosen = PRESETS[name].model_dump() | self.recipe
        if self.recipe.keys() & {"epochs", "batch_size"} and "min_steps" not in self.recipe:
            chosen["min_steps"] = 0
        return name, Recipe.model_validate(chosen)
