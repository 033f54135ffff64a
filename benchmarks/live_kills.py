"""Kills updates at random moments, two at a time, and compares the lake with an undisturbed one.

Every trial copies a small data root with files and a trained run, whose services a local server
replays, and starts two updates at once. One of them is killed with SIGKILL at a random moment, in
every third trial both are; then one more runs to its end. All tables of the lake, its quarantine,
the marks of the services, panel, scores and status must be those of a root that two updates brought
up to date one after the other, undisturbed. Rows are compared sorted, every value of them.

    python benchmarks/live_kills.py --trials 100 --seed 0
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import yaml

import live_answers
import stocktrend as st
import stocktrend.workflow.page
import stocktrend.workflow.prediction
import stocktrend.workflow.steps
import stocktrend.workflow.update
from stocktrend.live import updating
from stocktrend.schema import KEYS, TABLES

updating.ROWS_PER_COMMIT = 200
"""So that the records of an update are many commits, and kills fall between them."""
NOW = datetime(2025, 9, 18, 22, tzinfo=UTC)
TICKERS = 2
SINCE = "2025-02-01"
RECIPE = {"members": 1, "epochs": 1, "batch_size": 64, "min_steps": 0}


def forked(work: Callable[[], object], quiet: bool = False) -> int:
    """Do something in a child that is a group of its own; returns its id.

    The parent only starts children: libraries whose threads have begun do not survive a fork.
    """
    child = os.fork()
    if child:
        os.setpgid(child, child)  # here too: it may be killed before it has begun
        return child
    code = 1
    try:
        os.setpgid(0, 0)
        if quiet:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        work()
        code = 0
    except Exception:  # noqa: BLE001 (the child has nobody else to tell)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
    return 0


def finished(child: int) -> None:
    """Wait for a child that is not killed."""
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise SystemExit("a child failed: see above")


def prepare(root: Path, urls: dict[str, str]) -> None:
    """A small market with a trained run, and services that have brought nothing yet."""
    st.simulate(
        root, market="strong", tickers=4, start=date(2024, 6, 3), end=date(2025, 9, 12), seed=3
    )
    file = root / "stocktrend.yaml"
    settings = yaml.safe_load(file.read_text()) | {"preset": "original", "recipe": RECIPE}
    file.write_text(yaml.safe_dump(settings))
    st.ingest(root, retrieved_at=NOW)
    st.train(root)
    replayed = live_answers.Replayed(TICKERS, NOW, 1).sources(urls, 60_000)
    for kind, services in replayed.items():
        given = [{**one, "since": SINCE} for one in services]
        files = settings["sources"].get(kind) or []
        # Series come from services alone: each has one source.
        kept = [file for file in files if kind != "macro" and file.get("kind") != "index"]
        settings["sources"][kind] = kept + given
    file.write_text(yaml.safe_dump(settings))


def update(root: Path) -> None:
    """One update that must be complete."""
    done = st.update(root, now=NOW)
    if done.problems:
        raise RuntimeError(str(done.problems))


def digest(root: Path) -> dict[str, str]:
    """Name -> digest of what has to be the same."""
    lake = st.Lake(root / "lake")
    frames = {f"lake/{t}": lake.history(t).sort(*KEYS[t], "known_at") for t in TABLES}
    frames["lake/quarantine"] = lake.quarantine().sort("table", "path", "row", "reason", "record")
    for file in (*root.glob("panel/*.parquet"), root / "live" / "scores.parquet"):
        frames[file.name] = pl.read_parquet(file)
    entries = {path: json.loads(text) for path, text in lake.ledger.entries().items()}
    marks = {path: (entry["content"], entry["settings"]) for path, entry in entries.items()}
    texts = {name: f"{frame.schema}{frame.write_csv()}" for name, frame in frames.items()}
    texts["marks"] = json.dumps(marks, sort_keys=True)
    texts["status"] = (root / "live" / "status.json").read_text()
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}


def contents(root: Path) -> dict[str, str]:
    """``digest`` of a root, found by a child."""
    file = root / "digest.json"
    finished(forked(lambda: file.write_text(json.dumps(digest(root)))))
    return dict(json.loads(file.read_text()))


class Kills:
    """The trials, and what came of them."""

    def __init__(self, base: Path, seed: int) -> None:
        self._base = base
        self._chance = random.Random(seed)
        self.kills = 0
        self.late = 0
        self.problems: list[str] = []

    def measure(self, root: Path) -> None:
        """Two undisturbed updates: the time of the first, and the contents to compare with."""
        shutil.copytree(self._base, root)
        start = time.perf_counter()
        finished(forked(lambda: update(root)))
        self.seconds = time.perf_counter() - start
        finished(forked(lambda: update(root)))
        self._expected = contents(root)

    def trial(self, number: int, root: Path) -> None:
        """Start two, kill one or both, run one to its end, compare."""
        shutil.copytree(self._base, root)
        both = number % 3 == 2
        children = [forked(lambda: update(root), quiet=True) for _ in range(2)]
        moments = sorted(self._chance.random() * self.seconds * 1.2 for _ in range(1 + both))
        start = time.perf_counter()
        doomed = self._chance.sample(children, 1 + both)
        for moment, child in zip(moments, doomed, strict=True):
            time.sleep(max(0.0, start + moment - time.perf_counter()))
            if os.waitpid(child, os.WNOHANG)[0]:
                self.late += 1
                self.seconds *= 0.9  # the machine was busier when it was measured
                children.remove(child)
                continue
            os.killpg(child, signal.SIGKILL)
            self.kills += 1
        for child in children:
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            if code and child not in doomed:
                self.problems.append(f"trial {number}: the update beside the killed one failed")
        finished(forked(lambda: update(root)))
        found = contents(root)
        names = sorted(found.keys() | self._expected.keys())
        differ = [name for name in names if found.get(name) != self._expected.get(name)]
        if differ:
            shown = ", ".join(f"{moment:.3f} s" for moment in moments)
            self.problems.append(f"trial {number}, killed at {shown}: {', '.join(differ)} differ")


def main() -> int:
    """Run the trials; 1 where anything differed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="Leave a root that differs here.")
    given = parser.parse_args()
    with (
        live_answers.replayed(TICKERS, NOW) as (_, urls),
        tempfile.TemporaryDirectory() as place,
    ):
        folder = Path(place)
        finished(forked(lambda: prepare(folder / "base", urls)))
        kills = Kills(folder / "base", given.seed)
        kills.measure(folder / "undisturbed")
        for number in range(given.trials):
            root = folder / "trial"
            kills.trial(number, root)
            if kills.problems and given.keep:
                shutil.copytree(root, given.keep / "trial")
                shutil.copytree(folder / "undisturbed", given.keep / "undisturbed")
                break
            shutil.rmtree(root)
    print(f"{'trials':>7} {'kills':>6} {'too late':>9} {'seconds':>8} {'problems':>9}")
    print(
        f"{given.trials:7} {kills.kills:6} {kills.late:9} {kills.seconds:8.1f} "
        f"{len(kills.problems):9}"
    )
    print(*kills.problems, sep="\n")
    return 1 if kills.problems else 0


if __name__ == "__main__":
    sys.exit(main())
