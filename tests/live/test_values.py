"""Vendors of bars and FRED over the wire: what they have comes in, and is asked for but once."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path

import faults
import polars as pl
import pytest
import values
from server import Reply, Server

from stocktrend.live.client import Client
from stocktrend.live.fred import Fred
from stocktrend.live.http import NothingError
from stocktrend.live.keys import WAYS, Key
from stocktrend.live.pace import Pace
from stocktrend.live.source import Source, Window
from stocktrend.live.vendors import disagreements
from stocktrend.live.wire import Limits
from stocktrend.sources.batch import Batch

LIMITS = Limits(attempts=3, pause=0.001, longest_pause=0.002)


@pytest.fixture
def serving(server: Server) -> Server:
    for routes in values.answers().values():
        for path, script in routes.items():
            server.script(path, script)
    return server


def made(server: Server, kind: str) -> Source:
    module = import_module(f"stocktrend.live.{kind}")
    source: Source = module.source(values.services(server.base_url)[kind], "XNYS")
    return source


@pytest.fixture
def http(serving: Server, tmp_path: Path) -> Iterator[Client]:
    client = Client(
        name="x",
        base_url=serving.base_url,
        pace=Pace(1e9),
        limits=LIMITS,
        cache=tmp_path / "cache",
        key=Key("0123456789abcdef", WAYS["stooq"]),
    )
    yield client
    client.close()


def ask(source: Source, http: Client, window: Window = values.WINDOW) -> list[Batch]:
    parts = source.parts([values.TICKER])
    return [batch for part in parts for batch in source.fetch(part, window, http)]


def test_both_vendors_have_the_same_bars_in_the_shares_of_today(
    serving: Server, http: Client
) -> None:
    ((tiingo,), (stooq,)) = (ask(made(serving, kind), http) for kind in ("tiingo", "stooq"))
    finished = values.SESSIONS[:-1]
    assert tiingo.records["session"].to_list() == finished
    truth = [values.close_today(n) for n in range(len(finished))]
    assert tiingo.records["close"].to_list() == pytest.approx(truth, rel=1e-12)
    less = [values.adjusted(n) for n in range(len(finished))]
    assert tiingo.records["adj_close"].to_list() == pytest.approx(less, rel=1e-12)
    assert stooq.records["adj_close"].to_list() == pytest.approx(less, abs=5e-5)
    before = tiingo.records.filter(pl.col("session") < values.SPLIT)
    assert before["volume"][0] == 3 * 900_000
    assert disagreements(tiingo.records, stooq.records).is_empty()
    for batch in (tiingo, stooq):
        assert batch.notes["bars of unfinished sessions, left out"] == 1
        assert batch.quarantine.is_empty()


def test_each_value_of_fred_is_known_at_its_release(serving: Server, http: Client) -> None:
    frame = pl.concat([batch.records for batch in ask(made(serving, "fred"), http)])
    told = {
        (s, p, k): v for s, p, k, v in frame.select("series", "period", "known_at", "value").rows()
    }
    truth = {
        (series, period, day): float(value)
        for series, releases in values.RELEASES.items()
        for period, day, value in releases
        if value not in (None, ".")
    }
    assert {
        (s, p, (k - timedelta(hours=23, minutes=58)).date()): v for (s, p, k), v in told.items()
    } == truth


@pytest.mark.parametrize("kind", ["tiingo", "stooq", "fred"])
def test_the_next_day_asks_whether_something_changed_and_gets_the_same(
    serving: Server, http: Client, kind: str
) -> None:
    source = made(serving, kind)
    first = ask(source, http)
    serving.forget()
    later = Window(values.NOW.date() - timedelta(days=9), values.NOW + timedelta(hours=2))
    again = ask(source, http, later)
    assert serving.asked
    assert all(asked.conditional and asked.status == 304 for asked in serving.asked)
    known = pl.concat([batch.records.drop("row") for batch in first])
    repeated = pl.concat([batch.records.drop("row") for batch in again])
    if kind == "tiingo":  # the same bars as before, in the same shares
        assert repeated.join(known, on=known.columns, how="anti").is_empty()
    assert 0 < repeated.height <= known.height


def test_a_series_that_alfred_does_not_have_is_read_as_it_stands(
    serving: Server, http: Client
) -> None:
    says = "Bad Request.  The series does not exist in ALFRED but may exist in FRED."
    body = json.dumps({"error_code": 400, "error_message": says}).encode()
    serving.script("/fred/series/vintagedates", lambda asked: Reply(body, status=400))
    today = {"realtime_start": "2025-09-18", "realtime_end": "2025-09-18"}
    serving.script(
        "/fred/series/observations",
        lambda asked: values.fred(values.Asked(asked.path, {**asked.query, **today}, {})),
    )

    (batch,) = ask(Fred(series=("DGS10",)), http)

    last = batch.records.filter(pl.col("period") == date(2025, 9, 12))  # a Friday
    assert last["known_at"].item() == datetime(2025, 9, 15, 14, tzinfo=UTC)
    assert not batch.versioned


def test_a_ticker_that_nobody_has_is_an_error_that_names_it(serving: Server, http: Client) -> None:
    for kind in ("tiingo", "stooq"):
        with pytest.raises(NothingError, match="NOPE"):
            list(made(serving, kind).fetch("NOPE", values.WINDOW, http))


def test_pages_out_of_order_are_asked_for_again(serving: Server, http: Client) -> None:
    whole = ask(Fred(series=("DGS10",)), http)
    turns: list[str] = []

    def mixed_up(asked: values.Asked) -> Reply:
        if asked.query.get("offset") == "400" and len(turns) < 1:
            turns.append(asked.path)
            asked = values.Asked(asked.path, {**asked.query, "offset": "0"}, asked.headers)
        return values.fred(asked)

    serving.script("/fred/series/*", mixed_up)
    pages = ask(Fred(series=("DGS10",), page=200), http)
    assert turns
    assert [b.records.drop("row").rows() for b in pages] == [
        b.records.drop("row").rows() for b in whole
    ]


@pytest.mark.parametrize("kind", ["tiingo", "stooq", "fred"])
def test_a_fault_on_the_way_changes_nothing(serving: Server, http: Client, kind: str) -> None:
    source = made(serving, kind)
    serving.fail(faults.status(429, retry_after="0"))
    serving.fail(faults.status(503))
    found = ask(source, http)
    assert sum(batch.records.height for batch in found) > 100
    assert [asked.status for asked in serving.asked][:2] == [429, 503]


def test_a_day_is_known_only_when_it_has_closed(serving: Server, http: Client) -> None:
    source = made(serving, "tiingo")
    for hour, last in ((19, 17), (20, 18)):
        now = datetime(2025, 9, 18, hour, 0, tzinfo=UTC)
        (batch,) = ask(source, http, Window(values.SINCE, now))
        assert batch.records["session"].max() == values.NOW.date().replace(day=last)
