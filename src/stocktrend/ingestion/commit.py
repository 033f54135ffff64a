"""Batches on their way into the lake: many files, one commit."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import polars as pl

from stocktrend import schema
from stocktrend.ingestion.report import FileEntry
from stocktrend.lake import Lake
from stocktrend.lake.revisions import DUPLICATE, NEW, ORIGIN, REJECTED, REVISED, UNCHANGED
from stocktrend.sources.batch import Batch

ROWS_PER_COMMIT: Final = 2_000_000
"""More rows in one commit would not be faster, but take more memory."""
CONTRADICTION: Final = "differs from the stored version that was known at the same time"


class Pending:
    """Batches that wait for their commit.

    All wait for one table; the bars of one ticker never wait in two files, since each file may be
    in a basis of its own.
    """

    def __init__(self, lake: Lake, retrieved_at: datetime) -> None:
        self._lake = lake
        self._retrieved_at = retrieved_at
        self._batches: list[tuple[Batch, str, str]] = []
        self._tickers: set[str] = set()
        self._rows = 0

    def add(self, batch: Batch, content: str, settings: str) -> dict[str, FileEntry]:
        """Take a batch; commit first what cannot wait beside it.

        Args:
            batch: The records of one file, which is their origin.
            content: Digest of the file, for its ledger entry.
            settings: Digest of its settings.

        Returns:
            Ledger entries of what was committed, by path.
        """
        tickers = set(batch.records["ticker"].unique()) if batch.table == "bars" else set()
        done: dict[str, FileEntry] = {}
        if self._batches:
            first = self._batches[0][0]
            together = (first.table, first.versioned) == (batch.table, batch.versioned)
            if not together or self._rows >= ROWS_PER_COMMIT or tickers & self._tickers:
                done = self.flush()
        self._batches.append((batch, content, settings))
        self._tickers |= tickers
        self._rows += batch.records.height
        return done

    def flush(self) -> dict[str, FileEntry]:
        """Commit what waits: records, then quarantine, then ledger. Returns entries by path."""
        if not self._batches:
            return {}
        batches, self._batches, self._tickers, self._rows = self._batches, [], set(), 0
        records = pl.concat(
            batch.records.with_columns(pl.lit(batch.path).alias(ORIGIN), pl.lit(i).alias("_file"))
            for i, (batch, _, _) in enumerate(batches)
        )
        first = batches[0][0]
        upserted = self._lake.upsert(
            first.table, records, self._retrieved_at, versioned=first.versioned
        )
        fates = records.select("_file", "row").with_columns(upserted.status)
        refused = rejected_rows(records, fates, [batch for batch, *_ in batches])
        quarantine = pl.concat([*(batch.quarantine for batch, *_ in batches), refused])
        paths = [batch.path for batch, *_ in batches]
        self._lake.add_quarantine(quarantine, paths)
        counts = _counts(fates)
        entries = {
            batch.path: _entry(batch, content, settings, counts.get(i, {}), refused)
            for i, (batch, content, settings) in enumerate(batches)
        }
        if upserted.notes:
            entry = entries[paths[0]]
            entries[paths[0]] = replace(entry, notes={**entry.notes, **upserted.notes})
        self._lake.ledger.record({path: entry.to_json() for path, entry in entries.items()})
        return entries


def _counts(fates: pl.DataFrame) -> dict[int, dict[str, int]]:
    counts: dict[int, dict[str, int]] = {}
    for file, status, count in fates.group_by("_file", "status").len().iter_rows():
        counts.setdefault(file, {})[status] = count
    return counts


def rejected_rows(records: pl.DataFrame, fates: pl.DataFrame, batches: list[Batch]) -> pl.DataFrame:
    """Quarantine rows of records that the lake rejected.

    Args:
        records: Of all batches, with ``origin`` and ``_file``, the number of their batch.
        fates: ``status`` of each, as ``Lake.upsert`` gave it.
        batches: That they came in.
    """
    rejected = records.filter(fates["status"] == REJECTED)
    fields = [name for name in rejected.columns if name not in ("row", "_file", ORIGIN)]
    rows: list[tuple[Any, ...]] = []
    texts = rejected.select("_file", "row", pl.struct(fields).struct.json_encode().alias("record"))
    for file, row, record in texts.iter_rows():
        batch = batches[file]
        rows.append((batch.table, batch.source, batch.path, row, CONTRADICTION, record, None, None))
    return pl.DataFrame(rows, schema=schema.QUARANTINE, orient="row")


def _entry(
    batch: Batch,
    content: str,
    settings: str,
    counts: dict[str, int],
    refused: pl.DataFrame,
) -> FileEntry:
    quarantined = pl.concat([batch.quarantine, refused.filter(pl.col("path") == batch.path)])
    known = batch.records["known_at"]
    first, last = known.min(), known.max()
    return FileEntry(
        path=batch.path,
        table=batch.table,
        content=content,
        settings=settings,
        read=batch.read,
        new=counts.get(NEW, 0),
        revised=counts.get(REVISED, 0),
        unchanged=counts.get(UNCHANGED, 0),
        duplicate=batch.duplicate + counts.get(DUPLICATE, 0),
        quarantined=quarantined.height,
        reasons=_reasons(quarantined),
        notes=batch.notes,
        first_known=first.isoformat() if isinstance(first, datetime) else None,
        last_known=last.isoformat() if isinstance(last, datetime) else None,
    )


def _reasons(quarantine: pl.DataFrame) -> dict[str, int]:
    """Counts of reasons, without the values after the colon."""
    plain = quarantine.select(pl.col("reason").str.split(": ").list.first())
    return dict(plain["reason"].value_counts(sort=True).iter_rows())
