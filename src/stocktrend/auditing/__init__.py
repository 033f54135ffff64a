"""The look-ahead audit: does anything that becomes known later change what came before?

It runs the steps of production, or others put in their place, on the records as they are and on
records with another future, and names what differs with its source.
"""

from stocktrend.auditing.findings import AuditReport, Check, Finding
from stocktrend.auditing.steps import Steps
from stocktrend.auditing.stored import Stored
from stocktrend.auditing.whole import ROW_SETTINGS, Made, Trained, examine

__all__ = [
    "ROW_SETTINGS",
    "AuditReport",
    "Check",
    "Finding",
    "Made",
    "Steps",
    "Stored",
    "Trained",
    "examine",
]
