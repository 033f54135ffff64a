"""What an ingest tells beside its counts: empty files, tickers and news that do not match."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stocktrend.config import Settings
from stocktrend.ingestion import IngestReport, ingest
from stocktrend.lake import Lake
from stocktrend.universe import NO_UNIVERSE

NOW = datetime(2020, 1, 10, tzinfo=UTC)
NEXT_MONTH = datetime(2020, 2, 10, tzinfo=UTC)
HEADER = "Date,Open,High,Low,Close,Adj Close,Volume\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for kind in ("prices", "news"):
        (tmp_path / "raw" / kind).mkdir(parents=True)
    bars = "2020-01-02,10,12,9,11,11,5\n2020-01-03,10,12,9,11,11,5\n"
    (tmp_path / "raw/prices/AAPL.csv").write_text(HEADER + bars)
    item = {"timestamp": "2020-01-02T15:00:00Z", "text": "Shares rise", "id": "1"}
    (tmp_path / "raw/news/AAPL.jsonl").write_text(json.dumps(item) + "\n")
    return tmp_path


def run(root: Path, at: datetime = NOW, **settings: Any) -> IngestReport:
    return ingest(root, Settings.model_validate(settings), retrieved_at=at)


def test_files_without_rows_are_named(root: Path) -> None:
    for name in "ABCD":
        (root / f"raw/prices/{name}.csv").write_text(HEADER)
    named = ", ".join(f"raw/prices/{name}.csv" for name in "ABC")
    for at in (NOW, NEXT_MONTH):
        bars = run(root, at).sources[0]
        assert (bars.files, bars.new + bars.unchanged) == (5, 2)
        assert bars.notes == {f"files without rows ({named} and 1 more)": 4}


def test_news_of_tickers_without_bars_are_told(root: Path) -> None:
    item = {"timestamp": "2020-01-02T15:00:00Z", "text": "Shares rise", "id": "2"}
    for name in ("GOOG", "MARKET"):
        (root / f"raw/news/{name}.jsonl").write_text(json.dumps(item) + "\n")
    told = "1 of 2 tickers have news but no bars, so their news are not used: GOOG"
    assert told in run(root).warnings


def test_news_that_end_long_before_the_bars_are_told_unless_their_end_is_declared(
    root: Path,
) -> None:
    def told(day: str, **period: str) -> list[str]:
        item = {"timestamp": f"{day}T21:00:00Z", "text": "Shares rise", "id": "1"}
        (root / "raw/news/AAPL.jsonl").write_text(json.dumps(item) + "\n")
        news = [{"path": "raw/news/*.jsonl", **period}]
        warnings = run(root, sources={"news": news}).warnings
        return [warning for warning in warnings if "last item" in warning]

    assert told("2019-12-04") == []
    assert told("2019-12-03", end="2019-12-03") == []
    (warning,) = told("2019-12-03")
    assert "raw/news/*.jsonl is known on 2019-12-03, the last bar on 2020-01-03" in warning
    assert "end: 2019-12-03" in warning


def with_universe(root: Path, *spells: str) -> None:
    bars = (root / "raw/prices/AAPL.csv").read_text()
    for name in ("IBM", "KO"):
        (root / f"raw/prices/{name}.csv").write_text(bars)
    (root / "raw/universe").mkdir(exist_ok=True)
    lines = "\n".join(["ticker,start_date,end_date", *spells, ""])
    (root / "raw/universe/membership.csv").write_text(lines)


def of_universe(report: IngestReport) -> list[str]:
    return [warning for warning in report.warnings if warning.startswith("universe:")]


def test_tickers_with_prices_that_are_never_members_are_told_and_whose_rows_were_refused(
    root: Path,
) -> None:
    with_universe(root, "AAPL,2016-01-04,", "IBM,04/01/16,", "GONE,31.12.2018,")
    for at in (NOW, NEXT_MONTH):
        (told,) = of_universe(run(root, at))
        assert "2 of 3 tickers with prices are never in the universe" in told
        assert "rows of them: IBM, KO; of 1 of them rows were refused: IBM. To mend it" in told
    with_universe(root, "AAPL,2016-01-04,", "IBM,2016-01-04,", "GONE,2018-12-31,")
    (told,) = of_universe(run(root, NEXT_MONTH))
    assert "1 of 3 tickers with prices" in told
    assert "refused" not in told
    with_universe(root, "AAPL,2016-01-04,", "IBM,2016-01-04,", "KO,2016-01-04,2018-12-31")
    assert of_universe(run(root, NEXT_MONTH)) == []


def test_a_universe_of_refused_rows_alone_is_told_beside_that_there_is_none(root: Path) -> None:
    with_universe(root, "AAPL,04.01.2016,", "KO,04.01.2016,")
    report = run(root)
    assert NO_UNIVERSE in report.warnings
    assert "no row in raw/universe/ could be used, 2 were refused" in of_universe(report)[0]


def test_a_universe_that_contradicts_the_one_held_is_told_with_the_way_to_make_it_anew(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    everyone = ("AAPL,2016-01-04,", "KO,2016-01-04,")
    with_universe(root, *everyone, "IBM,2017-01-03,2018-01-02")
    assert of_universe(run(root)) == []
    with_universe(root, *everyone, "IBM,2016-01-04,2019-01-02")
    (told,) = of_universe(run(root, NEXT_MONTH))
    # both days of the new spell, and the old end: on the old start the file still has it in
    assert told.startswith("universe: 3 changes in raw/universe/membership.csv contradict")
    assert "`stocktrend ingest --set sources.universe=[]`, then `stocktrend ingest`" in told
    assert of_universe(run(root, NEXT_MONTH)) == []
    run(root, NEXT_MONTH, sources={"universe": []})
    assert of_universe(run(root, NEXT_MONTH)) == []
    fresh = tmp_path_factory.mktemp("fresh")
    (root / "raw").rename(fresh / "raw")
    run(fresh)
    held, expected = (Lake(r / "lake").history("universe") for r in (root, fresh))
    assert held.equals(expected)
    assert held.height == 4
