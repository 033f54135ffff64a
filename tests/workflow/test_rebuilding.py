"""Runs made again from the versions of the tables that they recorded."""

import ast
import json
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import stocktrend as st
from stocktrend.errors import LakeError
from stocktrend.lake import upkeep
from stocktrend.workflow.origin import recorded_versions
from stocktrend.workflow.places import libraries

RECIPE = """
preset: cross_sectional
recipe: {members: 1, epochs: 2, batch_size: 64, min_steps: 0}
"""
SINCE = datetime(2017, 8, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def grown(built_market: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, and then an ingest that revised and quarantined bars of its dates."""
    root = tmp_path_factory.mktemp("grown") / "market"
    shutil.copytree(built_market, root)
    settings = root / "stocktrend.yaml"
    settings.write_text(settings.read_text() + RECIPE)
    st.train(root, seed=3)
    for number, file in enumerate(sorted((root / "raw" / "prices").glob("*.csv"))[:2]):
        lines = file.read_text().splitlines()
        fields = lines[300].split(",")
        fields[1:6] = ["0"] * 5 if number else [str(float(price) * 1.2) for price in fields[1:6]]
        lines[300] = ",".join(fields)
        file.write_text("\n".join(lines) + "\n")
    report = st.ingest(root, retrieved_at=SINCE)
    assert report.total("revised")
    return root


@pytest.fixture
def root(grown: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(grown, tmp_path / "market"))


def test_a_run_comes_out_the_same_after_its_records_were_revised(grown):
    before = st.load_run(grown)
    assert st.Lake(grown / "lake").versions()["quarantine"] > before.versions["quarantine"]
    done = st.rebuild(grown)
    assert done.same
    assert done.reasons == ()
    weights = f"runs/{before.id}/model/member_00.safetensors"
    assert (grown / weights).is_file()
    assert {"model/member_00.safetensors", "predictions.parquet", "metrics.json"} <= {*done.equal}


def test_what_differs_is_named_with_what_has_changed_since(root):
    folder = next((root / "runs").iterdir())
    weights = folder / "model" / "member_00.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    origin = json.loads((folder / "origin.json").read_text())
    origin["program"] = "another"
    origin["libraries"]["torch"] = "1.0"
    (folder / "origin.json").write_text(json.dumps(origin))
    done = st.rebuild(root)
    assert not done.same
    assert done.different == ("model/member_00.safetensors",)
    assert [reason.split(":")[0] for reason in done.reasons] == ["the program", "torch"]


def test_a_run_of_a_program_that_recorded_less_is_made_again_too(root):
    folder = next((root / "runs").iterdir())
    origin = json.loads((folder / "origin.json").read_text())
    del origin["lake_versions"]["quarantine"]  # then the newest, which has a row more, is taken
    (folder / "origin.json").write_text(
        json.dumps({"run": folder.name, "lake_versions": origin["lake_versions"]})
    )
    done = st.rebuild(root)
    assert "predictions.parquet" in done.different
    assert "did not record" in done.reasons[0]


def test_only_a_vacuum_that_forgets_the_runs_takes_their_records(root):
    lake, later = st.Lake(root / "lake"), datetime.now(UTC) + timedelta(days=1)
    for number in (1.3, 1.4, 1.5):  # until the table is rewritten
        bars = lake.read("bars").with_columns(open=lake.read("bars")["open"] * number)
        lake.upsert("bars", bars, SINCE + timedelta(days=int(number * 10)))
    runs = recorded_versions(root).values()
    upkeep.vacuum(lake, timedelta(0), runs, now=later, dry_run=False)
    assert st.rebuild(root).same
    upkeep.vacuum(lake, timedelta(0), [], now=later, dry_run=False)
    with pytest.raises(LakeError, match="is missing"):
        st.rebuild(root)


def test_every_library_that_makes_a_figure_is_recorded() -> None:
    """All that the sources of features, models and evaluation import; the rest moves data."""
    package = Path(st.__file__).parent
    imported = set()
    for part in ("features", "dataset", "model", "training", "evaluation"):
        for file in (package / part).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                    imported.add(node.module.split(".")[0])
    makers = imported - sys.stdlib_module_names - {"stocktrend"}
    makers -= {"safetensors", "pandas", "threadpoolctl"}
    assert "lightgbm" in makers
    assert {name.replace("sklearn", "scikit-learn") for name in makers} <= libraries().keys()
