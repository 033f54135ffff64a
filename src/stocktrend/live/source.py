"""What a live source is: parts to ask for, one after the other, each as batches of records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from stocktrend.live.http import Http
from stocktrend.sources.batch import Batch


@dataclass(frozen=True)
class Window:
    """What is asked of a part.

    Attributes:
        since: First day wanted, by the clock of the service (session, publication, release).
        now: When it is asked, UTC. Nothing that claims to be later than this day is believed.
    """

    since: date
    now: datetime


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
