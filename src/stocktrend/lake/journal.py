"""What a restore is about to do, written down before it is done: a stopped one can be finished."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stocktrend.atomic import write_json
from stocktrend.lake import delta
from stocktrend.lake.faults import mapped

JOURNAL: Final = ".restore.json"


def plan(path: str, target: Mapping[str, int | None]) -> None:
    """Write down which version each table of a lake goes back to; None: it was not there."""
    before = {table: delta.version(f"{path}/{table}") for table in target}
    write_json(Path(path) / JOURNAL, {"to": target, "from": before})


def finish(path: str) -> None:
    """Do what a plan says and is not done yet; nothing where there is none.

    Raises:
        LakeError: the lake is damaged or cannot be written.
    """
    file = Path(path) / JOURNAL
    if not file.is_file():
        return
    with mapped(path):
        planned = json.loads(file.read_text("utf-8"))
        for table, before in planned["from"].items():
            wanted, place = planned["to"][table], f"{path}/{table}"
            if before is None or wanted == before or delta.version(place) != before:
                continue
            if wanted is None:
                delta.clear(place)
            else:
                delta.restore(place, wanted)
        file.unlink()
