"""Several vendors of the same bars: which one is asked, and whether they agree.

For each ticker the vendors are asked in their order until one has bars. Bars of a session that
the lake has from another source are not stored beside those, since vendors differ in rounding and
volume and none of it is news. They are compared, and so are those of a vendor that is to be asked
``compare``: where the change from one session to the next differs by more than a tolerance, it is
reported.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol

import polars as pl

from stocktrend.errors import SourceError
from stocktrend.lake.rebase import merge_bars
from stocktrend.live.health import Health
from stocktrend.live.http import AnsweredError, Http, NothingError, UnreachableError
from stocktrend.live.source import Source, Window
from stocktrend.sources.batch import Batch

TOLERANCE: Final = 0.005
"""Of the change of a day, beside one cent of the price for rounding."""
CENT: Final = 0.01
KEY: Final = ["ticker", "session"]


class Vendor(Source, Protocol):
    """A source of bars; with ``compare`` it is asked where another has answered, too."""

    @property
    def compare(self) -> bool: ...


@dataclass(frozen=True)
class Vendors:
    """Vendors as one source, see :class:`stocktrend.live.source.Source`; each ticker is a part.

    Attributes:
        members: In the order in which they are asked, each with what makes its requests.
        tolerance: Of the difference between the changes that two of them report.
        fared: By its name, how each vendor did that was to give a ticker.
    """

    members: tuple[tuple[Vendor, Http], ...]
    tolerance: float = TOLERANCE
    name: str = "prices"
    table: str = "bars"
    fared: dict[str, Health] = field(default_factory=dict, repr=False, compare=False)

    @property
    def terms(self) -> str:
        """Those of all vendors."""
        return "; ".join(f"{vendor.name}: {vendor.terms}" for vendor, _ in self.members)

    @property
    def overlap(self) -> int:
        """The longest of all vendors."""
        return max(vendor.overlap for vendor, _ in self.members)

    def parts(self, tickers: Sequence[str]) -> tuple[str, ...]:
        """The tickers that any vendor is asked for."""
        asked = [ticker for vendor, _ in self.members for ticker in vendor.parts(tickers)]
        return tuple(dict.fromkeys(asked))

    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        """Ask the vendors for a ticker; each by its own ``http``, not the one given here.

        Raises:
            SourceError: no vendor has bars; says why of each.
        """
        found: list[Batch] = []
        failed: dict[str, SourceError] = {}
        for vendor, own in self.members:
            if part not in vendor.parts((part,)) or (found and not vendor.compare):
                continue
            batches, failure = self._ask(vendor, part, window, own)
            if failure is not None:
                failed[vendor.name] = failure
                yield from () if found else batches
                continue
            if found:
                notes = self._compared(found, batches)
                found[-1] = found[-1].with_notes(notes)
                continue
            if not batches:  # no session has closed since
                return
            instead = {_instead(name, failed[name], vendor.name): 1 for name in failed}
            found = [*batches[:-1], batches[-1].with_notes(instead)]
        yield from found
        if not found:
            raise _nothing(part, failed)

    def _ask(
        self, vendor: Vendor, part: str, window: Window, http: Http
    ) -> tuple[list[Batch], SourceError | None]:
        """What a vendor gives, and why it is not what it should be."""
        health = self.fared.setdefault(vendor.name, Health())
        batches: list[Batch] = []
        failure: SourceError | None = None
        if health.down:
            failure = SourceError(
                f"{vendor.name} was not asked for {part}, since it is down: {health.error}"
            )
        else:
            try:
                batches = list(vendor.fetch(part, window, http))
            except SourceError as error:
                failure = error
        if batches and not any(batch.records.height for batch in batches):
            failure = AnsweredError(
                f"{vendor.name} has no bar of {part} that can be read: see the quarantine"
            )
        health.saw(failure)
        return batches, failure

    def _compared(self, found: Sequence[Batch], others: Sequence[Batch]) -> Mapping[str, int]:
        if not others:
            return {}
        ours, theirs = (pl.concat([b.records for b in some]) for some in (found, others))
        return in_words(disagreements(ours, theirs, self.tolerance), self.tolerance)


def _instead(name: str, failure: SourceError, other: str) -> str:
    what = "had no bars of" if isinstance(failure, NothingError) else "failed for"
    return f"tickers that {name} {what}, from {other} instead"


def _nothing(part: str, failed: Mapping[str, SourceError]) -> SourceError:
    """One error of all: that there is nothing, where all say so."""
    errors = list(failed.values())
    kind: type[SourceError] = SourceError
    if errors and all(isinstance(error, NothingError) for error in errors):
        kind = NothingError
    elif any(isinstance(error, AnsweredError) for error in errors):
        kind = AnsweredError
    elif errors and all(isinstance(error, UnreachableError) for error in errors):
        kind = UnreachableError
    if len(failed) == 1:
        return kind(*map(str, failed.values()))
    why = " | ".join(map(str, failed.values())) or "none is asked for it"
    return kind(f"A vendor must have bars of {part}, however: {why}")


def disagreements(
    ours: pl.DataFrame, theirs: pl.DataFrame, tolerance: float = TOLERANCE
) -> pl.DataFrame:
    """Where two vendors report another change from one session to the next.

    Changes are compared, not prices, since the vendors' bases may differ. One adjusts for
    dividends what another leaves, so that they agree if either their closes or their adjusted
    closes do.

    Args:
        ours: Bars of one vendor a ticker.
        theirs: Bars of another, perhaps of other sessions.
        tolerance: Largest difference between two changes, beside one cent of the price.

    Returns:
        ``ticker``, ``session``, ``source``, ``source_other``, ``change`` and ``change_other`` (of
        the closes) of each session on which they disagree, sorted.
    """
    columns = [*KEY, "source", "close", "adj_close"]
    both = (
        ours.select(columns)
        .join(theirs.select(columns), on=KEY, suffix="_other")
        .unique(KEY, keep="first")
        .sort(KEY)
    )
    changes = both.with_columns(
        (pl.col(name) / pl.col(name).shift(1).over("ticker") - 1).alias(f"_{name}")
        for name in ("close", "adj_close", "close_other", "adj_close_other")
    )
    off = pl.min_horizontal(
        (pl.col(f"_{name}") - pl.col(f"_{name}_other")).abs() for name in ("close", "adj_close")
    )
    rounding = CENT / pl.min_horizontal("close", "close_other")
    return changes.filter(off > tolerance + rounding).select(
        *KEY,
        "source",
        "source_other",
        pl.col("_close").alias("change"),
        pl.col("_close_other").alias("change_other"),
    )


def in_words(found: pl.DataFrame, tolerance: float = TOLERANCE) -> dict[str, int]:
    """Disagreements as notes of a batch: text -> sessions."""
    notes = {}
    for (ticker, source, other), rows in found.group_by(
        "ticker", "source", "source_other", maintain_order=True
    ):
        first = rows.row(0, named=True)
        notes[
            f"{ticker}: sessions on which {source} and {other} differ by more than {tolerance:.1%},"
            f" as on {first['session']} ({first['change']:+.2%}, {first['change_other']:+.2%})"
        ] = rows.height
    return notes


def beside_others(
    batch: Batch, stored: pl.DataFrame, now: datetime, tolerance: float = TOLERANCE
) -> Batch:
    """A vendor's bars without those of sessions that the lake has from another source.

    The others are brought into the basis of the stored bars, which without the bars that are left
    out could not be told any more. Where the lake has none of another source nothing is changed.

    Args:
        batch: Bars of one vendor.
        stored: Newest version of each stored bar of these tickers, the schema's columns.
        now: When the bars were retrieved, UTC.
        tolerance: See :func:`disagreements`.

    Returns:
        The batch, with notes of what was left out and where the two disagree.
    """
    others = stored.filter(pl.col("source") != batch.source)
    theirs = batch.records.join(others, on=KEY, how="semi")
    if theirs.is_empty():
        return batch
    concerned = theirs["ticker"].unique().to_list()
    moved, _ = merge_bars(stored, batch.records.filter(pl.col("ticker").is_in(concerned)), now)
    kept = pl.concat(
        [
            batch.records.filter(~pl.col("ticker").is_in(concerned)),
            moved.join(others, on=KEY, how="anti", maintain_order="left").select(
                batch.records.columns
            ),
        ]
    ).sort("row")
    left = replace(batch, records=kept, read=batch.read - theirs.height)
    return left.with_notes(
        {
            "bars of sessions that the lake has from another source, left out": theirs.height,
            **in_words(disagreements(theirs, others, tolerance), tolerance),
        }
    )
