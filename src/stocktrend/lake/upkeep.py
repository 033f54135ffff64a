"""Looking after a lake: its past, what of it to let go, and its records for other programs."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from stocktrend.atomic import whole_folder, write_csv, write_parquet
from stocktrend.errors import DataError, LakeError
from stocktrend.lake import delta
from stocktrend.lake.checksums import damage
from stocktrend.lake.leftovers import remove_file
from stocktrend.lake.moments import Commit, commits, state_with
from stocktrend.lake.reading import QUARANTINED, STORED, LakeReader
from stocktrend.lake.store import Lake
from stocktrend.schema import TABLES

DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Version:
    """A version of a table as ``history`` shows it.

    ``rows`` it has, ``change`` from the version before; None where a vacuum has removed the files.
    ``runs`` recorded it.
    """

    at: datetime
    table: str
    version: int
    operation: str
    rows: int | None
    change: int | None
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Vacuumed:
    """Files that no kept version needs: table -> how many, their bytes, and versions let go."""

    files: Mapping[str, int]
    bytes: Mapping[str, int]
    versions: Mapping[str, tuple[int, ...]]


def history(lake: LakeReader, runs: Mapping[str, Mapping[str, int]]) -> list[Version]:
    """Every version of every table, oldest first.

    Args:
        lake: A folder.
        runs: Name of each run -> versions that it recorded.
    """
    counts: dict[str, int | None] = {}
    found = []
    for commit in commits(lake):
        table, version = commit.table, commit.version
        rows = _rows(lake.table_path(table), version)
        before = counts.get(table, 0)
        change = None if rows is None or before is None else rows - before
        counts[table] = rows
        named = tuple(sorted(run for run, held in runs.items() if held.get(table) == version))
        found.append(Version(commit.at, table, version, commit.operation, rows, change, named))
    return found


def _rows(path: str, version: int) -> int | None:
    try:
        names = delta.files(path, version)
        return delta.rows(path, version) if all(Path(path, n).is_file() for n in names) else None
    except LakeError:
        return None


def verify(lake: LakeReader) -> dict[str, list[str]]:
    """Table -> what is wrong with the files of its newest version; empty where nothing is.

    Every file is read, those with a checksum byte by byte, the others as Parquet.
    """
    found = {}
    for table in STORED:
        path = lake.table_path(table)
        try:
            if delta.version(path) is not None:
                broken = damage(path, delta.files(path), thorough=True)
                found[table] = [f"{table}/{name} {reason}" for name, reason in broken.items()]
        except LakeError as error:
            found[table] = [str(error)]
    return found


def vacuum(
    lake: Lake,
    older_than: timedelta,
    keep: Iterable[Mapping[str, int]],
    *,
    now: datetime,
    dry_run: bool,
) -> Vacuumed:
    """Remove files that only versions of long ago need.

    Kept are the newest version of each table, all since ``now - older_than`` and the one that was
    the newest then, and those in ``keep``.

    Args:
        lake: Opened at its newest versions.
        older_than: Age of what may go.
        keep: Versions that runs recorded; with them stays the whole state that they were of.
        now: The time.
        dry_run: Only say what would go.

    Returns:
        What went, or would go.

    Raises:
        LakeError: the lake is damaged, read-only, or another program writes to it.
        DataError: a negative age.
    """
    if older_than < timedelta(0):
        raise DataError(
            f"The age of what may go must not be negative, however: {older_than / DAY:g} days. "
            f"Take 30 to keep a month, or 0 to keep only the newest versions and those of runs"
        )
    wanted = [*keep]
    with lake.writing():
        for versions in tuple(wanted):
            with suppress(LakeError):  # of a lake that was there before this one
                wanted.append(state_with(lake, versions).versions)
        made = commits(lake)
        gone = {}
        for table in STORED:
            own = [commit for commit in made if commit.table == table]
            if not own:
                continue
            named = {versions[table] for versions in wanted if table in versions}
            kept = _kept(own, older_than, now) | named
            gone[table] = _unneeded(lake.table_path(table), own, kept)
        for files, _ in gone.values() if not dry_run else ():
            for file in files:
                remove_file(file)
    return Vacuumed(
        files={table: len(files) for table, (files, _) in gone.items()},
        bytes={table: sum(files.values()) for table, (files, _) in gone.items()},
        versions={table: versions for table, (_, versions) in gone.items()},
    )


def _kept(own: list[Commit], older_than: timedelta, now: datetime) -> set[int]:
    """Versions of no more than an age, the one that was the newest then, and the newest."""
    recent = {commit.version for commit in own if now - commit.at <= older_than}
    before = [commit.version for commit in own if now - commit.at > older_than]
    return recent | set(before[-1:])


def _unneeded(
    path: str, own: list[Commit], kept: set[int]
) -> tuple[dict[Path, int], tuple[int, ...]]:
    """Files of no kept version with their bytes, and the versions that need one of them."""
    by_version = {commit.version: set(delta.files(path, commit.version)) for commit in own}
    needed = {name for version in kept & by_version.keys() for name in by_version[version]}
    files = {
        file: file.stat().st_size
        for file in sorted(Path(path).glob("*.parquet"))
        if file.name not in needed
    }
    names = {file.name for file in files}
    return files, tuple(version for version, held in by_version.items() if held & names)


def export(
    lake: LakeReader,
    out: Path,
    form: Literal["parquet", "csv"] = "parquet",
    as_of: datetime | None = None,
) -> dict[str, int]:
    """Write the records that were known at a time to a folder, a file a table.

    Args:
        lake: To read.
        out: A folder that is not there or is empty; it appears whole or not at all.
        form: Of the files.
        as_of: With a time zone; the newest of everything where None. What is quarantined has no
            time at which it was known, so with one it is left out.

    Returns:
        Table -> rows.

    Raises:
        LakeError: the lake is missing or damaged.
        DataError: the folder holds files, or is the one that the program is in.
    """
    if out.resolve() == Path.cwd():
        raise DataError(
            f"The folder to write to must not be the one that you are in, as it is replaced by a "
            f"whole one, however: {out.resolve()}. Name a new one in it"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"The folder to write to must be new or empty, however: {out}. Choose one")
    write = write_parquet if form == "parquet" else write_csv
    counts = {}
    tables = (*TABLES, QUARANTINED) if as_of is None else tuple(TABLES)
    with whole_folder(out) as folder:
        for table in tables:
            rows = lake.quarantine() if table == QUARANTINED else lake.read(table, as_of)
            write(folder / f"{table}.{form}", rows)
            counts[table] = rows.height
    return counts
