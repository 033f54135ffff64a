"""What a live source asks for an answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from stocktrend.errors import SourceError


@dataclass(frozen=True)
class Answer:
    """The body of an answer with status 200, complete and decompressed.

    ``kind`` is its media type in lower case (``application/json``), empty where none was given;
    ``charset`` the one that came with it, None where none was.
    """

    body: bytes
    kind: str
    charset: str | None = None


class UnreachableError(SourceError):
    """No connection to a service can be made, whatever it is to be asked for."""


class AnsweredError(SourceError):
    """A service answered, if not with what it should: it is not down."""


class NothingError(AnsweredError):
    """All services that were asked answered that they have nothing of a part."""


class Http(Protocol):
    """Asks one host, politely: at its rate, again after faults, with what is on disk known."""

    def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        check: Callable[[Answer], object] | None = None,
    ) -> Answer:
        """Ask for a path below the source's ``base_url``; keys are added on the way out.

        Args:
            path: Empty: ``base_url`` itself.
            query: Names and values.
            check: Raises SourceError for an answer that is not what it should be: such a one is
                not kept on disk, and asked for again, as after a fault.

        Raises:
            NothingError: the service knows nothing at this place.
            UnreachableError: there is no connection, in none of the attempts.
            SourceError: no complete answer after all attempts, or one that no attempt can mend;
                names the source, the address without keys, and the remedy.
        """
