"""What the files in ``raw/<kind>/`` are, told from their columns."""

from pathlib import Path
from typing import Final

from stocktrend.config import (
    BarsFile,
    Calendar,
    EventsFile,
    ExecutiveOrdersFile,
    FomcFile,
    FredMdFile,
    GdpEstimatesFile,
    IndexFile,
    MembershipFile,
    NewsFile,
    SeriesFile,
    SourceFile,
)
from stocktrend.errors import ConfigError
from stocktrend.sources.clock import CALENDAR_RELEASES, LONGEST_LAGS, default_release
from stocktrend.sources.fields import WITH_COMMAS, plain_name, separated_by
from stocktrend.sources.files import column_names, is_archive, is_data_file, layout
from stocktrend.sources.fred_md import SERIES, names_in
from stocktrend.sources.membership import COLUMNS as MEMBERSHIP
from stocktrend.sources.membership import REQUIRED
from stocktrend.sources.series import DATES, series_of

_MOST_NAMES: Final = 20


def detect(kind: str, root: Path, calendar: Path | None) -> tuple[list[SourceFile], list[str]]:
    """Settings for the files of one kind, and warnings that name what is not read.

    Args:
        kind: prices, news, policy, macro or universe.
        root: The data root; ``raw/<kind>/`` is searched with its subfolders.
        calendar: The release calendar that lies there, relative to the root.

    Raises:
        SourceError: a file's columns cannot be read.
    """
    folder = root / "raw" / kind
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    visible = [path for path in files if not path.name.startswith(".")]
    known = [path for path in visible if is_data_file(path)]
    warnings = _not_read(kind, root, [path for path in visible if path not in known])
    if kind in ("prices", "news"):
        return _by_layout(kind, root, known), warnings
    found: list[SourceFile] = []
    for path in known:
        setting, warning = _by_columns(kind, path.relative_to(root), root, calendar)
        if setting is not None:
            found.append(setting)
        if warning:
            warnings.append(warning)
    return _with_rules(_without_overlap(found, warnings), warnings), warnings


def _by_layout(kind: str, root: Path, files: list[Path]) -> list[SourceFile]:
    """One source a folder and file ending, so that reports count files and not name each."""
    patterns = {
        f"{_escaped(path.relative_to(root).parent.as_posix())}/*{''.join(layout(path))}"
        for path in files
    }
    make = BarsFile if kind == "prices" else NewsFile
    return [make(path=pattern) for pattern in sorted(patterns)]


def _escaped(folder: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in folder)


def _by_columns(
    kind: str, shown: Path, root: Path, calendar: Path | None
) -> tuple[SourceFile | None, str | None]:
    written = column_names(root / shown)
    if separators := separated_by(written):
        return None, f"{shown} is not read: {separators} separate its columns. {WITH_COMMAS}"
    names = {plain_name(name) for name in written}
    path = _escaped(shown.as_posix())
    if {"release", "refperiod", "releasedate"} <= names:
        if shown == calendar:
            return None, None
        return (
            None,
            f"{shown} is a release calendar: name it {calendar or 'raw/macro/release_dates.csv'}",
        )
    if kind == "universe":
        # One that lacks its ends is of this kind: left unread, all dates would have all tickers.
        fits = all(names & set(MEMBERSHIP[column]) for column in REQUIRED[:2])
        return (MembershipFile(path=path), None) if fits else (None, _fits_none(kind, shown, names))
    dated = bool(names & set(DATES))
    if kind == "macro":
        if {"series", "vintage", "value"} <= names:
            return _fred_md(path, root / shown, calendar), None
        if {"refquarter", "first", "second", "third"} <= names:
            return GdpEstimatesFile(path=path), None
        if dated and (len(names) == 2 or "value" in names):
            return SeriesFile(path=path), None
    elif {"signingdate", "publicationdate"} <= names:
        return ExecutiveOrdersFile(path=path), None
    elif "date" in names and names & {"statement", "targetlow", "targethigh"}:
        return FomcFile(path=path), None
    elif dated and (names & {"value"} or (len(names) == 2 and not names & _WORDS)):
        return IndexFile(path=path, series=series_of(shown)), None
    elif names & _WORDS and names & _MOMENTS:
        return EventsFile(path=path, event_kind=_events_kind(shown)), None
    return None, _fits_none(kind, shown, names)


def _fits_none(kind: str, shown: Path, names: set[str]) -> str:
    return (
        f"{shown} is not read: its columns {sorted(names)} fit no {kind} layout. Name it in "
        f"stocktrend.yaml under sources: {kind}, with `columns`, or move it out of raw/"
    )


_WORDS: Final = {"title", "text", "headline", "statement", "body"}
_MOMENTS: Final = {
    "published",
    "publishedat",
    "publicationdate",
    "releasedate",
    "timestamp",
    "date",
}


def _events_kind(shown: Path) -> str:
    return shown.name.split(".")[0].lower()


def _with_rules(found: list[SourceFile], warnings: list[str]) -> list[SourceFile]:
    """Without a release rule nobody can say when a value was known."""
    kept: list[SourceFile] = []
    unknown: list[str] = []
    for setting in found:
        try:
            if isinstance(setting, SeriesFile):
                default_release(series_of(Path(setting.path)))
            kept.append(setting)
        except ConfigError:
            unknown.append(setting.path)
    if unknown:
        warnings.append(
            f"not read, since no release rule of these series is known: {', '.join(unknown)}. No "
            f"feature uses them; to store them, name them in stocktrend.yaml under sources: "
            f"macro, with `release`"
        )
    return kept


def _fred_md(path: str, file: Path, calendar: Path | None) -> FredMdFile:
    """The series that features use, as far as the file has them."""
    held = names_in(file)
    series = {ours: theirs for ours, theirs in SERIES.items() if theirs in held}
    calendars = {
        name: Calendar(
            path=calendar.as_posix(), release=release, longest_lag_days=LONGEST_LAGS[name]
        )
        for name, release in CALENDAR_RELEASES.items()
        if name in series and calendar is not None
    }
    return FredMdFile(path=path, series=series, calendars=calendars)


def _without_overlap(found: list[SourceFile], warnings: list[str]) -> list[SourceFile]:
    """Vintages tell what was known when, so they win over a file of latest revisions."""
    vintaged: dict[str, str] = {}
    for setting in found:
        if isinstance(setting, FredMdFile):
            vintaged |= dict.fromkeys(setting.series, setting.path)
        elif isinstance(setting, GdpEstimatesFile):
            vintaged[setting.series] = setting.path
    kept: list[SourceFile] = []
    for setting in found:
        series = series_of(Path(setting.path)) if isinstance(setting, SeriesFile) else ""
        if series in vintaged:
            warnings.append(
                f"{setting.path} is not read: {vintaged[series]} has {series} with its vintages, "
                f"and this file only as it stands today"
            )
        else:
            kept.append(setting)
    return kept


def _not_read(kind: str, root: Path, files: list[Path]) -> list[str]:
    if not files:
        return []
    names = ", ".join(str(path.relative_to(root)) for path in files[:_MOST_NAMES])
    more = f" and {len(files) - _MOST_NAMES} more" if len(files) > _MOST_NAMES else ""
    unpack = ". Unpack archives" if any(is_archive(path) for path in files) else ""
    return [
        f"not read, since their names end in no layout of {kind}: {names}{more}. Layouts are "
        f".csv, .parquet, .json, .jsonl, .ndjson, also .gz and .zst{unpack}"
    ]
