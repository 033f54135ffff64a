"""How services fared, and what is told of it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from server import Asked, Reply, Server
from values import NOW, answers

import stocktrend as st
from stocktrend.cli.display import Display
from stocktrend.cli.live import show_fetched
from stocktrend.cli.program import execute
from stocktrend.live.status import read_status, write_status
from stocktrend.live.storing import Counts
from stocktrend.live.updating import Fetched
from stocktrend.settings import load_settings
from stocktrend.workflow.sources import feeding

MONDAY = datetime(2024, 3, 4, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)


def came(done: int = 2, failed: int = 0, lacking: tuple[str, ...] = ()) -> Fetched:
    failures = {f"F{n}": "it did not answer" for n in range(failed)}
    parts = done + failed + len(lacking)
    return Fetched(
        "prices", "bars", parts, done, failures, dict.fromkeys(lacking, "none"), 0, Counts()
    )


def test_what_is_lacking_stays_so_until_it_has_come(tmp_path: Path) -> None:
    seen = []
    for one in (came(lacking=("X",)), came(1, failed=1, lacking=("Y",)), came(3)):
        write_status(tmp_path, [one], {}, MONDAY)
        seen.append(read_status(tmp_path)["prices"].lacking)
    assert seen == [["X"], ["X", "Y"], []]


def test_a_status_that_is_damaged_is_none(tmp_path: Path) -> None:
    write_status(tmp_path, [came()], {"fred": "no key"}, MONDAY)
    assert set(read_status(tmp_path)) == {"prices", "fred"}
    (tmp_path / "status.json").write_text('{"prices": {"odd": 1}}')
    assert read_status(tmp_path) == {}


def test_a_vendor_that_lacked_its_key_has_not_failed_since_it_has_one(tmp_path: Path) -> None:
    (tmp_path / "stocktrend.yaml").write_text(
        "sources: {prices: [{kind: stooq}, {kind: tiingo}]}\n"
    )
    settings = load_settings(tmp_path).settings
    write_status(tmp_path / "live", [came()], {"tiingo": "it needs a key"}, MONDAY)
    assert [one.last_error for one in feeding(tmp_path, settings)] == [None, "it needs a key"]
    write_status(tmp_path / "live", [came()], {}, TUESDAY)
    assert [one.last_error for one in feeding(tmp_path, settings)] == [None, None]


def test_a_delisted_ticker_is_told_once_and_listed_from_then_on(
    tmp_path: Path,
    server: Server,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STOOQ_API_KEY", "0123456789abcdef")
    for path, script in answers()["stooq"].items():
        server.script(path, script)
    stooq = {
        "kind": "stooq",
        "base_url": server.base_url,
        "per_minute": 60_000,
        "since": "2025-01-01",
    }
    content = {"tickers": ["ACME", "NOPE", "OTHER"], "sources": {"prices": [stooq]}}
    (tmp_path / "stocktrend.yaml").write_text(json.dumps(content))
    first, second = (st.fetch(tmp_path, now=NOW) for _ in range(2))
    assert (first.errors, second.errors) == ({}, {})
    assert list(first.lacking) == ["NOPE"]
    assert "renamed, delisted?" in first.lacking["NOPE"]
    assert second.lacking == {}
    show_fetched(Display(as_json=False), first)
    assert "Without bars: NOPE" in capsys.readouterr().out
    assert execute(["sources", "--data-root", str(tmp_path)]) == 0
    assert "Without bars when they were last asked for: NOPE" in capsys.readouterr().out


def test_a_vendor_whose_key_is_refused_is_told_though_another_stands_in(
    tmp_path: Path,
    server: Server,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for kind in ("stooq", "tiingo"):
        monkeypatch.setenv(f"{kind.upper()}_API_KEY", "0123456789abcdef")
        for path, script in answers()[kind].items():
            server.script(path, script)
    usual = {"base_url": server.base_url, "per_minute": 60_000, "since": "2025-01-01"}
    vendors = [{"kind": kind, **usual} for kind in ("tiingo", "stooq")]
    tickers = ["ACME", "OTHER", "THIRD"]
    content = {"tickers": tickers, "sources": {"prices": vendors}}
    (tmp_path / "stocktrend.yaml").write_text(json.dumps(content))
    good = answers()["tiingo"]["/tiingo/daily/*"]

    def only_acme(asked: Asked) -> Reply:
        return good(asked) if "/ACME/" in asked.path else Reply(b"no", status=401)

    def state() -> dict[str, tuple[str | None, str | None]]:
        assert execute(["sources", "--data-root", str(tmp_path), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)["sources"]
        return {one["name"]: (one["last_success"], one["last_error"]) for one in found}

    server.script("/tiingo/daily/*", lambda asked: Reply(b"no such key", status=401))
    failed = st.fetch(tmp_path, now=NOW)
    assert [(one.done, one.error) for one in failed.sources] == [(3, None)]
    assert set(failed.errors) == {"tiingo"}
    assert "Check the key in TIINGO_API_KEY of the environment" in failed.errors["tiingo"]
    assert "tickers that tiingo failed for, from stooq instead" in failed.sources[0].counts.notes
    assert state() == {"tiingo": (None, failed.errors["tiingo"]), "stooq": (NOW.isoformat(), None)}

    server.script("/tiingo/daily/*", only_acme)
    some = st.fetch(tmp_path, now=NOW + timedelta(hours=1))
    assert some.errors == {}
    assert "2 of 3 parts failed" in some.gaps["tiingo"]
    show_fetched(Display(as_json=False), some)
    assert f"tiingo: {some.gaps['tiingo']}" in capsys.readouterr().out
    assert state()["tiingo"] == (None, some.gaps["tiingo"])

    server.script("/tiingo/daily/*", good)
    then = NOW + timedelta(hours=2)
    assert (st.fetch(tmp_path, now=then).errors, some.errors) == ({}, {})
    assert state() == dict.fromkeys(("tiingo", "stooq"), (then.isoformat(), None))
