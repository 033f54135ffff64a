"""The check of a data root, and what follows from it: pages, and spells that are withheld."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from stocktrend.config import Settings
from stocktrend.errors import ConfigError, DataError, LakeError
from stocktrend.lake import Lake
from stocktrend.lake.withheld import release as release_spells
from stocktrend.lake.withheld import withhold
from stocktrend.panel import did_you_mean
from stocktrend.progress import Progress, silent
from stocktrend.quality import QualityReport, load_rules
from stocktrend.quality import check as check_records
from stocktrend.reporting.quality import write_check
from stocktrend.settings import load_settings
from stocktrend.workflow.places import lake_folder

PAGE = Path("check") / "report.html"
"""Under a data root."""


@dataclass(frozen=True)
class Checked:
    """A check of a data root.

    Attributes:
        report: What was found, after ``withheld`` spells were withheld.
        withheld: How many spells this check withheld.
        released: How many spells this check released.
        page: The HTML page.
    """

    report: QualityReport
    withheld: int
    released: int
    page: Path


def check(
    root: Path | str,
    *,
    settings: Settings | None = None,
    now: datetime | None = None,
    progress: Progress = silent,
) -> QualityReport:
    """Apply every rule of data quality to the records of a data root; nothing is changed.

    Args:
        root: The data root.
        settings: Default: those of the data root; ``checks`` names a user's own rules.
        now: Freshness is measured against it. Default: now.
        progress: Told after each rule.

    Returns:
        Freshness and coverage of each table, and the findings.

    Raises:
        LakeError: nothing was ingested, or the lake is damaged.
        ConfigError, DataError: an own rule cannot be loaded, or fails.
    """
    folder = Path(root)
    lake = Lake(lake_folder(folder))
    if not lake.exists:
        raise LakeError(
            f"There must be a lake to check, however {lake.path} holds none. Put files into raw/ "
            f"and run `stocktrend ingest`"
        )
    chosen = settings or load_settings(folder, environ=os.environ).settings
    own = load_rules(chosen, folder)
    moment = now or datetime.now(UTC)
    return check_records(lake.as_now(), chosen, moment, rules=own, progress=progress)


def check_root(
    root: Path,
    settings: Settings,
    now: datetime,
    *,
    out: Path | None = None,
    quarantine: bool = False,
    release: Sequence[str] = (),
    progress: Progress = silent,
) -> Checked:
    """Check a data root and write the page.

    Args:
        out: Default: ``check/report.html`` in the data root.
        quarantine: Withhold the corrupt spells from what is read, then check again.
        release: Tickers whose withheld bars are to be read again first; not with ``quarantine``,
            which would withhold them again.

    Raises:
        ConfigError: both ``quarantine`` and ``release``.
        DataError: nothing of a ticker to release is withheld.
    """
    if quarantine and release:
        raise ConfigError(
            f"--quarantine and --release must not be given together, however both are: what is "
            f"released ({', '.join(release)}) would be withheld again. Give one of them"
        )
    lake = Lake(lake_folder(root))
    released = _released(lake, release) if release else 0
    report = check(root, settings=settings, now=now, progress=progress)
    withheld = withhold(lake, report.corrupt(), now) if quarantine else 0
    if withheld:
        report = check(root, settings=settings, now=now, progress=progress)
    page = write_check(out or root / PAGE, report, root.resolve().name)
    return Checked(report, withheld, released, page)


def _released(lake: Lake, tickers: Sequence[str]) -> int:
    held = lake.withheld()["ticker"].unique().sort().to_list() if lake.exists else []
    known = f"withheld are bars of {', '.join(held)}" if held else "no bar of any ticker is"
    problems = [
        f"--release must name tickers with withheld bars, however {ticker!r} has none: "
        f"{did_you_mean(ticker, held) or known}"
        for ticker in tickers
        if ticker not in held
    ]
    if problems:
        raise DataError("\n".join(problems))
    return release_spells(lake, tickers)
