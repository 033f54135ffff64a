"""The tables of the report, as plain rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from stocktrend.catalog import feature_groups
from stocktrend.reporting.contents import ReportContents

EXAMPLES = 3
EXAMPLE_LENGTH = 240

GROUP_OF_TABLE = {"bars": "Prices", "news": "News", "policy": "Policy", "macro": "Macro"}


@dataclass(frozen=True)
class ScoreRow:
    """A ticker's (score, probability up, probability down, low, high, call) of each horizon."""

    ticker: str
    values: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Freshness:
    """What was read of one group of data and until when.

    ``behind`` is how many days the newest record was known before the scores' date, 0 if later.
    """

    group: str
    sources: str
    read: int
    first: date | None
    last: date | None
    behind: int | None


@dataclass(frozen=True)
class Refused:
    """Quarantined records of one source and reason."""

    table: str
    source: str
    reason: str
    count: int
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Coverage:
    """Share of rows with a value, overall and by year; ``features`` for a group."""

    name: str
    overall: float
    by_year: tuple[float, ...]
    features: tuple["Coverage", ...] = ()


def score_rows(contents: ReportContents) -> list[ScoreRow]:
    """All tickers of the newest date, strongest score of the first horizon first."""
    latest = contents.latest
    if latest.is_empty():
        return []
    first = f"score_{contents.horizons[0]}d"
    ordered = latest.with_columns(pl.col(pl.Float64, pl.Float32).fill_nan(None)).sort(
        first, "ticker", descending=[True, False], nulls_last=True
    )
    kinds = ("score", "pos_prob", "neg_prob", "low", "high", "call")
    parts = [ordered.select(f"{kind}_{h}d" for kind in kinds) for h in contents.horizons]
    return [
        ScoreRow(ticker, tuple(values))
        for ticker, *values in zip(
            ordered["ticker"].to_list(), *(part.rows() for part in parts), strict=True
        )
    ]


def as_of_day(contents: ReportContents) -> date | None:
    """The date of the newest scores, or of the newest that were judged."""
    rows = contents.latest if len(contents.latest) else contents.tested
    return _day(rows["as_of"].max()) if len(rows) else None


def freshness(contents: ReportContents) -> list[Freshness]:
    """One row a group of data, from the ingest report."""
    scores_of = as_of_day(contents)
    rows = []
    for table, group in GROUP_OF_TABLE.items():
        found = [s for s in ingest_sources(contents) if s.get("table") == table]
        first = min((d for s in found if (d := _day(s.get("first_known")))), default=None)
        last = max((d for s in found if (d := _day(s.get("last_known")))), default=None)
        behind = max(0, (scores_of - last).days) if scores_of and last else None
        names = sorted({str(s.get("source", "")) for s in found})
        shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        read = sum(int(s.get("read") or 0) for s in found)
        rows.append(Freshness(group, shown, read, first, last, behind))
    return rows


def ingest_sources(contents: ReportContents) -> list[Mapping[str, Any]]:
    """The sources of the ingest report, as dictionaries."""
    if contents.ingest is None:
        return []
    return list(contents.ingest.get("sources") or [])


def refused(contents: ReportContents) -> list[Refused]:
    """Quarantine by source and reason, the most frequent first, with a few examples."""
    frame = contents.quarantine
    if frame.is_empty():
        return []
    groups = (
        frame.with_columns(pl.col("record").cast(pl.String).str.slice(0, EXAMPLE_LENGTH + 1))
        .group_by("table", "source", "reason")
        .agg(
            pl.len().alias("count"),
            pl.struct("path", "row", "record").head(EXAMPLES).alias("examples"),
        )
        .sort("count", "table", "source", "reason", descending=[True, False, False, False])
    )
    return [
        Refused(
            row["table"],
            row["source"],
            row["reason"],
            row["count"],
            tuple(_example(e["path"], e["row"], e["record"]) for e in row["examples"]),
        )
        for row in groups.iter_rows(named=True)
    ]


def _example(path: str | None, row: int | None, record: str | None) -> tuple[str, str]:
    place = path or "" if row is None else f"{path or ''}, row {row}"
    text = record or ""
    return place, text[:EXAMPLE_LENGTH] + "…" if len(text) > EXAMPLE_LENGTH else text


def coverage(panel: pl.DataFrame, own: Sequence[str] = ()) -> tuple[list[int], list[Coverage]]:
    """Years, and the coverage of each feature group with its features.

    The share of a group is the mean over its features.
    """
    groups = {
        group: [name for name in names if name in panel.columns]
        for group, names in feature_groups(own).items()
    }
    features = [name for names in groups.values() for name in names]
    if panel.is_empty() or not features:
        return [], []
    known = pl.col(features).cast(pl.Float64).is_finite().fill_null(value=False).mean()
    by_year = panel.group_by(pl.col("as_of").dt.year().alias("year")).agg(known).sort("year")
    overall = panel.select(known).row(0, named=True)
    columns = by_year.to_dict(as_series=False)
    rows = []
    for group, names in groups.items():
        if not names:
            continue
        parts = tuple(Coverage(n, overall[n], tuple(columns[n])) for n in names)
        rows.append(
            Coverage(
                group,
                sum(p.overall for p in parts) / len(parts),
                tuple(sum(p.by_year[i] for p in parts) / len(parts) for i in range(len(by_year))),
                parts,
            )
        )
    return columns["year"], rows


def flattened(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as dotted names and values."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from flattened(value, f"{name}.")
        elif isinstance(value, (list, tuple)) and any(isinstance(v, Mapping) for v in value):
            yield from flattened({str(i): v for i, v in enumerate(value)}, f"{name}.")
        elif isinstance(value, (list, tuple)):
            yield name, ", ".join(map(str, value))
        else:
            yield name, "" if value is None or value == {} else str(value)


def _day(moment: Any) -> date | None:
    if moment is None or moment == "":
        return None
    if isinstance(moment, datetime):
        return moment.date()
    return moment if isinstance(moment, date) else date.fromisoformat(str(moment)[:10])
