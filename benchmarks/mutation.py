"""How many random faults the tests find, in features, targets, losses and scaling.

    pip install cosmic-ray
    python benchmarks/mutation.py [--mutants 200] [--seed 0] [--results FILE.jsonl]

Half of the mutants are in compiled kernels, half in the rest; ``mutants.py`` says how they are
drawn. Each is written into a copy of the repository, and the tests run there: first those that
read the mutated file directly, with compilation off, as compiling all kernels anew takes longer
than the tests; survivors then meet the slower ones (laws, oracles on real data, the panel,
training), compiled. A mutant is killed where a test fails. One that runs out of time is reported
apart, and counts as killed. The unchanged copy has to pass everything first.

With ``--results`` each verdict is appended to the file, and a later run of the same sample takes
up from there.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Self

import pytest
from scipy.stats import binomtest

from mutants import FEATURES, KERNELS, Mutant, draw

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Area:
    """Files by the beginning of their path, and their tests; the first area that fits counts."""

    prefix: Path
    direct: tuple[str, ...]
    slower: tuple[str, ...]


def under(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"tests/{folder}/test_{name}.py" for name in names)


BARS = (
    ("tests/features/kernels", *under("features", "stock_formulas", "stock")),
    (*under("features", "stock_laws", "stock_talib"), *under("laws", "scale_invariance")),
)
RECORDS = under("features", "news", "news_periods", "policy", "macro")
AREAS = (
    Area(KERNELS, *BARS),
    Area(FEATURES / "stock", *BARS),
    Area(FEATURES / "histories", *BARS),
    Area(FEATURES / "text", ("tests/features/text", *RECORDS), ()),
    Area(FEATURES, RECORDS, under("laws", "no_look_ahead", "truncation")),
    Area(
        Path("src/stocktrend/targets.py"),
        ("tests/test_targets.py", "tests/test_target_dates.py", "tests/model/test_losses.py"),
        (),
    ),
    Area(Path("src/stocktrend/model"), ("tests/model",), ("tests/training",)),
    Area(Path("src/stocktrend/dataset"), ("tests/dataset",), ("tests/training",)),
)
EVERYWHERE = ("tests/test_panel.py", "tests/test_docstrings.py")

LIMIT_DIRECT, LIMIT_SLOWER = 240, 1200
"""Seconds; several times what the unchanged code takes."""
MEMORY = 32 * 2**30
"""Address space of a process in bytes: a loop that never ends must not take all there is."""


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: ``killed``, ``out of time`` or ``survived``, and by which test."""

    outcome: str
    by: str = ""

    def __str__(self) -> str:
        return f"{self.outcome} {self.by}".strip()


def copy_of_repository(folder: Path) -> Path:
    """What the tests need, in a folder of its own."""
    copy = folder / "repository"
    for name in ("src", "tests", "examples", "docs", "benchmarks", "scripts"):
        ignored = shutil.ignore_patterns("__pycache__", ".hypothesis")
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    for file in ROOT.glob("*.*"):
        if file.is_file():
            shutil.copy(file, copy)
    return copy


