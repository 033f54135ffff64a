"""A folder filled before is filled again only where nothing of the user's is lost."""

import json
from pathlib import Path

import pytest

from stocktrend.errors import ConfigError
from stocktrend.sources.made_root import MadeRoot

SETTINGS = "start: 2015-01-01\n"


def made(root: Path, seed: int) -> MadeRoot:
    return MadeRoot(root, "a toy market", "toy.json", {"seed": seed})


def fill(root: Path, seed: int, names: tuple[str, ...] = ("A.csv", "B.csv")) -> None:
    folder = made(root, seed)
    raw = folder.prepare()
    for name in names:
        raw.write("prices", name, f"seed {seed}\n", 1)
    folder.finish(raw, SETTINGS, {"order": {"seed": seed}})


def prices(root: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (root / "raw" / "prices").iterdir()}


def test_another_order_replaces_the_files_of_the_earlier_one(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    fill(tmp_path, 2, ("A.csv",))
    assert prices(tmp_path) == {"A.csv": "seed 2\n"}


def test_the_same_order_again_leaves_the_users_files_and_settings(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    (tmp_path / "raw" / "news" / "mine.csv").write_text("my own")
    (tmp_path / "stocktrend.yaml").write_text(SETTINGS + "threads: 2\n")
    fill(tmp_path, 1)
    assert (tmp_path / "raw" / "news" / "mine.csv").read_text() == "my own"
    assert (tmp_path / "stocktrend.yaml").read_text() == SETTINGS + "threads: 2\n"


def test_another_order_does_not_take_the_place_of_the_users_files(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    (tmp_path / "raw" / "news" / "mine.csv").write_text("my own")
    (tmp_path / "stocktrend.yaml").write_text("threads: 2\n")
    with pytest.raises(ConfigError, match=r"raw/news/mine\.csv, stocktrend\.yaml"):
        made(tmp_path, 2).prepare()
    assert prices(tmp_path) == {"A.csv": "seed 1\n", "B.csv": "seed 1\n"}


def test_a_call_that_was_broken_off_is_repeated_and_not_replaced(tmp_path: Path) -> None:
    made(tmp_path, 1).prepare().write("prices", "A.csv", "half", 1)
    with pytest.raises(ConfigError, match=r"raw/prices/A\.csv"):
        made(tmp_path, 2).prepare()
    fill(tmp_path, 1)
    assert prices(tmp_path) == {"A.csv": "seed 1\n", "B.csv": "seed 1\n"}
    assert json.loads((tmp_path / "toy.json").read_text()) == {"order": {"seed": 1}}


@pytest.mark.parametrize("content", [b'{"order": {"seed"', b"\xff\xfe", b"[]"])
def test_a_mark_that_cannot_be_read_is_none(tmp_path: Path, content: bytes) -> None:
    fill(tmp_path, 1)
    (tmp_path / "toy.json").write_bytes(content)
    with pytest.raises(ConfigError, match="a folder of its own"):
        made(tmp_path, 1).prepare()


def test_a_lake_is_of_one_order(tmp_path: Path) -> None:
    fill(tmp_path, 1)
    (tmp_path / "lake").mkdir()
    fill(tmp_path, 1)
    with pytest.raises(ConfigError, match="seed: 1"):
        made(tmp_path, 2).prepare()
