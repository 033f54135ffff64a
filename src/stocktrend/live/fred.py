"""FRED: series of the Federal Reserve Bank of St. Louis, with the vintages of its ALFRED archive.

https://fred.stlouisfed.org/docs/api/fred/ : at most 120 requests a minute, 100,000 observations a
page, and 2,000 vintages of a series in an answer, of which a daily series has some 250 a year.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any, Final

from stocktrend.errors import SourceError
from stocktrend.live.alfred import FIRST_DAY, OPEN, Asked, page_of, read_current, read_vintages
from stocktrend.live.answers import LATER, ask
from stocktrend.live.http import Http
from stocktrend.live.source import Window
from stocktrend.service_settings import Fred as FredSetting
from stocktrend.sources.batch import Batch
from stocktrend.sources.clock import DAILY

OBSERVATIONS: Final = "/fred/series/observations"
VINTAGES: Final = "/fred/series/vintagedates"
LARGEST_PAGE: Final = 100_000
MOST_DATES: Final = 10_000
NO_VINTAGES: Final = "does not exist in ALFRED"
"""So FRED answers, with status 400, about a series that it has as it stands today alone."""
BLOCK_YEARS: Final = 5
"""Of real time in one answer; even a vintage a day stays below the limit of 2,000."""
MARGIN_YEARS: Final = 2
"""A first ask reaches back so much further, since features compare values with a year before."""
LONG_AGO: Final = timedelta(days=400)
"""A window that begins longer ago is a first ask."""
FEATURE_SERIES: Final = (
    *("CPIAUCSL", "CPILFESL", "UNRATE", "PAYEMS", "GDPC1", "INDPRO", "UMCSENT"),
    *("DFF", "DGS10", "DGS2", "BAA10Y", "VIXCLS"),
)
"""What the macro features are made from."""


@dataclass(frozen=True)
class Fred:
    """See :class:`stocktrend.live.source.Source`.

    Attributes:
        series: FRED's names, one part each.
        since: From when on records are wanted, as the settings say; None: all.
        page: Observations a page.
    """

    name: str = "fred"
    series: tuple[str, ...] = FEATURE_SERIES
    since: date | None = None
    page: int = LARGEST_PAGE
    table: str = "macro"
    overlap: int = 7
    terms: str = (
        "Free with a key of your own; some series, as VIXCLS, UMCSENT and BAA10Y, are other "
        "parties' and not for redistribution: https://fred.stlouisfed.org/legal/"
    )

    def parts(self, tickers: Sequence[str]) -> tuple[str, ...]:
        """The series."""
        return tuple(dict.fromkeys(self.series))

    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        """Ask for the vintages of a series that were released in the window, and around it."""
        today = window.today
        dates = self._vintage_dates(part, window, http)
        if not dates:
            asked = Asked(part, self.name, today, OPEN, window, None)
            yield read_current(self._all(http, asked, OBSERVATIONS, {}), asked)
            return
        for start, end in spans(self._from(window), today):
            if not any(str(start) < released <= str(end) for released in dates):
                continue
            asked = Asked(part, self.name, start, end, window, date.fromisoformat(dates[0]))
            query = {"realtime_start": str(start), "realtime_end": str(end), "output_type": "1"}
            if part in DAILY and str(start) >= dates[0]:
                # Old values of a series that is not revised are in no later vintage.
                query["observation_start"] = f"{start.year}-01-01"
            records = self._all(http, asked, OBSERVATIONS, query)
            if not records and "observation_start" not in query:
                raise SourceError(
                    f"{self.name} must have values of {part} where it lists vintages, however "
                    f"there are none from {start} to {end}. {LATER}"
                )
            yield read_vintages(records, asked)

    def _from(self, window: Window) -> date:
        """The first release that is asked for."""
        if window.since > max(self.since or date.min, window.today - LONG_AGO):
            return window.since
        return date(max(window.since.year - MARGIN_YEARS, FIRST_DAY.year), 1, 1)

    def _vintage_dates(self, series: str, window: Window, http: Http) -> list[str]:
        asked = Asked(series, self.name, date.min, OPEN, window, None)
        try:
            found = self._all(http, asked, VINTAGES, {}, "vintage_dates", MOST_DATES)
        except SourceError as error:
            if NO_VINTAGES not in str(error):
                raise
            return []
        try:
            return sorted(str(date.fromisoformat(released)) for released in found)
        except (TypeError, ValueError) as error:
            raise SourceError(
                f"Vintage dates of {series} at {self.name} must be YYYY-MM-DD, however: {error}. "
                f"{LATER}"
            ) from error

    def _all(
        self,
        http: Http,
        asked: Asked,
        path: str,
        query: Mapping[str, str],
        field: str = "observations",
        limit: int | None = None,
    ) -> list[Any]:
        """The records of all pages.

        Raises:
            SourceError: there are others than the first page promised.
        """
        size = limit or self.page
        records: list[Any] = []
        total = None
        while total is None or len(records) < total:
            offset = len(records)
            place = {"limit": str(size), "offset": str(offset)}
            question = {"series_id": asked.series, "file_type": "json", **query, **place}
            read = partial(page_of, source=asked.path, field=field, offset=offset)
            more, count = ask(http, read, path, question)
            if len(more) < min(size, count - offset):
                raise SourceError(
                    f"Each page of {asked.path} but the last must be full, however one holds "
                    f"{len(more)} of {size} records. {LATER}"
                )
            if total not in (None, count):
                raise SourceError(
                    f"All pages of {asked.path} must be of one answer, however they count {total} "
                    f"and {count} records. {LATER}"
                )
            records, total = records + more, count
        if offset and len({hash(str(record)) for record in records}) < len(records):
            raise SourceError(
                f"Pages of {asked.path} must hold each record once, however some are there twice. "
                f"{LATER}"
            )
        return records


def source(setting: FredSetting, exchange: str) -> Fred:
    """The source that a setting describes; values are dated by FRED, whatever the exchange."""
    return Fred(setting.name or setting.kind, setting.series or FEATURE_SERIES, setting.since)


def spans(since: date, today: date) -> Iterator[tuple[date, date]]:
    """Periods of real time to ask for: the day before the first release wanted, and the last day.

    >>> [f"{first} {last}" for first, last in spans(date(2018, 5, 1), date(2022, 3, 1))]
    ['2014-12-31 2019-12-31', '2019-12-31 2021-12-31', '2021-12-31 9999-12-31']
    """
    year = since.year if since.year >= today.year else since.year - since.year % BLOCK_YEARS
    while year < today.year:
        last = min(year - year % BLOCK_YEARS + BLOCK_YEARS, today.year) - 1
        yield date(year - 1, 12, 31), date(last, 12, 31)
        year = last + 1
    yield date(today.year - 1, 12, 31), OPEN
