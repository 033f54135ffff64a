"""One writer at a time: two would each overwrite what the other had added meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from stocktrend.errors import LakeError, StocktrendError

try:
    import fcntl
except ImportError:  # Windows has no advisory locks of this kind
    fcntl = None  # type: ignore[assignment]


@contextmanager
def only_writer(
    folder: Path,
    what: str = "the lake",
    error: type[StocktrendError] = LakeError,
    wait: Callable[[str], None] | None = None,
) -> Iterator[bool]:
    """Hold a folder against other programs; the system releases it when a program dies.

    Args:
        folder: Made where it does not exist.
        what: Named in errors.
        error: Type of errors.
        wait: Told, in a line, that another program is waited for; None: that is an error.

    Yields:
        Whether others are held off: not where the system has no such locks.

    Raises:
        LakeError: or ``error``: another program writes there, or the folder cannot be written.
    """
    lock = folder / ".writer"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = lock.open("w")
    except OSError as refused:
        raise error(
            f"The folder of {what} must be one that can be written, however {folder}: {refused}. "
            f"Give yourself the right to write there, or choose another data root"
        ) from refused
    with file:
        if fcntl is not None:
            _hold(file, what, error, wait)
        yield fcntl is not None


def _hold(
    file: TextIO,
    what: str,
    error: type[StocktrendError],
    wait: Callable[[str], None] | None,
) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as held:
        if wait is None:
            raise error(
                f"One program at a time may write to {what}, however another one holds "
                f"{file.name}. Wait for it, then run the command again"
            ) from held
        wait(f"Another program writes to {what}: waiting until it is done")
        fcntl.flock(file, fcntl.LOCK_EX)
