"""What feeds a data root: its services and files, with what the lake has of each."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import polars as pl

from stocktrend.config import Settings
from stocktrend.ingestion import last_report
from stocktrend.lake import Lake
from stocktrend.lake.revisions import ORIGIN
from stocktrend.live.services import FOLDER, PRICES, Named, services
from stocktrend.live.status import Status, read_status
from stocktrend.workflow.places import lake_folder

FILES = "files"


@dataclass(frozen=True)
class Feeding:
    """A service, or the files of one source.

    Attributes:
        kind: Of the service; ``files``.
        newest: The last ``known_at`` in the lake, None where it has nothing of it.
        rows: In the lake, with revisions; of files, as they were last read.
        last_success: When a service was last complete, ISO.
        last_error: Why it last was not, None where nothing has failed since.
        lacking: Tickers that it, and all vendors with it, had no bars of.
        terms: What a user should know of its terms of use; empty for files.
    """

    name: str
    kind: str
    table: str
    newest: datetime | None
    rows: int
    last_success: str | None = None
    last_failure: str | None = None
    last_error: str | None = None
    lacking: tuple[str, ...] = ()
    terms: str = ""


def feeding(root: Path, settings: Settings) -> list[Feeding]:
    """Services in the order of the settings, then files as they were last read.

    No request is made.

    Raises:
        ConfigError: two services have one name.
        LakeError: the lake is damaged.
    """
    lake, status = Lake(lake_folder(root)), read_status(root / FOLDER)
    found = [_service(one, settings, lake, status) for one in services(settings)]
    report = last_report(root)
    for source in () if report is None else report.sources:
        last = source.last_known
        newest = None if last is None else datetime.fromisoformat(last)
        rows = source.read - source.quarantined - source.duplicate
        found.append(Feeding(source.source, FILES, source.table, newest, rows))
    return found


def _service(one: Named, settings: Settings, lake: Lake, status: dict[str, Status]) -> Feeding:
    source = one.source(settings.exchange)
    held = _status(one, status)
    own = lake.origins(source.table).filter(pl.col(ORIGIN).str.starts_with(f"{one.name}:"))
    newest = own["last"].max()
    success, failure = held.last_success, held.last_failure
    failing = failure is not None and (success is None or failure > success)
    return Feeding(
        name=one.name,
        kind=one.kind,
        table=source.table,
        newest=newest if isinstance(newest, datetime) else None,
        rows=int(own["rows"].sum()),
        last_success=success,
        last_failure=failure,
        last_error=held.last_error if failing else None,
        lacking=tuple(held.lacking),
        terms=source.terms,
    )


def _status(one: Named, status: dict[str, Status]) -> Status:
    """Vendors of prices stand in for each other: they are asked, and have what comes, together.

    One that failed when they were last asked, or could not be asked as without its key, has failed
    by itself.
    """
    own = status.get(one.name, Status())
    if one.group != PRICES:
        return own
    together = status.get(PRICES, Status())
    last = max(together.last_success or "", together.last_failure or "")
    failed = own.last_failure is not None and own.last_failure >= last
    return replace(own, lacking=together.lacking) if failed else together
