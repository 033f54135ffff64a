"""Scores kept in a file: nothing is scored twice, whoever is killed and whoever else writes."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stocktrend.errors import DataError, ModelError
from stocktrend.features.text import KeptScores

HERE = Path(__file__).parent


class Counted:
    """A text's score is a thousandth of its length; it remembers what it was asked."""

    name = "counted"
    languages = frozenset({"en", "de"})

    def __init__(self) -> None:
        self.asked: list[str] = []

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        self.asked += texts
        return np.array([len(text) / 1000 for text in texts])


def test_a_text_is_scored_once_for_all_who_use_the_file(tmp_path: Path) -> None:
    texts = ["x" * (number % 700) for number in range(1500)]
    first, second = Counted(), Counted()
    scores = KeptScores(first, tmp_path / "kept" / "file.sqlite").score(texts)
    again = KeptScores(second, tmp_path / "kept" / "file.sqlite").score([*texts[::-1], "new"])
    assert scores.tolist() == [(number % 700) / 1000 for number in range(1500)]
    assert again.tolist() == [*scores[::-1], 0.003]
    assert sorted(first.asked) == sorted(set(texts))
    assert second.asked == ["new"]


def test_it_is_the_scorer_to_all_others(tmp_path: Path) -> None:
    kept = KeptScores(Counted(), tmp_path / "file.sqlite")
    assert (kept.name, kept.languages) == ("counted", frozenset({"en", "de"}))
    assert kept.score([]).tolist() == []


def test_a_deleted_file_is_made_again(tmp_path: Path) -> None:
    kept = KeptScores(Counted(), tmp_path / "file.sqlite")
    before = kept.score(["one", "other"])
    (tmp_path / "file.sqlite").unlink()
    assert kept.score(["one", "other"]).tolist() == before.tolist()


@pytest.mark.parametrize(
    "spoil", ["SET score = score + 0.25", "SET score = 'many'", "SET checksum = checksum + 1"]
)
def test_a_row_that_is_not_what_was_written_is_scored_again(tmp_path: Path, spoil: str) -> None:
    scorer = Counted()
    kept = KeptScores(scorer, tmp_path / "file.sqlite")
    kept.score(["one", "other"])
    with sqlite3.connect(tmp_path / "file.sqlite") as database:
        database.execute(f"UPDATE scores {spoil} WHERE score = 0.005")
    assert kept.score(["one", "other"]).tolist() == [0.003, 0.005]
    assert kept.score(["one", "other"]).tolist() == [0.003, 0.005]
    assert scorer.asked == ["one", "other", "other"]


def test_a_file_that_is_none_is_one_error_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file.sqlite").write_bytes(b"no database " * 1000)
    with pytest.raises(ModelError, match=r"not a database.* may be deleted"):
        KeptScores(Counted(), tmp_path / "file.sqlite").score(["one"])
    (tmp_path / "plain").touch()
    with pytest.raises(ModelError, match="right to write there"):
        KeptScores(Counted(), tmp_path / "plain" / "file.sqlite").score(["one"])


def test_what_no_score_can_be_is_refused_and_not_kept(tmp_path: Path) -> None:
    scorer = Counted()
    kept = KeptScores(scorer, tmp_path / "file.sqlite")
    with pytest.raises(DataError, match="'counted'"):
        kept.score(["fine", "x" * 1001])
    assert kept.score(["fine"]).tolist() == [0.004]
    assert scorer.asked == ["fine", "x" * 1001, "fine"]


WRITER = """
import sys
from pathlib import Path
from features.text.test_kept import Counted
from stocktrend.features.text import KeptScores

kept = KeptScores(Counted(), Path(sys.argv[1]))
print("ready", flush=True)
for number in range(int(sys.argv[2])):
    kept.score(["x" * (number % 900) + f" {number} {part}" for part in range(20)])
"""


def writer(file: Path, rounds: int) -> "subprocess.Popen[str]":
    place = f"import sys\nsys.path.insert(0, {str(HERE.parents[1])!r})\n"
    program = [sys.executable, "-c", place + WRITER, str(file), str(rounds)]
    started = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


def test_programs_that_are_killed_leave_whole_scores_and_others_go_on(tmp_path: Path) -> None:
    file = tmp_path / "file.sqlite"
    beside = writer(file, 60)
    killed = writer(file, 100_000)
    for _ in range(3):
        KeptScores(Counted(), file).score(["while they write"])
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert beside.wait() == 0
    scorer = Counted()
    texts = ["x" * number + f" {number} {part}" for number in range(60) for part in range(20)]
    assert KeptScores(scorer, file).score(texts).tolist() == [len(text) / 1000 for text in texts]
    assert scorer.asked == []
    with sqlite3.connect(file) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
