"""What a scorer said, kept in a file, so that no text is scored twice.

The file is an SQLite database: a program that is killed leaves it as it was before or after, and
several may use it at a time. Each row has a checksum, and one that does not fit it is scored again.
"""

import sqlite3
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stocktrend.errors import ModelError
from stocktrend.features.text.scorer import TextScorer, asked

TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS scores "
    "(text BLOB PRIMARY KEY, score REAL NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID"
)
ASKED: Final = 500
"""Texts of one query."""
PATIENCE: Final = 60.0
"""Seconds to wait while another program writes."""


class KeptScores:
    """A scorer that asks another one for those texts alone that its file does not know.

    Args:
        scorer: Must give one text one score, whenever it is asked.
        file: Of this scorer alone; made where it is missing, and may be deleted at any time.
    """

    def __init__(self, scorer: TextScorer, file: Path) -> None:
        self._scorer = scorer
        self._file = file
        self.name = scorer.name
        self.languages = scorer.languages

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Scores of shape ``(len(texts),)`` in [-1, 1].

        Raises:
            ModelError: the file is damaged or cannot be written.
            DataError: the scorer breaks its contract; nothing of what it said is kept.
        """
        keys = [sha256(text.encode()).digest() for text in texts]
        with self._open() as database:
            known = dict(_read(database, keys))
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            found = asked(self._scorer, list(new.values()))
            fresh = dict(zip(new, found.tolist(), strict=True))
            known |= fresh
            with self._open() as database, database:
                rows = ((key, score, _checksum(key, score)) for key, score in fresh.items())
                database.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?, ?)", rows)
        return np.array([known[key] for key in keys])

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._file, timeout=PATIENCE)) as database:
                database.execute(TABLE)
                yield database
        except (sqlite3.Error, OSError) as error:
            raise ModelError(
                f"scores of texts must be kept in {self._file}, however: {error}. Make room and "
                "give yourself the right to write there; a damaged file may be deleted, its texts "
                "are then scored again"
            ) from error


def _read(database: sqlite3.Connection, keys: Sequence[bytes]) -> Iterator[tuple[bytes, float]]:
    """Scores of those keys that are there and whole."""
    wanted = list(dict.fromkeys(keys))
    for start in range(0, len(wanted), ASKED):
        some = wanted[start : start + ASKED]
        marks = ",".join("?" * len(some))
        rows = database.execute(f"SELECT * FROM scores WHERE text IN ({marks})", some)
        for key, score, checksum in rows:
            if isinstance(score, float) and checksum == _checksum(key, score):
                yield key, score


def _checksum(key: bytes, score: float) -> int:
    return zlib.crc32(key + struct.pack("<d", score))
