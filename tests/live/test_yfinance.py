"""Whatever the library yfinance does, bars or a clear error come out of it, in time."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outcomes import Cell

from stocktrend.errors import SourceError
from stocktrend.live.bars import AskedBars
from stocktrend.live.child import Child
from stocktrend.live.pace import Pace
from stocktrend.live.source import Window
from stocktrend.live.yfinance import COLUMNS, MODULE, YFinance, problem, read_yfinance
from stocktrend.sources.batch import Batch

WINDOW = Window(date(2024, 3, 1), datetime(2024, 3, 6, 23, tzinfo=UTC))
STAND_IN = Path(__file__).with_name("yfinance_stand_in.py")
Ask = Callable[..., Batch]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose yfinance is the stand-in."""
    place = tmp_path_factory.mktemp("stand_in")
    shutil.copy(STAND_IN, place / "yfinance.py")
    return place


@pytest.fixture(scope="module")
def child(folder: Path) -> Iterator[Child]:
    """One process for all tests; it starts again where one ends it."""
    with pytest.MonkeyPatch.context() as patch:
        before = os.environ.get("PYTHONPATH")
        patch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *([before] if before else [])]))
        patch.setenv("ONCE", str(folder / "once"))
        patch.setenv("TIINGO_API_KEY", "marked-secret")
        running = Child(MODULE, seconds=30)
        yield running
        running.end()


@pytest.fixture
def ask(child: Child) -> Ask:
    """Bars of a ticker of the stand-in."""

    def asked(ticker: str, waits: list[float] | None = None, window: Window = WINDOW) -> Batch:
        slept = [] if waits is None else waits
        source = YFinance(child=child, pace=Pace(1e9), waits=(0.1, 0.2), sleep=slept.append)
        (batch,) = source.fetch(ticker, window, None)  # type: ignore[arg-type]
        return batch

    return asked


def closes(batch: Batch) -> list[float]:
    return batch.records["close"].to_list()


def test_bars_are_read_with_their_adjusted_closes(ask: Ask) -> None:
    batch = ask("GOOD")
    assert closes(batch) == [102.0, 103.0, 104.1]
    assert batch.records["adj_close"].to_list() == [101.5, 102.5, 104.1]
    assert batch.records["ticker"].unique().to_list() == ["GOOD"]
    assert ask("BRK.B").records["ticker"].unique().to_list() == ["BRK.B"]


def test_what_the_library_prints_is_no_answer(ask: Ask) -> None:
    assert closes(ask("PRINTS")) == [102.0, 103.0, 104.1]


@pytest.mark.parametrize("ticker", ["LEVELS", "TURNED"])
def test_columns_in_two_levels_are_those_of_prices(ask: Ask, ticker: str) -> None:
    assert closes(ask(ticker)) == [102.0, 103.0, 104.1]


def test_a_day_of_nothing_but_nan_goes_to_quarantine(ask: Ask) -> None:
    batch = ask("NANS")
    assert closes(batch) == [102.0, 104.1]
    assert batch.quarantine["reason"].to_list() == ["the prices are null"]


def test_an_unfinished_session_is_left_out_and_counted(ask: Ask) -> None:
    during = Window(WINDOW.since, datetime(2024, 3, 6, 20, tzinfo=UTC))
    batch = ask("GOOD", window=during)
    assert closes(batch) == [102.0, 103.0]
    assert batch.notes == {"bars of unfinished sessions, left out": 1}


@pytest.mark.parametrize(
    ("ticker", "said", "attempts"),
    [
        ("EMPTY", "must have bars of EMPTY from 2024-03-01 on, however the answer is empty", 1),
        ("UNKNOWN", "must have bars of UNKNOWN .* YFTzMissingError: .* delisted", 1),
        ("LIMITED", "within Yahoo's limits, however: YFRateLimitError: .* per_minute", 3),
        ("OFFLINE", "must reach Yahoo, however: ConnectionError: .* Check the network", 3),
        ("RENAMED", "Adj Close.* however none has Adj Close, .*Adjusted", 1),
        ("RAISES", "fails with RuntimeError: 'NoneType' object is not subscriptable", 1),
        ("NONE", "fails with AttributeError", 1),
        ("DIES", "its process was ended by SIGKILL", 1),
        ("EXITS", "its process ended with code 3", 1),
        ("KEYS", r"RuntimeError: keys: \[\]", 1),
    ],
)
def test_each_failure_is_an_error_that_tells_what_it_is(
    ask: Ask, ticker: str, said: str, attempts: int, cells: list[Cell]
) -> None:
    waits: list[float] = []
    with pytest.raises(SourceError, match=said) as raised:
        ask(ticker, waits)
    assert waits == [0.1, 0.2][: attempts - 1]
    assert "Traceback" not in str(raised.value)
    assert closes(ask("GOOD")) == [102.0, 103.0, 104.1]  # the next ticker is not harmed
    name = {"RENAMED": "a renamed field", "OFFLINE": "no network"}.get(ticker, ticker.lower())
    cells.append(Cell("yfinance", name, "error"))


