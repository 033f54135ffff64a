"""A data root that stocktrend fills with raw files; never a folder with someone's own data."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stocktrend.errors import ConfigError
from stocktrend.sources.plan import KINDS


class RawFiles:
    """Writes the raw files of a data root and counts them and their records by kind."""

    def __init__(self, root: Path) -> None:
        self._raw = root / "raw"
        self.files = dict.fromkeys(KINDS, 0)
        self.rows = dict.fromkeys(KINDS, 0)

    def write(self, kind: str, name: str, text: str, rows: int) -> None:
        """Writes one file of ``rows`` records."""
        write_text(self._raw / kind / name, text)
        self.files[kind] += 1
        self.rows[kind] += rows


def write_text(path: Path, text: str) -> None:
    """Writes a text as it is: UTF-8, no translation of line ends on any system."""
    path.write_text(text, encoding="utf-8", newline="")


@dataclass(frozen=True)
class MadeRoot:
    """A folder and what it is filled with.

    Attributes:
        path: The data root.
        content: What goes in, for messages, such as "a simulated market".
        mark: Name of the JSON file in the folder that says what was made there.
        order: What was asked for, as plain values: the same order gives the same files.
    """

    path: Path
    content: str
    mark: str
    order: dict[str, Any]

    def prepare(self, problems: Sequence[str] = ()) -> RawFiles:
        """Checks the folder, clears what an earlier call made and makes the raw folders.

        The mark is set before anything else is written, so that a call that was broken off can
        simply be repeated.

        Args:
            problems: What else is wrong with the order.

        Raises:
            ConfigError: there are problems, the folder holds other data, or its lake was built
                from another order; all at once.
        """
        if found := [*problems, *self._problems()]:
            raise ConfigError(found)
        for kind in KINDS:
            folder = self.path / "raw" / kind
            folder.mkdir(parents=True, exist_ok=True)
            for path in folder.iterdir():
                if path.suffix in (".csv", ".jsonl"):
                    path.unlink()
        self.write_mark({"order": self.order, "finished": False})
        return RawFiles(self.path)

    def write_mark(self, content: dict[str, Any]) -> None:
        """Says in the folder what it holds; ``content`` has the order."""
        write_text(self.path / self.mark, json.dumps(content, indent=2) + "\n")

    def _problems(self) -> list[str]:
        root = self.path
        if root.exists() and not root.is_dir():
            return [f"the data root must be a folder, however: {root} is a file. Name another"]
        earlier = self._earlier_order()
        if earlier is None and ((root / "raw").exists() or (root / "stocktrend.yaml").exists()):
            return [
                f"{self.content} needs a folder of its own, however: {root} holds other data. "
                f"Name a new folder"
            ]
        others = earlier is not None and earlier != self.order
        if others and ((root / "lake").exists() or (root / "runs").exists()):
            return [
                f"a lake must not mix two markets, however: {root} has one built from "
                f"{_short(earlier)}. Name a new folder, or delete this one"
            ]
        return []

    def _earlier_order(self) -> dict[str, Any] | None:
        """The order that the folder was filled to; null where it was not."""
        try:
            content = json.loads((self.path / self.mark).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
            return None
        order = content.get("order") if isinstance(content, dict) else None
        return order if isinstance(order, dict) else None


def _short(order: dict[str, Any] | None) -> str:
    return re.sub(r"[{}']", "", str(order))
