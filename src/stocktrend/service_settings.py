"""Settings of the live sources: services on the internet that records keep coming from.

Keys are no settings, so that no copy of the settings can hold one: see ``stocktrend.live.keys``.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, field_serializer

HIDDEN: Final = "***"


class Service(BaseModel):
    """A service. ``name`` is stored with each record, in place of the kind.

    ``base_url`` leads to another server of the same interface. At most ``per_minute`` requests a
    minute go to its host, and at most ``per_hour`` in any hour, null: no such limit. Records are
    asked for from ``since`` on, null: from the start of what the service has, or ten years ago
    where that is unlimited.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = Field(None, min_length=1)
    base_url: str
    per_minute: float = Field(60, gt=0)
    per_hour: int | None = Field(None, gt=0)
    since: date | None = None

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, shown_address(value) if name == "base_url" else value

    @field_serializer("base_url", when_used="json")
    def _as_shown(self, base_url: str) -> str:
        """As it is printed, and kept with runs: a password or token in it is for requests alone."""
        return shown_address(base_url)


def shown_address(address: str) -> str:
    """An address without what only the service should see.

    >>> shown_address("https://me:secret@example.org/feed.xml?token=secret")
    'https://***@example.org/feed.xml?***'
    """
    try:
        parts = urlsplit(address)
    except ValueError:  # it is none, and whoever asks there says so
        return HIDDEN
    _, at, host = parts.netloc.rpartition("@")
    netloc = f"{HIDDEN}@{host}" if at else host
    return urlunsplit((parts.scheme, netloc, parts.path, HIDDEN if parts.query else "", ""))


class Vendor(Service):
    """A vendor of daily bars, of ``tickers`` or of all that are wanted.

    Vendors are asked in their order, each for the tickers that none before it has. One that is to
    ``compare`` is asked for all of its tickers, and where it and the vendor that has them disagree
    is reported.
    """

    tickers: tuple[str, ...] | None = None
    compare: bool = False


class YFinance(Vendor):
    """Daily bars of Yahoo Finance by the library yfinance, which finds its server itself."""

    kind: Literal["yfinance"] = "yfinance"
    base_url: Literal[""] = ""


class Tiingo(Vendor):
    """Daily bars of Tiingo, adjusted for splits and dividends; needs a key.

    ``per_hour`` is what a free key allows.
    """

    kind: Literal["tiingo"] = "tiingo"
    base_url: str = "https://api.tiingo.com"
    per_hour: int | None = Field(50, gt=0)


class Stooq(Vendor):
    """Daily bars of Stooq, adjusted for splits; needs a key."""

    kind: Literal["stooq"] = "stooq"
    base_url: str = "https://stooq.com"
    per_minute: float = Field(20, gt=0)
    suffix: str = ".us"


class Fred(Service):
    """Series of FRED with their vintages of ALFRED; needs a key.

    A value is known at 23:59 New York of the day on which it, or its revision, was released.
    """

    kind: Literal["fred"] = "fred"
    base_url: str = "https://api.stlouisfed.org"
    per_minute: float = Field(100, gt=0)
    series: tuple[str, ...] | None = None


class NewsFeed(Service):
    """An RSS or Atom feed, of one ticker or (``*``) of the market; ``base_url`` is its address."""

    kind: Literal["rss"] = "rss"
    ticker: str = "*"


class Gdelt(Service):
    """Articles that GDELT's document interface finds: a query a ticker (``*``: the market)."""

    kind: Literal["gdelt"] = "gdelt"
    base_url: str = "https://api.gdeltproject.org"
    per_minute: float = Field(10, gt=0)
    queries: dict[str, str]


class Finnhub(Service):
    """Company news of Finnhub; needs a key."""

    kind: Literal["finnhub"] = "finnhub"
    base_url: str = "https://finnhub.io"
    tickers: tuple[str, ...] | None = None


class FedPress(Service):
    """Press releases of the Federal Reserve."""

    kind: Literal["fed_press"] = "fed_press"
    base_url: str = "https://www.federalreserve.gov"


class FederalRegister(Service):
    """Documents of the Federal Register; ``types`` are its own: PRESDOCU, RULE, PRORULE, NOTICE."""

    kind: Literal["federal_register"] = "federal_register"
    base_url: str = "https://www.federalregister.gov"
    types: tuple[str, ...] = ("PRESDOCU",)


class PolicyUncertainty(Service):
    """The daily index of economic policy uncertainty (Baker, Bloom and Davis)."""

    kind: Literal["policy_uncertainty"] = "policy_uncertainty"
    base_url: str = "https://www.policyuncertainty.com"
    per_minute: float = Field(10, gt=0)
    series: str = "USEPUINDXD"
