"""What a reader makes of one file: valid records, and every other row with its reason."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import dataframely as dy
import polars as pl

from stocktrend import schema


@dataclass(frozen=True)
class Batch:
    """The records of one file.

    Attributes:
        table: Lake table, one of ``schema.TABLES``.
        source: Name of the configured source.
        path: The file, relative to the data root.
        read: Rows that carry a record; equals records + quarantined + duplicates.
        records: Valid records with the schema's columns and ``row``.
        quarantine: ``schema.QUARANTINE`` columns.
        duplicate: Rows that repeat an earlier row of the file exactly.
        notes: What was seen and handled, with counts.
        versioned: The file tells itself when each value was known, so that several ``known_at``
            of one key are its content and no accident.
    """

    table: str
    source: str
    path: str
    read: int
    records: pl.DataFrame
    quarantine: pl.DataFrame
    duplicate: int = 0
    notes: Mapping[str, int] = field(default_factory=dict)
    versioned: bool = False

    def with_notes(self, notes: Mapping[str, int]) -> "Batch":
        """The batch with more notes; zeros are left out."""
        more = {name: count for name, count in notes.items() if count}
        return replace(self, notes={**self.notes, **more})


def _with_row(record: type[schema.Record]) -> type[dy.Schema]:
    return type(f"{record.__name__}Row", (record,), {"row": dy.Int64(nullable=False)})


_NUMBERED: Final = {table: _with_row(record) for table, record in schema.TABLES.items()}

LONGEST_REASON: Final = 500
"""Characters: a reason quotes what it found, and that may be a whole file in one field."""
PLAIN_RULES: Final = {
    "prices_are_finite": "a price or the volume is not finite",
    "prices_are_positive": "a price is not above 0",
    "high_is_not_below_low": "the high is below the low",
    "target_range_is_ordered": "the target's upper end is below its lower end",
    "value_is_finite": "the value is not finite",
    "nullability": "is missing",
    "min_length": "is empty",
    "max_length": f"is longer than {schema.LONGEST_TEXT:,} characters",
    "regex": "is not of 1 to 32 letters, digits and signs of . - ^ = _ & + $, or begins with "
    ". - = & +",
    "min": "is below the smallest allowed",
    "inf": "is not finite",
    "nan": "is not finite",
}


def make_batch(
    table: str,
    source: str,
    path: str,
    raw: pl.DataFrame,
    found: pl.DataFrame,
    *,
    broken: tuple[tuple[int, str, str], ...] = (),
    notes: Mapping[str, int] | None = None,
    versioned: bool = False,
) -> Batch:
    """Check records against the schema and within the file.

    Args:
        table: Lake table of the records.
        source: Name of the configured source.
        path: The file, relative to the data root.
        raw: The file's rows with ``row``, kept as JSON for what is quarantined.
        found: Schema columns, ``row`` and ``reason`` (String; not null: the reader refuses it).
        broken: Rows that were never split into fields: number, reason, text.
        notes: Counts of what the reader handled; zeros are left out.
        versioned: See :class:`Batch`.

    Returns:
        The batch; a second row of one key with other content is quarantined, the first is kept.
    """
    refused = found.filter(pl.col("reason").is_not_null()).select("row", "reason")
    candidates = found.filter(pl.col("reason").is_null()).drop("reason")
    valid, failed = _check(table, candidates)
    kept, conflicts, duplicate = _first_of_each_key(table, valid, versioned)
    bad = pl.concat([refused, failed, conflicts]).sort("row")
    quarantine = _quarantine(table, source, path, raw, bad, found)
    if broken:
        quarantine = pl.concat([quarantine, _broken(table, source, path, broken)])
    return Batch(
        table=table,
        source=source,
        path=path,
        read=found.height + len(broken),
        records=kept,
        quarantine=quarantine,
        duplicate=duplicate,
        notes={name: count for name, count in (notes or {}).items() if count},
        versioned=versioned,
    )


def as_one(batches: Sequence[Batch]) -> Batch:
    """Several batches as if their rows came in one file, one after the other.

    Args:
        batches: At least one; of one table, source and path, all versioned or none.

    Returns:
        The batch. A second row of one key with other content is quarantined, the first is kept.
    """
    first = batches[0]
    if len(batches) == 1:
        return first
    records, refused, notes, before = [], [], Counter[str](), 0
    for batch in batches:
        onward = (pl.col("row") + before).alias("row")
        records.append(batch.records.with_columns(onward))
        refused.append(batch.quarantine.with_columns(onward))
        notes.update(batch.notes)
        before += batch.read
    together = pl.concat(records)
    kept, conflicts, duplicate = _first_of_each_key(first.table, together, first.versioned)
    more = _quarantine(first.table, first.source, first.path, together, conflicts, together)
    return replace(
        first,
        read=before,
        records=kept,
        quarantine=pl.concat([*refused, more]),
        duplicate=duplicate + sum(batch.duplicate for batch in batches),
        notes=dict(notes),
    )


def _check(table: str, records: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    numbered = _NUMBERED[table]
    names = list(numbered.columns())
    good, failure = numbered.filter(records.select(names))
    if not len(failure):
        return good, _no_reasons()
    details = failure.details()
    rules = [name for name in details.columns if name not in names]
    reasons = pl.concat_list(
        pl.when(pl.col(rule).cast(pl.String) == "invalid").then(pl.lit(_plain(rule)))
        for rule in rules
    )
    failed = details.select("row", reasons.list.drop_nulls().list.join("; ").alias("reason"))
    return good, failed


def _plain(rule: str) -> str:
    column, _, check = rule.partition("|")
    if not check:
        return PLAIN_RULES.get(column, column.replace("_", " "))
    return f"{column} {PLAIN_RULES.get(check, check)}"


def _first_of_each_key(
    table: str, records: pl.DataFrame, versioned: bool
) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    key = [*schema.KEYS[table], *(["known_at"] if versioned else [])]
    if not records.select(key).is_duplicated().any():
        return records, _no_reasons(), 0
    content = [name for name in records.columns if name not in ("row", *key)]
    ordered = records.sort("row").with_columns(
        pl.int_range(pl.len()).over(key).alias("_nth"),
        pl.all_horizontal(pl.col(c).eq_missing(pl.col(c).first().over(key)) for c in content).alias(
            "_same"
        ),
        pl.col("row").first().over(key).alias("_first"),
    )
    kept = ordered.filter(pl.col("_nth") == 0).select(records.columns)
    later = ordered.filter(pl.col("_nth") > 0)
    named = " and ".join(key)
    conflicts = later.filter(~pl.col("_same")).select(
        "row",
        pl.format(f"the same {named} as row {{}}, with other content", "_first").alias("reason"),
    )
    return kept, conflicts, int(later["_same"].sum())


def _quarantine(
    table: str, source: str, path: str, raw: pl.DataFrame, bad: pl.DataFrame, found: pl.DataFrame
) -> pl.DataFrame:
    if bad.is_empty():
        return pl.DataFrame(schema=schema.QUARANTINE)
    fields = [name for name in raw.columns if name != "row"]
    about = found.select(
        "row",
        *(
            (pl.col(name) if name in found.columns else pl.lit(None)).alias(f"_{name}")
            for name in ("ticker", "session")
        ),
    )
    return (
        bad.join(raw, on="row", how="left", maintain_order="left")
        .join(about, on="row", how="left", maintain_order="left")
        .select(
            pl.lit(table).alias("table"),
            pl.lit(source).alias("source"),
            pl.lit(path).alias("path"),
            "row",
            pl.col("reason").str.slice(0, LONGEST_REASON),
            pl.struct(fields).struct.json_encode().alias("record"),
            pl.col("_ticker").alias("ticker"),
            pl.col("_session").alias("session"),
        )
        .cast(schema.QUARANTINE)  # type: ignore[arg-type]
    )


def _broken(
    table: str, source: str, path: str, rows: tuple[tuple[int, str, str], ...]
) -> pl.DataFrame:
    data = [(table, source, path, row, reason, text, None, None) for row, reason, text in rows]
    return pl.DataFrame(data, schema=schema.QUARANTINE, orient="row")


def _no_reasons() -> pl.DataFrame:
    return pl.DataFrame(schema={"row": pl.Int64, "reason": pl.String})
