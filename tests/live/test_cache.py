"""The cache on disk outlives kills and serves several programs, and never gives half an answer."""

import hashlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stocktrend.live.cache import Cache, Kept
from stocktrend.live.http import Answer

WRITER = """
import sys
from itertools import count
from pathlib import Path
from test_cache import kept
from stocktrend.live.cache import Cache

cache = Cache(Path(sys.argv[1]))
rounds = range(int(sys.argv[2])) if sys.argv[2] != "0" else count()
for turn in rounds:
    for number in range(20):
        before = cache.find(f"address {number}")
        if before and before != kept(number, int(before.etag)):
            sys.exit("half an answer")
        cache.keep(f"address {number}", kept(number, turn))
    print(turn, flush=True)
"""


def kept(number: int, turn: int) -> Kept:
    """An answer of several pieces on disk, which anyone can tell from half of it."""
    seed = hashlib.sha256(f"{number} {turn}".encode()).digest()
    return Kept(Answer(seed * 8_000 + bytes([turn % 256]), "text/csv", "utf-8"), str(turn), None)


def writer(file: Path, rounds: int = 0) -> subprocess.Popen[str]:
    """Another program that reads and writes until its rounds are over, or for ever."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file), str(rounds)],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_an_answer_comes_back_as_it_was_and_the_last_one_counts(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "x.db"
    cache = Cache(file)
    assert cache.find("a") is None
    bare = Kept(Answer(b"", "", None), None, "Tue, 02 Jan 2024 10:00:00 GMT")
    for one in (kept(1, 1), kept(1, 2), bare):
        cache.keep("a", one)
        assert cache.find("a") == one
    cache.keep("b", kept(2, 1))
    cache.close()
    again = Cache(file)
    assert (again.find("a"), again.find("b")) == (bare, kept(2, 1))
    again.forget("a")
    assert (again.find("a"), again.find("b")) == (None, kept(2, 1))
    again.close()


def test_addresses_are_not_written_down(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "x.db")
    cache.keep("https://example.org/?q=WHISPERED", kept(1, 1))
    cache.close()
    assert b"WHISPERED" not in b"".join(f.read_bytes() for f in tmp_path.iterdir())


def test_a_writer_can_be_killed_at_any_moment(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    found = 0
    for turn in range(4):
        program = writer(file)
        assert program.stdout is not None
        program.stdout.readline()
        time.sleep(0.013 * turn)
        program.send_signal(signal.SIGKILL)
        program.wait()
        program.communicate()
        cache = Cache(file)
        for number in range(20):
            whole = cache.find(f"address {number}")
            if whole:
                assert whole == kept(number, int(str(whole.etag)))
                found += 1
        cache.close()
    assert found >= 4 * 19  # at most the one that was being replaced is gone


def test_two_programs_write_at_once(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    programs = [writer(file, rounds=4), writer(file, rounds=4)]
    for program in programs:
        _, said = program.communicate(timeout=60)
        assert (program.returncode, said) == (0, "")
    cache = Cache(file)
    assert [cache.find(f"address {number}") for number in range(20)] == [
        kept(number, 3) for number in range(20)
    ]
    cache.close()


def test_a_folder_that_cannot_be_made_keeps_nothing_and_breaks_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    cache = Cache(tmp_path / "file" / "x.db")
    cache.keep("a", kept(1, 1))
    assert cache.find("a") is None
    cache.forget("a")
    cache.close()
    assert capfd.readouterr().err == ""
