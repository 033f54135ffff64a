"""The check: every rule on every table, one table in memory at a time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

import polars as pl

from stocktrend.config import Settings
from stocktrend.errors import ConfigError, DataError
from stocktrend.ingestion.report import FileEntry
from stocktrend.lake import Lake, Records
from stocktrend.lake.withheld import REASON
from stocktrend.panel import restarts
from stocktrend.progress import Progress, silent
from stocktrend.quality.coverage import table_quality
from stocktrend.quality.described import described
from stocktrend.quality.findings import SEVERITIES, Finding, Given, Rule
from stocktrend.quality.own import apply_own
from stocktrend.quality.report import Picture, QualityReport
from stocktrend.quality.rules import RULES
from stocktrend.schema import TABLES
from stocktrend.sessions import sessions

MOST_PICTURES: Final = 24
AROUND: Final = timedelta(days=365)
"""Shown on each side of a spell."""
MOST_POINTS: Final = 3000
LONGEST_EXAMPLE: Final = 240
DUPLICATES: Final = {"table": pl.String, "path": pl.String, "rows": pl.Int64}
PRICED: Final = {"ticker": pl.String, "first": pl.Date, "last": pl.Date}


def check(
    records: Records,
    settings: Settings,
    now: datetime,
    *,
    rules: Sequence[Rule] = (),
    progress: Progress = silent,
) -> QualityReport:
    """Apply all rules to all records.

    Args:
        records: A lake, or tables in memory; nothing of them is changed.
        settings: The exchange whose sessions bars are held against.
        now: Freshness is measured against it; with a time zone.
        rules: A user's own, after the built-in ones.
        progress: Told after each rule.

    Raises:
        ConfigError: two rules have one name.
        DataError: ``now`` has no time zone, or an own rule fails.
        LakeError: the lake is missing or damaged.
    """
    if now.tzinfo is None:
        raise DataError(f"now must have a time zone, however: {now!r}. Use datetime.now(UTC)")
    every = (*RULES, *rules)
    _require_distinct(every)
    days = sessions(settings.exchange)
    # In an order of its own: examples are the first of their kind.
    refused = records.quarantine().sort("table", "path", "row", "ticker", "session", "reason")
    broken = restarts(records, settings.exchange)
    held = pl.col("reason").str.starts_with(REASON).alias("withheld")
    aside = refused.group_by("table", held).len()
    withheld = refused.filter(held).select("ticker", "session").unique().drop_nulls()
    given = Given(now, days, pl.DataFrame(schema=PRICED), withheld, _duplicates(records))
    findings: list[Finding] = []
    tables = []
    pictures: tuple[Picture, ...] = ()
    for table in (*TABLES, "quarantine"):
        rows = refused if table == "quarantine" else described(records, table, days, broken)
        if table == "bars":
            given = replace(given, priced=_priced(rows))
        asked = [rule for rule in every if rule.table == table]
        for done, rule in enumerate(asked):
            progress(f"check {table}", done, len(asked), "rules")
            apply = apply_own if rule in rules else Rule.apply
            findings += apply(rule, rows, given)
        if table != "quarantine":
            tables.append(table_quality(table, rows, given, aside))
        if table == "bars":
            pictures = _pictures(rows, findings)
        progress(f"check {table}", len(asked), len(asked), "rules")
    return QualityReport(
        checked=now,
        tables=tuple(tables),
        findings=tuple(sorted(findings, key=lambda f: SEVERITIES.index(f.severity))),
        rules=every,
        quarantine=_reasons(refused),
        pictures=pictures,
        versions=records.versions() if isinstance(records, Lake) else {},
    )


def _duplicates(records: Records) -> pl.DataFrame:
    entries = records.ledger.entries().values() if isinstance(records, Lake) else ()
    files = [FileEntry.from_json(entry) for entry in entries]
    rows = [(file.table, file.path, file.duplicate) for file in files if file.duplicate]
    return pl.DataFrame(sorted(rows), schema=DUPLICATES, orient="row")


def _priced(bars: pl.DataFrame) -> pl.DataFrame:
    session = pl.col("session")
    ends = session.min().alias("first"), session.max().alias("last")
    return bars.group_by("ticker").agg(*ends).sort("ticker")


def _require_distinct(rules: Sequence[Rule]) -> None:
    names = [rule.name for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(
            [
                f"a rule's name must be its own, however several are named {name!r}. Rename yours"
                for name in twice
            ]
        )


def _reasons(refused: pl.DataFrame) -> pl.DataFrame:
    """The quarantine by reason, with an example each."""
    plain = pl.col("reason").str.extract(f"^({REASON}\\w+|[^:]*)")
    return (
        refused.group_by("table", "source", plain)
        .agg(
            pl.len().alias("records"),
            pl.col("path").first(),
            pl.col("record").first().str.slice(0, LONGEST_EXAMPLE).alias("example"),
        )
        .sort("records", "table", "source", "reason", descending=[True, False, False, False])
    )


def _pictures(bars: pl.DataFrame, findings: Sequence[Finding]) -> tuple[Picture, ...]:
    spells: dict[str, list[tuple[date, date, str]]] = {}
    for f in findings:
        if f.severity == "error" and f.first and f.last:
            spells.setdefault(f.subject, []).append((f.first, f.last, f.rule))
    return tuple(
        Picture(ticker, _around(bars, ticker, found), tuple(found))
        for ticker, found in list(spells.items())[:MOST_PICTURES]
    )


def _around(
    bars: pl.DataFrame, ticker: str, spells: Sequence[tuple[date, date, str]]
) -> pl.DataFrame:
    first = min(first for first, *_ in spells) - AROUND
    last = max(last for _, last, _ in spells) + AROUND
    some = bars.filter(pl.col("ticker") == ticker, pl.col("session").is_between(first, last))
    peers = (pl.col("move") - pl.col("excess")).fill_null(0.0).cum_sum()
    scaled = (peers - peers.first()).exp() * pl.col("adj_close").first()
    return some.select("session", pl.col("adj_close").alias("price"), scaled.alias("peers")).pipe(
        lambda frame: frame.gather_every(-(-frame.height // MOST_POINTS) or 1)
    )
