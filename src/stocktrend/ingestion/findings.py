"""What only the whole of a table shows: tickers that start late, tickers without news."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import polars as pl

from stocktrend.ingestion.report import FileEntry
from stocktrend.lake import Lake
from stocktrend.lake.membership import GONE, LATE
from stocktrend.schema import MARKET
from stocktrend.universe import NO_UNIVERSE, Outside

LATE_DAYS: Final = 31
MOST_NAMES: Final = 8
QUIET_DAYS: Final = 30


def bar_findings(spans: pl.DataFrame) -> dict[str, int]:
    """Notes on when the tickers of one source start and end.

    Args:
        spans: ``ticker, first, last`` (UTC), one row a ticker and file.
    """
    tickers = spans.group_by("ticker").agg(pl.col("first").min(), pl.col("last").max())
    margin = pl.duration(days=LATE_DAYS)
    late = tickers.filter(pl.col("first") > pl.col("first").min() + margin)
    early = tickers.filter(pl.col("last") < pl.col("last").max() - margin)
    kinds = (("tickers that start late", late), ("tickers that end early", early))
    return {f"{what} ({_some(some['ticker'])})": some.height for what, some in kinds if some.height}


def unmatched_tickers(lake: Lake) -> list[str]:
    """Warnings that name tickers with bars but no news, and with news but no bars.

    None where there are no news at all.
    """
    heard = lake.spans("news").filter(pl.col("ticker") != MARKET)["ticker"].unique()
    priced = lake.spans("bars")["ticker"].unique().sort()
    silent = priced.filter(~priced.is_in(heard.to_list()))
    if heard.is_empty():
        return []
    unpriced = heard.filter(~heard.is_in(priced.to_list()))
    counts = (
        (silent, len(priced), "have bars but no news"),
        (unpriced, len(heard), "have news but no bars, so their news are not used"),
    )
    return [
        f"{len(names)} of {total} tickers {what}: {_some(names)}"
        for names, total, what in counts
        if len(names)
    ]


def early_ends(lake: Lake, lasts: Iterable[tuple[str, datetime]]) -> list[str]:
    """Warnings for news without a declared end that stop long before the bars do.

    Args:
        lake: Holds the bars.
        lasts: Path of each such source, and when its last item was known.
    """
    bars = lake.spans("bars")["last"].max()
    if not isinstance(bars, datetime):
        return []
    return [
        f"the last item of {path} is known on {last:%Y-%m-%d}, the last bar on {bars:%Y-%m-%d}: "
        f"from then on there counts as no news, not as unknown. Where the source ends there, "
        f"declare it in stocktrend.yaml under sources: news with end: {last:%Y-%m-%d}"
        for path, last in lasts
        if (bars - last).days > QUIET_DAYS
    ]


def universe_findings(lake: Lake) -> list[str]:
    """Warnings that there is no universe, or that it leaves out tickers with prices."""
    if lake.exists and lake.history("universe").height:
        return list(Outside.of(lake).warnings)
    refused = lake.quarantine().filter(pl.col("table") == "universe").height
    if not refused:
        return [NO_UNIVERSE]
    return [
        NO_UNIVERSE,
        f"universe: no row in raw/universe/ could be used, {refused} were refused. To mend it, "
        f"write them as the quarantine's reasons say (dates as YYYY-MM-DD) and ingest again",
    ]


def contradictions(read: Iterable[FileEntry]) -> list[str]:
    """Warnings of files that tell the universe's past otherwise than the lake held it.

    Args:
        read: Entries of the files that this ingest read.
    """
    counts = {
        entry.path: entry.revised + entry.notes.get(LATE, 0) + entry.notes.get(GONE, 0)
        for entry in read
        if entry.table == "universe"
    }
    return [
        f"universe: {count:,} changes in {path} contradict the past that the lake held of its "
        f"tickers; they count from this ingest on, since nobody knew them before, and earlier "
        f"dates stay as they were. If what the lake held was simply wrong, make the universe anew "
        f"from the file: `stocktrend ingest --set sources.universe=[]`, then `stocktrend ingest`"
        for path, count in counts.items()
        if count
    ]


def _some(names: pl.Series) -> str:
    shown = ", ".join(names.sort().head(MOST_NAMES).to_list())
    return shown if len(names) <= MOST_NAMES else f"{shown} and {len(names) - MOST_NAMES} more"
