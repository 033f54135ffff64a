"""Answers of a service on disk, with what is needed to ask whether they have changed."""

import hashlib
import logging
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from stocktrend.live.extra import extra
from stocktrend.live.http import Answer

with extra():
    from hishel import Entry, Headers, Request, Response, SqliteStorage

MOST: Final = 512 * 1024**2
"""Bytes of answers that are kept of one service; the longest unused go first."""

# What cannot be kept is asked for again; the library's tracebacks would help nobody.
logging.getLogger("hishel").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Kept:
    """An answer with its validators, RFC 9110 section 8.8; None where the service gave none."""

    answer: Answer
    etag: str | None
    modified: str | None

    @property
    def conditions(self) -> dict[str, str]:
        """Headers that ask for an answer only if it is not this one."""
        given = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in given.items() if value}


class Cache:
    """Whole answers by address, in a SQLite file that outlives kills and takes several programs.

    Nothing in it is ever an answer by itself: it is used where the service says that it has not
    changed. So it can be deleted at any time, and a damaged file is.
    """

    def __init__(self, file: Path) -> None:
        """Open or make it; what cannot be opened keeps nothing."""
        if not _sound(file):
            for end in ("", "-wal", "-shm"):
                with suppress(OSError):
                    file.with_name(file.name + end).unlink(missing_ok=True)
        self._storage = _storage(file)

    def find(self, address: str) -> Kept | None:
        """The answer that is kept of an address, if it is whole."""
        for entry in self._entries(address):
            kept = _read(entry)
            if kept is not None:
                return kept
            self._remove([entry])
        return None

    def keep(self, address: str, kept: Kept) -> None:
        """Keep an answer in place of what was kept of the address."""
        before = self._entries(address)
        # Only hashes: an address may hold what is nobody's business.
        request = Request(method="GET", url=_key(address))
        written = {
            "etag": kept.etag,
            "last-modified": kept.modified,
            "content-type": kept.answer.kind,
            "x-charset": kept.answer.charset,
            "x-sha256": hashlib.sha256(kept.answer.body).hexdigest(),
        }
        headers = Headers({name: value for name, value in written.items() if value})
        response = Response(200, headers, iter((kept.answer.body,)))
        with suppress(sqlite3.Error, OSError, RuntimeError):
            entry = self._storage.create_entry(request, response, _key(address))
            for _ in _stream(entry):  # what is read is written
                pass
        self._remove(before)

    def forget(self, address: str) -> None:
        """Keep nothing of an address."""
        self._remove(self._entries(address))

    def close(self) -> None:
        """Let go of the file."""
        with suppress(sqlite3.Error):
            self._storage.close()

    def _entries(self, address: str) -> list[Entry]:
        with suppress(sqlite3.Error, OSError, RuntimeError):
            return self._storage.get_entries(_key(address))
        return []

    def _remove(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            with suppress(sqlite3.Error, OSError, RuntimeError):
                self._storage.remove_entry(entry.id)


def _sound(file: Path) -> bool:
    """Whether SQLite can read all of it, or there is none."""
    try:
        if not file.exists():
            return True
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA busy_timeout=5000")
            held = connection.execute("PRAGMA quick_check(1)").fetchone()
        with closing(_storage(file)) as storage:
            storage.get_entries("")  # of another version of the library: its tables are refused
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    except (sqlite3.Error, RuntimeError):
        return False
    except OSError:  # no file can be called so
        return True
    return bool(held == ("ok",))


def _storage(file: Path) -> SqliteStorage:
    return SqliteStorage(database_path=file, max_size=MOST)


def _read(entry: Entry) -> Kept | None:
    """What is kept, None where it is damaged."""
    headers = entry.response.headers
    try:
        body = b"".join(_stream(entry))
    except (sqlite3.Error, OSError, RuntimeError, TypeError):
        return None
    if headers.get("x-sha256") != hashlib.sha256(body).hexdigest():
        return None
    answer = Answer(body, headers.get("content-type") or "", headers.get("x-charset"))
    return Kept(answer, headers.get("etag"), headers.get("last-modified"))


def _stream(entry: Entry) -> Iterator[bytes]:
    return cast(Iterator[bytes], entry.response.stream)


def _key(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()
