"""From batches to the lake, in an order in which a stop anywhere is mended by asking again.

1. What was refused goes to quarantine, beside what is there.
2. Records are stored; what the lake rejects of them goes to quarantine.
3. The parts of which all is stored are marked, but for those whose mark is not the one that they
   were asked after: the lake went back to a past state meanwhile, and lacks what lay between.

A stop leaves parts without a mark. They are asked for again from where they were, and say what
they said: the rows of the quarantine are there already, the records unchanged.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import polars as pl

from stocktrend.ingestion.commit import rejected_rows
from stocktrend.lake import Lake
from stocktrend.lake.rebase import NO_OVERLAP
from stocktrend.lake.revisions import DUPLICATE, NEW, ORIGIN, REJECTED, REVISED, UNCHANGED
from stocktrend.live.marks import Mark, read_marks
from stocktrend.live.vendors import KEY, beside_others
from stocktrend.sources.batch import Batch, as_one

MOST_TICKERS: Final = 100
"""Whose bars are stored in one commit: all that the lake has of them is read for it."""
FATES: Final = (NEW, REVISED, UNCHANGED, DUPLICATE, REJECTED)


@dataclass
class Counts:
    """The fate of what a source's parts brought; ``read`` is the sum of the other counts."""

    read: int = 0
    new: int = 0
    revised: int = 0
    unchanged: int = 0
    duplicate: int = 0
    quarantined: int = 0
    notes: dict[str, int] = field(default_factory=dict)


