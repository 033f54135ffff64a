"""The order for a market and the folder that takes it; never a folder with someone's own data."""

import json
import re
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, get_args

from stocktrend.errors import ConfigError
from stocktrend.sources.market.response import Market

FIRST_START: Final = date(1966, 1, 1)
LAST_END: Final = date(2034, 6, 30)
MOST_TICKERS: Final = 100_000
TRUTH: Final = "truth.json"
KINDS: Final = ("prices", "news", "policy", "macro")


@dataclass(frozen=True)
class Order:
    """What was asked for: the same order gives the same files, byte for byte."""

    market: Market
    tickers: int
    start: date
    end: date
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"start": self.start.isoformat(), "end": self.end.isoformat()}


def parse_dates(start: date | str, end: date | str) -> tuple[date, date]:
    """Both dates, from dates or ISO texts.

    Raises:
        ConfigError: a text is not a date; both problems at once.
    """
    dates, problems = [], []
    for name, value in (("start", start), ("end", end)):
        try:
            dates.append(date.fromisoformat(value) if isinstance(value, str) else value)
        except ValueError:
            problems.append(
                f"{name} must be a date like 2014-01-31, however: {value!r}. Write year-month-day"
            )
    if problems:
        raise ConfigError(problems)
    return dates[0], dates[1]


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


def prepare(root: Path, order: Order) -> None:
    """Checks the order and the folder, clears an earlier market and makes the raw folders.

    The mark that this is a simulated market is set before anything else is written, so that a
    run that was broken off can simply be repeated.

    Raises:
        ConfigError: everything that is wrong with the order and the folder.
    """
    problems = [*_order_problems(order), *_folder_problems(root, order)]
    if problems:
        raise ConfigError(problems)
    for kind in KINDS:
        folder = root / "raw" / kind
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if path.suffix in (".csv", ".jsonl"):
                path.unlink()
    write_mark(root, {"order": order.to_dict(), "finished": False})


def write_mark(root: Path, content: dict[str, Any]) -> None:
    """Writes ``truth.json``."""
    write_text(root / TRUTH, json.dumps(content, indent=2) + "\n")


def _order_problems(order: Order) -> list[str]:
    problems = []
    if order.market not in get_args(Market):
        problems.append(
            f"market must be one of {', '.join(get_args(Market))}, however: {order.market!r}. "
            f"Take realistic where in doubt"
        )
    if not 1 <= order.tickers <= MOST_TICKERS:
        problems.append(
            f"tickers must be 1 to {MOST_TICKERS:,}, however: {order.tickers}. Take 40 for a try"
        )
    if order.seed < 0:
        problems.append(f"seed must be 0 or more, however: {order.seed}. Take 0")
    if order.start < FIRST_START or order.end > LAST_END:
        problems.append(
            f"dates must be from {FIRST_START} to {LAST_END}, where the exchange's calendar is "
            f"known, however: {order.start} to {order.end}. Choose dates within"
        )
    if (order.end - order.start).days < 14:
        problems.append(
            f"end must be at least 14 days after start, however: {order.start} to {order.end}. "
            f"Features need a year of history: take three years or more"
        )
    return problems


def _folder_problems(root: Path, order: Order) -> list[str]:
    if root.exists() and not root.is_dir():
        return [f"the data root must be a folder, however: {root} is a file. Name another"]
    earlier = _earlier_order(root)
    if earlier is None and ((root / "raw").exists() or (root / "stocktrend.yaml").exists()):
        return [
            f"a simulated market needs a folder of its own, however: {root} holds data that was "
            f"not simulated. Name a new folder"
        ]
    others = earlier is not None and earlier != order.to_dict()
    if others and ((root / "lake").exists() or (root / "runs").exists()):
        return [
            f"a lake must not mix two simulated markets, however: {root} has one built from "
            f"{_short(earlier)}. Name a new folder, or delete this one"
        ]
    return []


def _earlier_order(root: Path) -> dict[str, Any] | None:
    """The order that the folder's market was made to; null where it holds none."""
    try:
        content = json.loads((root / TRUTH).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
        return None
    order = content.get("order") if isinstance(content, dict) else None
    return order if isinstance(order, dict) else None


def _short(order: dict[str, Any] | None) -> str:
    return re.sub(r"[{}']", "", str(order))
