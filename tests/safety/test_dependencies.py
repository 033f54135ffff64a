"""Lists of dependencies, in documents and for pip, say what pyproject.toml says."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = {
    name: [Requirement(line) for line in lines]
    for name, lines in {
        "base": PROJECT["dependencies"],
        **PROJECT["optional-dependencies"],
    }.items()
}
OWN = [r for lines in EXTRAS.values() for r in lines if r.name != "stocktrend"]


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text("utf-8").splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {canonicalize_name(package): version for package, version in pairs}


def test_every_dependency_has_a_lower_bound_and_no_other() -> None:
    for requirement in OWN:
        assert [part.operator for part in requirement.specifier] == [">="], requirement


def test_the_minimum_run_takes_the_lower_bounds() -> None:
    bounds = {canonicalize_name(r.name): next(iter(r.specifier)).version for r in OWN}
    assert pins("constraints-minimum.txt") == bounds


def test_every_dependency_is_pinned_at_or_above_its_lower_bound() -> None:
    pinned = pins("constraints.txt")
    for requirement in OWN:
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)])


def test_the_bill_of_materials_has_every_extra_for_users() -> None:
    script = (ROOT / "scripts" / "sbom").read_text("utf-8")
    (program,) = re.findall(r"<<'PYTHON'\n(.*?)\nPYTHON\n", script, re.S)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    listed = {Requirement(line).name for line in done.stdout.splitlines()}
    wanted = [name for name in EXTRAS if name not in ("dev", "all")]
    assert {"live", "text"} < set(wanted)
    assert listed == {requirement.name for name in wanted for requirement in EXTRAS[name]}


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_list_of_extras_names_what_each_brings(extra: str) -> None:
    text = (ROOT / "docs" / "extras.md").read_text("utf-8")
    title = "## Without an extra" if extra == "base" else f"## `{extra}`"
    section = text.split(f"{title}\n")[1].split("\n## ")[0]
    listed = {canonicalize_name(name) for name in re.findall(r"^\| ([\w.-]+) \|", section, re.M)}
    listed -= {"package"}
    assert listed == {canonicalize_name(r.name) for r in EXTRAS[extra] if r.name != "stocktrend"}
    for other in (r for r in EXTRAS[extra] if r.name == "stocktrend"):
        assert all(f"`{name}`" in section for name in other.extras)
