"""Asking the live sources of a data root. Imports no model: this part of an update stays small."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from stocktrend.config import Settings
from stocktrend.errors import ConfigError, StocktrendError
from stocktrend.lake import Lake
from stocktrend.lake.lock import only_writer
from stocktrend.live.health import Health
from stocktrend.live.services import FOLDER, PRICES, Named, Opened, opened, services
from stocktrend.live.status import read_status, write_status
from stocktrend.live.updating import Fetched
from stocktrend.live.updating import fetch as ask
from stocktrend.live.vendors import Vendors
from stocktrend.progress import Progress, silent
from stocktrend.settings import load_settings
from stocktrend.sources.plan import plan
from stocktrend.universe import among_members
from stocktrend.workflow.places import lake_folder

Notify = Callable[[str], None]
Time = Callable[[], datetime]
NO_TICKERS = (
    "services that are asked by ticker must know the tickers, however there are none for {}. Write "
    "`tickers: [AAPL, MSFT]` into stocktrend.yaml, or put membership.csv with ticker, start_date, "
    "end_date into raw/universe/"
)


@dataclass(frozen=True)
class FetchReport:
    """What came of the services that were asked.

    Attributes:
        sources: Those that were, in the order of the settings.
        refused: Name -> why a service could not be asked at all.
        retrieved_at: When, ISO.
        lacking: Tickers without bars that had some, or were not asked for, the last time, and why.
        vendors: Of prices, by their names: for how many tickers each was asked, and failed.
    """

    sources: tuple[Fetched, ...]
    refused: Mapping[str, str]
    retrieved_at: str
    lacking: Mapping[str, str] = field(default_factory=dict)
    vendors: Mapping[str, Health] = field(default_factory=dict)

    @property
    def errors(self) -> dict[str, str]:
        """Name -> why a service is not complete, with the remedy; empty where all are.

        A vendor that failed for all its tickers is one of them, though others stood in for it:
        unseen, a key that has expired would stay so. Where none did, the error of all tells why.
        """
        failed = {one.name: one.error for one in self.sources if one.error is not None}
        came = any(one.done for one in self.sources if one.name == PRICES)
        hidden = {
            name: str(health.failure)
            for name, health in self.vendors.items()
            if came and health.failing
        }
        return {**self.refused, **failed, **hidden}

    @property
    def gaps(self) -> dict[str, str]:
        """Vendor -> why it failed for some of its tickers, and not for all."""
        return {
            name: str(health.failure)
            for name, health in self.vendors.items()
            if health.failed and not health.failing
        }

    @property
    def done(self) -> int:
        """Parts that are complete."""
        return sum(one.done for one in self.sources)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {**asdict(self), "errors": self.errors}


def fetch(
    root: Path | str,
    *,
    sources: Sequence[str] | None = None,
    since: date | None = None,
    settings: Settings | None = None,
    now: datetime | None = None,
    progress: Progress = silent,
    notify: Notify = lambda line: None,
) -> FetchReport:
    """Ask live sources for what the lake does not have, and store it.

    Waits while another program does so. Stopped anywhere, it is completed by the next one.

    Args:
        root: The data root.
        sources: Names, kinds or lists (``news``) of the settings' services. Default: all.
        since: Ask from this day on, whatever the lake has. Default: from what it has.
        settings: Default: those of the data root.
        now: The time: revisions are known from then on. Default: each from when it came.
        progress: Told about each part, one step a source.
        notify: Told in a line that another program is waited for, or a service asked again.

    Returns:
        Per source the fate of every row; those that failed with the reason.

    Raises:
        ConfigError: the settings are wrong, or name no service that was asked for.
        LakeError: the lake is damaged or cannot be written.
    """
    folder = Path(root)
    chosen = settings or load_settings(folder, environ=os.environ).settings
    wanted = services(chosen, sources)
    if not wanted:
        raise ConfigError(
            f"a service must be named under `sources` in {folder / 'stocktrend.yaml'}, however: "
            f"none is. See docs/live.md, or make a configuration with `stocktrend init`"
        )
    with updating(folder, notify):
        return fetch_alone(folder, chosen, wanted, time_of(now), since, progress, notify)


def updating(root: Path, notify: Notify) -> AbstractContextManager[object]:
    """The live sources of a data root, held against other programs; waits for them."""
    return only_writer(root / FOLDER, "the live sources", wait=notify)


def time_of(now: datetime | None) -> Time:
    """The time that is given, whenever it is asked for; else the clock's."""
    return lambda: now or datetime.now(UTC)


