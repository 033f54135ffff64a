"""The walk-forward from the command line: what it says, refuses and leaves."""

import json
import time
from pathlib import Path

import polars as pl
import pytest

import stocktrend as st
from stocktrend.cli.display import ProgressDisplay
from stocktrend.cli.program import execute

QUICK = ("--preset", "original", "--set", "recipe.epochs=1", "--seed", "4")
WALK = ("--first-test", "2017-01-01", "--every", "6mo", "--controls", "momentum,ridge")


def test_a_study_says_its_folds_figures_and_verdict(
    finished: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "new" / "predictions.parquet"
    command = ("evaluate", "--data-root", str(finished), *QUICK, *WALK, "--members", "1")
    assert execute([*command, "--out", str(out)]) == 0
    text = capsys.readouterr().out
    order = ["2017-01-06 to 2017-06-30", "2017-07-07 to 2017-12-29", "momentum", "Verdict", "Wrote"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "reversal" not in text
    assert "Settings chosen on validation dates: ridge among 5." in text
    study = st.load_study(finished)
    assert study.evaluation.headline in text
    assert study.recipe.members == 1
    assert pl.read_parquet(out).equals(study.predictions)
    assert execute([*command, "--json"]) == 0
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert document["study"] == study.id
    assert [fold["test"]["first"] for fold in document["folds"]] == ["2017-01-06", "2017-07-07"]
    assert list(document["evaluation"]["horizons"]) == ["7d", "30d"]
    assert "study: 3 contenders in" in shown.err


def test_window_and_embargo_reach_the_folds(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ("--window", "9mo", "--embargo", "10", "--members", "1")
    line = ["evaluate", "--data-root", str(finished), *QUICK, *WALK[:4], *chosen]
    assert execute([*line, "--controls", "", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    second = document["folds"][1]
    assert second["train"]["first"] == "2016-10-07"
    assert second["validation"]["last"] == "2017-06-23"  # 14 days before 2017-07-07
    assert document["evaluation"]["horizons"]["7d"]["controls"] == {}


def test_a_run_is_judged_as_it_is(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["evaluate", "--data-root", str(finished), "--run", "newest"]
    settings = ("--config", str(finished / "stocktrend.yaml"), "--set", "seed=3")
    walk = ("--window", "3y", "--members", "2", "--out", "x.csv")
    assert execute([*line, *walk, *settings]) == 2
    error = capsys.readouterr().err
    assert "these are of a walk-forward: --window, --members, --config, --set, --out" in error
    page = st.load_run(finished).folder / "report.html"
    page.unlink()
    assert execute([*line, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["run"] in {path.name for path in (finished / "runs").iterdir()}
    assert document["report"] == str(page)
    found = document["evaluation"]["horizons"]["7d"]
    assert found["coverage"]["dual_tower"][0]["rows"] == found["rows"]
    assert document["evaluation"]["headline"].replace("-", "\u2212")[:40] in page.read_text()


def test_all_that_is_wrong_with_a_walk_comes_in_one_message(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ("--window", "long", "--every", "1", "--first-test", "soon", "--embargo", "-1")
    more = ("--members", "some", "--out", "table.txt")
    assert execute(["evaluate", "--data-root", str(finished), *wrong, *more]) == 2
    error = capsys.readouterr().err
    assert "6 problems" in error
    for part in (
        "walk_forward.window must be expanding or a number of d, w, mo or y, however: 'long'",
        "walk_forward.every must be a number of d, w, mo or y, however: '1'",
        "walk_forward.first_test must be a valid date",
        "walk_forward.embargo must be greater than or equal to 0",
        "--members must be a whole number, however: 'some'",
        "--out must end in .parquet or .csv",
    ):
        assert part in error


def test_long_steps_tell_once_a_minute_how_much_is_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 30.0, 61.0, 90.0, 7200.0, 7300.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    progress = ProgressDisplay()
    for done in (10, 20, 30, 40, 100):
        progress("train", done, 100, "rows")
    assert capsys.readouterr().err.splitlines() == [
        "train: 20 of 100 rows, about 4 min left",
        "train: 40 of 100 rows, about 3 h 0 min left",
        "train: 100 rows in 7300.0 s",
    ]
