"""``stocktrend audit``: its exit code, its file and its part of the report."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

import stocktrend as st
from stocktrend.cli.program import execute

LEAKY = '''
from datetime import timedelta

import polars as pl

import stocktrend as st


@st.feature(inputs=("bars",), window=timedelta(days=30))
def tomorrow(rows, bars):
    """The next bar's return: a leak."""
    bars = bars.unique(["ticker", "session"], keep="first", maintain_order=True)
    later = pl.col("adj_close").shift(-1).over("ticker") / pl.col("adj_close") - 1
    values = bars.sort("ticker", "session").select("ticker", "session", tomorrow=later)
    return rows.join(values, on=["ticker", "session"], how="left", maintain_order="left")[
        "tomorrow"
    ]
'''

LATER = 'pl.col("adj_close").shift(-1).over("ticker") / pl.col("adj_close") - 1'


def with_leak(root: Path, source: str = LEAKY) -> None:
    """Put a file of an own feature into the settings."""
    (root / "mine.py").write_text(source)
    settings = root / "stocktrend.yaml"
    settings.write_text(settings.read_text() + "\nfeatures: [mine.py]\n")


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """The market with its finished run, to be changed."""
    return Path(shutil.copytree(finished, tmp_path / "market"))


def test_a_clean_run_exits_with_0_and_its_report_shows_what_was_tested(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = st.load_run(copy)
    assert run.folder is not None
    before = (run.folder / "report.html").read_text()
    assert 'id="audit"' not in before
    assert execute(["audit", "--data-root", str(copy), "--samples", "20", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    kept = json.loads((run.folder / "audit.json").read_text())
    assert content == {"data_root": str(copy), **kept}
    assert kept["run"] == run.id
    assert kept["clean"]
    assert kept["samples"] >= 20
    assert [check["findings"] for check in kept["checks"]] == [0] * 9
    page = (run.folder / "report.html").read_text()
    assert kept["headline"] in page
    assert "Prices rescaled as by a later dividend" in page
    assert 'id="audit"' in page


def test_a_leaky_feature_of_the_users_own_is_named_and_exits_with_3(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(copy / "runs")
    with_leak(copy)
    assert execute(["audit", "--data-root", str(copy), "--samples", "20"]) == 3
    text = capsys.readouterr().out
    assert "Look-ahead found in tomorrow, in " in text
    assert "with bars altered and deleted and left out" in text
    assert "no shift(-n)" in text
    assert "features were audited, and not split" in text
    found = json.loads((copy / "audit.json").read_text())["findings"]
    assert {(finding["what"], finding["source"]) for finding in found} == {("tomorrow", "bars")}


def test_a_leaky_feature_that_is_not_trained_yet_is_found_and_the_run_is_named(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = st.load_run(copy)
    with_leak(copy)
    assert execute(["audit", "--data-root", str(copy), "--samples", "10"]) == 3
    text = " ".join(capsys.readouterr().out.split())
    assert "Look-ahead found in tomorrow, in " in text
    assert "tomorrow among them" in text
    assert f"the training of run {run.id}." in text
    note = f"Run {run.id} was trained before tomorrow: train again to have it."
    assert note in text
    assert run.folder is not None
    kept = json.loads((run.folder / "audit.json").read_text())
    assert {finding["what"] for finding in kept["findings"]} == {"tomorrow"}
    assert (kept["run"], kept["own"], kept["notes"]) == (run.id, ["tomorrow"], [note])
    page = (run.folder / "report.html").read_text()
    assert kept["judged"] in page
    assert note in page
    assert f"{kept['headline']}</p>" in page
    assert ".." not in "".join(line for line in page.splitlines() if 'class="warning"' in line)


def test_what_follows_from_a_leaky_feature_is_told_beneath_it(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(copy / "runs")
    with_leak(copy)
    assert execute(["run", "--data-root", str(copy), "--preset", "original"]) == 0
    capsys.readouterr()
    assert execute(["audit", "--data-root", str(copy), "--samples", "10"]) == 3
    text = " ".join(capsys.readouterr().out.split())
    assert text.count("Remedy: ") == 1
    assert "Look-ahead found in tomorrow, in " in text
    assert "Follows from tomorrow, to be mended first: train scaler" in text
    assert "fit the scaler" not in text
    assert "train the run again" not in text
    run = st.load_run(copy)
    assert run.folder is not None
    found = json.loads((run.folder / "audit.json").read_text())["findings"]
    assert found[0]["what"] == "tomorrow"
    assert found[0]["follows"] == []
    assert {tuple(finding["follows"]) for finding in found[1:]} == {("tomorrow",)}
    assert {"train scaler", "scores score_7d"} <= {finding["what"] for finding in found}
    index = run.folder / "model" / "ensemble.json"
    content = json.loads(index.read_text())
    content["scaler"]["mean"]["macro_vix"] += 0.5
    index.write_text(json.dumps(content))
    causes = {f.what for f in st.audit(copy, samples=10).findings if not f.follows}
    assert {"tomorrow", "scaler"} <= causes


def test_a_run_and_settings_that_differ_are_each_audited_as_they_are(copy: Path) -> None:
    run = st.load_run(copy)
    settings = copy / "stocktrend.yaml"
    settings.write_text(settings.read_text() + "\nstart: 2016-09-01\n")
    report = st.audit(copy, samples=10)
    assert report.clean
    [note] = report.notes
    assert f"Run {run.id} was trained with start None, the settings have 2016-09-01" in note
    assert report.rows < report.checks[-1].tested


def test_a_price_level_is_told_in_plain_words(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(copy / "runs")
    with_leak(copy, LEAKY.replace(LATER, 'pl.col("adj_close")'))
    assert execute(["audit", "--data-root", str(copy), "--samples", "10"]) == 3
    text = " ".join(capsys.readouterr().out.split())
    assert "with prices rescaled as by a later split and dividend. Remedy: use ratios" in text


def test_a_run_whose_files_were_changed_by_hand_is_found(copy: Path) -> None:
    run = st.load_run(copy)
    assert run.folder is not None
    index = run.folder / "model" / "ensemble.json"
    content = json.loads(index.read_text())
    content["scaler"]["mean"]["macro_vix"] += 0.5
    index.write_text(json.dumps(content))
    rows = pl.col("split") == "test"
    shown = run.predictions.with_columns(
        score_7d=pl.when(rows).then(pl.col("target_7d").fill_null(0.0)).otherwise("score_7d")
    )
    shown.write_parquet(run.folder / "predictions.parquet")
    report = st.audit(copy, samples=10)
    found = {(finding.what, finding.source) for finding in report.findings}
    assert ("scaler", "scaler") in found
    assert ("scores score_7d", "scores") in found
    page = (run.folder / "report.html").read_text()
    assert page.count(report.headline) == 2  # beside the verdict, and in its section
    assert not {source for _, source in found} & {"bars", "news", "policy", "macro", "universe"}


def test_wrong_options_come_in_one_message(
    market: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--samples", "many", "--seed", "x"]
    assert execute(["audit", "--data-root", str(market), *asked]) == 2
    text = capsys.readouterr().err
    assert "--samples must be a whole number, however: 'many'" in text
    assert "--seed must be a whole number, however: 'x'" in text
    assert execute(["audit", "--data-root", str(market), "--samples", "0"]) == 2
    assert "samples must be 1 or more, however: 0" in capsys.readouterr().err


def test_a_feature_that_fails_on_a_revised_bar_is_told_so(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(copy / "runs")
    careless = LEAKY.replace("bars = bars.unique", "others = bars.unique")
    with_leak(copy, careless)
    assert execute(["audit", "--data-root", str(copy), "--samples", "20"]) == 2
    text = capsys.readouterr().err
    assert "must cope with any records that become known later, revisions of earlier ones" in text
    assert "feature 'tomorrow' (mine.py, line 9) must return one value a row" in text
