"""How often a host is asked."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

HOUR: Final = 3600.0


class Pace:
    """Keeps requests to one host apart; all that ask this host share it, in whatever thread.

    >>> slept = []
    >>> pace = Pace(30, 3, clock=lambda: 100.0, sleep=slept.append)
    >>> for _ in range(4):
    ...     pace.wait()
    >>> slept
    [2.0, 4.0, 3600.0]
    """

    def __init__(
        self,
        per_minute: float,
        per_hour: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Begin.

        Args:
            per_minute: At most so many requests a minute, evenly spaced.
            per_hour: And at most so many in any hour; None: no such limit.
            clock: Seconds from any beginning.
            sleep: Waits for so many seconds.
        """
        self._apart = 60 / per_minute
        self._last_hour: deque[float] = deque(maxlen=per_hour)
        self._per_hour = per_hour
        self._clock = clock
        self._sleep = sleep
        self._free = clock()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may go out."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._free)
            if self._per_hour is not None:
                if len(self._last_hour) == self._per_hour:
                    turn = max(turn, self._last_hour[0] + HOUR)
                self._last_hour.append(turn)
            self._free = turn + self._apart
        if turn > now:
            self._sleep(turn - now)
