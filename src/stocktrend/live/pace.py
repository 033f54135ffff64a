"""How often a host is asked."""

import threading
import time
from collections.abc import Callable


class Pace:
    """Keeps requests to one host apart; all that ask this host share it, in whatever thread.

    >>> now = [100.0]
    >>> pace = Pace(30, clock=lambda: now[0], sleep=lambda seconds: now.append(seconds))
    >>> pace.wait(), pace.wait()
    (None, None)
    >>> now[1:]
    [2.0]
    """

    def __init__(
        self,
        per_minute: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Begin.

        Args:
            per_minute: At most so many requests a minute, evenly spaced.
            clock: Seconds from any beginning.
            sleep: Waits for so many seconds.
        """
        self._apart = 60 / per_minute
        self._clock = clock
        self._sleep = sleep
        self._free = clock()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may go out."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._free)
            self._free = turn + self._apart
        if turn > now:
            self._sleep(turn - now)
