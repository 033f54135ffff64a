"""The steps of an ingest.

1. The plan names the files of each source.
2. A file is not read again while the ledger knows its content and its settings.
3. Where the settings of a file changed, its records are removed first: they may be dated otherwise.
   So are those of a file that lies there still but that no source reads any more, since they would
   stand beside what replaced them, as latest revisions beside vintages. What a deleted file held
   stays. Nothing is removed before a rehearsal has read all that is to replace it: wrong settings
   leave the lake as it was.
4. Files are read, and the records of many files become one commit of their table.
5. What was refused goes to quarantine, and last the files to the ledger: a stop anywhere leaves a
   lake that the next ingest completes to the same records, the same quarantine and a ledger of the
   same files. Counts are of what an ingest itself did: records that were stored before the stop
   are unchanged to the next one, not new.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import polars as pl

from stocktrend.atomic import write_json
from stocktrend.config import NewsFile, Settings
from stocktrend.errors import LakeError, SourceError
from stocktrend.ingestion.commit import Pending
from stocktrend.ingestion.findings import (
    bar_findings,
    contradictions,
    early_ends,
    universe_findings,
    unmatched_tickers,
)
from stocktrend.ingestion.report import FileEntry, IngestReport, SourceReport
from stocktrend.lake import Lake
from stocktrend.lake.revisions import ORIGIN
from stocktrend.progress import Progress, silent
from stocktrend.schema import QUARANTINE
from stocktrend.sources.clock import Clock
from stocktrend.sources.files import digest
from stocktrend.sources.plan import Feed, Plan, plan
from stocktrend.sources.read import read_file

LAKE: Final = "lake"
REPORT: Final = "last_ingest.json"
REMOVING: Final = "removing"
"""In the place of a file's settings while its records are removed: no settings are like it."""
READERS: Final = 1
"""Raised when readers date or name records otherwise, so that all files are read anew."""


def ingest(
    root: Path | str,
    settings: Settings,
    *,
    retrieved_at: datetime,
    progress: Progress = silent,
    wait: Callable[[str], None] | None = None,
) -> IngestReport:
    """Bring the raw files that the lake has not seen into it.

    Args:
        root: The data root; the lake is its folder ``lake``.
        settings: Sources and exchange; see ``config.Settings``.
        retrieved_at: When the files were retrieved, with a time zone: ``known_at`` of revisions.
        progress: Told about each file.
        wait: Told in a line that another program is waited for; None: that is an error.

    Returns:
        Counts of every source, also of files that were seen before. The lake's folder keeps the
        report for ``last_report``.

    Raises:
        SourceError: files are missing or unreadable; all readable ones are ingested first, but
            where settings changed nothing is, so that the lake keeps what it has.
        ConfigError: the settings of sources are wrong; the lake is as it was.
        LakeError: the lake is damaged, or another program writes to it.
    """
    root = Path(root)
    if retrieved_at.tzinfo is None:
        raise SourceError(
            f"retrieved_at must have a time zone, however: {retrieved_at!r}. "
            f"Use datetime(..., tzinfo=UTC)"
        )
    planned = plan(settings, root)
    lake = Lake(root / LAKE)
    with lake.writing(wait):
        return _ingest(lake, root, settings, planned, retrieved_at, progress)


def _ingest(
    lake: Lake,
    root: Path,
    settings: Settings,
    planned: Plan,
    retrieved_at: datetime,
    progress: Progress,
) -> IngestReport:
    stale = _changed(lake, root, planned.feeds, settings)
    if stale:
        _rehearse(lake, root, planned.feeds, settings, {entry.path for entry in stale}, progress)
        _forget(lake, stale)
    seen = _entries(lake)
    read: dict[str, FileEntry] = {}
    problems: list[str] = []
    total = sum(len(feed.files) for feed in planned.feeds)
    pending = Pending(lake, retrieved_at)
    clock = Clock(root)
    for done, (feed, path) in enumerate(_files(planned.feeds)):
        progress("ingest", done, total, "files")
        shown = _shown(path, root)
        try:
            content = _content(feed, path, root)
            known = seen.get(shown)
            if known is None or known.content != content:
                batch = read_file(feed, path, shown, clock, settings.exchange)
                read |= pending.add(batch, content, _fingerprint(feed, settings))
        except SourceError as error:
            problems.append(str(error))
    read |= pending.flush()
    progress("ingest", total, total, "files")
    if problems:
        raise SourceError("\n".join([*dict.fromkeys(problems), _done_all_the_same(read)]))
    report = _report(lake, root, planned.feeds, planned.warnings, seen, read, retrieved_at)
    write_json(root / LAKE / REPORT, report.to_dict())
    return report


def last_report(root: Path | str) -> IngestReport | None:
    """The report of the last ingest into a data root, None where there was none.

    Raises:
        LakeError: the report is damaged.
    """
    file = Path(root) / LAKE / REPORT
    if not file.is_file():
        return None
    try:
        return IngestReport.from_dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LakeError(
            f"{file} must hold the report of the last ingest, however: {error!r}. Remove it and "
            f"run `stocktrend ingest`"
        ) from error


def _files(feeds: tuple[Feed, ...]) -> Iterator[tuple[Feed, Path]]:
    for feed in feeds:
        for path in feed.files:
            yield feed, path


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _entries(lake: Lake) -> dict[str, FileEntry]:
    return {path: FileEntry.from_json(text) for path, text in lake.ledger.entries().items()}


