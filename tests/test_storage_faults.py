"""Storage that fails, for real: full and read-only file systems, damaged files, two writers.

After each fault the command says in one message what is wrong and how to mend it, with exit code
2; what was there before can be read; and once the cause is mended the same command ends as on a
copy that nobody disturbed. The table is printed at the end of the test run.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable

import stocktrend as st
from crash_safety import contents, left_over, same, shorten
from injected import Fault
from stocktrend.cli.program import execute
from stocktrend.errors import StocktrendError
from stocktrend.lake import delta
from stocktrend.schema import TABLES

SINCE = datetime(2020, 1, 1, tzinfo=UTC)
THEN = datetime(2017, 7, 1, tzinfo=UTC)
NOBODY = 65_534
SMALL = "\npreset: original\nrecipe: {members: 1, epochs: 2, batch_size: 64, min_steps: 0}\n"


@pytest.fixture(scope="session")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of files as they were some months before; raw/ holds longer, revised ones."""
    root = tmp_path_factory.mktemp("behind") / "market"
    st.simulate(root, market="strong", tickers=3, start="2016-01-01", end="2016-12-31", seed=11)
    shutil.copytree(root / "raw", root / "longer")
    shorten(root)
    st.ingest(root, retrieved_at=THEN)
    shutil.rmtree(root / "raw")
    (root / "longer").rename(root / "raw")
    return root


