"""The states that the lake has been in, from the logs of its tables.

An ingest commits to one table after another, and one that is stopped between two of these commits
leaves a lake that the next ingest completes. So every state between two commits of any tables is
one to go back to, all tables and the ledger of files together. Only where the ledger says that
records are about to go, to be read otherwise, is the state before it the better one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from stocktrend.errors import LakeError
from stocktrend.lake import delta
from stocktrend.lake.reading import LEDGER, STORED, LakeReader
from stocktrend.schema import TABLES

AS_AN_INGEST_COMMITS: Final = {table: place for place, table in enumerate(STORED)}

RESTORED: Final = "restore"


@dataclass(frozen=True)
class Commit:
    """One version of one table: when (UTC) and how it came about.

    ``beside`` are the versions of the other tables that it noted; None where it noted none.
    ``midway`` where it says that tables are about to change.
    """

    table: str
    version: int
    at: datetime
    operation: str
    beside: Mapping[str, int] | None = field(default=None, repr=False)
    midway: bool = False


@dataclass(frozen=True)
class State:
    """What the tables were from a time on: name -> version, of those that were there.

    ``midway``: files' records were being removed, to be read otherwise.
    """

    at: datetime
    versions: Mapping[str, int]
    midway: bool = False


def commits(lake: LakeReader) -> list[Commit]:
    """The commits of all tables that their logs still tell of, in the order of their times.

    An entry of a log that cannot be read ends that table's commits.

    Raises:
        LakeError: the lake is no folder.
    """
    if "://" in lake.path:
        raise LakeError(
            f"The lake must be a folder for its past to be listed, however: {lake.path}. Use the "
            f"tools of the store that it lies in"
        )
    found = [commit for table in STORED for commit in _of_table(lake.table_path(table), table)]
    return sorted(found, key=lambda c: (c.at, AS_AN_INGEST_COMMITS[c.table], c.version))


def _of_table(path: str, table: str) -> list[Commit]:
    found: list[Commit] = []
    for entry in delta.log_entries(path):
        told = delta.commit_info(entry)
        if told is None:
            break
        at = datetime.fromtimestamp(told.get("timestamp", 0) / 1000, UTC)
        if found:  # a clock that was set back
            at = max(at, found[-1].at)
        beside = json.loads(told[delta.BESIDE]) if delta.BESIDE in told else None
        midway = delta.MIDWAY in told
        found.append(Commit(table, int(entry.stem), at, _operation(told), beside, midway))
    return found


def _operation(told: Mapping[str, Any]) -> str:
    name = str(told.get("operation", "unknown")).lower()
    parameters = told.get("operationParameters")
    mode = str(parameters.get("mode", "")).lower() if isinstance(parameters, dict) else ""
    return {"append": "append", "overwrite": "rewrite"}.get(mode, name)


def states(lake: LakeReader) -> list[State]:
    """Every state that the lake has been in, oldest first; one a commit.

    Where a table's log ends in an entry that cannot be read, nobody knows when that commit was. The
    states end before the ledger first notes it, or, where ledgers did not note anything yet, with
    the table's last commit before it.
    """
    now: dict[str, int] = {}
    midway = False
    found = []
    told = {table: _last_told(lake.table_path(table)) for table in STORED}
    ends = {table: end for table, end in told.items() if end is not None}
    made = commits(lake)
    noted = all(c.beside is not None for c in made if c.table == LEDGER and c.operation != RESTORED)
    for commit in made:
        if any((commit.beside or {}).get(table, -1) > end for table, end in ends.items()):
            break
        if not noted and -1 in ends.values():
            break
        now[commit.table] = commit.version
        midway = commit.midway if commit.table == LEDGER else midway
        found.append(State(commit.at, dict(now), midway))
        if not noted and ends.get(commit.table) == commit.version:
            break
    return found


def _last_told(path: str) -> int | None:
    """The version before a log's first entry that cannot be read; None where all can."""
    for entry in delta.log_entries(path):
        if delta.commit_info(entry) is None:
            return int(entry.stem) - 1
    return None


def state_at(lake: LakeReader, moment: datetime) -> State:
    """The last state up to a time.

    Raises:
        LakeError: the lake was not there yet.
    """
    past = [state for state in states(lake) if state.at <= moment]
    if not past:
        raise LakeError(
            f"The lake must have been there at the time to go back to, however {lake.path} has "
            f"no commit before {moment:%Y-%m-%d %H:%M:%S} UTC. See `stocktrend lake history`"
        )
    return _last(past)


def state_with(lake: LakeReader, versions: Mapping[str, int]) -> State:
    """The last state in which tables were of given versions, and those not named were not there.

    Runs of before the quarantine was recorded do not name it: then it may be of any version.

    Raises:
        LakeError: there was none.
    """
    past = states(lake)
    for tables in (STORED[:-1], tuple(TABLES)):
        wanted = {table: versions.get(table) for table in tables}
        found = [s for s in past if all(s.versions.get(t) == v for t, v in wanted.items())]
        if found:
            return _last(found)
    shown = ", ".join(f"{table} {version}" for table, version in sorted(versions.items()))
    raise LakeError(
        f"The lake must have been in the state to go back to, however {lake.path} never held "
        f"{shown} at once: it was made anew since. See `stocktrend lake history`"
    )


def state_of(lake: LakeReader, table: str, version: int) -> State:
    """The last state in which one table was of a version.

    Raises:
        LakeError: there is no such table or version.
    """
    if table not in STORED:
        raise LakeError(
            f"The table must be one of {', '.join(STORED)}, however: {table!r}. Choose one of them"
        )
    held = [state for state in states(lake) if state.versions.get(table) == version]
    if not held:
        raise LakeError(
            f"The table must have had the version to go back to, however {table} of {lake.path} "
            f"never had version {version}. See `stocktrend lake history`"
        )
    return _last(held)


def _last(found: list[State]) -> State:
    """The last that is not midway; of those that all are, the last."""
    return ([state for state in found if not state.midway] or found)[-1]
