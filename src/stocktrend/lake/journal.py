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
    write_json(Path(path) / JOURNAL, {"to": target})


def finish(path: str) -> None:
    """Do what a plan says; nothing where there is none.

    A table that was restored before a stop is restored once more: its content is the same.

    Raises:
        LakeError: the lake is damaged or cannot be written.
    """
    file = Path(path) / JOURNAL
    if not file.is_file():
        return
    with mapped(path):
        planned = json.loads(file.read_text("utf-8"))
        for table, wanted in planned["to"].items():
            place = f"{path}/{table}"
            now = delta.version(place)
            if now is None or now == wanted:
                continue
            if wanted is None:
                delta.clear(place)
            else:
                delta.restore(place, wanted)
        file.unlink()
