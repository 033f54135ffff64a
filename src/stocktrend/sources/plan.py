"""Which files to read as what: the configured sources, else what lies in ``raw/``."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stocktrend.config import (
    Calendar,
    EventsFile,
    ExecutiveOrdersFile,
    FomcFile,
    FredMdFile,
    GdpEstimatesFile,
    IndexFile,
    SeriesFile,
    Settings,
    SourceFile,
)
from stocktrend.errors import ConfigError, SourceError, StocktrendError
from stocktrend.service_settings import Service
from stocktrend.sources.clock import default_release
from stocktrend.sources.detect import detect
from stocktrend.sources.series import series_of

KINDS: Final = ("prices", "news", "policy", "macro", "universe")
CALENDAR: Final = Path("raw/macro/release_dates.csv")
"""Release dates that well-known series without a rule of their own take, where it exists."""


@dataclass(frozen=True)
class Feed:
    """One configured source and its files.

    ``name`` is stored with each record; ``calendars`` are the calendar files that it depends on.
    """

    table: str
    name: str
    setting: SourceFile
    files: tuple[Path, ...]
    calendars: tuple[Path, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """The dated series that the feed delivers."""
        match self.setting:
            case SeriesFile() | IndexFile():
                return tuple(self.setting.series or series_of(path) for path in self.files)
            case FredMdFile():
                return tuple(self.setting.series)
            case GdpEstimatesFile():
                return (self.setting.series,)
        return ()


@dataclass(frozen=True)
class Plan:
    """All feeds, and what was seen on the way that a user should know."""

    feeds: tuple[Feed, ...]
    warnings: tuple[str, ...] = ()


def plan(settings: Settings, root: Path) -> Plan:
    """Find the files of every source.

    Args:
        settings: The configured sources; a kind that is None is looked for in ``raw/<kind>/``.
        root: The data root.

    Raises:
        SourceError: the data root is missing, there are no prices, or a path matches no file.
        ConfigError: two sources deliver one series, or a series has no release rule.
        Both list all problems.
    """
    if not root.is_dir():
        raise SourceError(
            f"The data root must be a folder, however {root} is not. Make it, with price files "
            f"in {root / 'raw' / 'prices'}, or run `stocktrend simulate --data-root {root}`"
        )
    feeds: list[Feed] = []
    problems: list[str] = []
    warnings: list[str] = []
    calendar = CALENDAR if (root / CALENDAR).is_file() else None
    for kind in KINDS:
        named: Sequence[SourceFile | Service] | None = getattr(settings.sources, kind)
        configured = _of_files(named)
        if configured is None:
            found, seen = detect(kind, root, calendar)
            warnings += seen
        else:
            found = configured
        for setting in found:
            files = _files(root, setting.path)
            if not files:
                problems.append(
                    f"The path of a source must match a file, however {setting.path!r} matches "
                    f"none in {root}. Mend it in stocktrend.yaml under sources: {kind}"
                )
            elif configured is None:
                problems += _leading_out(files, root / "raw" / kind, kind)
            feeds.append(_feed(setting, files, calendar))
        if named and not configured:
            warnings += _unread(kind, detect(kind, root, calendar)[0])
        # Only the lake can tell that a universe is missing, or what services have brought.
        if not found and kind != "universe" and not named:
            message = _nothing(kind, root, configured is not None)
            if kind == "prices":
                problems += [message, *warnings]
            else:
                warnings.append(message)
    if problems:
        raise SourceError("\n".join(problems))
    _check(feeds)
    return Plan(tuple(feeds), tuple(warnings))


def _unread(kind: str, found: Sequence[SourceFile]) -> list[str]:
    """Files that are not looked for, since the settings name a service."""
    entries = [json.dumps({"kind": one.kind, "path": one.path}) for one in found]
    return [
        f"the files of raw/{kind} are not read, since sources: {kind} names services alone. To "
        f"read them too, add there: {', '.join(entries)}"
    ] * bool(entries)


def _of_files(named: Sequence[SourceFile | Service] | None) -> list[SourceFile] | None:
    """The files among what is configured; None where nothing is."""
    if named is None:
        return None
    return [source for source in named if not isinstance(source, Service)]


def _files(root: Path, pattern: str) -> tuple[Path, ...]:
    given = Path(pattern)
    if given.is_absolute():
        base, pattern = Path(given.anchor), str(given.relative_to(given.anchor))
    else:
        base = root
    exact = base / pattern
    if exact.is_file():
        return (exact,)
    return tuple(sorted(path for path in base.glob(pattern) if path.is_file()))


def _leading_out(files: Sequence[Path], folder: Path, kind: str) -> list[str]:
    """Links that came with the files of others may lead to files of one's own."""
    home = folder.resolve()
    return [
        f"What lies in {folder} must be there itself, however {path} is a link to {place}. Copy "
        f"the file, or name it in stocktrend.yaml under sources: {kind}"
        for path in files
        if not (place := path.resolve()).is_relative_to(home)
    ]


