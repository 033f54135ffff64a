"""One self-contained HTML page about a run."""

from stocktrend.report.contents import ReportContents
from stocktrend.report.page import render_report, write_report

__all__ = ["ReportContents", "render_report", "write_report"]