@pytest.fixture(scope="session")
def undisturbed(behind: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the ingest of the longer files leaves."""
    root = tmp_path_factory.mktemp("undisturbed") / "market"
    shutil.copytree(behind, root)
    st.ingest(root)
    return contents(root, SINCE)


@pytest.fixture
def root(behind: Path, tmp_path: Path) -> Path:
    """A copy to do damage to."""
    return Path(shutil.copytree(behind, tmp_path / "market"))


@dataclass(frozen=True)
class Records:
    """Every version of every record, and the versions of the tables that they were read from."""

    versions: dict[str, int]
    tables: dict[str, pl.DataFrame]


def records(root: Path, versions: dict[str, int] | None = None) -> Records:
    lake = st.Lake(root / "lake", versions)
    tables = {table: lake.history(table) for table in TABLES}
    return Records(lake.versions(), tables | {"quarantine": lake.quarantine()})


class Trial:
    """One fault: what a command says to it, and that nothing is lost."""

    def __init__(self, faults: list[Fault], capsys: pytest.CaptureFixture[str]) -> None:
        self._faults = faults
        self._capsys = capsys

    def refused(
        self, fault: str, line: list[str], says: str, child: list[str] | None = None
    ) -> None:
        """The command ends with exit code 2 and one message that has the text.

        With ``child`` it runs in a process of its own, behind those words.
        """
        if child is None:
            self._capsys.readouterr()
            code, said = execute(line), self._capsys.readouterr().err
        else:
            whole = [*child, sys.executable, "-m", "stocktrend", *line]
            done = subprocess.run(whole, capture_output=True, text=True, check=False)
            code, said = done.returncode, done.stderr
        assert code == 2, said
        assert says in said
        assert said.count("Error: ") == 1
        assert "Traceback" not in said
        command = " ".join(["stocktrend", *line[: line.index("--data-root")]])
        place = Path(line[line.index("--data-root") + 1]).parent
        text = said[said.index("Error: ") :].strip().replace(f"{place}/", "")
        self._faults.append(Fault(fault, command, text))

    def held(self, root: Path, before: Records, newest: bool = True) -> None:
        """Every version that was there before reads as it did, and the newest can be read."""
        assert all(
            records(root, before.versions).tables[table].equals(rows)
            for table, rows in before.tables.items()
        )
        now = records(root).tables if newest else before.tables
        assert all(now[table].height >= rows.height for table, rows in before.tables.items())
        self._faults[-1].readable = True

    def mended(self, root: Path, undisturbed: dict[str, Any]) -> None:
        """The ingest ends as one that nothing disturbed."""
        st.ingest(root)
        found = contents(root, SINCE)
        wrong = [n for n in found.keys() | undisturbed.keys() if not same(found, undisturbed, n)]
        assert [*wrong, *left_over(root)] == []
        self._faults[-1].nothing_lost = True

    def kept(self, found: dict[str, bytes], wanted: dict[str, bytes]) -> None:
        """A run's files are those of an undisturbed one."""
        assert found == wanted
        self._faults[-1].nothing_lost = True


@pytest.fixture
def trial(faults: list[Fault], capsys: pytest.CaptureFixture[str]) -> Trial:
    return Trial(faults, capsys)


def ingest_line(root: Path) -> list[str]:
    return ["ingest", "--data-root", str(root)]


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """A file system of its own at a folder; skips where this process may not mount."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"may not mount a file system: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def small_disk(folder: Path, free: int) -> Iterator[Path]:
    """What a folder holds, on a file system with so many bytes left; yields what fills it."""
    held = shutil.move(folder, folder.with_name("held")) if folder.exists() else None
    with mounted(folder, "-t", "tmpfs", "-o", "size=32m", "tmpfs"):
        if held is not None:
            shutil.copytree(held, folder, dirs_exist_ok=True)
        filler = folder / "filler"
        space = os.statvfs(folder)
        filler.write_bytes(b"\0" * max(space.f_bavail * space.f_frsize - free, 0))
        yield filler


def newest_file(root: Path, table: str) -> Path:
    return Path(sorted(DeltaTable(str(root / "lake" / table)).file_uris())[-1])


@pytest.mark.parametrize("free", [4_096, 65_536])
def test_a_full_disk_costs_an_ingest_nothing(root, trial, undisturbed, free):
    before = records(root)
    with small_disk(root / "lake", free) as filler:
        trial.refused(f"disk full, {free} bytes left", ingest_line(root), "Make room")
        trial.held(root, before)
        filler.unlink()
        trial.mended(root, undisturbed)


def test_files_that_may_not_grow_cost_an_ingest_nothing(root, trial, undisturbed):
    before = records(root)
    fault = "files limited to 16 KiB"
    trial.refused(fault, ingest_line(root), "File too large", child=["prlimit", "--fsize=16384"])
    trial.held(root, before)
    trial.mended(root, undisturbed)


def trained(root: Path) -> dict[str, bytes]:
    files = [file for file in (root / "runs").rglob("*") if file.is_file()]
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in files}


def test_a_full_disk_costs_a_training_and_a_report_nothing(market, trial, tmp_path):
    settings = market / "stocktrend.yaml"
    settings.write_text(settings.read_text() + SMALL)
    st.build_panel(market)
    other = Path(shutil.copytree(market, tmp_path / "other"))
    run = st.train(other)
    before, made = records(market), trained(other)
    st.report(run, created=THEN)
    line = ["train", "--data-root", str(market)]
    with small_disk(market / "runs", 40_960) as filler:
        trial.refused("disk full, 40 KiB left", line, "No space left on device")
        trial.held(market, before)
        filler.unlink()
        assert execute(line) == 0
        trial.kept(trained(market), made)
        space = os.statvfs(market / "runs")
        filler.write_bytes(b"\0" * (space.f_bavail * space.f_frsize - 1_000_000))
        whole = trained(market)
        report = ["report", "--data-root", str(market)]
        trial.refused("disk full, 1 MB left", report, "No space left on device")
        trial.held(market, before)
        trial.kept(trained(market), whole)
        filler.unlink()
        st.report(st.evaluate(st.load_run(market)), created=THEN)
        assert trained(market) == trained(other)


def test_a_read_only_file_system_can_be_read(root, trial, undisturbed):
    before = records(root)
    with mounted(root / "lake", "--bind", str(root / "lake")):
        remount = ["mount", "-o", "remount,ro,bind", str(root / "lake")]
        subprocess.run(remount, check=True)
        trial.refused("file system read-only", ingest_line(root), "Read-only file system")
        trial.held(root, before)
        assert execute(["lake", "export", "--data-root", str(root), "--out", str(root / "o")]) == 0
    trial.mended(root, undisturbed)


def test_a_folder_of_somebody_else_is_read_and_left_alone(root, trial, undisturbed):
    if os.getuid() or shutil.which("setpriv") is None:
        pytest.skip("needs root, and setpriv to give up root's right to write everywhere")
    before = records(root)
    for place in (root / "lake", *(root / "lake").rglob("*")):
        os.chown(place, NOBODY, NOBODY)
    bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"]
    trial.refused("folder of another user", ingest_line(root), "Permission denied", child=bound)
    trial.held(root, before)
    trial.mended(root, undisturbed)


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def one_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def one_block(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:2_000] + b"\0" * 4_096 + content[6_096:])


@pytest.mark.parametrize(
    "harm", [truncated, one_bit, one_block, Path.unlink], ids=lambda harm: harm.__name__
)
def test_a_damaged_data_file_is_named_and_the_rest_stays(root, trial, undisturbed, harm):
    file, before = newest_file(root, "bars"), records(root)
    whole = file.read_bytes()
    harm(file)
    fault = f"bars: data file {harm.__name__}".replace("_", " ")
    trial.refused(fault, ingest_line(root), "lake restore --intact")
    lake = st.Lake(root / "lake")
    for table in ("news", "policy", "macro"):
        assert lake.history(table).equals(before.tables[table])
    assert execute(["lake", "verify", "--data-root", str(root)]) == 2
    file.write_bytes(whole)
    trial.held(root, before)
    trial.mended(root, undisturbed)


@pytest.mark.parametrize("harm", [truncated, one_bit, Path.unlink], ids=lambda h: h.__name__)
def test_a_file_damaged_after_a_whole_version_is_mended_by_restore(root, trial, undisturbed, harm):
    before = records(root)
    st.ingest(root)
    harm(newest_file(root, "news"))
    line = ["lake", "export", "--data-root", str(root), "--out", str(root / "out")]
    trial.refused(f"news: newest file {harm.__name__}", line, "lake restore --intact")
    assert not (root / "out").exists()
    assert execute(["lake", "restore", "--intact", "--data-root", str(root)]) == 0
    trial.held(root, before)
    trial.mended(root, undisturbed)


def half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:200])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def noise(file: Path) -> None:
    file.write_bytes(b"\xff" * 300)


@pytest.mark.parametrize("harm", [half, empty, noise], ids=lambda harm: harm.__name__)
def test_a_torn_log_is_named_and_mended_by_restore(root, trial, undisturbed, harm):
    before = records(root)
    st.ingest(root)
    harm(sorted((root / "lake" / "bars" / "_delta_log").glob("*.json"))[-1])
    trial.refused(f"bars: newest entry of the log {harm.__name__}", ingest_line(root), "--intact")
    trial.held(root, before, newest=False)
    assert execute(["lake", "restore", "--intact", "--data-root", str(root)]) == 0
    trial.mended(root, undisturbed)


def test_two_writers_leave_what_one_after_the_other_leaves(root, trial, undisturbed):
    before = records(root)
    line = [sys.executable, "-m", "stocktrend", *ingest_line(root)]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    writers = [subprocess.Popen(line, **quiet) for _ in range(2)]
    with suppress(StocktrendError):  # a reader meanwhile sees one whole state or another
        for table in TABLES:
            assert not st.Lake(root / "lake").history(table).is_empty()
    said = [writer.communicate()[1] for writer in writers]
    codes = [writer.returncode for writer in writers]
    assert codes.count(0) >= 1
    assert set(codes) <= {0, 2}
    assert all("One program at a time" in said[i] for i, code in enumerate(codes) if code)
    with st.Lake(root / "lake").writing():
        trial.refused("two writers", ingest_line(root), "Wait for it")
    trial.held(root, before)
    trial.mended(root, undisturbed)


def test_a_lake_of_a_newer_program_is_not_touched(root, trial, undisturbed):
    before, path = records(root), str(root / "lake" / "news")
    rows = pl.read_delta(path)
    delta.write(path, rows.with_columns(pl.lit(0.5).alias("tone")), "overwrite", schema=2)
    files = {file: file.stat().st_mtime_ns for file in (root / "lake").glob("*/**/*")}
    says = "made by a newer stocktrend (schema 2, this program knows 1)"
    with pytest.raises(StocktrendError, match="made by a newer stocktrend"):
        records(root)
    trial.refused("newer schema", ingest_line(root), says)
    assert {file: file.stat().st_mtime_ns for file in (root / "lake").glob("*/**/*")} == files
    lake = st.Lake(root / "lake")
    for table in ("bars", "policy", "macro"):
        assert lake.history(table).equals(before.tables[table])
    DeltaTable(path).restore(0)
    trial.held(root, before)
    trial.mended(root, undisturbed)
