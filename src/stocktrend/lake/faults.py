"""What went wrong with a table's files, told so that the reader knows what to do."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import polars as pl
from deltalake.exceptions import CommitFailedError, DeltaError

from stocktrend.errors import LakeError

NO_ROOM: Final = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
NOT_YOURS: Final = (errno.EACCES, errno.EPERM, errno.EROFS)
RESTORE: Final = (
    "Go back to the newest state that is whole with `stocktrend lake restore --intact`, then "
    "ingest again: the raw files bring back what came since"
)


@contextmanager
def mapped(path: str) -> Iterator[None]:
    """Errors of the libraries and of the system as one that says what to do.

    Args:
        path: The table.

    Raises:
        LakeError: in place of any of them.
    """
    try:
        yield
    except (DeltaError, OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise _told(path, error) from error


def _told(path: str, error: Exception) -> LakeError:
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    number = getattr(error, "errno", None)
    if number is None:  # the libraries hand on the system's errors as text
        found = re.search(r"os error (\d+)", str(error))
        number = int(found.group(1)) if found else None
    if number in NO_ROOM:
        return LakeError(
            f"The lake needs room to grow, however {path}: {os.strerror(number)}. Make room on "
            f"its disk, then run the command again; nothing is lost"
        )
    if number in NOT_YOURS:
        return refused(path, os.strerror(number))
    if isinstance(error, CommitFailedError):
        return LakeError(
            f"One program at a time may write to the lake, however {path} changed meanwhile. "
            f"Run the command again"
        )
    return damaged(path, first)


def damaged(path: str, reason: str) -> LakeError:
    """A table that cannot be read as it was written."""
    return LakeError(
        f"A lake table must be readable and complete, however {path}: {reason}. {RESTORE}"
    )


def let_go(path: str, version: int, reason: str) -> LakeError:
    """A past version that cannot be read any more; the newest may be as it should."""
    return LakeError(
        f"A past version must have all its files to be read, however version {version} of {path}: "
        f"{reason}. A vacuum with --forget-runs removed them, or they are damaged; `stocktrend "
        f"lake history` lists the versions that are there"
    )


def refused(path: str | Path, reason: str | OSError) -> LakeError:
    """Files that the system does not let us read, write or remove."""
    return LakeError(
        f"The lake's files must be yours to read, write and remove, however {path}: {reason}. Give "
        f"yourself that right, then run the command again; nothing is lost"
    )
