"""What a check found, ready to be shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from stocktrend.quality.coverage import TableQuality
from stocktrend.quality.findings import SEVERITIES, Finding, Rule, Severity


@dataclass(frozen=True)
class Picture:
    """The prices of a ticker around its corrupt spells.

    Attributes:
        prices: ``session, price`` (adjusted close) and ``peers``: where the median stock would
            have taken the first price.
        spells: First and last session of each, and its rule.
    """

    ticker: str
    prices: pl.DataFrame
    spells: tuple[tuple[date, date, str], ...]


@dataclass(frozen=True)
class QualityReport:
    """What a check found.

    Attributes:
        checked: The time of the check.
        tables: bars, news, policy, macro.
        findings: Worst first, then in the order of the rules.
        rules: All that were applied.
        quarantine: ``table, source, reason, records, path, example``, most records first.
        pictures: Of tickers with corrupt bars, see ``Picture``.
        versions: Of the lake's tables; empty for records in memory.
    """

    checked: datetime
    tables: tuple[TableQuality, ...]
    findings: tuple[Finding, ...]
    rules: tuple[Rule, ...]
    quarantine: pl.DataFrame
    pictures: tuple[Picture, ...]
    versions: Mapping[str, int]

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.count(severity)} {severity}s" for severity in SEVERITIES)
        return f"QualityReport({counts})"

    def count(self, severity: Severity) -> int:
        """How many findings are of a severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def corrupt(self) -> pl.DataFrame:
        """Spells of stored bars in error: ``ticker, first, last, rule, reason``."""
        rows = [
            (f.subject, f.first, f.last, f.rule, f.detail)
            for f in self.findings
            if f.severity == "error" and f.table == "bars" and f.first and f.last
        ]
        names = {
            "ticker": pl.String(),
            "first": pl.Date(),
            "last": pl.Date(),
            "rule": pl.String(),
            "reason": pl.String(),
        }
        return pl.DataFrame(rows, schema=names, orient="row")

    def withheld(self) -> int:
        """How many stored bars are withheld."""
        return sum(table.withheld for table in self.tables)

    def corrupt_records(self) -> int:
        """How many records in error are still read: those in quarantine are not."""
        told = (f for f in self.findings if f.severity == "error" and f.table != "quarantine")
        return sum(f.rows for f in told)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "checked": self.checked.isoformat(),
            "counts": {severity: self.count(severity) for severity in SEVERITIES},
            "tables": [table.to_dict() for table in self.tables],
            "findings": [finding.to_dict() for finding in self.findings],
            "quarantine": self.quarantine.to_dicts(),
            "versions": dict(self.versions),
        }
