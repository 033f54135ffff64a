"""The demo on the packaged sample of real prices, and what it refuses."""

from pathlib import Path

import pytest

from stocktrend.cli.program import execute
from stocktrend.sources.sample import prices


def test_the_sample_goes_from_raw_files_to_a_report_and_says_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert execute(["demo", "--market", "sample"]) == 0
    text = capsys.readouterr().out
    order = [
        "sample: 5 real stocks",
        "no news in sample/raw/news: the news features will be null",
        "Preset original",
        "Freshness",
        "Verdict",
        "too few tickers a date to rank",
        "Strongest scores of 2013-03-01",
        "Report: ",
        "picked long afterwards",
    ]
    places = [text.find(part) for part in order]
    assert places == sorted(places)
    assert places[0] >= 0
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}
    assert rows["news"] == ["-", "-", "-"]
    assert "AAPL" in rows
    (page,) = tmp_path.glob("sample/runs/*/report.html")
    assert "<html" in page.read_text(encoding="utf-8")[:2000]


def test_without_its_package_the_sample_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prices, "PACKAGE", "a_package_that_is_not_there")
    root = tmp_path / "sample"
    assert execute(["demo", "--market", "sample", "--data-root", str(root)]) == 2
    error = capsys.readouterr().err
    assert "it is not installed" in error
    assert "pip install 'stocktrend[demo]'" in error
    assert not root.exists()


def test_a_wrong_demo_is_refused_with_all_that_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["demo", "--data-root", str(tmp_path / "x"), "--market", "samples", "--seed", "one"]
    assert execute([*asked, "--tickers", "5"]) == 2
    error = capsys.readouterr().err
    assert "3 problems" in error
    assert (
        "--market must be one of strong, realistic, planted, none, sample, however: 'samples'"
        in error
    )
    assert "--seed must be a whole number, however: 'one'" in error
    assert "--tickers is not an option of `demo`" in error
    assert not (tmp_path / "x").exists()
