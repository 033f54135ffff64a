"""The code of the documents runs as it is written, in an empty folder.

Of every document the Python blocks, in order; of the README the shell's way from files to scores.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import stocktrend as st
from code_blocks import Session, blocks

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "DUAL_TOWER_QUICK_START.md",
    ROOT / "DUAL_TOWER_MODEL_DESIGN.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


def python_of(page: Path) -> list[tuple[int, str]]:
    found = blocks(page.read_text(encoding="utf-8"))
    return [(block.line, block.code) for block in found if block.language == "python"]


DOCUMENTS = [page for page in PAGES if page.exists() and python_of(page)]


@pytest.mark.parametrize("page", DOCUMENTS, ids=[page.name for page in DOCUMENTS])
def test_the_python_of_the_document_runs_as_it_is_written(page: Path, tmp_path: Path) -> None:
    session = Session(tmp_path, page)
    for line, code in python_of(page):
        session.run(code, line)


def test_the_documents_for_readers_have_python() -> None:
    names = {page.name for page in DOCUMENTS}
    assert {"README.md", "DUAL_TOWER_QUICK_START.md", "DUAL_TOWER_MODEL_DESIGN.md"} <= names


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with files of AAPL, MSFT and two others in ``downloads``, and a ``.venv``."""
    st.simulate(tmp_path / "made", tickers=4, start="2016-01-01", end="2017-06-30", seed=1)
    raw, downloads = tmp_path / "made" / "raw", tmp_path / "downloads"
    first, second, *_ = sorted(path.stem for path in (raw / "prices").glob("*.csv"))
    universe = raw / "universe" / "membership.csv"
    for file in [*raw.glob("prices/*.csv"), *raw.glob("news/*.jsonl"), universe]:
        name, text = file.relative_to(raw).as_posix(), file.read_text()
        for made, known in ((first, "AAPL"), (second, "MSFT")):
            name, text = name.replace(made, known), text.replace(made, known)
        copy = downloads / name.removeprefix("universe/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text)
    program = tmp_path / ".venv" / "bin" / "stocktrend"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m stocktrend "$@"\n')
    program.chmod(0o755)
    return tmp_path


def test_the_readmes_commands_lead_from_files_to_scores(home: Path) -> None:
    found = blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    commands = next(block.code for block in found if block.heading == "Your own files")
    done = subprocess.run(
        ["bash", "-euc", commands],
        cwd=home,
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    run, predicted = done.stdout.split("report.html", 1)
    assert "Skill" in run or "skill" in run
    assert "survivorship" not in run
    assert "AAPL" in predicted
    assert "MSFT" in predicted
    assert len(list((home / "market" / "runs").glob("*/report.html"))) == 1
