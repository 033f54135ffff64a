"""One writer at a time: two would each overwrite what the other had added meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stocktrend.errors import LakeError

try:
    import fcntl
except ImportError:  # Windows has no advisory locks of this kind
    fcntl = None  # type: ignore[assignment]


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold a lake's folder against other programs; the system releases it when a program dies.

    Raises:
        LakeError: another program writes to the lake, or the folder cannot be written.
    """
    lock = folder / ".writer"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = lock.open("w")
    except OSError as error:
        raise LakeError(
            f"The lake must be a folder that can be written, however {folder}: {error}. Give "
            f"yourself the right to write there, or choose another data root"
        ) from error
    with file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LakeError(
                    f"One program at a time may write to the lake, however another one holds "
                    f"{lock}. Wait for it, then run the command again"
                ) from error
        yield
