"""Every setting in one place, as frozen models.

Values come from, strongest first: arguments, environment (``STOCKTREND_...``, nested with two
underscores), the YAML file ``<data_root>/stocktrend.yaml``, defaults. Paths of sources are
relative to the data root and may be globs.
"""

import re
from datetime import date, time
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from stocktrend.recipe import CROSS_SECTIONAL_FROM, PRESETS, Recipe
from stocktrend.sessions import Frequency


class Model(BaseModel):
    """A frozen group of settings; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- when a dated value is known ---------------------------------------------------------------


class NextBusinessDay(Model):
    """Known at ``at`` New York time of the next business day: daily rates, VIX, uncertainty."""

    rule: Literal["next_business_day"] = "next_business_day"
    at: time = time(10, 0)


class Lag(Model):
    """Known ``days`` after the label date, 23:59 New York: use the longest lag ever seen."""

    rule: Literal["lag"] = "lag"
    days: int = Field(ge=0)


class Calendar(Model):
    """Known at 23:59 New York of the release date that a calendar file gives for the period.

    The file has ``release``, ``ref_period`` and ``release_date``. A period that it lacks falls
    back to the label date plus ``longest_lag_days``.
    """

    rule: Literal["calendar"] = "calendar"
    path: str
    release: str
    longest_lag_days: int = Field(ge=0)


Release = Annotated[NextBusinessDay | Lag | Calendar, Field(discriminator="rule")]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a folder of zones
        zones = {zone.casefold(): zone for zone in sorted(available_timezones())}
        close = get_close_matches(name.casefold(), zones, 1)
        remedy = f"Did you mean {zones[close[0]]}?" if close else "Use UTC or America/New_York"
        raise ValueError(
            f"timezone must be a name of the tz database, however: {name!r}. {remedy}"
        ) from error
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]


# --- sources -----------------------------------------------------------------------------------


class FileSource(Model):
    """A glob of files. ``columns`` maps our column names to the file's, where they differ."""

    path: str
    name: str | None = None
    columns: dict[str, str] = {}


class BarsFile(FileSource):
    """Daily bars: CSV or Parquet, columns in any order and case; one ticker a file or a column."""

    kind: Literal["bars"] = "bars"


class NewsFile(FileSource):
    """Headlines or posts: JSON, JSON lines, CSV or Parquet, plain, .gz or .zst.

    ``start`` and ``end`` declare the period that the source covers: outside it the news features
    are null, inside it silence is a fact. Without them the period runs from the first item on.
    ``timezone`` is that of timestamps without an offset.
    """

    kind: Literal["news"] = "news"
    timezone: TimeZone = "UTC"
    start: date | None = None
    end: date | None = None


class SeriesFile(FileSource):
    """A FRED-style ``date,value`` CSV. ``series`` defaults to the file's name."""

    kind: Literal["series"] = "series"
    series: str | None = None
    release: Release | None = None
    revised: bool | None = None


class FredMdFile(FileSource):
    """FRED-MD vintages as deltas (``series, obs_date, vintage, value``).

    A vintage is usable from the first day of the next month, or from the release of its newest
    observation where a calendar dates it. ``series`` maps our names to the file's.
    """

    kind: Literal["fred_md"] = "fred_md"
    series: dict[str, str]
    calendars: dict[str, Calendar] = {}


class GdpEstimatesFile(FileSource):
    """First, second and third estimate of a quarter with their release dates."""

    kind: Literal["gdp_estimates"] = "gdp_estimates"
    series: str = "GDPC1"
    rebased: tuple[str, ...] = (
        "1995Q4",
        "1999Q3",
        "2003Q4",
        "2009Q2",
        "2013Q2",
        "2018Q2",
        "2023Q3",
    )


class FomcFile(FileSource):
    """Rate decisions and statements with their release time.

    ``published`` names decisions that were published on a later day (known at its 23:59 New
    York), as the one of 2019-10-04, which came out on 2019-10-11.
    """

    kind: Literal["fomc"] = "fomc"
    published: dict[date, date] = {date(2019, 10, 4): date(2019, 10, 11)}


class ExecutiveOrdersFile(FileSource):
    """Presidential orders, known at publication; later dispositions are never read."""

    kind: Literal["executive_orders"] = "executive_orders"


class EventsFile(FileSource):
    """Any other acts of policy: a publication date or timestamp, and a title or text if any.

    ``event_kind`` names what they are (speech, minutes, sanction, ...); a date alone means 23:59
    New York, a timestamp without an offset is in ``timezone``.
    """

    kind: Literal["events"] = "events"
    event_kind: str = "event"
    timezone: TimeZone = "UTC"


class IndexFile(FileSource):
    """A daily policy index (``date,value``), stored as a dated series."""

    kind: Literal["index"] = "index"
    series: str = "USEPUINDXD"
    release: Release = NextBusinessDay()


class MembershipFile(FileSource):
    """Who was in the universe: ``ticker, start_date, end_date``, one row a spell.

    ``end_date`` is the first day out, empty for those that are in still. A change counts from the
    start of its day in New York, or from 23:59 of ``start_announced`` or ``end_announced`` where
    the file has those columns and that is later.
    """

    kind: Literal["membership"] = "membership"


PriceSource = BarsFile
MacroSource = Annotated[SeriesFile | FredMdFile | GdpEstimatesFile, Field(discriminator="kind")]
PolicySource = Annotated[
    FomcFile | ExecutiveOrdersFile | IndexFile | EventsFile, Field(discriminator="kind")
]


SourceFile = (
    BarsFile
    | NewsFile
    | SeriesFile
    | FredMdFile
    | GdpEstimatesFile
    | FomcFile
    | ExecutiveOrdersFile
    | EventsFile
    | IndexFile
    | MembershipFile
)
"""Any configured source."""


class Sources(Model):
    """The files of each record kind. A kind that is null takes ``raw/<kind>/`` as it is."""

    prices: tuple[PriceSource, ...] | None = None
    news: tuple[NewsFile, ...] | None = None
    policy: tuple[PolicySource, ...] | None = None
    macro: tuple[MacroSource, ...] | None = None
    universe: tuple[MembershipFile, ...] | None = None


# --- model and training ------------------------------------------------------------------------


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
    features: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    preset: Literal["auto", "original", "cross_sectional"] = "auto"
    recipe: dict[str, Any] = {}
    split: Split = Split()
    seed: int = Field(0, ge=0)
    threads: int = Field(1, ge=1)

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
