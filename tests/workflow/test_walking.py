"""A study walks forward: what it predicts, what it may know, what it leaves and takes over."""

import json
import shutil
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

import stocktrend as st
from planted import SIGNAL, planted_panel
from stocktrend.cli.program import execute
from stocktrend.config import WalkForward
from stocktrend.errors import ConfigError, DataError, ModelError, StocktrendError
from stocktrend.lake.lock import only_writer
from stocktrend.workflow.origin import recorded_versions

RECIPE = {"members": 2, "epochs": 2, "batch_size": 64}
WALK = st.Settings(
    preset="original",
    recipe=RECIPE,
    seed=3,
    walk_forward=WalkForward(first_test=date(2016, 7, 1), every="6mo", controls=("ridge",)),
)


@pytest.fixture(scope="module")
def panel() -> pl.DataFrame:
    return planted_panel(dates=110, tickers=8)  # 2015-01-02 to 2017-02-03


@pytest.fixture(scope="module")
def study(panel: pl.DataFrame) -> st.Study:
    return st.walk_forward(panel, settings=WALK)


@pytest.fixture(scope="module")
def kept(built_market: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, st.Study]:
    root = Path(shutil.copytree(built_market, tmp_path_factory.mktemp("study") / "market"))
    return root, st.walk_forward(root, settings=WALK)


def contents(folder: Path | None) -> dict[str, bytes]:
    assert folder is not None
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_every_date_from_the_first_test_on_is_predicted_once_by_every_contender(
    panel: pl.DataFrame, study: st.Study
) -> None:
    found = study.predictions
    assert found["model"].unique().sort().to_list() == ["dual_tower", "ridge"]
    tested = panel.filter(pl.col("as_of").dt.date() >= date(2016, 7, 1)).select("as_of", "ticker")
    for (model,), rows in found.group_by("model"):
        assert (
            rows.select("as_of", "ticker")
            .sort("as_of", "ticker")
            .equals(tested.sort("as_of", "ticker"))
        ), model
    assert found.equals(found.sort("model", "as_of", "ticker"))
    folds = found.group_by("fold").agg(first=pl.col("as_of").min().dt.date()).sort("fold")
    assert folds.rows() == [(1, date(2016, 7, 1)), (2, date(2017, 1, 6))]
    assert found["fold"].dtype == pl.Int32


def test_what_drives_the_returns_is_found_by_a_linear_control(study: st.Study) -> None:
    ridge = study.evaluation.horizons[7].controls["ridge"].rank_ic.value
    assert ridge is not None
    assert ridge > 0.7
    assert study.metrics["7d"] == study.evaluation.horizons[7].model


def test_nothing_known_after_a_test_begins_moves_its_predictions(
    panel: pl.DataFrame, study: st.Study
) -> None:
    begin = study.folds[1].test.first
    later = pl.col("as_of").dt.date() >= begin
    changed = panel.with_columns(
        *(
            pl.when(pl.col(f"label_known_at_{h}d").dt.date() >= begin)
            .then(-pl.col(f"{name}_{h}d"))
            .otherwise(f"{name}_{h}d")
            .alias(f"{name}_{h}d")
            for h in (7, 30)
            for name in ("return", "target")
        )
    )
    again = st.walk_forward(changed, settings=WALK).predictions
    # intervals of the fold follow its outcomes, each from the date on which it is known
    intervals = pl.selectors.starts_with("low_", "high_", "call_")
    assert again.drop(intervals).equals(study.predictions.drop(intervals))
    until = pl.col("as_of").dt.date() <= begin
    assert again.filter(until).equals(study.predictions.filter(until))
    other = panel.with_columns(pl.when(later).then(-pl.col(SIGNAL)).otherwise(SIGNAL).alias(SIGNAL))
    again = st.walk_forward(other, settings=WALK).predictions
    first = pl.col("fold") == 1
    assert again.filter(first).equals(study.predictions.filter(first))
    assert not again.filter(~first).equals(study.predictions.filter(~first))


def test_a_study_of_a_data_root_is_kept_and_read_back(kept: tuple[Path, st.Study]) -> None:
    root, study = kept
    assert study.folder == root / "studies" / study.id
    assert study.id.startswith("2017-06-30-original-")
    again = st.load_study(root)
    assert again.predictions.equals(study.predictions)
    assert again.outcomes.equals(study.outcomes)
    assert again.evaluation == study.evaluation
    assert again.folds == study.folds
    assert again.recipe == study.recipe
    assert again.candidates == {"dual_tower": 1, "ridge": 5}
    assert again.to_dict() == study.to_dict()
    assert recorded_versions(root) == {study.id: st.Lake(root / "lake").versions()}


def test_the_same_study_again_leaves_the_same_bytes(kept: tuple[Path, st.Study]) -> None:
    root, study = kept
    before = contents(study.folder)
    assert st.walk_forward(root, settings=WALK).id == study.id
    assert contents(study.folder) == before
    assert b"evaluation" in before["metrics.json"]


def test_a_study_and_the_same_read_back_give_one_page(kept: tuple[Path, st.Study]) -> None:
    root, study = kept
    moment = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    pages = [
        st.report(found, root / name, created=moment).read_text()
        for name, found in (("a.html", study), ("b.html", st.load_study(root)))
    ]
    assert pages[0] == pages[1]
    for shown in ('id="skill"', 'id="controls"', 'id="folds"', 'id="coverage"', 'id="quarantine"'):
        assert shown in pages[0]
    assert study.evaluation.headline in pages[0]
    assert 'id="scores"' not in pages[0]


