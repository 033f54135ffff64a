"""A data root brought up to date: files, a service, scores, and what changed."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import yaml
from alfred import Alfred, Released
from server import Asked, Reply, Server

import stocktrend as st
from stocktrend.cli.program import execute
from stocktrend.workflow.update import Update

NOW = datetime(2017, 7, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
KEY = "0123456789abcdef0123456789abcdef"
RECIPE = {"members": 1, "epochs": 1, "batch_size": 64, "min_steps": 0}
SESSIONS = 10
"""The last ones, whose bars come after the first update."""


def monthly(word: str, months: int) -> list[Released]:
    """A value a month, released on the twelfth of the month after."""
    firsts = [date(2014 + n // 12, n % 12 + 1, 1) for n in range(months)]
    return [
        (first, (first + timedelta(days=32)).replace(day=12), f"{word}.{n}")
        for n, first in enumerate(firsts)
    ]


@dataclass
class Updated:
    """A data root after its first update, whose last bars are in ``late``; FRED's server."""

    root: Path
    late: Path
    first: Update
    server: Server


@pytest.fixture(scope="module")
def updated(built_market: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Updated]:
    """Read its folder only: ``root`` is a copy that a test may change."""
    replays = Alfred({"UNRATE": monthly("5", 41), "CPIAUCSL": monthly("230", 41)})

    def answer(asked: Asked) -> Reply:
        query = {name: value for name, value in asked.query.items() if name != "api_key"}
        status, body = replays.answer(asked.path, query)
        return Reply(body, status=status)

    folder = tmp_path_factory.mktemp("update")
    root = Path(shutil.copytree(built_market, folder / "market"))
    late = Path(shutil.copytree(root / "raw" / "prices", folder / "late"))
    shutil.rmtree(root / "lake")
    for file in (root / "raw" / "prices").glob("*.csv"):
        file.write_text("\n".join(file.read_text().splitlines()[:-SESSIONS]) + "\n")
    with Server() as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("FRED_API_KEY", KEY)
        server.script("/fred/*", answer)
        fred = {"kind": "fred", "base_url": server.base_url, "per_minute": 60_000}
        file = root / "stocktrend.yaml"
        settings = yaml.safe_load(file.read_text())
        settings["sources"]["macro"] = [{**fred, "series": ["UNRATE", "CPIAUCSL"]}]
        settings |= {"preset": "cross_sectional", "recipe": RECIPE}
        file.write_text(yaml.safe_dump(settings))
        yield Updated(root, late, st.update(root, now=NOW), server)


@pytest.fixture
def root(updated: Updated, tmp_path: Path) -> Path:
    """A copy of the updated data root."""
    updated.server.forget()
    return Path(shutil.copytree(updated.root, tmp_path / "market"))


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
