"""Any other acts of policy: speeches, minutes, sanctions, rulings, at their publication."""

from pathlib import Path
from typing import Final

import polars as pl

from stocktrend.config import EventsFile
from stocktrend.schema import UTC_TIME
from stocktrend.sessions import end_of_day
from stocktrend.sources.batch import Batch, make_batch
from stocktrend.sources.fields import Synonyms, first_reason, match_columns, schema_frame, text
from stocktrend.sources.files import read_rows
from stocktrend.sources.times import moments

COLUMNS: Final[Synonyms] = {
    "published": (
        "published",
        "publishedat",
        "publicationdate",
        "releasedate",
        "timestamp",
        "datetime",
        "date",
    ),
    "id": ("id", "documentnumber", "url", "link"),
    "kind": ("kind", "type"),
    "title": ("title", "headline"),
    "text": ("text", "statement", "body"),
}


def read_events(path: Path, setting: EventsFile, name: str, shown: str) -> Batch:
    """Read one event a row, known at its timestamp, or at 23:59 New York of a bare date.

    Without an id an event is named by its kind, its publication and its title.

    Args:
        path: The file.
        setting: Its source's settings.
        name: Name of the source, stored with each record.
        shown: The path as reports show it.

    Raises:
        SourceError: the file is unreadable or lacks a publication column.
        ConfigError: the source's time zone is not known.
    """
    rows = read_rows(path)
    raw = rows.frame
    columns = match_columns(path, raw.columns, COLUMNS, setting.columns, ("published",))

    def optional(ours: str) -> pl.Expr:
        missing = pl.lit(None, dtype=pl.String)
        return (text(raw, columns[ours]) if ours in columns else missing).alias(ours)

    at = moments(raw, columns["published"], setting.timezone)
    fields = raw.select("row", *(optional(ours) for ours in ("id", "kind", "title", "text")))
    typed = pl.concat([fields, at], how="horizontal").with_columns(
        pl.coalesce("moment", end_of_day(pl.col("bare")).cast(UTC_TIME)).alias("known_at"),
        pl.col("kind").fill_null(setting.event_kind),
    )
    made = pl.format(
        "{}-{}-{}",
        "kind",
        pl.col("known_at").dt.strftime("%Y%m%dT%H%M%S"),
        pl.coalesce("title", "text", pl.lit("")),
    )
    found = typed.with_columns(
        pl.coalesce("id", made).alias("id"),
        pl.col("known_at").alias("event_time"),
        pl.lit(name).alias("source"),
        pl.lit(None, dtype=pl.Float64).alias("target_low"),
        pl.lit(None, dtype=pl.Float64).alias("target_high"),
        first_reason(
            pl.when(pl.col("known_at").is_null()).then(pl.lit("the publication is no time"))
        ),
    )
    return make_batch("policy", name, shown, raw, schema_frame("policy", found), broken=rows.broken)
