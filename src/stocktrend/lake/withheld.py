"""Intervals of a ticker's bars that reading leaves out: corrupt, yet still stored.

A decision to withhold is a record of its own, in a table of its own: the bars stay where they are,
so ingesting them again brings nothing back, and undoing the decision brings back all of them.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Final

import polars as pl

from stocktrend import schema
from stocktrend.errors import DataError
from stocktrend.lake import delta
from stocktrend.schema import UTC_TIME

if TYPE_CHECKING:
    from stocktrend.lake.store import Lake

TABLE: Final = "withheld"
REASON: Final = "withheld: "
"""How the reasons of withheld bars begin in the quarantine."""

INTERVALS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "ticker": pl.String,
    "first": pl.Date,
    "last": pl.Date,
    "rule": pl.String,
    "reason": pl.String,
    "decided_at": UTC_TIME,
}
"""Columns of the table: the first and last session that are left out, and why."""

_SAME: Final = ["ticker", "first", "last", "rule"]


def withhold(lake: "Lake", intervals: pl.DataFrame, decided_at: datetime) -> int:
    """Leave intervals of bars out from now on; the bars stay stored.

    Args:
        lake: Not one opened at past versions.
        intervals: ``ticker, first, last, rule, reason``; those withheld already are passed over.
        decided_at: With a time zone.

    Returns:
        How many intervals were added.

    Raises:
        DataError: an interval ends before it begins, or ``decided_at`` has no time zone.
        LakeError: the lake is read-only, or another program writes to it.
    """
    if decided_at.tzinfo is None:
        raise DataError(f"decided_at must have a time zone, however: {decided_at!r}")
    backward = intervals.filter(pl.col("first") > pl.col("last"))
    if backward.height:
        ticker, first, last = backward.select("ticker", "first", "last").row(0)
        raise DataError(
            f"An interval must not end before it begins, however {ticker} from {first} to {last}. "
            f"Swap the two"
        )
    with lake.writing():
        before = lake.withheld()
        added = (
            intervals.with_columns(pl.lit(decided_at).cast(UTC_TIME).alias("decided_at"))
            .select(list(INTERVALS))
            .unique(_SAME, maintain_order=True)
            .join(before, on=_SAME, how="anti")
        )
        if added.height:
            _write(lake, pl.concat([before, added]))
    return added.height


def release(lake: "Lake", tickers: Iterable[str]) -> int:
    """Read the withheld bars of some tickers again; returns how many intervals are dropped.

    Raises:
        LakeError: the lake is read-only, or another program writes to it.
    """
    with lake.writing():
        before = lake.withheld()
        kept = before.filter(~pl.col("ticker").is_in(list(tickers)))
        if kept.height < before.height:
            _write(lake, kept)
    return before.height - kept.height


def _write(lake: "Lake", intervals: pl.DataFrame) -> None:
    delta.write(f"{lake.path}/{TABLE}", intervals.sort(_SAME), "overwrite")


def read_intervals(path: str, version: int | None) -> pl.DataFrame:
    """The intervals of a version of the table; none where there is none."""
    if version is None:
        return pl.DataFrame(schema=INTERVALS)
    return delta.read(path, list(INTERVALS), version)


def within(bars: pl.DataFrame, intervals: pl.DataFrame) -> pl.Series:
    """Whether each bar lies in an interval of its ticker, in the order of the bars.

    >>> from datetime import date
    >>> days = [date(2020, 1, 2), date(2020, 1, 3), date(2020, 1, 3)]
    >>> bars = pl.DataFrame({"ticker": ["A", "A", "B"], "session": days})
    >>> spell = {"ticker": ["A"], "first": [date(2020, 1, 3)], "last": [date(2020, 1, 9)]}
    >>> within(bars, pl.DataFrame(spell)).to_list()
    [False, True, False]
    """
    # Intervals may overlap: the last session of any that began before counts.
    reach = intervals.sort("ticker", "first").select(
        "ticker", "first", pl.col("last").cum_max().over("ticker").alias("_reach")
    )
    ordered = bars.select("ticker", "session").with_row_index("_row").sort("session")
    joined = ordered.join_asof(
        reach.sort("first"),
        left_on="session",
        right_on="first",
        by="ticker",
        strategy="backward",
        check_sortedness=False,
    )
    inside = (pl.col("session") <= pl.col("_reach")).fill_null(False)
    return joined.select("_row", inside.alias("inside")).sort("_row")["inside"]


def without(bars: pl.DataFrame, intervals: pl.DataFrame) -> pl.DataFrame:
    """The bars that no interval withholds, in their order."""
    if intervals.is_empty():
        return bars
    affected = bars["ticker"].is_in(intervals["ticker"].unique().to_list())
    if not affected.any():
        return bars
    inside = within(bars.filter(affected), intervals)
    positions = affected.arg_true().filter(inside)
    left_out = pl.Series("left_out", [False]).new_from_index(0, bars.height)
    return bars.filter(~left_out.scatter(positions, True))


def as_quarantine(bars: pl.DataFrame, intervals: pl.DataFrame) -> pl.DataFrame:
    """The withheld bars as rows of the quarantine, each with its reasons.

    Args:
        bars: The schema's columns and ``origin``, of the intervals' tickers.
        intervals: ``INTERVALS``.
    """
    held = bars.filter(within(bars, intervals)) if bars.height else bars
    named = held.with_row_index("_bar").join(intervals, on="ticker")
    why = (
        named.filter(pl.col("session").is_between("first", "last"))
        .group_by("_bar")
        .agg((pl.col("rule") + ": " + pl.col("reason")).unique().sort().str.join("; ").alias("why"))
    )
    record = pl.struct("ticker", "session", "open", "high", "low", "close", "adj_close", "volume")
    return (
        held.with_row_index("_bar")
        .join(why, on="_bar")
        .select(
            pl.lit("bars").alias("table"),
            "source",
            pl.col("origin").alias("path"),
            pl.lit(None, pl.Int64).alias("row"),
            (REASON + pl.col("why")).alias("reason"),
            record.struct.json_encode().alias("record"),
            "ticker",
            "session",
        )
        .select(list(schema.QUARANTINE))
    )
