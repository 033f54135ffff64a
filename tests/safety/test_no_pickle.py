"""Nothing reads or writes what runs code when it is read: the lint refuses it, and so do we."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUFF = (sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=json")
FOLDERS = ("src", "examples", "benchmarks", "tests", "scripts")

PICKLES = [
    "import pickle",
    "from pickle import loads",
    "import _pickle",
    "import cPickle",
    "import dill",
    "import cloudpickle as cp",
    "import joblib",
    "import shelve",
    "import marshal",
    "import torch\n\ntorch.load('x')",
    "from torch import save",
    "import torch as t\n\nt.jit.load('x')",
    "import numpy as np\n\nnp.load('x', allow_pickle=True)",
    "import numpy\n\nnumpy.save('x', 1)",
    "import pandas as pd\n\npd.read_pickle('x')",
    "import polars as pl\n\npl.LazyFrame.deserialize('x')",
    "import yaml\n\nyaml.load('x', yaml.Loader)",
    "from yaml import unsafe_load",
    "eval('1')",
    "import tarfile\n\ntarfile.open('x').extractall()",
    "import subprocess\n\nsubprocess.run('ls', shell=True)",
]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, str]]]:
    """What the lint has against each of them, in files of their own."""
    folder = tmp_path_factory.mktemp("planted")
    for number, code in enumerate(PICKLES):
        (folder / f"{number}.py").write_text(code + "\n")
    items = lint("--config", str(ROOT / "pyproject.toml"), str(folder))
    found: dict[str, list[tuple[str, str]]] = {code: [] for code in PICKLES}
    for item in items:
        if item["code"].startswith(("S", "TID251")):
            code = PICKLES[int(Path(item["filename"]).stem)]
            found[code].append((item["code"], item["message"]))
    return found


@pytest.mark.parametrize("code", PICKLES, ids=lambda code: code.splitlines()[-1])
def test_the_lint_refuses_it_and_names_a_remedy(
    code: str, planted: dict[str, list[tuple[str, str]]]
) -> None:
    found = planted[code]
    assert found
    assert all("Use" in text or "use" in text or rule.startswith("S") for rule, text in found)


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_folder_is_left_out(folder: str) -> None:
    assert complaints("import pickle\n", f"{folder}/planted.py")


def test_the_lint_lets_safe_formats_pass() -> None:
    code = "import json\n\nfrom safetensors.torch import load_file\n\nprint(json, load_file)\n"
    assert complaints(code, "examples/planted.py") == []


def complaints(code: str, place: str) -> list[str]:
    """Rules of safety that code in a place breaks."""
    items = lint("--stdin-filename", str(ROOT / place), "-", code=code)
    return [item["code"] for item in items if item["code"].startswith(("S", "TID251"))]


def lint(*arguments: str, code: str = "") -> list[dict[str, str]]:
    """What ruff has to say, by the project's own settings."""
    done = subprocess.run([*RUFF, *arguments], input=code, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode in (0, 1), done.stderr
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


def test_no_file_of_the_project_pickles_by_a_method_that_the_lint_cannot_see() -> None:
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 200
    assert [f"{path.relative_to(ROOT)}: {name}" for path in files for name in pickling(path)] == []


def pickling(path: Path) -> Iterator[str]:
    """Methods and arguments that pickle, whatever the object is."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in ("to_pickle", "read_pickle"):
            yield node.attr
        if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "weights_only"):
            yield node.arg


WHOLE_RUN = """
import json, sys
from pathlib import Path

found, called = {}, []

def audit(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        called.append(str(arguments[1:]))
    if event == "pickle.find_class":
        frame, callers = sys._getframe(), []
        while frame is not None:
            callers.append(frame.f_globals.get("__name__", "?"))
            frame = frame.f_back
        library = next((c.split(".")[0] for c in callers[1:] if "pickle" not in c), "?")
        found.setdefault(library, []).append(arguments[1])

sys.addaudithook(audit)
from stocktrend.cli.program import execute

root = sys.argv[1]
options = ["--set", "recipe.epochs=1", "--set", "recipe.members=1", "--set", "preset=original"]
code = execute(["run", "--data-root", root, *options])
code = code or execute(["predict", "--data-root", root, "--out", f"{root}/scores.csv"])
print(json.dumps([code, sorted(found), called]))
"""


def test_a_whole_run_calls_nobody_and_unpickles_nothing_but_the_kernels_of_numba(
    market: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WHOLE_RUN, str(market)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    code, libraries, called = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert called == []
    assert libraries in ([], ["numba"])
