"""From raw files to the lake: only what it has not seen, every row accounted for."""

from stocktrend.ingestion.report import IngestReport, SourceReport
from stocktrend.ingestion.steps import ingest, last_report

__all__ = ["IngestReport", "SourceReport", "ingest", "last_report"]
