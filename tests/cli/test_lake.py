"""The commands that look after what is stored."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

import stocktrend as st
from stocktrend.cli.program import execute


def said(line: str, root: Path, capsys: pytest.CaptureFixture[str]) -> dict:
    capsys.readouterr()
    assert execute([*line.split(), "--data-root", str(root), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(line: str, root: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert execute([*line.split(), "--data-root", str(root)]) == 2
    return capsys.readouterr().err


def test_the_past_is_listed_with_its_runs(finished, capsys):
    run = st.load_run(finished)
    rows = said("lake history", finished, capsys)["history"]
    marked = {row["table"]: row["version"] for row in rows if run.id in row["runs"]}
    assert marked == run.versions
    only = said("lake history --table bars", finished, capsys)["history"]
    assert {row["table"] for row in only} == {"bars"}
    assert sum(row["change"] for row in only) == st.Lake(finished / "lake").history("bars").height
    assert "--table must be one of bars" in refused("lake history --table prices", finished, capsys)


def test_restore_asks_for_one_state(finished, capsys):
    for line in ("", "--intact --at 2026-01-01", "--table bars", "--version 3"):
        assert "must be told one state" in refused(f"lake restore {line}", finished, capsys)
    for given, lacking in (("--table bars", "--version"), ("--version 3", "--table")):
        option = given.split()[0]
        text = refused(f"lake restore {given}", finished, capsys)
        assert f"however {option} was given without {lacking}. Add" in text
    wrong = refused("lake restore --at yesterday --table bars --version x", finished, capsys)
    assert wrong.count("however") == 3
    assert "has no commit before 2001" in refused("lake restore --at 2001-01-01", finished, capsys)
    assert said("lake restore --intact", finished, capsys)["restored"] == {}


def test_nothing_is_removed_without_yes(finished, capsys):
    before = sorted((finished / "lake").rglob("*.parquet"))
    told = said("lake vacuum --older-than 0", finished, capsys)
    assert not told["removed"]
    assert sorted((finished / "lake").rglob("*.parquet")) == before
    for days in (10**6, 10**12):  # from before the calendar began
        assert not any(
            said(f"lake vacuum --older-than {days} --yes", finished, capsys)["files"].values()
        )
    assert "--older-than must be a whole number" in refused(
        "lake vacuum --older-than soon", finished, capsys
    )
    negative = refused("lake vacuum --older-than -1", finished, capsys)
    assert "must not be negative, however: -1 days. Take 30 to keep a month" in negative


def test_records_are_exported_and_verified(finished, capsys, tmp_path):
    line = f"lake export --format csv --as-of 2016-12-30 --out {tmp_path / 'out'}"
    done = said(line, finished, capsys)
    counts = done["records"]
    assert done["left_out"] == ["quarantine"]
    assert not (tmp_path / "out" / "quarantine.csv").exists()
    whole = said(f"lake export --out {tmp_path / 'whole'}", finished, capsys)
    assert whole["left_out"] == []
    assert (tmp_path / "whole" / "quarantine.parquet").exists()
    bars = pl.read_csv(tmp_path / "out" / "bars.csv")
    assert bars.height == counts["bars"]
    assert bars["session"].max() == "2016-12-30"
    assert not any(said("lake verify", finished, capsys)["damaged"].values())
    wrong = refused("lake export --format xlsx --as-of soon", finished, capsys)
    assert wrong.count("however") == 2
    assert "--out is required" in wrong


def test_verify_advises_what_works(tmp_path, capsys):
    prices = tmp_path / "raw" / "prices" / "A.csv"
    prices.parent.mkdir(parents=True)
    rows = "Date,Open,High,Low,Close,Volume\n2016-06-27,10,12,9,11,1000\n"
    prices.write_text(rows)
    said("ingest", tmp_path, capsys)
    (first,) = (tmp_path / "lake" / "bars").glob("*.parquet")
    prices.write_text(rows + "2016-06-28,10,12,9,11,1000\n")
    said("ingest", tmp_path, capsys)
    (second,) = set((tmp_path / "lake" / "bars").glob("*.parquet")) - {first}
    second.write_bytes(b"")
    assert "lake restore --intact" in refused("lake verify", tmp_path, capsys)
    first.write_bytes(b"")
    advice = refused("lake verify", tmp_path, capsys)
    assert "--intact" not in advice
    assert "Move it aside and run `stocktrend ingest`" in advice
    assert "`stocktrend check --quarantine` withheld" in advice
    (tmp_path / "lake").rename(tmp_path / "aside")
    said("ingest", tmp_path, capsys)
    assert said("lake verify", tmp_path, capsys)["damaged"]["bars"] == []


def test_an_export_does_not_replace_the_folder_that_one_is_in(
    finished, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for out in (".", f"../{tmp_path.name}"):
        assert "not be the one that you are in" in refused(
            f"lake export --out {out}", finished, capsys
        )
    assert not any(tmp_path.iterdir())


def test_a_run_is_rebuilt_from_the_command_line(finished, capsys):
    told = said("rebuild", finished, capsys)
    assert told["same"]
    assert "predictions.parquet" in told["equal"]


def test_a_run_that_comes_out_otherwise_is_told_by_the_exit_code(finished, tmp_path, capsys):
    root = Path(shutil.copytree(finished, tmp_path / "market"))
    run = st.load_run(root)
    assert run.folder is not None
    weights = run.folder / "model" / "member_00.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    capsys.readouterr()
    assert execute(["rebuild", "--data-root", str(root), "--run", run.id, "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["different"] == ["model/member_00.safetensors"]