def _content(feed: Feed, path: Path, root: Path) -> str:
    digests = [digest(path), *(digest(root / calendar) for calendar in feed.calendars)]
    return (
        digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    )


def _fingerprint(feed: Feed, settings: Settings) -> str:
    """Digest of what decides the records beside the files. A declared period decides none."""
    chosen = feed.setting.model_dump(mode="json", exclude={"path", "start", "end"})
    used = [str(path) for path in feed.calendars]
    content = [READERS, settings.exchange, feed.name, chosen, used]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _changed(
    lake: Lake, root: Path, feeds: tuple[Feed, ...], settings: Settings
) -> list[FileEntry]:
    """Entries of the files that are read otherwise now, or no longer though they are there.

    Those whose removal was stopped are among them, there or not: parts of their records are gone.
    """
    current = {
        _shown(path, root): _fingerprint(feed, settings) for feed in feeds for path in feed.files
    }
    return [
        entry
        for entry in _entries(lake).values()
        if entry.settings == REMOVING
        or ((root / entry.path).is_file() and entry.settings != current.get(entry.path))
    ]


def _rehearse(
    lake: Lake,
    root: Path,
    feeds: tuple[Feed, ...],
    settings: Settings,
    stale: set[str],
    progress: Progress,
) -> None:
    """Read, and keep nothing of, every file that is about to be ingested.

    Raises:
        SourceError: at least one of them cannot be read as the settings say; lists all.
        ConfigError: a setting of a source is wrong.
    """
    kept = {path: entry.content for path, entry in _entries(lake).items() if path not in stale}
    problems: list[str] = []
    total = sum(len(feed.files) for feed in feeds)
    clock = Clock(root)
    for done, (feed, path) in enumerate(_files(feeds)):
        progress("check changed settings", done, total, "files")
        shown = _shown(path, root)
        try:
            if kept.get(shown) != _content(feed, path, root):
                read_file(feed, path, shown, clock, settings.exchange)
        except SourceError as error:
            problems.append(str(error))
    progress("check changed settings", total, total, "files")
    if problems:
        unchanged = "Nothing was ingested, as settings or sources changed: the lake is as it was"
        raise SourceError("\n".join([*dict.fromkeys(problems), unchanged]))


def _done_all_the_same(read: dict[str, FileEntry]) -> str:
    """What an ingest with unreadable files stored of the others."""
    new, revised = (sum(getattr(entry, k) for entry in read.values()) for k in ("new", "revised"))
    return (
        f"All other files are in the lake: {len(read):,} of them were read by this ingest, with "
        f"{new:,} new and {revised:,} revised records. Mend or move the ones named, then ingest "
        f"again"
    )


def _forget(lake: Lake, stale: list[FileEntry]) -> None:
    """Remove the records of files, then the files from the ledger.

    The ledger is told first: after a stop on the way their old settings no longer count as read.
    """
    removing = {e.path: replace(e, settings=REMOVING).to_json() for e in stale}
    lake.ledger.record(removing, midway=True)
    for table in {entry.table for entry in stale}:
        lake.remove(table, [entry.path for entry in stale if entry.table == table])
    paths = [entry.path for entry in stale]
    lake.add_quarantine(pl.DataFrame(schema=QUARANTINE), paths)
    lake.ledger.record({}, forget=paths)


def _report(
    lake: Lake,
    root: Path,
    feeds: tuple[Feed, ...],
    warnings: tuple[str, ...],
    seen: dict[str, FileEntry],
    read: dict[str, FileEntry],
    retrieved_at: datetime,
) -> IngestReport:
    spans = lake.spans("bars")
    groups: dict[tuple[str, str], list[Feed]] = {}
    for feed in feeds:
        groups.setdefault((feed.table, feed.name), []).append(feed)
    sources = []
    for (table, name), members in groups.items():
        paths = [_shown(path, root) for feed in members for path in feed.files]
        entries = [read[path] if path in read else seen[path].again() for path in paths]
        own = spans.filter((table == "bars") & pl.col(ORIGIN).is_in(paths))
        again = sum(path in read for path in paths)
        patterns = [feed.setting.path for feed in members]
        sources.append(SourceReport.of(table, name, patterns, entries, again, bar_findings(own)))
    lasts = _open_ends(feeds, {path: e.last_known for path, e in (seen | read).items()}, root)
    return IngestReport(
        sources=tuple(sources),
        warnings=(
            *warnings,
            *unmatched_tickers(lake),
            *early_ends(lake, lasts),
            *universe_findings(lake),
            *contradictions(read.values()),
        ),
        versions=lake.versions(),
        retrieved_at=retrieved_at.isoformat(),
    )


def _open_ends(
    feeds: tuple[Feed, ...], known: dict[str, str | None], root: Path
) -> Iterator[tuple[str, datetime]]:
    """Path and last ``known_at`` of the news sources that declare no end."""
    for feed in feeds:
        if isinstance(feed.setting, NewsFile) and feed.setting.end is None:
            last = max((known[_shown(path, root)] or "" for path in feed.files), default="")
            if last:
                yield feed.setting.path, datetime.fromisoformat(last)
