"""An ingest accounts for every row, runs once, and can be stopped anywhere."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stocktrend.config import Settings
from stocktrend.errors import LakeError, SourceError
from stocktrend.ingestion import IngestReport, SourceReport, ingest, last_report
from stocktrend.lake import Lake, moments, restoring
from stocktrend.lake.ledger import Ledger
from stocktrend.lake.lock import only_writer

NOW = datetime(2020, 1, 10, tzinfo=UTC)
NEXT_MONTH = datetime(2020, 2, 10, tzinfo=UTC)
HEADER = "Date,Open,High,Low,Close,Adj Close,Volume\n"
DAYS = ("2019-12-30", "2019-12-31", "2020-01-02", "2020-01-03", "2020-01-06")


def price_rows(count: int, k: float = 1.0) -> str:
    """Rows of consecutive sessions whose closes are 11, 12, ..., restated by a split of 1 / k."""
    lines = []
    for i, day in enumerate(DAYS[:count]):
        prices = ",".join(str((level + i) * k) for level in (10, 12, 9, 11, 10))
        lines.append(f"{day},{prices},{1000 / k}\n")
    return "".join(lines)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    item = {"timestamp": "2020-01-02T15:00:00Z", "text": "Shares rise", "id": "1"}
    files = {
        "raw/prices/AAPL.csv": HEADER + price_rows(4) + "2020-01-04,1,1,1,1,1,1\n",
        "raw/prices/MSFT.csv": HEADER + price_rows(3) + price_rows(1),
        "raw/news/AAPL.jsonl": (json.dumps(item) + "\n") * 2,
        "raw/policy/fomc.csv": "date,release_time,target_low,target_high,statement\n"
        "2019-12-11,14:00,1.5,1.75,The Committee decided\n",
        "raw/macro/CPIAUCSL.csv": "date,value\n2019-11-01,257.8\n2019-12-01,258.4\n",
        "raw/macro/release_dates.csv": "release,ref_period,release_date\n"
        "CPI,2019-11-01,2019-12-11\n",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path


def run(root: Path, at: datetime = NOW, **settings: Any) -> IngestReport:
    report = ingest(root, Settings.model_validate(settings), retrieved_at=at)
    for source in report.sources:
        kept = source.new + source.revised + source.unchanged
        assert source.read == kept + source.duplicate + source.quarantined, source
    return report


def source(report: IngestReport, table: str) -> SourceReport:
    return next(s for s in report.sources if s.table == table)


def state(root: Path) -> dict[str, pl.DataFrame]:
    lake = Lake(root / "lake")
    tables = {name: lake.history(name) for name in ("bars", "news", "policy", "macro")}
    return {**tables, "quarantine": lake.quarantine()}


def same(left: dict[str, pl.DataFrame], right: dict[str, pl.DataFrame]) -> bool:
    return all(left[name].equals(right[name]) for name in left)


def test_every_row_is_accounted_for(root: Path) -> None:
    report = run(root)
    bars, news = source(report, "bars"), source(report, "news")
    assert (bars.files, bars.read, bars.new, bars.duplicate, bars.quarantined) == (2, 9, 7, 1, 1)
    assert bars.reasons == {"no session of XNYS on this day": 1}
    assert (news.read, news.new, news.duplicate) == (2, 1, 1)
    assert bars.last_known == "2020-01-03T21:00:00+00:00"
    assert report.freshness["policy"] == datetime(2019, 12, 11, 19, 0, tzinfo=UTC)
    assert report.total("read") == 14
    assert "1 of 2 tickers have bars but no news: MSFT" in report.warnings
    assert Lake(root / "lake").quarantine().select("path", "row").rows() == [
        ("raw/prices/AAPL.csv", 5)
    ]


def test_the_last_report_is_kept(root: Path) -> None:
    assert last_report(root) is None
    report = run(root)
    assert last_report(root) == report


def test_ingesting_twice_changes_nothing(root: Path) -> None:
    first = run(root)
    before = state(root)
    logs = sorted((root / "lake").rglob("*.json"))
    again = run(root, NEXT_MONTH)
    assert same(state(root), before)
    assert sorted((root / "lake").rglob("*.json")) == logs
    assert again.versions == first.versions
    assert (again.total("new"), again.total("revised")) == (0, 0)
    assert again.total("unchanged") == first.total("new")
    assert [s.files_read for s in again.sources] == [0, 0, 0, 0]


def test_a_lost_ledger_changes_nothing_either(root: Path) -> None:
    run(root)
    before = state(root)
    ledger = Ledger(str(root / "lake" / "files"))
    ledger.record({}, forget=list(ledger.entries()))
    report = run(root, NEXT_MONTH)
    assert same(state(root), before)
    assert report.total("new") == report.total("revised") == 0


def test_only_files_that_changed_are_read_again(root: Path) -> None:
    run(root)
    (root / "raw/prices/AAPL.csv").write_text(HEADER + price_rows(5))
    bars = source(run(root, NEXT_MONTH), "bars")
    assert (bars.files, bars.files_read, bars.new, bars.revised) == (2, 1, 1, 0)
    assert bars.quarantined == 0
    assert Lake(root / "lake").quarantine().is_empty()
    assert Lake(root / "lake").read("bars", tickers=["AAPL"]).height == 5


def test_a_split_in_a_newer_file_joins_the_stored_basis(root: Path) -> None:
    run(root)
    (root / "raw/prices/AAPL.csv").write_text(HEADER + price_rows(5, k=0.5))
    bars = source(run(root, NEXT_MONTH), "bars")
    assert (bars.new, bars.revised) == (1, 0)
    closes = Lake(root / "lake").read("bars", tickers=["AAPL"])["close"].to_list()
    assert closes == pytest.approx([11, 12, 13, 14, 15], rel=1e-12)
    assert "tickers restated by a later split, brought into the stored basis" in bars.notes


def test_one_ticker_in_two_files_is_compared_file_by_file(root: Path) -> None:
    (root / "raw/prices/2020.csv").write_text(
        "Ticker," + HEADER + "".join(f"AAPL,{row}\n" for row in price_rows(5, 0.5).splitlines())
    )
    bars = source(run(root), "bars")
    assert (bars.new, bars.revised) == (8, 0)
    closes = Lake(root / "lake").read("bars", tickers=["AAPL"])["close"].to_list()
    assert closes == pytest.approx([5.5, 6, 6.5, 7, 7.5], rel=1e-12)


def test_a_macro_value_that_changes_is_known_when_it_was_retrieved(root: Path) -> None:
    run(root)
    (root / "raw/macro/CPIAUCSL.csv").write_text(
        "date,value\n2019-11-01,257.9\n2019-12-01,258.4\n2020-01-01,258.8\n"
    )
    assert source(run(root, NEXT_MONTH), "macro").revised == 1
    november = Lake(root / "lake").history("macro").filter(pl.col("period") == date(2019, 11, 1))
    assert november.select("known_at", "value").rows() == [
        (datetime(2019, 12, 12, 4, 59, tzinfo=UTC), 257.8),
        (NEXT_MONTH, 257.9),
    ]


def test_a_longer_calendar_rereads_its_series_and_revises_nothing(root: Path) -> None:
    run(root)
    with (root / "raw/macro/release_dates.csv").open("a") as calendar:
        calendar.write("CPI,2019-12-01,2020-01-14\n")
    macro = source(run(root, NEXT_MONTH), "macro")
    assert (macro.files_read, macro.unchanged, macro.revised) == (1, 2, 0)


def test_changed_settings_date_records_anew(root: Path) -> None:
    macro = {"kind": "series", "path": "raw/macro/CPIAUCSL.csv"}
    run(root, sources={"macro": [macro]})
    rule = {"rule": "lag", "days": 10}
    report = run(root, NEXT_MONTH, sources={"macro": [{**macro, "release": rule}]})
    assert source(report, "macro").new == 2
    assert Lake(root / "lake").history("macro")["known_at"].to_list() == [
        datetime(2019, 11, 12, 4, 59, tzinfo=UTC),
        datetime(2019, 12, 12, 4, 59, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {
            "macro": [
                {"kind": "series", "path": "raw/macro/CPIAUCSL.csv", "columns": {"value": "x"}}
            ]
        },
        {"news": [{"path": "raw/news/*.jsonl", "columns": {"text": "x"}}]},
        {"policy": [{"kind": "executive_orders", "path": "raw/policy/fomc.csv"}]},
    ],
)
def test_changed_settings_that_do_not_fit_leave_the_lake_as_it_was(
    root: Path, wrong: dict[str, Any]
) -> None:
    first = run(root)
    before = state(root)
    prices = [{"path": "raw/prices/*.csv", "name": "renamed"}]
    with pytest.raises(SourceError, match="Nothing was ingested"):
        run(root, NEXT_MONTH, sources={"prices": prices, **wrong})
    assert same(state(root), before)
    assert [s.files_read for s in run(root, NEXT_MONTH).sources] == [0, 0, 0, 0]
    assert Lake(root / "lake").versions() == first.versions


def test_vintages_that_come_later_replace_a_file_of_latest_revisions(root: Path) -> None:
    (root / "raw/macro/UNRATE.csv").write_text("date,value\n2019-11-01,9.9\n")
    with (root / "raw/macro/release_dates.csv").open("a") as calendar:
        calendar.write("EMPSIT,2019-11-01,2019-12-06\n")
    run(root)
    (root / "raw/macro/fred_md.csv").write_text(
        "series,obs_date,vintage,value\nUNRATE,2019-11-01,2019-12,3.5\n"
    )
    assert source(run(root, NEXT_MONTH), "macro").quarantined == 0
    jobless = Lake(root / "lake").history("macro").filter(pl.col("series") == "UNRATE")
    assert jobless.select("known_at", "value").rows() == [
        (datetime(2019, 12, 7, 4, 59, tzinfo=UTC), 3.5)
    ]


def test_two_files_that_disagree_revise_each_other_once(root: Path) -> None:
    item = {"timestamp": "2020-01-02T15:00:00Z", "text": "Shares fall", "id": "1"}
    other = root / "raw/news/other/AAPL.jsonl"
    other.parent.mkdir()
    other.write_text(json.dumps(item) + "\n")
    run(root)
    before = state(root)
    ledger = Ledger(str(root / "lake" / "files"))
    ledger.record({}, forget=list(ledger.entries()))
    assert source(run(root, NEXT_MONTH), "news").revised == 0
    assert same(state(root), before)


def test_what_a_deleted_file_held_stays(root: Path) -> None:
    run(root)
    (root / "raw/prices/MSFT.csv").unlink()
    run(root, NEXT_MONTH)
    assert Lake(root / "lake").read("bars", tickers=["MSFT"]).height == 3


def test_a_second_writer_is_turned_away(root: Path) -> None:
    with only_writer(root / "lake"), pytest.raises(LakeError, match="One program at a time"):
        run(root)
    assert run(root).total("new") > 0


def test_a_calendar_of_an_index_is_noticed_when_it_changes(root: Path) -> None:
    (root / "raw/policy/index.csv").write_text("date,value\n2019-11-01,100\n")
    rule = {"rule": "calendar", "path": "raw/macro/release_dates.csv", "release": "CPI"}
    index = {"kind": "index", "path": "raw/policy/index.csv", "series": "X"}
    policy = [{**index, "release": {**rule, "longest_lag_days": 60}}]
    run(root, sources={"policy": policy})
    with (root / "raw/macro/release_dates.csv").open("a") as calendar:
        calendar.write("CPI,2019-12-01,2020-01-14\n")
    report = run(root, NEXT_MONTH, sources={"policy": policy})
    assert [s.files_read for s in report.sources if s.source == "index"] == [1]


@pytest.mark.parametrize("stop", ["upsert", "add_quarantine", "record"])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_an_ingest_that_was_stopped_anywhere_is_completed_by_the_next(
    root: Path, monkeypatch: pytest.MonkeyPatch, stop: str, after: int
) -> None:
    whole = root.with_name(root.name + "-whole")
    whole.mkdir()
    (root / "raw").rename(whole / "raw")
    run(whole)
    expected = state(whole)
    (whole / "raw").rename(root / "raw")
    owner: Any = Ledger if stop == "record" else Lake
    original: Callable[..., Any] = getattr(owner, stop)
    calls = iter(range(100))

    def stopping(*args: Any, **kwargs: Any) -> Any:
        if next(calls) > after:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(owner, stop, stopping)
        with pytest.raises(KeyboardInterrupt):
            run(root)
    run(root, NEXT_MONTH)
    assert same(state(root), expected)


def test_unreadable_files_are_listed_after_the_others_were_ingested(root: Path) -> None:
    (root / "raw/prices/BAD.csv").write_text("")
    (root / "raw/news/BAD.jsonl").write_text("")
    with pytest.raises(
        SourceError, match=r"prices/BAD\.csv is empty[\s\S]*news/BAD\.jsonl is empty"
    ) as raised:
        run(root)
    said = "All other files are in the lake: 5 of them were read by this ingest, with 11 new and 0 "
    assert said in str(raised.value)
    assert Lake(root / "lake").read("bars").height == 7
    for name in ("raw/prices/BAD.csv", "raw/news/BAD.jsonl"):
        (root / name).unlink()
    assert source(run(root), "bars").files_read == 0


def test_progress_is_told_of_each_file(root: Path) -> None:
    told: list[tuple[str, int, int | None, str]] = []
    ingest(root, Settings(), retrieved_at=NOW, progress=lambda *call: told.append(call))
    assert told == [("ingest", done, 5, "files") for done in range(6)]


def test_going_back_to_before_other_settings_keeps_revisions_when_these_are_taken_back(
    root: Path,
) -> None:
    run(root)
    values = root / "raw/macro/CPIAUCSL.csv"
    values.write_text(values.read_text().replace("257.8", "300.0"))
    run(root, NEXT_MONTH)
    before, lake = state(root), Lake(root / "lake")
    then = lake.versions()
    renamed = [{"path": "raw/macro/CPIAUCSL.csv", "kind": "series", "name": "renamed"}]
    run(root, datetime(2020, 3, 10, tzinfo=UTC), sources={"macro": renamed})
    restoring.restore(lake, moments.state_with(lake, then))
    again = run(root, datetime(2020, 4, 10, tzinfo=UTC))
    assert again.total("new") == again.total("revised") == 0
    assert same(state(root), before)


def test_settings_taken_back_after_a_stop_while_records_were_removed_lose_nothing(
    root: Path,
) -> None:
    run(root)
    before = Lake(root / "lake").history("bars")
    quarantine = next((root / "lake" / "quarantine").glob("*.parquet"))
    content = quarantine.read_bytes()
    quarantine.unlink()  # so that the removal stops half-way, after the records
    with pytest.raises(LakeError, match="quarantine"):
        run(root, exchange="XNAS")
    assert Lake(root / "lake").history("bars").is_empty()
    quarantine.write_bytes(content)
    run(root)
    assert Lake(root / "lake").history("bars").equals(before)


@pytest.mark.parametrize("stop", ["remove", "add_quarantine"])
def test_a_file_deleted_after_a_stop_while_its_records_were_removed_leaves_none(
    root: Path, monkeypatch: pytest.MonkeyPatch, stop: str
) -> None:
    def stopping(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    run(root)
    with monkeypatch.context() as patch:
        patch.setattr(Lake, stop, stopping)
        with pytest.raises(KeyboardInterrupt):
            run(root, exchange="XNAS")
    (root / "raw/prices/AAPL.csv").unlink()
    run(root)
    lake = Lake(root / "lake")
    assert lake.read("bars", tickers=["AAPL"]).is_empty()
    assert lake.read("bars", tickers=["MSFT"]).height == 3
    assert lake.quarantine().is_empty()
    assert "raw/prices/AAPL.csv" not in lake.ledger.entries()