class Storing:
    """Parts of live sources that wait to be stored together.

    Args:
        lake: To store them in.
        clock: When they were retrieved, at the latest: ``known_at`` of revisions.
        wait: Told in a line where another program writes to the lake.
    """

    def __init__(
        self, lake: Lake, clock: Callable[[], datetime], wait: Callable[[str], None]
    ) -> None:
        self._lake = lake
        self._clock = clock
        self._wait = wait
        self._batches: list[tuple[str, Batch]] = []
        self._marks: list[tuple[Mark | None, Mark]] = []
        self.counts: dict[str, Counts] = {}
        self.rows = 0

    def __bool__(self) -> bool:
        return bool(self._batches or self._marks)

    def add(
        self,
        source: str,
        batches: Sequence[Batch],
        mark: Mark | None,
        held: Mark | None = None,
    ) -> None:
        """Take what a part of a source brought.

        Args:
            source: Its name.
            batches: In the order in which they came.
            mark: That of the part; None where not all of it came.
            held: The one that it was asked after; None where it had none.
        """
        files: dict[tuple[str, bool], list[Batch]] = {}
        for batch in batches:
            files.setdefault((batch.path, batch.versioned), []).append(batch)
        whole = [(source, as_one(parts)) for parts in files.values()]
        self._batches += whole
        self._marks += [] if mark is None else [(held, mark)]
        self.rows += sum(batch.read for _, batch in whole)

    def flush(self) -> None:
        """Store what waits.

        Raises:
            LakeError: the lake is damaged or cannot be written.
        """
        taken, marks = self._batches, self._marks
        self._batches, self._marks, self.rows = [], [], 0
        with self._lake.writing(self._wait):
            self._refuse(batch.quarantine for _, batch in taken)
            retrieved_at = self._clock()
            for group in _groups(taken):
                self._store(group, retrieved_at)
            now = read_marks(self._lake)
            fit = [mark for held, mark in marks if now.get(mark.name) == held]
            self._lake.ledger.record({mark.name: mark.to_json() for mark in fit})

    def _refuse(self, frames: Iterable[pl.DataFrame]) -> None:
        some = [frame for frame in frames if frame.height]
        if some:
            self._lake.extend_quarantine(pl.concat(some))

    def _store(self, group: list[tuple[str, Batch]], retrieved_at: datetime) -> None:
        batches, in_basis = [batch for _, batch in group], 0
        if batches[0].table == "bars":
            batches, in_basis = self._beside_others(batches, retrieved_at)
        records = pl.concat(
            batch.records.with_columns(pl.lit(batch.path).alias(ORIGIN), pl.lit(i).alias("_file"))
            for i, batch in enumerate(batches)
        )
        first = batches[0]
        upserted = self._lake.upsert(first.table, records, retrieved_at, versioned=first.versioned)
        fates = records.select("_file", "row").with_columns(upserted.status)
        self._refuse([rejected_rows(records, fates, batches)])
        fate = {
            (file, status): count
            for file, status, count in fates.group_by("_file", "status").len().iter_rows()
        }
        for number, ((source, _), batch) in enumerate(zip(group, batches, strict=True)):
            found = {name: fate.get((number, name), 0) for name in FATES}
            self._count(source, batch, found)
        notes = dict(upserted.notes)
        if in_basis and NO_OVERLAP in notes:
            notes[NO_OVERLAP] -= in_basis
        self._note(group[0][0], notes.items())

    def _beside_others(
        self, batches: list[Batch], retrieved_at: datetime
    ) -> tuple[list[Batch], int]:
        """Bars without those that the lake has from another vendor.

        And of how many tickers no stored session is left by that: they overlap, and were brought
        into the stored basis by it, which the lake cannot see any more.
        """
        if not self._lake.exists:
            return batches, 0
        tickers = [ticker for batch in batches for ticker in batch.records["ticker"].unique()]
        # Most lakes have the bars of one vendor, and all columns of ten years take memory.
        held = self._lake.history("bars", tickers, ["source"])["source"].unique()
        if {*held, *(batch.source for batch in batches)} == {batches[0].source}:
            return batches, 0
        stored = self._lake.read("bars", tickers=tickers)
        left = [beside_others(b, stored.filter(_tickers_of(b)), retrieved_at) for b in batches]
        before, after = (pl.concat([b.records for b in some]) for some in (batches, left))
        shared, still = (
            {*some.join(stored, on=KEY, how="semi")["ticker"]} for some in (before, after)
        )
        return left, len(({*after["ticker"]} & shared) - still)

    def _count(self, source: str, batch: Batch, found: dict[str, int]) -> None:
        counts = self.counts.setdefault(source, Counts())
        counts.read += batch.read
        counts.new += found[NEW]
        counts.revised += found[REVISED]
        counts.unchanged += found[UNCHANGED]
        counts.duplicate += found[DUPLICATE] + batch.duplicate
        counts.quarantined += found[REJECTED] + batch.quarantine.height
        self._note(source, batch.notes.items())

    def _note(self, source: str, notes: Iterable[tuple[str, int]]) -> None:
        held = self.counts.setdefault(source, Counts()).notes
        for note, count in notes:
            if count:
                held[note] = held.get(note, 0) + count


def _tickers_of(batch: Batch) -> pl.Expr:
    return pl.col("ticker").is_in(batch.records["ticker"].unique().to_list())


def _groups(taken: Sequence[tuple[str, Batch]]) -> list[list[tuple[str, Batch]]]:
    """Batches that one commit may store: of one table, no ticker's bars twice, nor those of many.

    The bars of two answers may each be in a basis of their own.
    """
    groups: dict[tuple[str, bool, int], list[tuple[str, Batch]]] = {}
    in_turn: list[set[str]] = []
    for source, batch in taken:
        turn = 0
        if batch.table == "bars":
            tickers = set(batch.records["ticker"].unique())
            # After every group that has one of them, as their order is that of the answers.
            turn = max((n + 1 for n, some in enumerate(in_turn) if some & tickers), default=0)
            while turn < len(in_turn) and len(in_turn[turn]) >= MOST_TICKERS:
                turn += 1
            in_turn += [set()] * (turn == len(in_turn))
            in_turn[turn] |= tickers
        groups.setdefault((batch.table, batch.versioned, turn), []).append((source, batch))
    return list(groups.values())
