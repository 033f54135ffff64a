"""A part of the page: what its template shows, and its charts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stocktrend.reporting.charts import Figure


@dataclass(frozen=True)
class Section:
    """One section that has something to show.

    Attributes:
        parts: By the names that the template reads.
        charts: By the id of their place in the page.
    """

    parts: Mapping[str, Any]
    charts: Mapping[str, Figure]