def test_a_study_of_a_panel_alone_needs_a_place_for_its_page(
    study: st.Study, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="needs a place"):
        st.report(study)
    page = st.report(study, tmp_path / "study.html").read_text()
    assert 'id="controls"' in page
    assert 'id="freshness"' not in page


def test_the_page_of_a_study_is_written_by_name(
    kept: tuple[Path, st.Study], capsys: pytest.CaptureFixture[str]
) -> None:
    root, study = kept
    assert execute(["report", "--data-root", str(root), "--study", "newest", "--json"]) == 0
    assert study.folder is not None
    page = study.folder / "report.html"
    assert json.loads(capsys.readouterr().out) == {"report": str(page)}
    page.unlink()
    both = ["--study", study.id, "--run", "mine"]
    assert execute(["report", "--data-root", str(root), *both]) == 2
    assert "Leave one" in capsys.readouterr().err
    assert not page.exists()


def test_what_decides_a_study_decides_its_id(kept: tuple[Path, st.Study]) -> None:
    root, study = kept
    elsewhere = WALK.model_copy(
        update={"split": st.Settings().split.model_copy(update={"train": 0.5})}
    )
    assert st.walk_forward(root, settings=elsewhere).id == study.id
    assert st.walk_forward(root, settings=WALK, members=1).id != study.id
    assert st.walk_forward(root, settings=WALK, controls=()).id != study.id
    assert len(list((root / "studies").iterdir())) == 3


KILLED = """
import os, signal, sys
import stocktrend as st
from stocktrend.config import Settings

root, settings, step, calls = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])

def progress(name, done, total, unit):
    global calls
    calls -= name == step
    if calls == 0:
        os.kill(os.getpid(), signal.SIGKILL)

st.walk_forward(root, settings=Settings.model_validate_json(settings), progress=progress)
"""


def test_killed_again_and_again_a_study_comes_to_the_same_bytes(
    kept: tuple[Path, st.Study], market: Path
) -> None:
    made = {}
    # in the second member of the first fold, in the control, before the judgement is written
    for step, calls in (("dual_tower: train", 3), ("ridge", 1), ("evaluate", 2)):
        line = [sys.executable, "-c", KILLED, str(market), WALK.model_dump_json(), step, str(calls)]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr
        made[step, calls] = [path.name for path in market.glob("studies/*/contenders/*.parquet")]
        assert not list(market.glob("studies/*/metrics.json"))
    assert made["dual_tower: train", 3] == []
    assert made["ridge", 1] == ["dual_tower.parquet"]
    assert sorted(made["evaluate", 2]) == ["dual_tower.parquet", "ridge.parquet"]
    finished = st.walk_forward(market, settings=WALK)
    assert finished.id == kept[1].id
    assert contents(finished.folder) == contents(kept[1].folder)


def test_kept_scores_are_taken_over_and_damaged_ones_made_again(market: Path) -> None:
    alone = WALK.model_copy(update={"recipe": RECIPE | {"members": 1, "epochs": 1}})
    study = st.walk_forward(market, settings=alone)
    assert study.folder is not None
    file = study.folder / "contenders" / "dual_tower.parquet"
    rows = pl.read_parquet(file)
    rows.with_columns(raw_7d=-pl.col("raw_7d")).write_parquet(file)
    assert not st.walk_forward(market, settings=alone).predictions.equals(study.predictions)
    file.write_bytes(b"damaged")
    assert st.walk_forward(market, settings=alone).predictions.equals(study.predictions)


def test_two_programs_do_not_make_the_same_study(kept: tuple[Path, st.Study]) -> None:
    root, study = kept
    assert study.folder is not None
    with only_writer(study.folder), pytest.raises(ModelError, match=f"study {study.id}"):
        st.walk_forward(root, settings=WALK)


def test_a_study_that_cannot_be_is_refused(
    kept: tuple[Path, st.Study], panel: pl.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"however: crystal_ball\. Take"):
        st.walk_forward(panel, settings=WALK, controls=("crystal_ball",))
    with pytest.raises(DataError, match="label_known_at_90d"):
        st.walk_forward(panel, settings=WALK, horizons=(90,))
    with pytest.raises(ConfigError, match=r"must hold a study.*stocktrend evaluate"):
        st.load_study(tmp_path)
    with pytest.raises(ConfigError, match=f"study must be one of .*{kept[1].id}"):
        st.load_study(kept[0], "another")


def test_a_damaged_folder_is_told(market: Path, kept: tuple[Path, st.Study]) -> None:
    place = market / "studies" / kept[1].id
    assert kept[1].folder is not None
    shutil.copytree(kept[1].folder, place)
    content = json.loads((place / "metrics.json").read_text())
    (place / "metrics.json").write_text(json.dumps(content | {"folds": [{}]}))
    with pytest.raises(ModelError, match="must be complete and readable"):
        st.load_study(market)


def test_a_missing_file_of_sectors_is_told_before_anything_is_trained(
    kept: tuple[Path, st.Study],
) -> None:
    root, _ = kept
    before = set((root / "studies").iterdir())
    asked = WALK.model_copy(update={"sectors": "sectors.csv", "seed": 9})
    with pytest.raises(StocktrendError, match=r"sectors\.csv"):
        st.walk_forward(root, settings=asked)
    assert set((root / "studies").iterdir()) == before
