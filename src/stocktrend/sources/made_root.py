"""A data root that stocktrend fills with raw files; never a folder with someone's own data."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stocktrend.atomic import write_bytes, write_json
from stocktrend.errors import ConfigError
from stocktrend.sources.plan import KINDS

WRITTEN: Final = "written.json"
"""In ``raw/``: what the last finished call wrote. While one is under way there is none."""
SETTINGS: Final = "stocktrend.yaml"


class RawFiles:
    """Writes the raw files of a data root and counts them and their records by kind."""

    def __init__(self, root: Path) -> None:
        self._raw = root / "raw"
        self.files = dict.fromkeys(KINDS, 0)
        self.rows = dict.fromkeys(KINDS, 0)
        self.names: list[str] = []

    def write(self, kind: str, name: str, text: str, rows: int) -> None:
        """Writes one file of ``rows`` records."""
        write_text(self._raw / kind / name, text)
        self.files[kind] += 1
        self.rows[kind] += rows
        self.names.append(f"{kind}/{name}")


def write_text(path: Path, text: str) -> None:
    """Writes a text as it is: UTF-8, no translation of line ends on any system."""
    path.write_text(text, encoding="utf-8", newline="")


@dataclass(frozen=True)
class MadeRoot:
    """A folder and what it is filled with.

    The same order gives the same files, so a call that was broken off is simply repeated, and one
    that was finished too: files and settings that the user has added or changed stay. For another
    order the files of the earlier one make room, and nothing else does.

    Attributes:
        path: The data root.
        content: What goes in, for messages, such as "a simulated market".
        mark: Name of the JSON file in the folder that says what was made there.
        order: What was asked for, as plain values.
    """

    path: Path
    content: str
    mark: str
    order: Mapping[str, Any]

    def prepare(self, problems: Sequence[str] = ()) -> RawFiles:
        """Checks the folder, removes the files of an earlier order and makes the raw folders.

        Args:
            problems: What else is wrong with the order.

        Raises:
            ConfigError: there are problems, the folder holds other data, or its lake was built
                from another order; all at once.
        """
        if found := [*problems, *self._problems()]:
            raise ConfigError(found)
        raw = self.path / "raw"
        for kind in KINDS:
            (raw / kind).mkdir(parents=True, exist_ok=True)
        if self._earlier_order() != self.order:
            for name in self._written().get("files", []):
                (raw / name).unlink(missing_ok=True)
            if self._written():
                (self.path / SETTINGS).unlink(missing_ok=True)
        write_json(self.path / self.mark, {"order": self.order})
        (raw / WRITTEN).unlink(missing_ok=True)
        return RawFiles(self.path)

    def finish(self, raw: RawFiles, settings: str, content: Mapping[str, Any]) -> None:
        """Writes the settings, unless the user has changed them, and says what the folder holds.

        Args:
            raw: What was written.
            settings: Text of ``stocktrend.yaml``.
            content: Of the mark; it has the order.
        """
        file = self.path / SETTINGS
        if not file.exists():
            write_bytes(file, settings.encode())
        write_json(self.path / self.mark, content)
        written = {"files": raw.names, "settings": _digest(settings.encode())}
        write_json(self.path / "raw" / WRITTEN, written)

    def _problems(self) -> list[str]:
        root = self.path
        if root.exists() and not root.is_dir():
            return [f"the data root must be a folder, however: {root} is a file. Name another"]
        earlier = self._earlier_order()
        if earlier is None:
            if (root / "raw").exists() or (root / SETTINGS).exists():
                return [
                    f"{self.content} needs a folder of its own, however: {root} holds other data. "
                    f"Name a new folder"
                ]
            return []
        if earlier == self.order:
            return []
        if (root / "lake").exists() or (root / "runs").exists():
            return [
                f"a lake must not mix two markets, however: {root} has one built from "
                f"{_short(earlier)}. Name a new folder, or delete this one"
            ]
        if own := self._own(self._written()):
            return [
                f"only what stocktrend wrote may be replaced, however: {root} was filled to "
                f"{_short(earlier)}, and this is not of it, or was changed: {', '.join(own[:5])}. "
                f"Name a new folder, or move that away"
            ]
        return []

    def _own(self, written: Mapping[str, Any]) -> list[str]:
        """What in the folder is not as an earlier call left it."""
        raw = self.path / "raw"
        ours = {*written.get("files", []), WRITTEN}
        found = [path for path in sorted(raw.rglob("*")) if path.is_file()]
        names = [path.relative_to(raw).as_posix() for path in found]
        own = [f"raw/{name}" for name in names if name not in ours]
        file = self.path / SETTINGS
        if file.exists() and _digest(file.read_bytes()) != written.get("settings"):
            own.append(SETTINGS)
        return own

    def _earlier_order(self) -> dict[str, Any] | None:
        """The order that the folder was filled to; null where it was not."""
        order = _read(self.path / self.mark).get("order")
        return order if isinstance(order, dict) else None

    def _written(self) -> dict[str, Any]:
        return _read(self.path / "raw" / WRITTEN)


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none."""
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _short(order: Mapping[str, Any] | None) -> str:
    return re.sub(r"[{}']", "", str(order))
