"""Bars of vendors: one basis, closed sessions, and an error where there is nothing to read."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stocktrend.errors import SourceError
from stocktrend.lake.store import Lake
from stocktrend.live.bars import AskedBars
from stocktrend.live.http import Answer
from stocktrend.live.source import Source, Window
from stocktrend.live.stooq import Stooq, read_stooq
from stocktrend.live.tiingo import Tiingo, read_tiingo, records_of
from stocktrend.sources.batch import Batch

NOW = datetime(2024, 3, 6, 23, tzinfo=UTC)
WINDOW = Window(date(2024, 3, 1), NOW)
ASKED = AskedBars("AAPL", "vendor", WINDOW)

Reply = Callable[[str, Mapping[str, str]], str]


@dataclass
class Canned:
    """An ``Http`` that answers by a function of path and query, and remembers both."""

    reply: Reply
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        check: Callable[[Answer], object] | None = None,
    ) -> Answer:
        """Answer at once."""
        self.asked.append((path, dict(query or {})))
        answer = Answer(self.reply(path, query or {}).encode(), "text/plain")
        if check:
            check(answer)
        return answer


def bar(day: str, close: float, volume: float = 1000, split: float = 1.0, **more: object) -> dict:
    """A day of Tiingo; adjusted values are whatever the test gives."""
    raw = {"open": close, "high": close + 2, "low": close - 2, "close": close, "volume": volume}
    adjusted = {"adjClose": close, "divCash": 0.0, "splitFactor": split}
    return {"date": f"{day}T00:00:00.000Z", **raw, **adjusted, **more}


SPLIT = [
    bar("2024-02-29", 400.0, 10, adjClose=99.0),
    bar("2024-03-01", 404.0, 20, adjClose=100.0),
    bar("2024-03-04", 102.0, 80, split=4.0, adjClose=101.5),
    bar("2024-03-05", 103.0, 90, adjClose=102.5),
    bar("2024-03-06", 52.0, 200, split=2.0, adjClose=52.0),
]
CSV = """Date,Open,High,Low,Close,Volume
2024-03-04,101,103,100,102,80
2024-03-05,102,104,101,103,90
2024-03-06,103,105,102,104,100
"""


def fetch(source: Source, reply: Reply, window: Window = WINDOW, ticker: str = "AAPL") -> Batch:
    (batch,) = source.fetch(ticker, window, Canned(reply))
    return batch


def closes(batch: Batch) -> dict[str, float]:
    return {str(day): close for day, close in batch.records.select("session", "close").iter_rows()}


def test_tiingo_is_brought_into_the_shares_of_today() -> None:
    batch = read_tiingo(SPLIT, ASKED)
    assert closes(batch) == {
        "2024-02-29": 50.0,
        "2024-03-01": 50.5,
        "2024-03-04": 51.0,
        "2024-03-05": 51.5,
        "2024-03-06": 52.0,
    }
    assert batch.records["volume"].to_list() == [80, 160, 160, 180, 200]
    assert batch.records["high"].to_list() == [50.25, 50.75, 52.0, 52.5, 54.0]
    assert batch.records["adj_close"].to_list() == [99.0, 100.0, 101.5, 102.5, 52.0]
    assert batch.notes["bars brought into today's shares"] == 4


def test_order_and_repetition_of_tiingos_days_do_not_matter() -> None:
    batch = read_tiingo([SPLIT[3], SPLIT[0], SPLIT[2], SPLIT[2], SPLIT[4], SPLIT[1]], ASKED)
    plain = read_tiingo(SPLIT, ASKED)
    assert batch.records.drop("row").sort("session").equals(plain.records.drop("row"))
    assert batch.duplicate == 1


@pytest.mark.parametrize("ratio", [None, 0, -2, "two", 1e400])
def test_a_split_that_cannot_be_read_refuses_all_bars(ratio: object) -> None:
    with pytest.raises(SourceError, match=r"splitFactor of vendor:AAPL .* 2024-03-04"):
        read_tiingo([*SPLIT[:2], {**SPLIT[2], "splitFactor": ratio}], ASKED)


def test_a_split_on_each_of_many_days_takes_seconds_and_no_hours() -> None:
    days = [date(1941, 1, 1) + timedelta(days=n) for n in range(30_000)]
    asked = AskedBars("AAPL", "vendor", Window(days[0], NOW))
    began = time.process_time()
    batch = read_tiingo([bar(str(day), 100.0, split=1.0001) for day in days], asked)
    assert time.process_time() - began < 8
    later = (days[-1] - date(2000, 1, 3)).days
    assert closes(batch)["2000-01-03"] == pytest.approx(100 / 1.0001**later)


def test_bars_after_a_split_join_those_that_are_stored_before_it(tmp_path) -> None:
    lake = Lake(tmp_path / "lake")
    days = pl.date_range(date(2024, 1, 2), date(2024, 3, 1), "1d", eager=True)
    before = [bar(str(d), 400.0 + n, 10) for n, d in enumerate(days) if d.isoweekday() < 6]
    before = [b for b in before if b["date"][:10] not in ("2024-01-15", "2024-02-19")]
    first = read_tiingo(before, AskedBars("AAPL", "tiingo", Window(WINDOW.since, NOW)))
    lake.upsert("bars", first.records, NOW)
    after = read_tiingo([*before, bar("2024-03-04", 115.0, 40, split=4.0)], ASKED)
    told = lake.upsert("bars", after.records, NOW)
    assert (told.new, told.revised, told.unchanged) == (1, 0, len(before))
    last = lake.read("bars").row(-1, named=True)
    assert (last["session"], last["close"], last["volume"]) == (date(2024, 3, 4), 460.0, 10.0)


def test_tiingo_is_asked_for_the_years_before_and_for_this_one() -> None:
    before = [bar("2023-12-29", 390.0)]
    http = Canned(lambda path, query: json.dumps(before if "endDate" in query else SPLIT))
    list(Tiingo().fetch("BRK.B", Window(date(2020, 5, 1), NOW), http))
    assert http.asked == [
        (
            "/tiingo/daily/BRK-B/prices",
            {"startDate": first, "format": "json", "resampleFreq": "daily", **end},
        )
        for first, end in (("2020-01-01", {"endDate": "2023-12-31"}), ("2024-01-01", {}))
    ]
    http.asked.clear()
    list(Tiingo().fetch("BRK.B", WINDOW, http))
    assert [query["startDate"] for _, query in http.asked] == ["2024-01-01"]


def test_a_year_without_a_closed_session_is_not_asked_for() -> None:
    new_year = Window(date(2023, 12, 26), datetime(2024, 1, 2, 15, tzinfo=UTC))
    http = Canned(lambda path, query: json.dumps([bar("2023-12-29", 10.0)]))
    list(Tiingo().fetch("AAPL", new_year, http))
    assert [query["endDate"] for _, query in http.asked] == ["2023-12-31"]


def test_a_bar_of_an_open_session_is_left_out_and_counted_whatever_the_vendor() -> None:
    during = Window(WINDOW.since, datetime(2024, 3, 6, 20, 59, tzinfo=UTC))
    for source, body in ((Tiingo(), json.dumps(SPLIT)), (Stooq(), CSV)):
        batch = fetch(source, lambda path, query, body=body: body, during)
        assert str(batch.records["session"].max()) == "2024-03-05"
        assert batch.notes["bars of unfinished sessions, left out"] == 1
        closed = Window(WINDOW.since, datetime(2024, 3, 6, 21, 0, tzinfo=UTC))
        later = fetch(source, lambda path, query, body=body: body, closed)
        assert str(later.records["session"].max()) == "2024-03-06"
        known = later.records.filter(session=date(2024, 3, 6))["known_at"].item()
        assert known == datetime(2024, 3, 6, 21, tzinfo=UTC)


def test_bars_from_the_future_and_of_no_session_go_to_quarantine() -> None:
    days = [SPLIT[-1], bar("2024-03-08", 53.0), bar("2024-03-03", 51.0), bar("March", 51.0)]
    batch = read_tiingo([*days, "row"], ASKED)
    assert batch.records.height == 1
    assert batch.quarantine["reason"].to_list() == [
        "it claims to be of the future: 2024-03-08 21:00 UTC",
        "no session of XNYS on this day",
        "the date is not YYYY-MM-DD",
        "the record is not a JSON object",
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("[]", "must have bars of AAPL from 2024-03-01 on"),
        ('{"detail": "Not found."}', "Not found."),
        ('{"detail": "Error: You have run over your hourly request allocation."}', "hourly"),
        (json.dumps([{"date": "2024-03-01", "last": 1}]), "close"),
        (json.dumps(SPLIT)[:-9], "cut off"),
        ("<html><body>502 Bad Gateway</body></html>", "HTML"),
        ("null", "'null'"),
    ],
)
def test_what_is_no_list_of_bars_of_tiingo_is_an_error_that_says_what_it_is(
    body: str, said: str
) -> None:
    with pytest.raises(SourceError, match="tiingo") as raised:
        fetch(Tiingo(), lambda path, query: body)
    assert said in str(raised.value)


def test_stooq_reads_one_table_of_both_spans_and_says_that_the_close_stands_in() -> None:
    past = "Date,Open,High,Low,Close,Volume\r\n2023-12-29,90,92,89,91,70\r\n"
    http = Canned(lambda path, query: past if query["d2"] == "20231231" else CSV)
    (batch,) = Stooq().fetch("BRK.B", Window(date(2023, 6, 1), NOW), http)
    assert closes(batch) == {
        "2023-12-29": 91.0,
        "2024-03-04": 102.0,
        "2024-03-05": 103.0,
        "2024-03-06": 104.0,
    }
    assert batch.notes["bars without an adjusted close, the close stands in"] == 4
    assert http.asked == [
        ("/q/d/l/", {"s": "brk-b.us", "i": "d", "d1": f"{y}0101", "d2": f"{y}1231"})
        for y in (2023, 2024)
    ]


@pytest.mark.parametrize("source", [Stooq(), Tiingo()])
def test_bars_from_before_the_first_day_asked_for_are_left_out_and_counted(source: Source) -> None:
    table = CSV.replace(
        "2024-03-04",
        "2014-05-05,1,3,1,2,80\n2023-12-29,1,3,1,2,80\n2024-01-02,1,3,1,2,80\n2024-03-04",
    )
    days = ("2014-05-05", "2023-12-29", "2024-01-02", "2024-03-04", "2024-03-05", "2024-03-06")
    objects = json.dumps([bar(day, 100.0) for day in days])
    batch = fetch(source, lambda path, query: table if source.name == "stooq" else objects)
    assert list(closes(batch)) == list(days[2:])
    assert batch.notes["bars from before the first day asked for, left out"] == 2
    assert batch.quarantine.is_empty()


def test_no_data_of_stooq_is_an_error_only_if_it_says_so_of_all_spans() -> None:
    since = Window(date(2023, 6, 1), NOW)
    young = fetch(Stooq(), lambda p, q: "No data" if q["d2"] == "20231231" else CSV, since)
    assert young.records.height == 3
    with pytest.raises(SourceError, match="stooq must have bars of AAPL"):
        fetch(Stooq(), lambda path, query: "No data", since)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("Exceeded the daily hits limit", "Ask again tomorrow"),
        ("Get your apikey:\n\n1. Open https://stooq.com/q/d/?s=aapl.us", "STOOQ_API_KEY of the"),
        ("Przekroczony dzienny limit wywolan", "Ask again tomorrow"),
        ("<html><head><title>Stooq</title>", "a page of HTML"),
        ("Access denied", "text: 'Access denied'"),
        ("Date,Open,High,Low,Last,Volume\n2024-03-04,1,1,1,1,1\n", "Close, however they have"),
        ("", "empty"),
    ],
)
def test_what_is_no_table_of_stooq_is_an_error_that_says_what_it_is(body: str, said: str) -> None:
    with pytest.raises(SourceError, match="stooq") as raised:
        fetch(Stooq(), lambda path, query: body)
    assert said in str(raised.value)


def test_a_broken_line_of_stooq_costs_that_line() -> None:
    for line, reason in (
        ("2024-03-01,1,2", "low is missing; close is missing; adj_close is missing"),
        ("2024-03-01,1,2,1,1,10,11", "the row has 7 fields, the header 6"),
    ):
        batch = read_stooq([Answer(f"{CSV}{line}\n".encode(), "text/csv")], ASKED)
        assert batch.records.height == 3
        assert batch.quarantine["reason"].item().startswith(reason)


@pytest.mark.parametrize("ticker", ["^GSPC", "VOD.L", "EURUSD=X", "A/B", "BRK.B.C"])
def test_a_ticker_that_is_none_of_the_us_is_refused_before_it_is_asked_for(ticker: str) -> None:
    for source in (Tiingo(), Stooq()):
        http = Canned(lambda path, query: "")
        with pytest.raises(SourceError, match="must be one of the US"):
            list(source.fetch(ticker, WINDOW, http))
        assert not http.asked


JSON_VALUES = st.none() | st.integers() | st.floats() | st.text(max_size=8) | st.booleans()
KEYS = ("date", "open", "high", "low", "close", "volume", "adjClose", "splitFactor")


def accounted(batch: Batch) -> bool:
    return batch.read == batch.records.height + batch.quarantine.height + batch.duplicate


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(SPLIT) | JSON_VALUES, max_size=6), st.data())
def test_any_records_of_tiingo_are_a_batch_or_a_source_error(
    records: list[object], data: st.DataObject
) -> None:
    changes = st.dictionaries(st.sampled_from(KEYS), JSON_VALUES, max_size=2)
    changed = [{**r, **data.draw(changes)} if isinstance(r, dict) else r for r in records]
    try:
        assert accounted(read_tiingo(changed, ASKED))
    except SourceError:
        return


@pytest.mark.parametrize("source", [Tiingo(), Stooq()], ids=["tiingo", "stooq"])
def test_bars_of_days_that_nobody_asked_for_are_no_answer(source: Source) -> None:
    body = CSV if source.name == "stooq" else json.dumps(SPLIT)
    with pytest.raises(SourceError, match=rf"{source.name}:AAPL must .* 2023-12-31, however none"):
        fetch(source, lambda path, query: body, Window(date(2023, 5, 1), NOW))


def mutations(valid: bytes) -> st.SearchStrategy[bytes]:
    place, some = st.integers(0, len(valid)), st.binary(max_size=5)
    cut = st.builds(lambda at, put, n: valid[:at] + put + valid[at + n :], place, some, place)
    return st.binary(max_size=200) | cut


@settings(max_examples=200, deadline=None)
@given(mutations(json.dumps(SPLIT).encode()))
def test_any_bytes_of_tiingo_are_a_batch_or_a_source_error(body: bytes) -> None:
    try:
        records = records_of(Answer(body, "application/json"), (WINDOW.since, None), ASKED)
        assert accounted(read_tiingo(records, ASKED))
    except SourceError:
        return


@settings(max_examples=200, deadline=None)
@given(mutations(CSV.encode()), st.sampled_from([None, "utf-8", "latin-1", "utf-16"]))
def test_any_bytes_of_stooq_are_a_batch_or_a_source_error(body: bytes, charset: str | None) -> None:
    try:
        assert accounted(read_stooq([Answer(body, "text/csv", charset)], ASKED))
    except SourceError:
        return
