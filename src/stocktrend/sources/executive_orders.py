"""Presidential orders, known when the Federal Register published them."""

from pathlib import Path
from typing import Final

import polars as pl

from stocktrend.config import ExecutiveOrdersFile
from stocktrend.schema import UTC_TIME
from stocktrend.sessions import end_of_day
from stocktrend.sources.batch import Batch, make_batch
from stocktrend.sources.fields import (
    Synonyms,
    day,
    first_reason,
    match_columns,
    schema_frame,
    text,
)
from stocktrend.sources.files import read_rows

COLUMNS: Final[Synonyms] = {
    "signing_date": ("signingdate",),
    "publication_date": ("publicationdate",),
    "number": ("eonumber", "executiveordernumber", "documentnumber"),
    "title": ("title",),
}


def read_executive_orders(path: Path, setting: ExecutiveOrdersFile, name: str, shown: str) -> Batch:
    """Read one order a row: signed on one day, known at 23:59 New York of its publication.

    Only the columns above are read: notes on later revocations are not known at publication.

    Args:
        path: The file.
        setting: Its source's settings.
        name: Name of the source, stored with each record.
        shown: The path as reports show it.

    Raises:
        SourceError: the file is unreadable or lacks a column.
    """
    rows = read_rows(path)
    columns = match_columns(path, rows.frame.columns, COLUMNS, setting.columns, tuple(COLUMNS))
    raw = rows.frame.select("row", *columns.values())
    typed = raw.select(
        "row",
        day(raw, columns["signing_date"]).alias("signed"),
        day(raw, columns["publication_date"]).alias("published"),
        text(raw, columns["number"]).alias("number"),
        text(raw, columns["title"]).alias("title"),
    )
    found = typed.with_columns(
        end_of_day(pl.col("signed")).cast(UTC_TIME).alias("event_time"),
        end_of_day(pl.col("published")).cast(UTC_TIME).alias("known_at"),
        pl.lit(name).alias("source"),
        pl.format("eo-{}", "number").alias("id"),
        pl.lit("executive_order").alias("kind"),
        pl.lit(None, dtype=pl.String).alias("text"),
        pl.lit(None, dtype=pl.Float64).alias("target_low"),
        pl.lit(None, dtype=pl.Float64).alias("target_high"),
        first_reason(
            pl.when(pl.col("signed").is_null()).then(pl.lit("signing_date is not YYYY-MM-DD")),
            pl.when(pl.col("published").is_null()).then(
                pl.lit("publication_date is not YYYY-MM-DD")
            ),
            pl.when(pl.col("published") < pl.col("signed")).then(
                pl.lit("published before it was signed")
            ),
            pl.when(pl.col("number").is_null()).then(pl.lit("the order has no number")),
        ),
    )
    return make_batch("policy", name, shown, raw, schema_frame("policy", found), broken=rows.broken)
