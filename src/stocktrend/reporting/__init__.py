"""One self-contained HTML page about a run."""

from stocktrend.reporting.contents import ReportContents
from stocktrend.reporting.page import render_report, write_report

__all__ = ["ReportContents", "render_report", "write_report"]
