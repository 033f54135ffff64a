"""A data root brought up to date: files, a service, scores, and what changed."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import polars as pl
import pytest
import yaml
from server import Asked, Reply
from updated import NOW, Updated

import stocktrend as st
from stocktrend.cli.display import Display
from stocktrend.cli.live import show_changes, show_update
from stocktrend.cli.program import execute
from stocktrend.lake.lock import only_writer
from stocktrend.workflow.update import Update

LATER = NOW + timedelta(days=1)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, object]]:
    capsys.readouterr()
    code = execute([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_first_update_asks_trains_and_scores(updated: Updated) -> None:
    first = updated.first
    assert first.problems == {}
    assert first.trained
    assert first.scores.height > 4
    assert first.changes.is_empty()
    assert (updated.root / "runs" / str(first.run) / "report.html").is_file()
    unrate = st.Lake(updated.root / "lake").read("macro").filter(pl.col("series") == "UNRATE")
    assert unrate["value"].to_list() == [float(f"5.{n}") for n in range(41)]


def test_the_second_update_asks_on_condition_and_writes_nothing(
    updated: Updated, root: Path
) -> None:
    lake = st.Lake(root / "lake")
    versions = lake.versions()
    second = st.update(root, now=NOW + timedelta(hours=1))
    assert lake.versions() == versions
    assert not second.trained
    assert second.scores.equals(updated.first.scores)
    assert second.changes.is_empty()
    asked = updated.server.asked
    assert len(asked) > 2
    assert all(one.conditional and one.status == 304 for one in asked)


def test_a_later_update_tells_whose_scores_changed(updated: Updated, root: Path) -> None:
    shutil.copytree(updated.late, root / "raw" / "prices", dirs_exist_ok=True)
    later, first = st.update(root, now=LATER), updated.first
    assert later.run == first.run
    assert later.scores["as_of"][0] > first.scores["as_of"][0]
    before = dict(zip(first.scores["ticker"], first.scores["score_7d"], strict=True))
    now = dict(zip(later.scores["ticker"], later.scores["score_7d"], strict=True))
    changed = {t: (before.get(t), now.get(t)) for t in before | now if before.get(t) != now.get(t)}
    assert len(changed) > 3
    told = {row["ticker"]: (row["before"], row["score"]) for row in later.changes.to_dicts()}
    assert told == changed
    steps = later.changes["change"].drop_nulls().abs().to_list()
    assert steps == sorted(steps, reverse=True)


def test_scores_of_old_bars_are_told_as_such(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for days, warned in ((4, False), (5, True)):
        close = datetime(2017, 6, 16, 20, tzinfo=UTC)  # of the last bars
        done = st.update(root, now=close + timedelta(days=days))
        assert done.age == days
        show_update(Display(as_json=False), done)
        assert (f"{days} days old" in capsys.readouterr().out) == warned


def test_tickers_that_came_into_the_settings_after_training_are_named(
    updated: Updated, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tickers = updated.first.scores["ticker"].sort().to_list()
    configs = (root / "stocktrend.yaml", root / "runs" / str(updated.first.run) / "config.yaml")
    for file, some in zip(configs, (tickers, tickers[:5]), strict=True):
        file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"tickers": some}))
    done = st.update(root, now=NOW)
    assert sorted(done.scores["ticker"]) == tickers[:5]
    assert done.untrained == tuple(tickers[5:]) != ()
    show_update(Display(as_json=False), done)
    assert f"was trained without: {', '.join(tickers[5:])}. Run" in capsys.readouterr().out


def test_a_ticker_that_no_vendor_has_bars_of_leaves_the_others_their_run_and_scores(
    updated: Updated, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tickers = updated.first.scores["ticker"].sort().to_list()
    bars = (root / "raw" / "prices" / f"{tickers[0]}.csv").read_text()

    def stooq(asked: Asked) -> Reply:
        return Reply((b"No data" if asked.query["s"] == "nope.us" else bars.encode()), "text/plain")

    monkeypatch.setenv("STOOQ_API_KEY", "0123456789abcdef")
    updated.server.script("/q/d/l/", stooq)
    file = root / "stocktrend.yaml"
    settings = yaml.safe_load(file.read_text()) | {"tickers": [*tickers, "NOPE"]}
    vendor = {"kind": "stooq", "base_url": updated.server.base_url, "per_minute": 60_000}
    settings["sources"]["prices"] = [
        {**vendor, "tickers": [tickers[0], "NOPE"]},
        {"kind": "bars", "path": "raw/prices/*.csv"},
    ]
    file.write_text(yaml.safe_dump(settings))
    shutil.rmtree(root / "runs")
    for first in (True, False):
        done = st.update(root, now=NOW)
        assert done.problems == {}
        assert done.trained is first
        assert sorted(done.scores["ticker"]) == tickers
        assert done.services is not None
        assert list(done.services.lacking) == (["NOPE"] if first else [])


def test_a_session_that_has_not_closed_is_not_scored(updated: Updated, root: Path) -> None:
    shutil.copytree(updated.late, root / "raw" / "prices", dirs_exist_ok=True)
    last = datetime(2017, 6, 30, 20, tzinfo=UTC)  # the close of the last bars in the files
    before = st.update(root, now=last - timedelta(minutes=1))
    assert before.scores["as_of"][0] == last - timedelta(days=1)
    assert st.update(root, now=last).scores["as_of"][0] == last


def test_a_failing_service_gives_exit_code_one_scores_and_its_remedy(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FRED_API_KEY")
    code, said = run(capsys, "update", "--data-root", str(root))
    assert code == 1
    assert len(said["scores"]) > 4  # type: ignore[arg-type]
    assert "FRED_API_KEY" in said["problems"]["fred"]  # type: ignore[index]
    code, said = run(capsys, "sources", "--data-root", str(root))
    assert code == 0
    fred, *files = said["sources"]  # type: ignore[misc]
    assert (fred["name"], fred["rows"], fred["last_success"]) == ("fred", 82, NOW.isoformat())
    assert "FRED_API_KEY" in fred["last_error"]
    assert {one["kind"] for one in files} == {"files"}


def test_nothing_to_do_at_all_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = run(capsys, "update", "--data-root", str(tmp_path))
    assert code == 2
    assert "There must be prices" in str(said["error"])


def test_ingest_asks_a_service_from_a_day_on(
    updated: Updated, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(root / "lake")
    given = ("ingest", "--data-root", str(root), "--source", "fred", "--since", "2016-06-01")
    code, said = run(capsys, *given)
    assert code == 0
    (fred,) = said["services"]["sources"]  # type: ignore[index]
    assert (fred["parts"], fred["done"], fred["failed"]) == (2, 2, {})
    code, said = run(capsys, "sources", "--data-root", str(root))
    assert said["sources"][0]["rows"] == fred["counts"]["new"] > 0  # type: ignore[index]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--source", "tiingo"], "--source must be one of fred, however: 'tiingo'"),
        (["--since", "2016-01-01"], "--since must come with --source"),
        (["--source", "fred", "--since", "then"], "--since must be a date"),
    ],
)
def test_wrong_options_of_ingest_are_told(
    updated: Updated, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = run(capsys, "ingest", "--data-root", str(updated.root), *arguments)
    assert code == 2
    assert words in str(said["error"])


def test_a_series_that_files_give_is_not_asked_for_as_well(root: Path) -> None:
    file = root / "stocktrend.yaml"
    settings = yaml.safe_load(file.read_text())
    (root / "raw" / "macro" / "mine.csv").write_text("date,value\n2017-01-01,4.8\n")
    given = settings["sources"]["macro"][0]
    own = {"kind": "series", "path": "raw/macro/mine.csv", "series": "UNRATE"}
    settings["sources"]["macro"].append({**own, "release": {"rule": "lag", "days": 40}})
    file.write_text(yaml.safe_dump(settings))
    report = st.fetch(root, now=LATER)
    assert "UNRATE comes from 'raw/macro/mine.csv' and 'fred'" in report.errors["fred"]
    assert [(one.name, one.parts, one.done) for one in report.sources] == [("fred", 1, 1)]
    given["series"] = ["UNRATE"]
    file.write_text(yaml.safe_dump(settings))
    report = st.fetch(root, now=LATER)
    assert (set(report.errors), report.sources) == ({"fred"}, ())


def test_files_beside_services_that_nobody_reads_are_told(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = root / "stocktrend.yaml"
    settings = yaml.safe_load(file.read_text())
    settings["sources"]["news"] = [{"kind": "rss", "base_url": "https://127.0.0.1:1/feed.xml"}]
    file.write_text(yaml.safe_dump(settings))
    done = st.ingest(root, retrieved_at=NOW)
    (unread,) = [line for line in done.warnings if "raw/news are not read" in line]
    entry = {"kind": "news", "path": "raw/news/*.jsonl"}
    assert unread.endswith(f"add there: {json.dumps(entry)}")
    show_update(Display(as_json=False), Update(files=done))
    assert unread in (said := capsys.readouterr().out)
    assert "raw files to lake" not in said  # as none was opened
    settings["sources"]["news"].append(entry)
    file.write_text(yaml.safe_dump(settings))
    done = st.ingest(root, retrieved_at=NOW)
    assert not any("raw/news are not read" in line for line in done.warnings)
    show_update(Display(as_json=False), Update(files=done))
    assert "raw files to lake" in capsys.readouterr().out


@pytest.mark.parametrize("held", ["lake", "panel"])
def test_an_update_waits_for_who_writes_to_the_lake_or_makes_the_panel(
    root: Path, held: str
) -> None:
    (root / "panel" / "weekly.json").unlink()
    waits = Event()
    with ThreadPoolExecutor(1) as pool, only_writer(root / held):
        found = pool.submit(st.update, root, now=NOW, notify=lambda line: waits.set())
        assert waits.wait(60)
    assert found.result().problems == {}


def test_what_came_after_waiting_was_not_known_before(root: Path) -> None:
    waits = Event()
    with ThreadPoolExecutor(1) as pool:
        with only_writer(root / "live"):
            found = pool.submit(st.fetch, root, notify=lambda line: waits.set())
            assert waits.wait(60)
            freed = datetime.now(UTC)
        assert datetime.fromisoformat(found.result().retrieved_at) >= freed


DAY = datetime(2024, 3, 8, 21, tzinfo=UTC)


def scores(horizon: int = 7, **of: float) -> pl.DataFrame:
    return pl.DataFrame(
        {"ticker": list(of), "as_of": DAY, "run": "first", f"score_{horizon}d": list(of.values())}
    )


def told(before: pl.DataFrame, capsys: pytest.CaptureFixture[str]) -> str:
    now = scores(A=0.5, B=0.10004, C=-0.25, NEW=0.1)
    show_changes(
        Display(as_json=False), Update(run="first", horizons=(7,), scores=now, before=before)
    )
    return capsys.readouterr().out


def test_changes_are_those_that_can_be_seen_of_tickers_that_have_both_scores(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = told(scores(A=0.5, B=0.1, C=-0.15, OLD=0.9), capsys)
    rows = [line.split() for line in text.splitlines() if "0." in line]
    assert rows == [["C", "-0.150", "-0.250", "-0.100"]]
    assert "New: NEW\nNo longer scored: OLD\n" in text
    assert "3 scores changed since the last update (scores of 2024-03-08)" in text


def test_scores_of_other_horizons_have_not_stayed_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert told(scores(horizon=30, A=0.5), capsys).startswith("The last update had other horizons")
    assert told(pl.DataFrame(), capsys).startswith("This is the first update")
    same = scores(A=0.5, B=0.1, C=-0.25, NEW=0.1)
    assert told(same, capsys).startswith("No score has changed since the last update")
