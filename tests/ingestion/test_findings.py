"""What an ingest tells beside its counts: empty files, tickers and news that do not match."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stocktrend.config import Settings
from stocktrend.ingestion import IngestReport, ingest

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