def run_tests(copy: Path, tests: Sequence[str], limit: float, *, compiled: bool) -> Verdict:
    """Run tests in the copy until one fails, in a process of its own.

    With compilation off it is forked from this one, which has imported the libraries already.

    Raises:
        RuntimeError: pytest could not run.
    """
    present = [name for name in tests if (copy / name).exists()]
    arguments = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", *present]
    with tempfile.TemporaryFile("w+") as output:
        if compiled:
            process = subprocess.Popen(
                [sys.executable, "-m", "pytest", *arguments],
                cwd=copy,
                env=os.environ | {"NUMBA_DISABLE_JIT": "0"},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            pid = process.pid
        else:
            pid = fork_pytest(copy, arguments, output.fileno())
        status = wait(pid, limit)
        output.seek(0)
        text = output.read()
    if status is None:
        return Verdict("out of time", f"after {limit:.0f} s")
    if status == 0:
        return Verdict("survived")
    failed = [line for line in text.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if not failed and status > 0:
        raise RuntimeError(f"pytest could not run:\n{text[-3000:]}")
    return Verdict("killed", f"by {failed[0].split()[1]}" if failed else "by a crash")


def fork_pytest(copy: Path, arguments: list[str], output: int) -> int:
    """The process number of a pytest that starts with what this process has imported."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.chdir(copy)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.path.insert(0, str(copy / "src"))
        os._exit(int(pytest.main(arguments)))
    return pid


def wait(pid: int, limit: float) -> int | None:
    """Exit status, negative after a signal; None where the time is up and it had to be ended."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def prepare(copy: Path) -> None:
    """Environment of all tests, and the libraries that forked ones find imported."""
    os.environ |= {
        "PYTHONPATH": str(copy / "src"),
        # A mutant may have the size and the second of the file before it: no stale bytecode.
        "PYTHONDONTWRITEBYTECODE": "1",
        "NUMBA_DISABLE_JIT": "1",
        "NUMBA_CACHE_DIR": str(copy.parent / "numba"),
        "STOCKTREND_TEST_DATA": str(real_data()),
    }
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for name in ("hypothesis", "numba", "polars", "scipy.stats", "sklearn", "torch"):
        import_module(name)
    # The arguments of stocktrend.sessions: the calendar is kept by them.
    import_module("exchange_calendars").get_calendar("XNYS", start="1962-01-02", end="2035-12-31")


def real_data() -> Path:
    default = ROOT / ".." / "shared" / "data"
    return Path(os.environ.get("STOCKTREND_TEST_DATA", default)).resolve()


def judge(mutant: Mutant, copy: Path, *, compiled: bool) -> Verdict:
    """Write the mutant into the copy, run its direct or its slower tests, put the file back."""
    area = next(area for area in AREAS if mutant.file.startswith(str(area.prefix)))
    tests = (*area.slower, *EVERYWHERE) if compiled else area.direct
    file = copy / mutant.file
    original = file.read_text()
    file.write_text(mutant.source)
    try:
        return run_tests(copy, tests, LIMIT_SLOWER if compiled else LIMIT_DIRECT, compiled=compiled)
    finally:
        file.write_text(original)
        # Examples that one mutant failed must not be tried on the next.
        shutil.rmtree(copy / ".hypothesis", ignore_errors=True)


def check_that_tests_read(copy: Path) -> None:
    command = [sys.executable, "-c", "import stocktrend; print(stocktrend.__file__)"]
    imported = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    if not imported.startswith(str(copy)):
        sys.exit(f"tests must import the copy in {copy}, however they import {imported}")


def check_that_all_pass(copy: Path, *, compiled: bool) -> None:
    """Stop unless the unchanged copy passes what mutants are judged by."""
    tests = [name for area in AREAS for name in (area.slower if compiled else area.direct)]
    tests += EVERYWHERE if compiled else ()
    verdict = run_tests(copy, list(dict.fromkeys(tests)), LIMIT_SLOWER, compiled=compiled)
    if verdict.outcome != "survived":
        sys.exit(f"the unchanged code must pass its tests, however: {verdict}. Mend it first")


def table(mutants: list[Mutant], verdicts: list[Verdict]) -> str:
    """Mutants, killed and out of time of kernels and the rest, with a 95% interval (Wilson)."""
    lines = [f"{'':<10}{'mutants':>8}{'killed':>8}{'of these out of time':>22}{'share':>8}  95%"]
    in_kernels = [
        (mutant.file.startswith(str(KERNELS)), verdict)
        for mutant, verdict in zip(mutants, verdicts, strict=True)
    ]
    for label, chosen in (
        ("kernels", [v for inside, v in in_kernels if inside]),
        ("the rest", [v for inside, v in in_kernels if not inside]),
        ("all", [v for _, v in in_kernels]),
    ):
        if chosen:
            late = sum(v.outcome == "out of time" for v in chosen)
            killed = sum(v.outcome == "killed" for v in chosen) + late
            bounds = binomtest(killed, len(chosen)).proportion_ci(method="wilson")
            lines.append(
                f"{label:<10}{len(chosen):>8}{killed:>8}{late:>22}{killed / len(chosen):>8.1%}"
                f"  [{bounds.low:.1%}, {bounds.high:.1%}]"
            )
    return "\n".join(lines)


@dataclass(frozen=True)
class Results:
    """Verdicts of earlier runs and of this one, in a file where one is given."""

    file: Path | None
    known: dict[tuple[str, bool], Verdict]

    @classmethod
    def of(cls, file: Path | None) -> Self:
        known = {}
        for line in file.read_text().splitlines() if file and file.is_file() else []:
            fields = json.loads(line)
            known[fields["source"], fields["compiled"]] = Verdict(**fields["verdict"])
        return cls(file, known)

    def judge(self, mutant: Mutant, copy: Path, *, compiled: bool) -> Verdict:
        """The verdict as it is known, or a new one, which is printed and saved."""
        start = time.perf_counter()
        verdict = self.known.get((mutant.source, compiled))
        if verdict is None:
            verdict = judge(mutant, copy, compiled=compiled)
            if self.file:
                fields = asdict(mutant) | {"compiled": compiled, "verdict": asdict(verdict)}
                with self.file.open("a") as file:
                    print(json.dumps(fields), file=file)
        place = f"{mutant.file.removeprefix('src/stocktrend/')}:{mutant.line}"
        seconds = time.perf_counter() - start
        print(f"{place} {mutant.operator}: {verdict} ({seconds:.0f} s)", flush=True)
        if verdict.outcome != "killed":
            print(f"    - {mutant.before}\n    + {mutant.after}", flush=True)
        return verdict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mutants", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, help="JSON lines, appended to and taken up from")
    chosen = parser.parse_args()
    results = Results.of(chosen.results)
    with tempfile.TemporaryDirectory() as name:
        copy = copy_of_repository(Path(name))
        prepare(copy)
        check_that_tests_read(copy)
        mutants = draw(copy, chosen.mutants, chosen.seed)
        check_that_all_pass(copy, compiled=False)
        verdicts = [results.judge(mutant, copy, compiled=False) for mutant in mutants]
        print(f"\nDirect tests alone\n{table(mutants, verdicts)}\n", flush=True)
        check_that_all_pass(copy, compiled=True)
        for number, mutant in enumerate(mutants):
            if verdicts[number].outcome == "survived":
                verdicts[number] = results.judge(mutant, copy, compiled=True)
    print(f"\nAll tests\n{table(mutants, verdicts)}")


if __name__ == "__main__":
    main()
