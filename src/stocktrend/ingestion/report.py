"""What an ingest did, per file (as the ledger keeps it) and per source (as people read it)."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Final

MOST_PATHS: Final = 3


@dataclass(frozen=True)
class FileEntry:
    """One file as it was last read.

    ``content`` is a digest of the file and of the calendars that date it, ``settings`` one of
    everything else that decides its records. The counts add up to ``read``.
    """

    path: str
    table: str
    content: str
    settings: str
    read: int
    new: int
    revised: int
    unchanged: int
    duplicate: int
    quarantined: int
    reasons: Mapping[str, int]
    notes: Mapping[str, int]
    first_known: str | None
    last_known: str | None

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "FileEntry":
        """What ``to_json`` wrote."""
        return cls(**json.loads(text))

    def again(self) -> "FileEntry":
        """The entry of a file that was seen before and not read again: all of it unchanged."""
        kept = self.new + self.revised + self.unchanged
        return replace(self, new=0, revised=0, unchanged=kept)


@dataclass(frozen=True)
class SourceReport:
    """One configured source: its files and the fate of every row.

    ``read == new + revised + unchanged + duplicate + quarantined``. ``files_read`` of the
    ``files`` were read this time, the others are as the lake has seen them. ``first_known`` and
    ``last_known`` (ISO, UTC) span the ``known_at`` of the records.
    """

    table: str
    source: str
    path: str
    files: int
    files_read: int
    read: int
    new: int
    revised: int
    unchanged: int
    duplicate: int
    quarantined: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    first_known: str | None = None
    last_known: str | None = None

    @classmethod
    def of(
        cls,
        table: str,
        source: str,
        paths: Iterable[str],
        entries: Iterable[FileEntry],
        files_read: int,
        notes: Mapping[str, int],
    ) -> "SourceReport":
        """Sum the entries of a source's files."""
        held = list(entries)
        shown = list(dict.fromkeys(paths))
        empty = [e.path for e in held if not e.read]
        if empty:
            rest = f" and {len(empty) - MOST_PATHS} more" if len(empty) > MOST_PATHS else ""
            names = ", ".join(empty[:MOST_PATHS]) + rest
            notes = {**notes, f"files without rows ({names})": len(empty)}
        more = [f"and {len(shown) - MOST_PATHS} more"] if len(shown) > MOST_PATHS else []
        return cls(
            table=table,
            source=source,
            path=", ".join([*shown[:MOST_PATHS], *more]),
            files=len(held),
            files_read=files_read,
            read=sum(e.read for e in held),
            new=sum(e.new for e in held),
            revised=sum(e.revised for e in held),
            unchanged=sum(e.unchanged for e in held),
            duplicate=sum(e.duplicate for e in held),
            quarantined=sum(e.quarantined for e in held),
            reasons=_sum(e.reasons for e in held),
            notes={**_sum(e.notes for e in held), **notes},
            first_known=min((e.first_known for e in held if e.first_known), default=None),
            last_known=max((e.last_known for e in held if e.last_known), default=None),
        )


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(total)


@dataclass(frozen=True)
class IngestReport:
    """All sources, also those with nothing new, and what a user should know beside the counts."""

    sources: tuple[SourceReport, ...]
    warnings: tuple[str, ...] = ()
    versions: Mapping[str, int] = field(default_factory=dict)
    retrieved_at: str | None = None

    def total(self, count: str) -> int:
        """The sum of one count (``read``, ``new``, ``quarantined``, ...) over the sources."""
        return sum(int(getattr(source, count)) for source in self.sources)

    @property
    def freshness(self) -> dict[str, datetime]:
        """Table -> when its newest record became known."""
        known: dict[str, datetime] = {}
        for source in self.sources:
            if source.last_known:
                at = datetime.fromisoformat(source.last_known)
                known[source.table] = max(at, known.get(source.table, at))
        return known

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "IngestReport":
        """What ``to_dict`` returned."""
        names = {f.name for f in fields(SourceReport)}
        sources = tuple(
            SourceReport(**{k: v for k, v in source.items() if k in names})
            for source in content["sources"]
        )
        return cls(
            sources=sources,
            warnings=tuple(content["warnings"]),
            versions=dict(content["versions"]),
            retrieved_at=content["retrieved_at"],
        )
