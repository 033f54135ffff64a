"""Data quality: rules, what they find, and how complete and fresh each table is."""

from stocktrend.quality.examine import check
from stocktrend.quality.findings import FOUND, Finding, Given, Rule, rule, spans
from stocktrend.quality.own import load_rules
from stocktrend.quality.report import QualityReport
from stocktrend.quality.rules import RULES

__all__ = [
    "FOUND",
    "RULES",
    "Finding",
    "Given",
    "QualityReport",
    "Rule",
    "check",
    "load_rules",
    "rule",
    "spans",
]
