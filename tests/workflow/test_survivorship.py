"""Every report says what a missing or incomplete universe means; predict knows who was in it."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

import stocktrend as st
from stocktrend.cli.program import execute
from stocktrend.errors import DataError
from stocktrend.universe import NO_UNIVERSE, UNKNOWN, Universe

MOMENT = datetime(2017, 7, 1, tzinfo=UTC)
QUICK = ["--preset", "original", "--set", "recipe.epochs=1"]
NEWEST = "2017-06-30"


@pytest.fixture
def told(market: Path) -> tuple[Path, list[str]]:
    """The market's eight tickers as members; the first leaves, and one has no prices."""
    tickers = sorted(file.stem for file in (market / "raw" / "prices").glob("*.csv"))
    ends = {tickers[0]: "2017-03-03"}  # a Friday
    spells = [f"{ticker},2015-01-02,{ends.get(ticker, '')}" for ticker in [*tickers, "GONE"]]
    text = "\n".join(["ticker,start_date,end_date", *spells, ""])
    (market / "raw" / "universe" / "membership.csv").write_text(text)
    for name in ("lake", "panel"):
        if (market / name).exists():
            (market / name).rename(market / f"{name}_of_another_universe")
    return market, tickers


def output(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    capsys.readouterr()
    assert execute([str(argument) for argument in arguments]) == 0
    return capsys.readouterr().out


def test_with_a_universe_reports_say_how_much_of_it_has_prices(
    told: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    root, tickers = told
    text = output(capsys, "run", "--data-root", root, *QUICK)
    traded = [
        ticker
        for ticker in tickers
        if NEWEST in (root / "raw" / "prices" / f"{ticker}.csv").read_text()
    ]
    rows = len(set(traded) - {tickers[0]})
    said = f"of the 8 members on {NEWEST}, {rows} have a row"
    missing = "1 of 9 members have no prices at all (GONE)"
    run = st.load_run(root)
    page = (root / "runs" / run.id / "report.html").read_text()
    metrics = json.loads((root / "runs" / run.id / "metrics.json").read_text())
    for shown in (text, page):
        assert said in shown
        assert missing in shown
        assert NO_UNIVERSE[:40] not in shown
    assert metrics["universe"]["unpriced"] == ["GONE"]
    assert metrics["warnings"] == list(run.warnings)
    assert missing in metrics["warnings"][0]
    dates = run.predictions["as_of"].unique()
    days = (dates.max() - dates.min()).days
    left = dates.filter(dates >= datetime(2017, 3, 3, tzinfo=UTC)).len()
    expected = run.predictions.height / (9 * dates.len() - left)
    assert metrics["universe"]["share"] == pytest.approx(expected, rel=1e-12)
    years = metrics["universe"]["member_years"]
    assert years == pytest.approx((9 - left / dates.len()) * days / 365.25, rel=1e-12)
    last = run.predictions.filter(pl.col("ticker") == tickers[0])["as_of"].max()
    assert last == datetime(2017, 2, 24, 21, tzinfo=UTC)


def test_a_ticker_whose_rows_were_refused_is_named_wherever_figures_are(
    told: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    root, (first, second, *_) = told
    file = root / "raw" / "universe" / "membership.csv"
    file.write_text(file.read_text().replace(f"{second},2015-01-02", f"{second},02.01.2015"))
    warning = (
        f"universe: 1 of 8 tickers with prices are never in the universe, so nothing has rows of "
        f"them: {second}; of 1 of them rows were refused: {second}. To mend it"
    )
    text = output(capsys, "run", "--data-root", root, *QUICK)
    assert warning in text[: text.index("Verdict")]
    assert warning in text[text.index("Verdict") :]
    run = st.load_run(root)
    page = (root / "runs" / run.id / "report.html").read_text()
    assert warning[10:] in page
    assert any(warning in told for told in run.warnings)
    built = json.loads(output(capsys, "build", "--data-root", root, "--json"))
    for step in ("ingest", "build"):
        assert any(warning in told for told in built[step]["warnings"]), step
    chosen = ("--tickers", first, "--json")
    built = json.loads(output(capsys, "build", "--data-root", root, *chosen))
    assert not any("with prices are never" in told for told in built["build"]["warnings"])
    assert output(capsys, "build", "--data-root", root).count(warning) == 1


def test_predict_says_that_a_ticker_was_not_in_the_universe_then(
    told: tuple[Path, list[str]],
) -> None:
    root, tickers = told
    settings = st.Settings(preset="original", recipe={"epochs": 1})
    st.run(root, settings=settings, retrieved_at=MOMENT)
    before = st.predict(root, as_of=date(2017, 2, 24), tickers=[tickers[0]])
    assert before.height == 1
    rule = f"'{tickers[0]}' has none: it was not in the universe then"
    with pytest.raises(DataError, match=rule):
        st.predict(root, as_of=date(2017, 3, 3), tickers=tickers[:2])
    with pytest.raises(DataError, match="'GONE' has none: it is not in the lake"):
        st.predict(root, as_of=date(2017, 3, 3), tickers=["GONE"])


def test_without_a_universe_every_report_warns(
    market: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = ("--data-root", market)
    none = ("--set", "sources.universe=[]")
    for command in (("build", *root, *none), ("train", *root, *QUICK), ("evaluate", *root, *QUICK)):
        assert NO_UNIVERSE in output(capsys, *command), command
        done = json.loads(output(capsys, *command, "--json"))
        assert NO_UNIVERSE in (done.get("build") or done)["warnings"]
    text = output(capsys, "run", *root, *QUICK, *none)
    assert NO_UNIVERSE in text[text.index("Verdict") :]
    pages = list(market.glob("runs/*/report.html"))
    assert len(pages) == 1
    page = pages[0].read_text()
    assert page.index("survivorship".capitalize()) < page.index("How fresh the data is")
    assert NO_UNIVERSE[12:] in page.replace("&#39;", "'")


def test_a_market_that_tells_its_universe_gives_no_warning(market: Path) -> None:
    assert st.ingest(market, retrieved_at=MOMENT).warnings == ()
    run = st.train(market, settings=st.Settings(preset="original", recipe={"epochs": 1}))
    assert run.warnings == ()
    assert run.universe is not None
    assert run.universe.unpriced == ()
    assert st.load_run(market).universe == run.universe


def test_a_universe_that_nobody_leaves_in_a_hundred_member_years_is_doubted() -> None:
    universe = Universe(
        tickers=50,
        unpriced=(),
        share=1.0,
        newest=date(2017, 6, 30),
        members=50,
        rows=50,
        member_years=99.0,
    )
    assert universe.warnings == ()
    (doubt,) = replace(universe, member_years=100.0).warnings
    assert "none of the 50 members ever left" in doubt
    assert replace(universe, member_years=100.0, tickers=51).warnings == ()


def test_a_panel_alone_does_not_say_how_its_tickers_were_chosen(market: Path) -> None:
    panel = st.build_panel(market, retrieved_at=MOMENT)
    run = st.train(panel, settings=st.Settings(preset="original", recipe={"epochs": 1}))
    assert run.warnings == (UNKNOWN,)
