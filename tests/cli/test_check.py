"""``stocktrend check`` on a market with a planted spell: what it says, writes and withholds."""

import json
import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import stocktrend as st
from browser import open_page
from stocktrend.catalog import FEATURES
from stocktrend.cli.program import execute
from stocktrend.panel import build_panel

FIRST, LAST = "2017-03-01", "2017-03-10"


def read_error(capsys: pytest.CaptureFixture[str]) -> str:
    """In one line, however the terminal breaks it."""
    return " ".join(capsys.readouterr().err.split())


@pytest.fixture(scope="module")
def corrupt(market: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The market with one ticker at a hundredth of its price on six days, ingested."""
    root = Path(shutil.copytree(market, tmp_path_factory.mktemp("corrupt") / "market"))
    file = min((root / "raw" / "prices").glob("*.csv"))
    prices = pl.read_csv(file, infer_schema=False)
    spell = pl.col("Date").is_in([FIRST, "2017-03-02", "2017-03-03", "2017-03-07", LAST])
    names = ("Open", "High", "Low", "Close", "Adj Close")
    prices.with_columns(
        pl.when(spell)
        .then((pl.col(n).cast(pl.Float64) / 100).cast(pl.String))
        .otherwise(n)
        .alias(n)
        for n in names
    ).write_csv(file)
    st.ingest(root)
    return root


def test_corrupt_bars_are_told_in_the_terminal_with_exit_code_3(
    corrupt: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["check", "--data-root", str(corrupt)]) == 3
    text = capsys.readouterr().out
    ticker = min((corrupt / "raw" / "prices").glob("*.csv")).stem
    assert f"Corrupt bars are read, of {ticker}." in text
    for part in ("bars: ", "news: ", "policy: ", "macro: ", "two series", FIRST, "Wrote "):
        assert part in text


def test_the_json_document_names_the_spell(
    corrupt: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert execute(["check", "--data-root", str(corrupt), "--json"]) == 3
    content = json.loads(capsys.readouterr().out)
    (error,) = (f for f in content["findings"] if f["severity"] == "error")
    assert (error["rule"], error["first"], error["last"]) == ("two_series", FIRST, LAST)
    assert content["counts"]["error"] == 1
    assert {table["table"] for table in content["tables"]} >= {"bars", "news", "policy", "macro"}
    assert Path(content["page"]) == corrupt / "check" / "report.html"


def test_the_page_draws_the_spell_without_the_network(corrupt: Path, tmp_path: Path) -> None:
    page = tmp_path / "quality.html"
    assert execute(["check", "--data-root", str(corrupt), "--out", str(page)]) == 3
    opened = open_page(page, tmp_path / "profile")
    assert opened.complaints == opened.loaded == []
    assert opened.plots.plots == 4  # by rule, one ticker, bars and news by month
    assert opened.plots.drawn >= 4
    assert "1 corrupt spell in the bars of 1 ticker." in opened.document


def test_quarantine_withholds_the_spell_and_release_undoes_it(
    corrupt: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(corrupt, tmp_path / "market"))
    ticker = min((root / "raw" / "prices").glob("*.csv")).stem
    before = st.Lake(root / "lake").read("bars")
    panel = build_panel(st.Lake(root / "lake"), st.Settings())
    assert execute(["check", "--data-root", str(root), "--quarantine"]) == 0
    assert "Withheld 1 spell. " in capsys.readouterr().out
    first, last = date.fromisoformat(FIRST), date.fromisoformat(LAST)
    inside = (pl.col("ticker") == ticker) & pl.col("session").is_between(first, last)
    assert before.filter(inside).height == 8
    lake = st.Lake(root / "lake")
    assert_frame_equal(lake.read("bars"), before.filter(~inside))
    past = pl.col("as_of").dt.date() < first
    assert_frame_equal(
        build_panel(lake, st.Settings()).filter(past).select("ticker", "as_of", *FEATURES),
        panel.filter(past).select("ticker", "as_of", *FEATURES),
        check_exact=True,
    )
    page = (root / "check" / "report.html").read_text()
    assert "No corrupt bar is read; 8 bars are withheld." in page
    assert "<code>stocktrend check --release TICKER</code>" in page
    capsys.readouterr()
    assert execute(["check", "--data-root", str(root), "--quarantine"]) == 0
    text = capsys.readouterr().out
    assert "Withheld" not in text
    assert "No spell is left to withhold." in text
    assert execute(["check", "--data-root", str(root), "--release", ticker.lower()]) == 2
    assert f"however {ticker.lower()!r} has none: did you mean {ticker}?" in read_error(capsys)
    assert execute(["check", "--data-root", str(root), "--release", "QQQQQ"]) == 2
    assert f"withheld are bars of {ticker}" in read_error(capsys)
    both = ["--quarantine", "--release", ticker]
    assert execute(["check", "--data-root", str(root), *both]) == 2
    assert "must not be given together" in read_error(capsys)
    assert_frame_equal(lake.read("bars"), before.filter(~inside))
    assert execute(["check", "--data-root", str(root), "--release", ticker]) == 3
    assert f"Released 1 spell of {ticker}" in capsys.readouterr().out
    assert_frame_equal(lake.read("bars"), before)


def test_rows_before_a_bad_bar_are_those_of_the_clean_market(corrupt: Path, market: Path) -> None:
    clean = Path(shutil.copytree(market, corrupt.parent / "clean"))
    st.ingest(clean)
    past = pl.col("as_of").dt.date() < date.fromisoformat(FIRST)
    bad, good = (
        build_panel(st.Lake(root / "lake"), st.Settings()).filter(past).select("ticker", *FEATURES)
        for root in (corrupt, clean)
    )
    assert bad.height > 100
    assert_frame_equal(bad, good, check_exact=True)


def test_a_clean_market_has_no_error(market: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(market, tmp_path / "market"))
    st.ingest(root)
    report = st.check(root)
    assert report.count("error") == 0
    assert not (root / "check").exists()


def test_a_root_without_a_lake_and_unknown_checks_are_one_message(
    market: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = Path(shutil.copytree(market, tmp_path / "market"))
    shutil.rmtree(root / "lake", ignore_errors=True)
    assert execute(["check", "--data-root", str(root)]) == 2
    assert "There must be a lake to check" in capsys.readouterr().err
    st.ingest(root)
    assert execute(["check", "--data-root", str(root), "--set", "checks=gone.py"]) == 2
    assert "gone.py" in capsys.readouterr().err
