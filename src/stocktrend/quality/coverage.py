"""How much of each table is there: freshness, and coverage of each ticker, series or kind."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl

from stocktrend.quality.findings import Given
from stocktrend.schema import MARKET

SUBJECT: Final = {
    "bars": "ticker",
    "news": "ticker",
    "policy": "kind",
    "macro": "series",
    "universe": "ticker",
}
DAY: Final = {
    "bars": pl.col("session"),
    "news": pl.col("event_time").dt.date(),
    "policy": pl.col("event_time").dt.date(),
    "macro": pl.col("period"),
    "universe": pl.col("day"),
}


@dataclass(frozen=True)
class TableQuality:
    """One table: how much, how fresh, how complete.

    Attributes:
        table: One of ``schema.TABLES``.
        records: Newest versions.
        revised: Records with more than one version.
        refused: Rows in quarantine; withheld bars are not among them.
        withheld: Bars that are withheld.
        last_known: When the newest record became known.
        behind: Whole days from then to the check.
        share: Of the sessions between each ticker's first bar and its last, those with one;
            withheld ones are left out of both. None where a table has no calendar.
        coverage: ``subject, first, last, records, expected, share``, least covered first.
        sources: ``source, subjects, records, first, last``, most records first.
        months: ``subject, month, share`` of the month's sessions with a bar; of news ``records``.
    """

    table: str
    records: int
    revised: int
    refused: int
    withheld: int
    last_known: datetime | None
    behind: int | None
    share: float | None
    coverage: pl.DataFrame
    sources: pl.DataFrame
    months: pl.DataFrame

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON, without the months."""
        coverage, sources = (
            frame.with_columns(pl.col("first", "last").cast(pl.String)).to_dicts()
            for frame in (self.coverage, self.sources)
        )
        return {
            "table": self.table,
            "records": self.records,
            "subjects": self.coverage.height,
            "revised": self.revised,
            "refused": self.refused,
            "withheld": self.withheld,
            "last_known": None if self.last_known is None else self.last_known.isoformat(),
            "days_behind": self.behind,
            "share_of_sessions": self.share,
            "sources": sources,
            "coverage": coverage,
        }


def table_quality(
    table: str, rows: pl.DataFrame, given: Given, set_aside: pl.DataFrame
) -> TableQuality:
    """Counts, freshness and coverage of a table.

    Args:
        rows: As ``described``.
        set_aside: ``table, withheld, len``: how many rows of each table are in quarantine.
    """
    own = set_aside.filter(pl.col("table") == table)
    aside: dict[bool, int] = dict(own.select("withheld", "len").iter_rows())
    last = rows["known_at"].max()
    last = last if isinstance(last, datetime) else None
    coverage = _coverage(table, rows, given)
    held, expected = (int(coverage[name].sum()) for name in ("records", "expected"))
    return TableQuality(
        table=table,
        records=rows.height,
        revised=int((rows["versions"] > 1).sum()),
        refused=aside.get(False, 0),
        withheld=aside.get(True, 0),
        last_known=last,
        behind=None if last is None else max(0, (given.now - last).days),
        share=held / expected if expected else None,
        coverage=coverage,
        sources=_sources(table, rows),
        months=_months(table, rows, given),
    )


def _coverage(table: str, rows: pl.DataFrame, given: Given) -> pl.DataFrame:
    day = DAY[table]
    found = rows.group_by(pl.col(SUBJECT[table]).alias("subject")).agg(
        day.min().alias("first"), day.max().alias("last"), pl.len().cast(pl.Int64).alias("records")
    )
    if table != "bars":
        nothing = [
            pl.lit(None, pl.Int64).alias("expected"),
            pl.lit(None, pl.Float64).alias("share"),
        ]
        return found.with_columns(nothing).sort("records", "subject")
    numbers = given.sessions.select("session", "number")
    span = pl.col("_to") - pl.col("_from") + 1 - pl.col("_withheld").fill_null(0)
    inside = pl.col("session").is_between("first", "last")
    aside = found.join(given.withheld, left_on="subject", right_on="ticker").filter(inside)
    return (
        found.join(numbers.rename({"session": "first", "number": "_from"}), on="first", how="left")
        .join(numbers.rename({"session": "last", "number": "_to"}), on="last", how="left")
        .join(aside.group_by("subject").len("_withheld"), on="subject", how="left")
        .with_columns(span.cast(pl.Int64).alias("expected"))
        .with_columns((pl.col("records") / pl.col("expected")).alias("share"))
        .drop("_from", "_to", "_withheld")
        .sort("share", "records", "subject")
    )


def _sources(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    day = DAY[table]
    return (
        rows.group_by("source")
        .agg(
            pl.col(SUBJECT[table]).n_unique().alias("subjects"),
            pl.len().alias("records"),
            day.min().alias("first"),
            day.max().alias("last"),
        )
        .sort(["records", "source"], descending=[True, False])
    )


def _months(table: str, rows: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Of bars and news, a row a ticker and month that has any; withheld bars are not missing."""
    if table not in ("bars", "news"):
        return pl.DataFrame(schema={"subject": pl.String, "month": pl.Date, "value": pl.Float64})
    month = DAY[table].dt.truncate("1mo")
    found = (
        rows.filter(pl.col("ticker") != MARKET)
        .group_by(pl.col("ticker").alias("subject"), month.alias("month"))
        .agg(pl.len().alias("records"))
    )
    value = pl.col("records").cast(pl.Float64)
    if table == "bars" and rows.height:
        span = pl.col("session").is_between(rows["session"].min(), rows["session"].max())
        held = (
            given.sessions.filter(span)
            .group_by(pl.col("session").dt.truncate("1mo").alias("month"))
            .len("held")
        )
        of_month = pl.col("ticker").alias("subject"), pl.col("session").dt.truncate("1mo")
        aside = given.withheld.group_by(*of_month).len("aside").rename({"session": "month"})
        found = found.join(held, on="month").join(aside, on=["subject", "month"], how="left")
        value = pl.col("records") / (pl.col("held") - pl.col("aside").fill_null(0))
    return found.select("subject", "month", value.alias("value")).sort("subject", "month")
