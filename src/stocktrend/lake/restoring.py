"""Going back to a past state, as new commits on top: nothing is lost, and it can be undone.

All tables go back together, the ledger of files among them, so that the next ingest reads again
what came since. What is about to be done is written down first: where it is stopped half-way, the
next program that writes to the lake does the rest.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import polars as pl

from stocktrend.errors import LakeError
from stocktrend.lake import delta
from stocktrend.lake.checksums import damage
from stocktrend.lake.faults import RESTORE
from stocktrend.lake.journal import plan
from stocktrend.lake.lock import only_writer
from stocktrend.lake.moments import State, states
from stocktrend.lake.reading import STORED
from stocktrend.lake.store import Lake

ANEW: Final = (
    "Move it aside and run `stocktrend ingest`, which makes it anew from the raw files. What they "
    "do not hold is lost: the spells that `stocktrend check --quarantine` withheld (decide on them "
    "again), what files that were deleted or replaced since had told, and the versions that "
    "`stocktrend rebuild` needs"
)


def restore(lake: Lake, state: State) -> dict[str, tuple[int | None, int]]:
    """Bring every table back to what it was in a past state.

    Args:
        lake: Opened at its newest versions.
        state: Of ``stocktrend.lake.moments``.

    Returns:
        Table -> the version gone back to (None: it was not there, and is empty now) and the new
        version that holds it; only those that changed.

    Raises:
        LakeError: files of that state are damaged or were removed by a vacuum; or another program
            writes to the lake.
    """
    with only_writer(Path(lake.path)):
        broken = list(damaged_in(lake, state.versions))
        if broken:
            raise LakeError(
                f"A state to go back to must be whole, however {'; '.join(broken)}. Choose another "
                f"of `stocktrend lake history`, or the newest whole one with --intact"
            )
        target = {table: state.versions.get(table) for table in STORED}
        plan(lake.path, target)  # first: a table without its torn end goes back alone
        for table in STORED:
            set_aside_torn(lake.table_path(table))
    with lake.writing():  # which does what the plan says
        pass
    after = {table: delta.version(lake.table_path(table)) for table in STORED}
    return {
        table: (target[table], new)
        for table, new in after.items()
        if new is not None and new != target[table]
    }


def newest_whole(lake: Lake) -> State:
    """The last state whose files are all as they were written.

    Raises:
        LakeError: there is none.
    """
    known: dict[tuple[str, int], bool] = {}
    for state in reversed(states(lake)):
        for table, version in state.versions.items():
            if (table, version) not in known:
                known[table, version] = not list(damaged_in(lake, {table: version}))
        if all(known[pair] for pair in state.versions.items()):
            return state
    raise LakeError(
        f"The lake must have a state that is whole to go back to, however {lake.path} has none. "
        f"{ANEW}"
    )


def remedy(lake: Lake) -> str:
    """What brings back a damaged lake: a past state that is whole, else the raw files."""
    try:
        newest_whole(lake)
    except LakeError:
        return f"No state of it is whole. {ANEW}"
    return RESTORE


def damaged_in(lake: Lake, versions: Mapping[str, int]) -> Iterator[str]:
    """What is wrong with the files of some versions, read through where they have no checksum."""
    for table, version in versions.items():
        path = lake.table_path(table)
        try:
            files = delta.files(path, version)
        except LakeError as error:
            yield str(error).split(". ")[0]
            continue
        found = damage(path, files, thorough=True)
        yield from (f"{table}/{name} {reason}" for name, reason in found.items())


def set_aside_torn(path: str) -> None:
    """Rename entries of a table's log from the first one on that cannot be read, if it matters.

    An entry that a later checkpoint covers does not: the newest version can be read without it.
    """
    try:
        delta.version(path)
    except LakeError:
        entries = delta.log_entries(path)
        bad = [at for at, entry in enumerate(entries) if delta.commit_info(entry) is None]
        for entry in entries[bad[0] :] if bad else ():
            entry.rename(entry.with_name(f"{entry.name}.damaged"))
        for checkpoint in Path(path, "_delta_log").glob("*.checkpoint*.parquet"):
            if not _readable(checkpoint) or (bad and checkpoint.name[:20] >= entries[bad[0]].stem):
                checkpoint.rename(checkpoint.with_name(f"{checkpoint.name}.damaged"))
                (checkpoint.parent / "_last_checkpoint").unlink(missing_ok=True)


def _readable(file: Path) -> bool:
    try:
        pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError):
        return False
    return True
