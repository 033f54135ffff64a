"""The commands on a small simulated market: what they say, write and leave behind."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import polars as pl
import pytest

from stocktrend.cli.display import ProgressDisplay
from stocktrend.cli.program import execute
from stocktrend.cli.results import freshness
from stocktrend.ingestion import IngestReport
from stocktrend.schema import TABLES

QUICK = ["--set", "recipe.epochs=2", "--preset", "original"]


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    """The JSON document of a command, which must be all that stdout holds."""
    capsys.readouterr()
    assert execute([*arguments, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert isinstance(content, dict)
    return content


def test_a_run_leaves_its_files_and_says_what_a_person_wants_to_know(
    market: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["run", "--data-root", str(market), *QUICK]) == 0
    text = capsys.readouterr().out
    order = ["Freshness", "Quarantine", "Verdict", "Strongest scores of 2017-12-29", "Report: "]
    places = [text.rindex(part) for part in order]
    assert places == sorted(places)
    page = Path(text.rsplit("Report: ")[-1].strip())
    assert page.is_file()
    left = {path.name for path in page.parent.iterdir()}
    assert {"report.html", "metrics.json", "predictions.parquet", "config.yaml", "model"} <= left
    assert pl.read_parquet(page.parent / "predictions.parquet").height > 0


def test_counts_of_every_source_add_up_and_a_second_ingest_changes_nothing(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = document(capsys, "ingest", "--data-root", str(finished))
    sources = content["ingest"]["sources"]  # type: ignore[index]
    parts = ("new", "revised", "unchanged", "duplicate", "quarantined")
    assert {source["table"] for source in sources} == set(TABLES)
    for source in sources:
        assert source["read"] == sum(source[part] for part in parts) > 0
        assert source["new"] == source["revised"] == 0


def test_build_leaves_the_panel_as_parquet(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = document(capsys, "build", "--data-root", str(finished))
    summary = content["build"]
    assert isinstance(summary, dict)
    panel = pl.read_parquet(summary["panel"])
    assert panel.height == summary["rows"] > 300
    assert panel["ticker"].n_unique() == 4


def test_train_evaluate_and_report_work_one_by_one(
    finished: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    trained = document(capsys, "train", "--data-root", str(finished), *QUICK, "--seed", "8")
    again = document(capsys, "evaluate", "--data-root", str(finished), "--run", str(trained["run"]))
    assert again["evaluation"] == trained["evaluation"]
    page = tmp_path / "page.html"
    content = document(
        capsys,
        "report",
        "--data-root",
        str(finished),
        "--run",
        str(trained["run"]),
        "--out",
        str(page),
    )
    assert content == {"report": str(page)}
    assert "<html" in page.read_text()[:2000]


def test_predict_gives_the_scores_of_the_run(
    finished: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    trained = document(capsys, "run", "--data-root", str(finished), *QUICK)
    wanted = {row["ticker"]: row["score_7d"] for row in trained["latest"]}  # type: ignore[attr-defined]
    ticker = sorted(wanted)[1]
    out = tmp_path / "scores.parquet"
    content = document(
        capsys,
        *("predict", "--data-root", str(finished), "--run", str(trained["run"])),
        *("--as-of", "2017-12-29", "--tickers", ticker, "--out", str(out)),
    )
    (row,) = content["scores"]  # type: ignore[misc]
    assert row["ticker"] == ticker
    assert row["score_7d"] == pytest.approx(wanted[ticker], abs=1e-6)
    assert pl.read_parquet(out).height == 1


def test_unknown_tickers_are_named_all_together(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("predict", "build"):
        arguments = [command, "--data-root", str(finished), "--tickers", "FOO,BAR"]
        assert execute(arguments) == 2
        error = capsys.readouterr().err
        assert "'FOO'" in error
        assert "'BAR'" in error
        assert "Traceback" not in error


def test_a_date_without_rows_is_refused_with_the_nearest(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["predict", "--data-root", str(finished), "--as-of", "2017-12-25"]) == 2
    assert "2017-12-22" in capsys.readouterr().err


def test_progress_off_a_terminal_is_a_line_a_step(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["evaluate", "--data-root", str(finished), "--run", "newest"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert any(re.fullmatch(r"evaluate: 2 horizons in \d+\.\d s.*", line) for line in lines)
    assert not any("\x1b" in line or "\r" in line for line in lines)


def test_a_closed_pipe_is_no_error(finished: Path) -> None:
    command = f"{sys.executable} -m stocktrend config --data-root {finished} | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert "Traceback" not in done.stderr


def test_after_ctrl_c_a_rerun_goes_on_with_the_members_that_are_missing(
    market: Path, tmp_path: Path
) -> None:
    root = tmp_path / "market"
    shutil.copytree(market / "raw", root / "raw")
    shutil.copy(market / "stocktrend.yaml", root)
    command = [sys.executable, "-m", "stocktrend", "run", "--data-root", str(root)]
    command += ["--preset", "original", "--set", "recipe.members=6", "--set", "recipe.epochs=60"]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    kept = _wait_for_member(root, started)
    started.send_signal(signal.SIGINT)
    _, error = started.communicate(timeout=30)
    assert started.returncode == 130
    assert "the same command goes on from there" in error
    assert "Traceback" not in error
    assert not list(root.glob("runs/*/metrics.json"))
    marked = json.loads(kept.read_text())
    marked["history"]["train_loss"][0] = 12345.0
    kept.write_text(json.dumps(marked))
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Report: " in done.stdout
    assert json.loads(kept.read_text())["history"]["train_loss"][0] == 12345.0


def _wait_for_member(root: Path, started: "subprocess.Popen[str]") -> Path:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and started.poll() is None:
        if found := list(root.glob("runs/*/model/member_0?.json")):
            return found[0]
        time.sleep(0.02)
    pytest.fail("no member was trained before the run ended")


@pytest.mark.parametrize("command", ["predict", "build"])
@pytest.mark.parametrize("tickers", ["", ","])
def test_an_empty_list_of_tickers_is_refused(
    finished: Path, capsys: pytest.CaptureFixture[str], command: str, tickers: str
) -> None:
    assert execute([command, "--data-root", str(finished), "--tickers", tickers]) == 2
    assert "tickers must name one or more" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["scores.parquet", "scores.csv"])
def test_scores_are_written_into_a_folder_that_is_made(
    finished: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "new" / name
    assert execute(["predict", "--data-root", str(finished), "--out", str(out)]) == 0
    read = pl.read_parquet if out.suffix == ".parquet" else pl.read_csv
    assert read(out).height == 4


@pytest.mark.parametrize("name", ["scores.parquet", "scores.csv"])
def test_scores_that_cannot_be_written_are_no_defect(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "file").touch()
    out = tmp_path / "file" / name
    assert execute(["predict", "--data-root", str(finished), "--out", str(out)]) == 2
    assert "must be a place that can be read and written" in capsys.readouterr().err


def test_build_says_that_its_options_are_not_those_of_train(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    built = ["build", "--data-root", str(finished)]
    assert execute(built) == 0
    shown = capsys.readouterr()
    assert "train and run build their panel from the settings" not in shown.out
    assert shown.err.count("ingest: ") == 1
    tickers = pl.read_parquet(next(finished.glob("runs/*/predictions.parquet")))["ticker"]
    two = ",".join(tickers.unique().sort().head(2))
    assert execute([*built, "--tickers", two, "--start", "2017-01-02"]) == 0
    text = capsys.readouterr().out
    assert text.count("train and run build their panel from the settings") == 1
    assert f"stocktrend train --set start=2017-01-02 --set tickers={two}`" in text


def test_freshness_is_the_gap_to_the_scores() -> None:
    known = {"bars": "2020-03-06T21:00:00+00:00", "news": "2018-10-10T12:00:00+00:00"}
    sources = [
        SimpleNamespace(table=table, first_known=last, last_known=last)
        for table, last in known.items()
    ]
    report = cast("IngestReport", SimpleNamespace(sources=sources))
    gaps = [row[-1] for row in freshness(report, date(2020, 3, 6))]
    assert gaps == ["none", 513, None, None]
    assert [row[-1] for row in freshness(report, None)] == [None] * 4


def test_a_rate_below_one_a_second_is_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter([0.0, 5.8, 6.8])
    monkeypatch.setattr(time, "perf_counter", lambda: next(moments))
    progress = ProgressDisplay()
    progress("evaluate", 2, 2, "horizons")
    progress("train", 3, 3, "epochs")
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["evaluate: 2 horizons in 5.8 s", "train: 3 epochs in 1.0 s, 3 epochs/s"]