def _feed(setting: SourceFile, files: tuple[Path, ...], calendar: Path | None) -> Feed:
    tables = {"bars": "bars", "news": "news", "membership": "universe"}
    table = tables.get(setting.kind, "macro")
    if isinstance(setting, FomcFile | ExecutiveOrdersFile | EventsFile):
        table = "policy"
    name = setting.name or ("prices" if table == "bars" else setting.kind)
    used: list[Path] = []
    match setting:
        case SeriesFile(release=Calendar(path=path)) | IndexFile(release=Calendar(path=path)):
            used.append(Path(path))
        case SeriesFile(release=None) if calendar is not None:
            used.append(calendar)
        case FredMdFile():
            used += [Path(rule.path) for rule in setting.calendars.values()]
    return Feed(table, name, setting, files, tuple(dict.fromkeys(used)))


def _nothing(kind: str, root: Path, configured: bool) -> str:
    if configured:
        return f"sources: {kind} is empty: nothing of that kind is read"
    folder = root / "raw" / kind
    what = {
        "prices": "one CSV a ticker with Date, Open, High, Low, Close, Adj Close, Volume "
        "(AAPL.csv), or Parquet with a ticker column",
        "news": "JSON lines, JSON, CSV or Parquet with ticker, timestamp, text",
        "policy": "fomc.csv, executive_orders.csv or an index as date,value (epu_daily.csv)",
        "macro": "FRED's date,value files under their series' names (CPIAUCSL.csv, DGS10.csv)",
    }[kind]
    if kind == "prices":
        return (
            f"There must be prices, however {folder} holds no file to read. Put there: {what}; or "
            f"name services that bring them (`stocktrend init`)"
        )
    return (
        f"no {kind} in {folder}: the {kind} features will be null. To have them, put there: {what}"
    )


def _check(feeds: Sequence[Feed]) -> None:
    """Every file and every series has one source, every series a release rule."""
    problems: list[str] = []
    readers: dict[Path, Feed] = {}
    for feed in feeds:
        for path in feed.files:
            if path in readers:
                problems.append(
                    f"A file must belong to one source, however {path} matches "
                    f"{readers[path].setting.path!r} and {feed.setting.path!r}. Narrow one"
                )
            readers[path] = feed
    owners: dict[str, Feed] = {}
    for feed in feeds:
        for series in feed.series:
            if series in owners:
                problems.append(
                    f"A series must come from one source, however {series} comes from "
                    f"{owners[series].setting.path!r} and {feed.setting.path!r}. Remove one"
                )
            owners[series] = feed
        if isinstance(feed.setting, SeriesFile) and feed.setting.release is None:
            for path in feed.files:
                try:
                    default_release(feed.setting.series or series_of(path))
                except StocktrendError as error:
                    problems.append(f"{path}: {error}")
    if problems:
        raise ConfigError(problems)