def fetch_alone(
    root: Path,
    settings: Settings,
    wanted: Sequence[Named],
    time: Time,
    since: date | None,
    progress: Progress,
    notify: Notify,
) -> FetchReport:
    """``fetch`` for a caller that holds the live sources."""
    lake, now = Lake(lake_folder(root)), time()
    with opened(settings, wanted, root, os.environ, now, notify) as found:
        found = _one_source_a_series(_with_parts(found, settings, lake, now), settings, root)
        fetched = ask(
            lake,
            found.asked,
            now=now,
            clock=time,
            since=since,
            progress=progress,
            wait=notify,
        )
    vendors = {
        name: health
        for one in found.asked
        if isinstance(one.source, Vendors)
        for name, health in one.source.fared.items()
    }
    told = read_status(root / FOLDER)
    lacking = {
        ticker: why
        for one in fetched
        for ticker, why in one.lacking.items()
        if one.name not in told or ticker not in told[one.name].lacking
    }
    write_status(root / FOLDER, fetched, found.refused, now, vendors)
    return FetchReport(fetched, found.refused, now.isoformat(), lacking, vendors)


def tickers_of(settings: Settings, lake: Lake, since: date, now: datetime) -> list[str]:
    """Whom a service is asked about from a day on.

    The settings' tickers, else all who were members since, else all with prices. Members that have
    left are among them: without those that failed, the past would look better than it was.
    """
    if settings.tickers:
        return list(settings.tickers)
    if not lake.exists:
        return []
    changes = lake.history("universe")
    ends = pl.DataFrame(
        {"as_of": [datetime(since.year, since.month, since.day, 12, tzinfo=UTC), now]}
    )
    known = changes.select(pl.col("ticker").unique()).join(ends, how="cross")
    held = among_members(known, changes)["ticker"]
    came = changes.filter("member", pl.col("day").is_between(since, now.date()))["ticker"]
    return sorted({*held, *came} or {*lake.spans("bars")["ticker"]})


def _with_parts(found: Opened, settings: Settings, lake: Lake, now: datetime) -> Opened:
    """The parts of each; a service that has nothing to be asked about fails of its own."""
    tickers = cache(lambda since: tickers_of(settings, lake, since, now))
    asked = [replace(one, parts=one.source.parts(tickers(one.since))) for one in found.asked]
    idle = [one.source.name for one in asked if not one.parts]
    return replace(
        found,
        asked=[one for one in asked if one.parts],
        refused={**found.refused, **{name: NO_TICKERS.format(name) for name in idle}},
    )


def _one_source_a_series(found: Opened, settings: Settings, root: Path) -> Opened:
    """Without the series of services which files or another service give too."""
    owners: dict[str, str] = {}
    with suppress(StocktrendError):  # what is wrong with the files is told where they are read
        feeds = plan(settings, root).feeds
        owners = {series: feed.setting.path for feed in feeds for series in feed.series}
    asked, refused = [], dict(found.refused)
    for one in found.asked:
        if one.source.table != "macro":
            asked.append(one)
            continue
        twice = {name: owners[name] for name in one.parts if name in owners}
        kept = tuple(name for name in one.parts if name not in twice)
        if kept:
            asked.append(replace(one, parts=kept))
        if twice:
            refused[one.source.name] = "; ".join(
                f"A series must come from one source, however {name} comes from {owner!r} and "
                f"{one.source.name!r}: it is not asked for. Remove one in stocktrend.yaml"
                for name, owner in twice.items()
            )
        owners |= dict.fromkeys(kept, one.source.name)
    return replace(found, asked=asked, refused=refused)
