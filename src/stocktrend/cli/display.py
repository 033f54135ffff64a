"""What a command shows: progress on stderr; on stdout text for people, or one JSON document."""

import json
import math
import re
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

WIDTH_OF_A_FILE = 120
SECONDS_BETWEEN_LINES = 60
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All but tabs and line ends."""


class Display:
    """Text and tables on stdout, or nothing but the JSON document at the end."""

    def __init__(self, as_json: bool) -> None:
        from rich.console import Console

        self._as_json = as_json
        width = None if sys.stdout.isatty() else WIDTH_OF_A_FILE
        self._console = Console(highlight=False, width=width)

    def say(self, text: str = "") -> None:
        """One line as it is, however long."""
        if not self._as_json:
            self._console.print(visible(text), markup=False, soft_wrap=True)

    def heading(self, text: str) -> None:
        if not self._as_json:
            self._console.print()
            self._console.print(visible(text), style="bold", markup=False, soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A table; a column whose name starts with ``#`` is right-aligned."""
        if self._as_json:
            return
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            number = column.startswith("#")
            table.add_column(
                column.removeprefix("#"),
                justify="right" if number else "left",
                overflow="fold",
            )
        for row in rows:
            table.add_row(*(Text(visible(written(cell))) for cell in row))
        self._console.print(table)

    def finish(self, document: dict[str, Any]) -> None:
        """The one JSON document, where it was asked for."""
        if self._as_json:
            sys.stdout.write(json.dumps(strict(document), indent=2, allow_nan=False) + "\n")


def visible(text: str) -> str:
    """Text of files and their names, in which nothing steers the terminal.

    >>> visible("red: \\x1b[31m")
    'red: \\\\x1b[31m'
    """
    return CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def written(cell: object) -> str:
    """A value in a table cell."""
    if cell is None:
        return "-"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return f"{cell:.3f}" if math.isfinite(cell) else "-"
    return str(cell)


def strict(value: Any) -> Any:
    """A value as strict JSON has it: no NaN, no dates, names as keys."""
    if isinstance(value, dict):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value


class ProgressDisplay:
    """Draws a bar a step on a terminal, with the time that is left.

    Elsewhere it writes a line when a step is done, and once a minute how far a long one is.

    An instance is the ``progress`` argument of the door's functions, inside a ``with`` block.
    """

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._open: dict[str, tuple[float, int, str]] = {}
        self._since = self._told = time.perf_counter()

    def __enter__(self) -> "ProgressDisplay":
        if self._terminal:
            self._bars = _bars()
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()
        elif error is None:
            for step in list(self._open):
                self._line(step)

    def __call__(self, step: str, done: int, total: int | None, unit: str) -> None:
        if self._bars is not None:
            self._draw(self._bars, step, done, total, unit)
            return
        # A step that reports only what is done began when the one before it ended.
        begun = self._open.get(step, (self._since, 0, unit))[0]
        self._open[step] = (begun, done, unit)
        if total is not None and done >= total:
            self._line(step)
        elif total is not None:
            self._tell(step, total)

    def _tell(self, step: str, total: int) -> None:
        """How far a step is, at most once a minute."""
        now = time.perf_counter()
        begun, done, unit = self._open[step]
        if done == 0 or now - self._told < SECONDS_BETWEEN_LINES:
            return
        self._told = now
        left = (now - begun) / done * (total - done)
        sys.stderr.write(
            f"{step}: {done:,} of {counted(total, unit)}, about {duration(left)} left\n"
        )
        sys.stderr.flush()

    def _draw(self, bars: "Progress", step: str, done: int, total: int | None, unit: str) -> None:
        if step not in self._tasks:
            self._tasks[step] = bars.add_task(step, total=total, unit=unit)
        bars.update(self._tasks[step], completed=done, total=total)
        if total is not None and done >= total:
            # A later step of the same name, such as another ensemble's, gets a bar of its own.
            self._tasks.pop(step)

    def _line(self, step: str) -> None:
        begun, done, unit = self._open.pop(step)
        self._since = self._told = time.perf_counter()
        seconds = self._since - begun
        speed = _rate(done / seconds, unit) if seconds > 0.05 else ""
        sys.stderr.write(
            f"{step}: {counted(done, unit)} in {seconds:.1f} s{speed and ', '}{speed}\n"
        )
        sys.stderr.flush()


def duration(seconds: float) -> str:
    """A length of time as people say it.

    >>> duration(42), duration(170), duration(7_500)
    ('42 s', '3 min', '2 h 5 min')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def counted(number: int, unit: str) -> str:
    """A number of things, the name of one without its s.

    >>> counted(1, "dates"), counted(2_000, "dates")
    ('1 date', '2,000 dates')
    """
    return f"{number:,} {unit.removesuffix('s') if number == 1 else unit}"


def _rate(speed: float, unit: str) -> str:
    """Slower than one a second says nothing that the time does not."""
    return f"{counted(round(speed), unit)}/s" if speed >= 1 else ""


def _bars() -> "Progress":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else _rate(speed, task.fields["unit"]))

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        refresh_per_second=5,
    )
