"""Every Python block of every document runs as it is written, in order, in an empty folder."""

from pathlib import Path

import pytest

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
