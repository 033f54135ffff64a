"""Until when each part of a live source is in the lake.

A mark is an entry of the lake's ledger, so that going back in the lake's past goes back in the
marks too: what is missing then is asked for again.
"""

from dataclasses import dataclass
from datetime import date

from stocktrend.ingestion.report import FileEntry
from stocktrend.lake.reading import LakeReader


@dataclass(frozen=True)
class Mark:
    """A part of a source that is in the lake.

    Attributes:
        name: ``source:part``.
        table: Of the records.
        until: The day on which it was last asked for; of bars, the newest session that came.
        settings: Digest of the source's settings then.
    """

    name: str
    table: str
    until: date
    settings: str

    def to_json(self) -> str:
        """The entry of the ledger; without counts, so that asking again on a day changes none."""
        return FileEntry(
            path=self.name,
            table=self.table,
            content=self.until.isoformat(),
            settings=self.settings,
            read=0,
            new=0,
            revised=0,
            unchanged=0,
            duplicate=0,
            quarantined=0,
            reasons={},
            notes={},
            first_known=None,
            last_known=None,
        ).to_json()


def read_marks(lake: LakeReader) -> dict[str, Mark]:
    """Name -> mark, of those among the ledger's entries whose content is a day.

    Raises:
        LakeError: the ledger is damaged.
    """
    marks = {}
    for name, text in lake.ledger.entries().items():
        entry = FileEntry.from_json(text)
        try:
            until = date.fromisoformat(entry.content)
        except ValueError:  # the digest of a file
            continue
        marks[name] = Mark(name, entry.table, until, entry.settings)
    return marks
