"""Settings of the sources: the files of each record kind, and when what they say was known."""

from datetime import date, time
from difflib import get_close_matches
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag

from stocktrend.service_settings import (
    FederalRegister,
    FedPress,
    Finnhub,
    Fred,
    Gdelt,
    NewsFeed,
    PolicyUncertainty,
    Stooq,
    Tiingo,
    YFinance,
)


class Model(BaseModel):
    """A frozen group of settings; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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


def _kind(default: str) -> Discriminator:
    """By ``kind``, which an entry of files may leave out where files are of one kind."""

    def kind(entry: Any) -> str:
        found = entry.get("kind") if isinstance(entry, dict) else getattr(entry, "kind", None)
        return str(found or default)

    return Discriminator(kind)


PriceSource = Annotated[
    Annotated[BarsFile, Tag("bars")]
    | Annotated[YFinance, Tag("yfinance")]
    | Annotated[Tiingo, Tag("tiingo")]
    | Annotated[Stooq, Tag("stooq")],
    _kind("bars"),
]
NewsSource = Annotated[
    Annotated[NewsFile, Tag("news")]
    | Annotated[NewsFeed, Tag("rss")]
    | Annotated[Gdelt, Tag("gdelt")]
    | Annotated[Finnhub, Tag("finnhub")],
    _kind("news"),
]
MacroSource = Annotated[
    SeriesFile | FredMdFile | GdpEstimatesFile | Fred, Field(discriminator="kind")
]
PolicySource = Annotated[
    FomcFile
    | ExecutiveOrdersFile
    | IndexFile
    | EventsFile
    | FedPress
    | FederalRegister
    | PolicyUncertainty,
    Field(discriminator="kind"),
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
"""Any configured source of files."""


class Sources(Model):
    """Files and services of each record kind. One that is null takes ``raw/<kind>/`` as it is.

    Vendors of prices are asked in their order: the first that has a ticker's bars gives them.
    """

    prices: tuple[PriceSource, ...] | None = None
    news: tuple[NewsSource, ...] | None = None
    policy: tuple[PolicySource, ...] | None = None
    macro: tuple[MacroSource, ...] | None = None
    universe: tuple[MembershipFile, ...] | None = None
