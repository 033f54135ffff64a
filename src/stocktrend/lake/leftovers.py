"""What a killed writer leaves in a table's folder."""

import json
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from stocktrend.atomic import UNFINISHED
from stocktrend.lake.checksums import is_local, sum_of
from stocktrend.lake.faults import mapped, refused


def remove_unfinished(path: str) -> None:
    """Remove what a writer left that was killed before its commit.

    Such files are newer than the newest commit and in none, or still have a temporary name. Those
    of a writer that is at work look the same: the caller has to hold the lake against others.

    Raises:
        LakeError: a file of the log is damaged, or a file cannot be removed.
    """
    if not is_local(path):
        return
    folder, log = Path(path), Path(path) / "_delta_log"
    with mapped(path):
        unfinished = (folder.glob("*.parquet#*"), folder.glob(f".*{UNFINISHED}"))
        for parts in (*unfinished, log.glob("*#*"), log.glob("*.tmp")):
            for part in parts:
                _unlink(part)
        last = max((file.stat().st_mtime_ns for file in log.glob("*.json")), default=0)
        newer = [file for file in folder.glob("*.parquet") if file.stat().st_mtime_ns >= last]
        committed = _committed(log) if newer else set()
        for file in newer:
            if file.name not in committed:
                remove_file(file)


def remove_file(file: Path) -> None:
    """Remove a file of a table, and its sum.

    Raises:
        LakeError: the system does not let us.
    """
    _unlink(file)
    _unlink(sum_of(file))


def _unlink(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise refused(file, error) from error


def _committed(log: Path) -> set[str]:
    """Names of the files that any version of the table had, as far as the log goes back."""
    lines = [line for file in log.glob("*.json") for line in file.read_text("utf-8").splitlines()]
    actions = [json.loads(line) for line in lines]
    for file in log.glob("*.checkpoint*.parquet"):
        actions += pl.read_parquet(file, columns=["add", "remove"]).to_dicts()
    changes = [action.get(kind) for action in actions for kind in ("add", "remove")]
    return {unquote(change["path"]) for change in changes if change and change["path"]}
