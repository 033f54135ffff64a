"""What a rule of data quality is, and what it finds."""

import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Literal, get_args

import polars as pl

from stocktrend.errors import ConfigError, DataError
from stocktrend.schema import TABLES

Severity = Literal["error", "warning", "note"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
"""Worst first. What an error of bars covers is corrupt and can be withheld; a warning wants a
look; a note is a fact that features deal with by themselves."""

CHECKED: Final = (*TABLES, "quarantine")
"""Tables that a rule can be about."""

FOUND: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "subject": pl.String,
    "first": pl.Date,
    "last": pl.Date,
    "rows": pl.Int64,
    "detail": pl.String,
}
"""Columns of what a rule returns: a ticker, series or source; the days; how many records; why."""


@dataclass(frozen=True)
class Given:
    """What a rule may know beside its records.

    Attributes:
        now: The time of the check; freshness is measured against it.
        sessions: ``number, session, open, close`` of the exchange, see ``stocktrend.sessions``.
        priced: ``ticker, first, last``: the first and last session of each ticker with bars.
        withheld: ``ticker, session`` of stored bars that are not read.
        duplicates: ``table, path, rows``: how many records each file repeats.
    """

    now: datetime
    sessions: pl.DataFrame
    priced: pl.DataFrame
    withheld: pl.DataFrame
    duplicates: pl.DataFrame


Find = Callable[[pl.DataFrame, Given], pl.DataFrame]


@dataclass(frozen=True)
class Finding:
    """Records of one subject that break a rule.

    Attributes:
        subject: A ticker, series or source.
        first, last: Days of the first and last record, both included; None where it has none.
        rows: How many records.
        detail: What was seen, in words and figures.
        remedy: What a user can do.
    """

    rule: str
    severity: Severity
    table: str
    subject: str
    first: date | None
    last: date | None
    rows: int
    detail: str
    remedy: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        days = {"first": self.first, "last": self.last}
        return asdict(self) | {name: day and day.isoformat() for name, day in days.items()}


@dataclass(frozen=True)
class Rule:
    """One rule; ``rule`` makes one of a function.

    Attributes:
        name: Small letters and underscores; names its findings.
        table: A table of records, or quarantine: whose records ``find`` is given.
        severity: Of all its findings.
        remedy: What a user can do about a finding.
        meaning: What it looks for, in a sentence.
        find: Called with the newest version of each record and a ``Given``; returns ``FOUND``.
    """

    name: str
    table: str
    severity: Severity
    remedy: str
    meaning: str
    find: Find

    def __post_init__(self) -> None:
        problems = []
        if self.table not in CHECKED:
            problems.append(
                f"rule {self.name!r}: its table must be one of {', '.join(CHECKED)}, "
                f"however: {self.table!r}. Choose one"
            )
        if self.severity not in SEVERITIES:
            problems.append(
                f"rule {self.name!r}: its severity must be one of {', '.join(SEVERITIES)}, "
                f"however: {self.severity!r}. Choose one"
            )
        if not self.remedy or not self.meaning:
            problems.append(
                f"rule {self.name!r}: it must have a remedy and a docstring, however one is "
                f"empty. Say what it looks for and what to do about it"
            )
        if problems:
            raise ConfigError(problems)

    @property
    def place(self) -> str:
        """File and line of its function."""
        code = inspect.unwrap(self.find).__code__
        return f"{Path(code.co_filename).name}, line {code.co_firstlineno}"

    def apply(self, records: pl.DataFrame, given: Given) -> list[Finding]:
        """The findings among the records of the rule's table.

        Raises:
            DataError: the function returned anything but ``FOUND`` columns; names file and rule.
        """
        found = self.find(records, given)
        if not isinstance(found, pl.DataFrame) or not set(FOUND) <= set(found.columns):
            seen = list(found.columns) if isinstance(found, pl.DataFrame) else type(found).__name__
            raise DataError(
                f"rule {self.name!r} ({self.place}) must return a polars DataFrame with the "
                f"columns {', '.join(FOUND)}, however: {seen}. Select or add them"
            )
        rows = found.select(pl.col(name).cast(kind) for name, kind in FOUND.items())
        return [
            Finding(
                rule=self.name,
                severity=self.severity,
                table=self.table,
                remedy=self.remedy,
                **values,
            )
            for values in rows.iter_rows(named=True)
        ]


def rule(
    *, table: str, severity: Severity, remedy: str, name: str | None = None
) -> Callable[[Find], Rule]:
    """Make a function a rule: of its own name unless another is given, its docstring the meaning.

    Args, Raises: as ``Rule``.

    >>> @rule(table="bars", severity="note", remedy="Buy more.")
    ... def cheap(bars, given):
    ...     '''Closes under a dollar.'''
    ...     return spans(bars.filter(pl.col("close") < 1), "ticker", "session", pl.lit("cheap"))
    >>> cheap.name, cheap.meaning
    ('cheap', 'Closes under a dollar.')
    """

    def made(find: Find) -> Rule:
        meaning = " ".join((inspect.getdoc(find) or "").split("\n\n")[0].split())
        return Rule(name or find.__name__, table, severity, remedy, meaning, find)

    return made


def spans(records: pl.DataFrame, subject: str, day: str, detail: pl.Expr) -> pl.DataFrame:
    """One finding a subject: its first and last day, its number of records.

    Args:
        records: Those that break the rule.
        subject: Column of the ticker, series or source.
        day: Column of the day, a Date.
        detail: Text of the finding, from an aggregation of its records.

    Returns:
        ``FOUND`` columns, most records first.
    """
    return (
        records.group_by(pl.col(subject).alias("subject"))
        .agg(
            pl.col(day).min().alias("first"),
            pl.col(day).max().alias("last"),
            pl.len().cast(pl.Int64).alias("rows"),
            detail.alias("detail"),
        )
        .sort(["rows", "subject"], descending=[True, False])
        .select(list(FOUND))
    )


def nothing() -> pl.DataFrame:
    """No finding."""
    return pl.DataFrame(schema=FOUND)
