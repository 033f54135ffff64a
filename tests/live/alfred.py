"""ALFRED as its interface is documented, over releases that a test lists."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from stocktrend.errors import SourceError
from stocktrend.live.http import Answer

OPEN = date(9999, 12, 31)
MOST_VINTAGES = 2_000

Released = tuple[date, date, str | None]
"""Period, day of the release, value: ``.`` is stated to be missing, None no longer stated."""


@dataclass
class Alfred:
    """Answers of FRED for one or more series.

    A value is current from its release to the day before the next release of its period; both days
    are cut to the period of real time that was asked for.
    """

    releases: Mapping[str, Sequence[Released]]
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        check: Callable[[Answer], object] | None = None,
    ) -> Answer:
        """An ``Http`` without a network."""
        status, body = self.answer(path, dict(query or {}))
        if status != 200:
            raise SourceError(f"HTTP {status}: {body.decode()}")
        answer = Answer(body, "application/json")
        if check:
            check(answer)
        return answer

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        """Status and body of an answer."""
        self.asked.append((path, query))
        releases = self.releases.get(query["series_id"])
        if releases is None:
            return _error("Bad Request.  The series does not exist.")
        limit, offset = int(query.get("limit", 100_000)), int(query.get("offset", 0))
        vintages = sorted({released for _, released, _ in releases})
        if path.endswith("/vintagedates"):
            return _page("vintage_dates", [str(v) for v in vintages], limit, offset)
        first = date.fromisoformat(query["realtime_start"])
        last = date.fromisoformat(query["realtime_end"])
        count = sum(first <= vintage <= last for vintage in vintages)
        if count > MOST_VINTAGES:
            return _error(
                f"Bad Request.  There are {count} vintage dates in the specified real-time period: "
                f"{first} to {last}.  This exceeds the maximum number of vintage dates allowed "
                f"({MOST_VINTAGES})."
            )
        since = date.fromisoformat(query.get("observation_start", "1776-07-04"))
        rows = [row for row in _current(releases, first, last) if row["date"] >= str(since)]
        return _page("observations", rows, limit, offset)


def _current(releases: Sequence[Released], first: date, last: date) -> list[dict[str, str]]:
    rows = []
    by_period: dict[date, list[Released]] = {}
    for release in sorted(releases, key=lambda r: (r[0], r[1])):
        by_period.setdefault(release[0], []).append(release)
    for period, told in by_period.items():
        ends = [following - timedelta(days=1) for _, following, _ in told[1:]] + [OPEN]
        for (_, start, value), end in zip(told, ends, strict=True):
            if value is not None and start <= last and end >= first:
                rows.append(
                    {
                        "realtime_start": str(max(start, first)),
                        "realtime_end": str(min(end, last)),
                        "date": str(period),
                        "value": value,
                    }
                )
    return rows


def _page(name: str, rows: Sequence[object], limit: int, offset: int) -> tuple[int, bytes]:
    page = {
        "order_by": "observation_date",
        "sort_order": "asc",
        "count": len(rows),
        "offset": offset,
        "limit": limit,
        name: rows[offset : offset + limit],
    }
    return 200, json.dumps(page).encode()


def _error(message: str) -> tuple[int, bytes]:
    return 400, json.dumps({"error_code": 400, "error_message": message}).encode()
