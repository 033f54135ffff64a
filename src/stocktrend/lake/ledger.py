"""The ledger of files that the lake has seen."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import polars as pl

from stocktrend.lake import delta
from stocktrend.lake.migrations import Change

_COLUMNS: Final = {"path": pl.String, "entry": pl.String}


class Ledger:
    """A Delta table of entries, one a file; what an entry says is the ingest's business.

    Args:
        path: The table's place.
        beside: Tells the versions of the other tables, which every commit notes.
        changes: Of its columns, see ``stocktrend.lake.migrations``.
    """

    def __init__(
        self,
        path: str,
        beside: Callable[[], Mapping[str, int]] = dict,
        changes: Sequence[Change] = (),
    ) -> None:
        self._path = path
        self._beside = beside
        self._changes = changes

    def entries(self) -> dict[str, str]:
        """Path of each file -> its entry.

        Raises:
            LakeError: the ledger is damaged.
        """
        if delta.version(self._path) is None:
            return {}
        return dict(delta.read(self._path, list(_COLUMNS), changes=self._changes).iter_rows())

    def record(
        self, entries: Mapping[str, str], forget: Iterable[str] = (), *, midway: bool = False
    ) -> None:
        """Add or replace entries and drop others, in one commit; the last step of an ingest.

        ``midway`` marks a commit after which tables change until the next one: nobody who goes
        back wants what lies between.

        Raises:
            LakeError: the ledger is damaged, or another program wrote to it meanwhile.
        """
        before = self.entries()
        gone = set(forget)
        after = {path: entry for path, entry in before.items() if path not in gone}
        after |= entries
        if after != before:
            rows = sorted(after.items())
            frame = pl.DataFrame(rows, schema=_COLUMNS, orient="row")
            number = 1 + len(self._changes)
            delta.write(self._path, frame, "overwrite", number, self._beside(), midway)
