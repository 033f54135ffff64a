"""What a live source is: parts to ask for, one after the other, each as batches of records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from stocktrend.live.http import Http
from stocktrend.sources.batch import Batch

NEW_YORK: Final = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class Window:
    """What is asked of a part.

    Attributes:
        since: First day wanted, by the clock of the service (session, publication, release).
        now: When it is asked, UTC. Nothing that claims to be later than this day is believed.
    """

    since: date
    now: datetime

    @property
    def today(self) -> date:
        """The day in New York, where all services of the project keep their calendars."""
        return self.now.astimezone(NEW_YORK).date()

    def years(self) -> tuple[tuple[date, date | None], ...]:
        """First and last day of the requests that ask for it; None: an open end.

        The years before this one and this one are asked for apart, from a year's first day on, so
        that on most days the question is the same as the day before.

        >>> from datetime import UTC
        >>> window = Window(date(2015, 6, 1), datetime(2024, 3, 1, tzinfo=UTC))
        >>> [(str(first), str(last)) for first, last in window.years()]
        [('2015-01-01', '2023-12-31'), ('2024-01-01', 'None')]
        """
        this_year = date(self.today.year, 1, 1)
        if self.since >= this_year:
            return ((this_year, None),)
        return (
            (date(self.since.year, 1, 1), this_year - timedelta(days=1)),
            (this_year, None),
        )


class Source(Protocol):
    """A service as the settings configure it.

    Attributes:
        name: Stored with each record.
        table: Of the lake.
        terms: What a user should know of its terms of use, in a sentence.
        overlap: Days before the last known record that are asked for again, for revisions.
    """

    @property
    def name(self) -> str: ...
    @property
    def table(self) -> str: ...
    @property
    def terms(self) -> str: ...
    @property
    def overlap(self) -> int: ...

    def parts(self, tickers: Sequence[str]) -> tuple[str, ...]:
        """What is asked for one after the other: tickers, series, or one part for all."""

    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        """Ask for a part.

        Args:
            part: One of ``parts``; a batch's ``path`` is ``name:part``.
            window: From when on, and now.
            http: Makes the requests.

        Yields:
            Batches, oldest records first, so that a stop leaves no gap behind what is stored.

        Raises:
            SourceError: the service does not answer, or not with what it should; names the source
                and the remedy, never a key.
        """
