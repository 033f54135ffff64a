"""Compiled kernels: what is kept on disk, and where."""

import sys
from collections.abc import Callable
from importlib import util
from itertools import count
from pathlib import Path

import pytest

from stocktrend.compilation import compiler

NUMBERS = count()


def kernels(folder: Path, factor: int) -> Callable[[int], int]:
    """``outer`` of a folder: it calls a kernel of another file, which multiplies by a factor."""
    name = f"kernels_{next(NUMBERS)}"
    inner = "def inner(x):\n    return FACTOR * x\n".replace("FACTOR", str(factor))
    (folder / "inner.py").write_text(inner)
    (folder / "outer.py").write_text("def outer(x):\n    return inner(x)\n")
    compiled = compiler(folder)
    parts = {}
    for part in ("inner", "outer"):
        spec = util.spec_from_file_location(f"{name}_{part}", folder / f"{part}.py")
        module = util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[f"{name}_{part}"] = module
        parts[part] = module
        vars(module)[part] = compiled(vars(module)[part])
    parts["outer"].inner = parts["inner"].inner
    return parts["outer"].outer


@pytest.mark.parametrize("place", ["beside", "of the user", "nowhere"])
def test_a_kernel_follows_the_sources_of_those_it_calls(place, tmp_path, monkeypatch):
    folder, user = tmp_path / "kernels", tmp_path / "user"
    folder.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(user))
    if place != "beside":
        (folder / "__pycache__").write_text("a file, so that no folder can be made here")
    if place == "nowhere":
        user.write_text("no folder either")
    assert kernels(folder, 2)(5) == 10
    assert kernels(folder, 30)(5) == 150
    kept = {
        "beside": list((folder / "__pycache__").rglob("*.nbc")),
        "of the user": list(user.rglob("*.nbc")),
        "nowhere": [],
    }
    assert len(kept[place]) == (0 if place == "nowhere" else 4)