def test_a_reset_connection_is_tried_again(ask: Ask, cells: list[Cell]) -> None:
    waits: list[float] = []
    assert closes(ask("ONCE", waits)) == [102.0, 103.0, 104.1]
    assert waits == [0.1]
    cells.append(Cell("yfinance", "connection reset", "retried"))


def test_a_call_that_hangs_is_ended_in_time(child: Child, ask: Ask, cells: list[Cell]) -> None:
    ask("GOOD")  # so that the start of the process is not in the time
    child.seconds, before = 1.0, child.seconds
    begin = time.monotonic()
    try:
        with pytest.raises(SourceError, match="must answer within 1 s"):
            ask("HANGS")
    finally:
        child.seconds = before
    assert time.monotonic() - begin < 10
    cells.append(Cell("yfinance", "no answer", "error"))


def test_a_call_that_eats_memory_is_an_error_and_stays_within_its_limit(
    child: Child, ask: Ask, cells: list[Cell]
) -> None:
    ask("GOOD")
    assert child._process is not None
    process = child._process
    with pytest.raises(SourceError, match=r"limit of memory|its process"):
        ask("EATS")
    assert process.wait(10) != 0
    assert closes(ask("GOOD"))
    cells.append(Cell("yfinance", "memory without end", "error"))


def test_an_answer_that_is_too_long_is_refused(child: Child, ask: Ask, cells: list[Cell]) -> None:
    child.longest, before = 2**20, child.longest
    try:
        with pytest.raises(SourceError, match="must answer in 1,048,576 bytes"):
            ask("ENDLESS")
    finally:
        child.longest = before
    cells.append(Cell("yfinance", "endless body", "error"))


def test_the_process_ends_with_what_holds_it(ask: Ask, child: Child) -> None:
    other = Child(MODULE, seconds=30)
    source = YFinance(child=other, pace=Pace(1e9), waits=())
    next(source.fetch("GOOD", WINDOW, None))  # type: ignore[arg-type]
    process = other._process
    assert process is not None
    del source, other
    assert process.wait(10) is not None


def test_without_the_library_the_error_says_how_to_install_it() -> None:
    told = {"kinds": ["ModuleNotFoundError", "ImportError"], "said": "No module named 'yfinance'"}
    error, again = problem(told, AskedBars("AAPL", "yfinance", WINDOW))
    assert "pip install 'stocktrend[live]'" in str(error)
    assert not again


def test_a_process_that_does_not_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(SourceError, match=r"yfinance:AAPL must run in a process .*/nowhere"):
        Child(MODULE).ask({}, "yfinance:AAPL")


def test_a_process_that_says_no_json_is_an_error_and_ended() -> None:
    child = Child("this", seconds=30)  # the library's poem, whatever it is asked
    with pytest.raises(SourceError, match="must answer in JSON, however its process said 'The Zen"):
        child.ask({}, "yfinance:AAPL")
    assert child._process is None


CELLS = st.none() | st.text(max_size=10) | st.integers() | st.floats() | st.lists(st.none())
ROW = ["2024-03-05", "102", "104", "101", "103", "102.5", "90"]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([*COLUMNS.values(), "Close", "x"]) | CELLS, max_size=9)
    | st.just(list(COLUMNS.values()))
    | CELLS,
    st.lists(st.just(ROW) | st.lists(CELLS, max_size=8) | CELLS, max_size=5) | CELLS,
)
def test_any_answer_is_a_batch_or_a_source_error(columns: object, rows: object) -> None:
    asked = AskedBars("AAPL", "yfinance", WINDOW)
    try:
        batch = read_yfinance({"columns": columns, "rows": rows}, asked)
    except SourceError:
        return
    assert batch.read == batch.records.height + batch.quarantine.height + batch.duplicate
