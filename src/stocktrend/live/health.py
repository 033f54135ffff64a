"""How a service fares during an update, and when it is asked no more."""

from dataclasses import dataclass
from typing import Final

from stocktrend.errors import SourceError
from stocktrend.live.http import AnsweredError, NothingError, UnreachableError

FAILURES: Final = 5
"""Parts in a row after which a service counts as down. One of which it has nothing is none."""


@dataclass
class Health:
    """Of one service, part after part.

    Attributes:
        asked: Parts that it was to give.
        failed: Those of them that it did not give, though it does not say that it has nothing.
        error: Why it failed for the first of them.
        row: Parts in a row for which it did not answer.
        down: It is to be asked no more.
    """

    asked: int = 0
    failed: int = 0
    error: str = ""
    row: int = 0
    down: bool = False

    def saw(self, failure: SourceError | None) -> None:
        """Take what came of a part; None: what it should."""
        self.asked += 1
        if failure is not None and not isinstance(failure, NothingError):
            self.failed += 1
            self.error = self.error or str(failure)
        if failure is None or isinstance(failure, AnsweredError):
            self.row = 0
            return
        self.row += 1
        # That there is no connection has nothing to do with the part that is asked for.
        never = isinstance(failure, UnreachableError) and self.row == self.asked
        self.down = self.down or never or self.row >= FAILURES

    @property
    def failing(self) -> bool:
        """It failed for all that it was asked for."""
        return 0 < self.failed == self.asked

    @property
    def failure(self) -> str | None:
        """Why it failed, in a line; None where it did not."""
        if not self.failed:
            return None
        some = f" ({self.failed:,} of {self.asked:,} parts failed or were not asked for)"
        return self.error + (some if self.asked > 1 else "")
