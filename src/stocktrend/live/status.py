"""How the live sources fared when they were last asked: ``<data_root>/live/status.json``."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from stocktrend.atomic import write_json
from stocktrend.live.health import Health
from stocktrend.live.updating import Fetched

STATUS: Final = "status.json"


@dataclass(frozen=True)
class Status:
    """Of one source; times as ISO, None: never.

    Attributes:
        last_success: When every part of it was last complete.
        last_failure: When it last was not, and ``last_error`` why.
        last_error: Without keys.
        lacking: Tickers that it had no bars of.
    """

    last_success: str | None = None
    last_failure: str | None = None
    last_error: str | None = None
    lacking: list[str] = field(default_factory=list)


def read_status(folder: Path) -> dict[str, Status]:
    """Status by name; a damaged file, as it says nothing that the next update does not, is none."""
    try:
        content = json.loads((folder / STATUS).read_text("utf-8"))
        return {name: Status(**fields) for name, fields in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write_status(
    folder: Path,
    fetched: Sequence[Fetched],
    refused: Mapping[str, str],
    now: datetime,
    vendors: Mapping[str, Health] | None = None,
) -> None:
    """Note how sources fared; the others stay as they are.

    Args:
        folder: ``<data_root>/live``.
        fetched: What came of those that were asked.
        refused: Name -> why a source could not be asked at all.
        now: The time.
        vendors: Of prices, that were asked beside or after each other.
    """
    status, moment = read_status(folder), now.isoformat()
    for one in fetched:
        held = status.get(one.name, Status())
        # Of those that were not asked for, or did not come, it is not known any better.
        still = held.lacking if one.failed or one.skipped else []
        status[one.name] = replace(held, lacking=sorted({*one.lacking, *still}))
    errors = {one.name: one.error for one in fetched}
    errors |= {name: health.failure for name, health in (vendors or {}).items()}
    errors |= refused
    for name, error in errors.items():
        held = status.get(name, Status())
        if error is None:
            status[name] = replace(held, last_success=moment)
        else:
            status[name] = replace(held, last_failure=moment, last_error=error)
    write_json(folder / STATUS, {name: asdict(one) for name, one in sorted(status.items())})
