"""Kills `stocktrend ingest`, `build` and `train` at random moments, runs them again, and compares.

Every trial copies a small simulated market, starts the real command, kills it with SIGKILL once,
every third one three times in a row, and lets it run to its end. Then the lake's records, the panel
and the files of the run must be those of a copy that nobody disturbed. Not compared: the ledger's
counts, which say what each ingest did, and the table versions that a run notes as its origin, since
a stop may add a version. Most kills fall between the command's first write and its end, the others
before. After each kill the lake must be readable with no record twice and, where a run is there
already, `predict` must work.

    python benchmarks/crash_safety.py --ingest 100 --build 20 --train 20 --seed 0
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

import stocktrend as st
from stocktrend.errors import StocktrendError
from stocktrend.schema import KEYS, TABLES

BEFORE_WRITING = 0.15
"""Share of the kills that come before the command has written anything."""
RECIPE = """
preset: cross_sectional
recipe: {members: 2, epochs: 25, batch_size: 32, min_steps: 0, early_stopping_patience: 25}
"""


@dataclass
class Scenario:
    """A data root, the command that is killed on it, and what has come of it so far."""

    name: str
    command: tuple[str, ...]
    root: Path
    trials: int
    began: float = 0.0
    worked: float = 0.0
    expected: dict[str, Any] = field(default_factory=dict)
    kills: int = 0
    finished: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def scored(self) -> bool:
        """Whether the data root has a finished run."""
        return (self.root / "runs").exists()

    def start(self, root: Path) -> subprocess.Popen[bytes]:
        """The command on a copy of the data root."""
        line = [sys.executable, "-m", "stocktrend", *self.command, "--data-root", str(root)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        return subprocess.Popen(line, start_new_session=True, **quiet)

    def undisturbed(self, root: Path, since: datetime) -> None:
        """Run the command to its end: its times, and the contents to compare with."""
        shutil.copytree(self.root, root)
        start = time.perf_counter()
        process = self.start(root)
        wait_for_a_write(process, root)
        self.began = time.perf_counter() - start
        if process.wait():
            raise SystemExit(f"{self.name}: {process.communicate()[1].decode()}")
        self.worked = time.perf_counter() - start - self.began
        self.expected = contents(root, since)

    def trial(self, root: Path, since: datetime, moments: list[float]) -> None:
        """Kill at each moment in turn, run to the end, compare."""
        shutil.copytree(self.root, root)
        for moment in moments:
            process = self.start(root)
            if kill_at(process, root, moment, self):
                self.kills += 1
                self._note(moments, unreadable(root, self.scored))
            else:
                self.finished += 1
                self.worked *= 0.8  # the machine was busier when it was measured
        process = self.start(root)
        _, said = process.communicate()
        if process.returncode:
            self._note(moments, [f"the rerun was refused: {said.decode().strip()}"])
        self._note(moments, [*unreadable(root, self.scored), *left_over(root)])
        found = contents(root, since)
        names = sorted(found.keys() | self.expected.keys())
        self._note(
            moments,
            [f"{name} differs" for name in names if not same(found, self.expected, name)],
        )

    def _note(self, moments: list[float], problems: list[str]) -> None:
        shown = ", ".join(f"{moment:.3f}" for moment in moments)
        self.problems += [f"{self.name}, killed at {shown}: {problem}" for problem in problems]


def stamp(root: Path) -> tuple[int, int]:
    """Changes whenever a file of the folder is made, written or removed."""
    times = []
    for folder, _, files in os.walk(root):
        for place in (folder, *(os.path.join(folder, name) for name in files)):  # noqa: PTH118
            try:
                times.append(os.stat(place).st_mtime_ns)  # noqa: PTH116
            except FileNotFoundError:
                continue
    return len(times), max(times)


def wait_for_a_write(process: subprocess.Popen[bytes], root: Path) -> None:
    """Until something in the folder has changed, or the process has ended."""
    before = stamp(root)
    while process.poll() is None and stamp(root) == before:
        time.sleep(0.005)


def kill_at(
    process: subprocess.Popen[bytes], root: Path, moment: float, scenario: Scenario
) -> bool:
    """Kill at a share of the time from the first write to the end, below 0 of that before it."""
    if moment < 0:
        time.sleep((1 + moment) * scenario.began)
    else:
        wait_for_a_write(process, root)
        time.sleep(moment * scenario.worked)
    alive = process.poll() is None
    if alive:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return alive


def contents(root: Path, since: datetime) -> dict[str, Any]:
    """What has to be the same after a kill: frames and bytes by name.

    Revisions are known from the moment when they were retrieved, which no two runs share: times
    after ``since`` become null.
    """
    lake = st.Lake(root / "lake")
    found: dict[str, Any] = {}
    for table in TABLES:
        rows = lake.history(table)
        known = pl.when(pl.col("known_at") < since).then("known_at").alias("known_at")
        found[f"lake/{table}"] = rows.with_columns(known).sort(*KEYS[table], "known_at")
    found["lake/quarantine"] = lake.quarantine().sort("table", "path", "row", "reason")
    entries = {path: json.loads(text) for path, text in lake.ledger.entries().items()}
    found["lake/files"] = {p: (e["content"], e["settings"]) for p, e in entries.items()}
    for file in sorted((root / "panel").glob("*.parquet")):
        found[f"panel/{file.name}"] = pl.read_parquet(file)
    for file in sorted((root / "runs").rglob("*")):
        name = file.relative_to(root).as_posix()
        if file.suffix == ".parquet":
            found[name] = pl.read_parquet(file)
        elif file.is_file():
            found[name] = b"" if file.name == "origin.json" else file.read_bytes()
    return found


def same(found: dict[str, Any], expected: dict[str, Any], name: str) -> bool:
    """Whether a name stands for the same rows or bytes in both."""
    one, other = found.get(name), expected.get(name)
    if isinstance(one, pl.DataFrame) and isinstance(other, pl.DataFrame):
        return one.equals(other)
    return type(one) is type(other) and one == other


def unreadable(root: Path, scored: bool) -> list[str]:
    """What a program that comes after the kill would stumble over."""
    lake = st.Lake(root / "lake")
    problems = []
    try:
        for table in TABLES if lake.exists else ():
            key = list(KEYS[table])
            doubled = lake.history(table).select(*key, "known_at").is_duplicated().sum()
            doubled += lake.read(table).select(key).is_duplicated().sum()
            problems += [f"lake/{table} has {doubled} records twice"] if doubled else []
        lake.quarantine()
        if scored:
            st.predict(root)
    except StocktrendError as error:
        problems.append(f"unreadable: {error}")
    return problems


def left_over(root: Path) -> list[str]:
    """Temporary files, and files of the lake that no version of its tables names."""
    problems = [
        f"{path.relative_to(root)} is left over"
        for path in root.rglob("*")
        if path.suffix in (".part", ".tmp") or "#" in path.name
    ]
    for log in (root / "lake").glob("*/_delta_log"):
        named = "".join(file.read_text() for file in log.glob("*.json"))
        problems += [
            f"{file.relative_to(root)} is of no version"
            for file in log.parent.glob("*.parquet")
            if file.name not in named
        ]
    return problems


def prepared(folder: Path, ingest: int, build: int, train: int) -> Iterator[Scenario]:
    """The scenarios, each with a data root that brings out another part of the work."""
    period = {"start": "2015-01-01", "end": "2017-06-30"}
    new, then = folder / "new", datetime(2017, 7, 1, tzinfo=UTC)
    st.simulate(new, market="strong", tickers=8, seed=11, **period)
    settings = new / "stocktrend.yaml"
    settings.write_text(settings.read_text() + RECIPE)
    third = ingest // 3
    yield Scenario("ingest: first", ("ingest",), new, ingest - 2 * third)
    if third:
        grown = shutil.copytree(new, folder / "grown")
        shorten(grown)
        st.ingest(grown, retrieved_at=then)
        st.train(grown, seed=1, preset="original")
        shutil.copytree(new / "raw", grown / "raw", dirs_exist_ok=True)
        yield Scenario("ingest: longer, revised files", ("ingest",), grown, third)
    full = shutil.copytree(new, folder / "full")
    st.ingest(full, retrieved_at=then)
    if third:
        other = shutil.copytree(full, folder / "other")
        settings = other / "stocktrend.yaml"
        settings.write_text(settings.read_text().replace("exchange: XNYS", "exchange: XNAS"))
        yield Scenario("ingest: other settings", ("ingest",), other, third)
    st.build_panel(full, retrieved_at=then)  # compiles the kernels, which is not to be timed
    if train > 1:
        st.train(full, seed=1, preset="original")
    yield Scenario("build: ingest and panel", ("build",), new, build)
    yield Scenario("train", ("train", "--seed", "2"), full, train)


def shorten(root: Path) -> None:
    """Raw files as they were some months before: shorter, one value of each was another."""
    raw = root / "raw"
    for file in (*raw.glob("prices/*.csv"), *raw.glob("news/*.jsonl"), raw / "macro/UNRATE.csv"):
        lines = file.read_text().splitlines()
        lines = lines[: len(lines) * 3 // 4]
        if file.suffix == ".csv":
            head, _, last = lines[20].rpartition(",")
            lines[20] = f"{head},{float(last) * 1.5:.0f}"
        file.write_text("\n".join(lines) + "\n")


def main() -> int:
    """Run all trials and print the table; 1 where anything differed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for step, default in (("ingest", 100), ("build", 20), ("train", 20), ("seed", 0)):
        parser.add_argument(f"--{step}", type=int, default=default)
    asked = parser.parse_args()
    chance, since = random.Random(asked.seed), datetime.now(UTC)
    problems: list[str] = []
    print(
        f"{'scenario':30} {'trials':>6} {'kills':>6} {'too late':>8} {'seconds':>8} {'problems':>8}"
    )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for scenario in prepared(folder, asked.ingest, asked.build, asked.train):
            if not scenario.trials:
                continue
            scenario.undisturbed(folder / "undisturbed", since)
            shutil.rmtree(folder / "undisturbed")
            for number in range(scenario.trials):
                span = 1 + BEFORE_WRITING
                spread = (number + chance.random()) / scenario.trials * span - BEFORE_WRITING
                first = spread if spread >= 0 else spread / BEFORE_WRITING
                if scenario.trials == 1:
                    first = chance.random() / 2  # else it may come too late, and no other does
                more = [chance.random() / 2 for _ in range(2 * (number % 3 == 2))]
                scenario.trial(folder / "trial", since, [first, *more])
                shutil.rmtree(folder / "trial")
            counts = f"{scenario.trials:6} {scenario.kills:6} {scenario.finished:8}"
            whole = scenario.began + scenario.worked
            print(
                f"{scenario.name:30} {counts} {whole:8.1f} {len(scenario.problems):8}", flush=True
            )
            problems += scenario.problems
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
