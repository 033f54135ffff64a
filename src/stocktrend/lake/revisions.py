"""Which incoming records are new, which revise what is stored, which say nothing new."""

from datetime import datetime, timedelta
from typing import Final

import polars as pl

from stocktrend.lake.order import newest
from stocktrend.schema import KEYS

ORIGIN: Final = "origin"
"""A stored column that no reader sees: the file that a record came from."""

CONTENT: Final = {
    "news": ("text", "event_time", "lang", "is_repost"),
    "policy": ("kind", "title", "text", "target_low", "target_high", "event_time"),
    "macro": ("value", "basis"),
    "universe": ("member",),
}
"""What makes two records of one key differ. For bars see ``rebase``."""

NEW, REVISED, UNCHANGED, DUPLICATE, REJECTED = (
    "new",
    "revised",
    "unchanged",
    "duplicate",
    "rejected",
)
MICROSECOND: Final = timedelta(microseconds=1)


def revise(
    table: str, stored: pl.DataFrame, incoming: pl.DataFrame, retrieved_at: datetime
) -> pl.DataFrame:
    """Compare records with the newest stored version of their key, and of their key and file.

    Content that differs is a revision, and nobody knew it before it was retrieved: its
    ``known_at`` is the retrieval, or its own rule's time where that is later. Records of one key
    within ``incoming`` follow each other in their order. A file that ends with what it said last,
    and says nothing on the way that was never stored, revises nothing, even where another file has
    spoken since: else a file that contradicts itself would do so anew at every reading, and two
    files that disagree would revise each other.

    Args:
        table: Any but bars.
        stored: All versions with ``origin``, sorted by key and ``known_at``.
        incoming: Records to store, with ``origin`` and any further columns.
        retrieved_at: When they were retrieved (UTC).

    Returns:
        ``incoming`` in its order, ``known_at`` moved for revisions, and ``status``.
    """
    key, content = list(KEYS[table]), CONTENT[table]
    joined = _beside(table, stored, incoming)
    again = (
        pl.col("_spoke").fill_null(False)
        & pl.col("_fresh").is_null()
        & pl.all_horizontal(
            pl.col(c).last().over(*key, ORIGIN).eq_missing(pl.col(f"_own_{c}")) for c in content
        )
    )
    later = pl.col("_nth") > 0
    before = {
        c: pl.when(later).then(pl.col(c).shift(1).over(key)).otherwise(f"_{c}") for c in content
    }
    same = pl.all_horizontal(pl.col(c).eq_missing(before[c]) for c in content)
    status = (
        pl.when(~later & pl.col("_known").is_null())
        .then(pl.lit(NEW))
        .when(later & same)
        .then(pl.lit(DUPLICATE))
        .when(again | same)
        .then(pl.lit(UNCHANGED))
        .otherwise(pl.lit(REVISED))
    )
    moved = pl.max_horizontal(
        pl.lit(retrieved_at) + pl.col("_nth") * MICROSECOND,
        "known_at",
        pl.col("_known") + MICROSECOND,
    )
    return (
        joined.with_columns(status.alias("status"))
        .with_columns(
            pl.when(pl.col("status") == REVISED).then(moved).otherwise("known_at").alias("known_at")
        )
        .select(*incoming.columns, "status")
    )


def _beside(table: str, stored: pl.DataFrame, incoming: pl.DataFrame) -> pl.DataFrame:
    """Records beside what is held of their key, what their file said last, and their number.

    ``_nth`` counts the records of a key; ``_fresh`` marks those of a key and file that say
    something which was never stored.
    """
    key, content = list(KEYS[table]), CONTENT[table]
    rows = incoming.with_columns(pl.int_range(pl.len()).over(key).alias("_nth"))
    held = newest(table, stored).select(
        *key, pl.col("known_at").alias("_known"), *(pl.col(c).alias(f"_{c}") for c in content)
    )
    of_file = [*key, ORIGIN]
    own = stored.unique(of_file, keep="last", maintain_order=True).select(
        *of_file, pl.lit(True).alias("_spoke"), *(pl.col(c).alias(f"_own_{c}") for c in content)
    )
    several = rows.filter(pl.len().over(of_file) > 1)
    fresh = several.join(stored, on=[*key, *content], how="anti", nulls_equal=True).select(of_file)
    return (
        rows.join(held, on=key, how="left", maintain_order="left")
        .join(own, on=of_file, how="left", maintain_order="left")
        .join(
            fresh.unique().with_columns(pl.lit(True).alias("_fresh")),
            on=of_file,
            how="left",
            maintain_order="left",
        )
    )


def add_versions(table: str, stored: pl.DataFrame, incoming: pl.DataFrame) -> pl.DataFrame:
    """Compare records that carry their own vintages with all stored versions.

    A version is named by its key and ``known_at``. One that is stored with other content is
    rejected: what was known at a past time cannot change.

    Args:
        table: Any but bars.
        stored: All versions.
        incoming: Records to store, with any further columns.

    Returns:
        ``incoming`` in its order, and ``status``; the first version of a key is new, the later
        ones revise it.
    """
    key, content = list(KEYS[table]), CONTENT[table]
    versioned = [*key, "known_at"]
    held = stored.select(
        *versioned, pl.lit(True).alias("_held"), *(pl.col(c).alias(f"_{c}") for c in content)
    )
    oldest = stored.group_by(key).agg(pl.col("known_at").min().alias("_oldest"))
    joined = (
        incoming.with_columns(pl.int_range(pl.len()).over(versioned).alias("_nth"))
        .join(held, on=versioned, how="left", maintain_order="left")
        .join(oldest, on=key, how="left", maintain_order="left")
    )
    again = pl.col("_nth") > 0
    first = pl.col("_oldest").is_null() & (pl.col("known_at") == pl.col("known_at").min().over(key))
    same_held = pl.all_horizontal(pl.col(c).eq_missing(pl.col(f"_{c}")) for c in content)
    same_first = pl.all_horizontal(
        pl.col(c).eq_missing(pl.col(c).first().over(versioned)) for c in content
    )
    status = (
        pl.when(pl.col("_held") & same_held)
        .then(pl.lit(UNCHANGED))
        .when(pl.col("_held"))
        .then(pl.lit(REJECTED))
        .when(again & same_first)
        .then(pl.lit(DUPLICATE))
        .when(again)
        .then(pl.lit(REJECTED))
        .when(first)
        .then(pl.lit(NEW))
        .otherwise(pl.lit(REVISED))
    )
    return joined.with_columns(status.alias("status")).select(*incoming.columns, "status")
