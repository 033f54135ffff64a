"""Vendors stand in for each other, and where they disagree it is said."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from stocktrend.errors import SourceError
from stocktrend.lake.store import Lake
from stocktrend.live.bars import AskedBars, closed_bars
from stocktrend.live.http import AnsweredError, Http, NothingError, UnreachableError
from stocktrend.live.source import Window
from stocktrend.live.vendors import Vendors, beside_others, disagreements
from stocktrend.sessions import sessions
from stocktrend.sources.batch import Batch
from stocktrend.sources.files import Rows

NOW = datetime(2024, 3, 6, 23, tzinfo=UTC)
WINDOW = Window(date(2024, 2, 1), NOW)
DAYS = (
    sessions()
    .filter(pl.col("session").is_between(date(2024, 2, 1), date(2024, 3, 6)))["session"]
    .to_list()
)
CLOSES = [100.0 + 3 * (n % 5) + n for n in range(len(DAYS))]
NAMES = ("open", "high", "low", "close", "adj_close", "volume")


def bars_of(
    source: str,
    closes: Sequence[float] = CLOSES,
    days: Sequence[date] = DAYS,
    ticker: str = "AAPL",
    volume: float = 1000,
    adjusted: Sequence[float] | None = None,
) -> Batch:
    frame = pl.DataFrame({"session": days, "close": closes, "adj_close": adjusted or closes})
    raw = frame.with_columns(
        pl.col("close").alias("open"),
        (pl.col("close") * 1.01).alias("high"),
        (pl.col("close") * 0.99).alias("low"),
        pl.lit(volume).alias("volume"),
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("row"),
    )
    columns = {name: name for name in ("session", *NAMES)}
    return closed_bars(Rows(raw), columns, AskedBars(ticker, source, WINDOW))


@dataclass
class Fixed:
    """A vendor that has the bars that it was given, by ticker."""

    name: str
    bars: dict[str, Batch]
    compare: bool = False
    only: tuple[str, ...] | None = None
    table: str = "bars"
    overlap: int = 10
    terms: str = "none"
    asked: list[str] = field(default_factory=list)
    error: type[SourceError] = SourceError

    def parts(self, tickers: Sequence[str]) -> tuple[str, ...]:
        return tuple(self.only if self.only is not None else tickers)

    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        self.asked.append(part)
        if part not in self.bars:
            raise self.error(f"{self.name} has no {part}")
        yield self.bars[part]


def ask(vendors: Vendors, ticker: str = "AAPL") -> list[Batch]:
    return list(vendors.fetch(ticker, WINDOW, None))  # type: ignore[arg-type]


def together(*members: Fixed) -> Vendors:
    return Vendors(tuple((member, None) for member in members))  # type: ignore[misc]


def test_the_first_vendor_that_has_bars_is_the_last_that_is_asked() -> None:
    first, second, third = (
        Fixed(name, {"AAPL": bars_of(name)} if has else {})
        for name, has in (("one", False), ("two", True), ("three", True))
    )
    (batch,) = ask(together(first, second, third))
    assert batch.path == "two:AAPL"
    assert batch.records["source"].unique().to_list() == ["two"]
    assert dict(batch.notes) == {"tickers that one failed for, from two instead": 1}
    assert (first.asked, second.asked, third.asked) == (["AAPL"], ["AAPL"], [])


def test_a_vendor_that_has_nothing_did_not_fail() -> None:
    vendors = together(Fixed("one", {}, error=NothingError), Fixed("two", {"AAPL": bars_of("two")}))
    (batch,) = ask(vendors)
    assert dict(batch.notes) == {"tickers that one had no bars of, from two instead": 1}
    assert {name: health.failure for name, health in vendors.fared.items()} == {
        "one": None,
        "two": None,
    }


def test_where_no_vendor_has_bars_the_error_says_why_of_each() -> None:
    with pytest.raises(SourceError, match=r"bars of MSFT, however: one has no .* two has no MSFT"):
        ask(together(Fixed("one", {}), Fixed("two", {})), "MSFT")


def test_where_all_vendors_have_nothing_there_is_nothing() -> None:
    with pytest.raises(NothingError, match=r"one has no MSFT .* two has no MSFT"):
        ask(together(*(Fixed(n, {}, error=NothingError) for n in ("one", "two"))), "MSFT")


def test_a_vendor_without_a_readable_bar_leaves_its_refused_rows_and_its_turn() -> None:
    bad = bars_of("one", [-1.0] * len(DAYS))
    batches = ask(together(Fixed("one", {"AAPL": bad}), Fixed("two", {"AAPL": bars_of("two")})))
    assert [b.path for b in batches] == ["one:AAPL", "two:AAPL"]
    assert batches[0].quarantine.height == len(DAYS)


def test_a_vendor_that_is_down_is_asked_five_times_and_no_more() -> None:
    down = Fixed("one", {})
    tickers = [f"T{n}" for n in range(9)]
    other = Fixed("two", {t: bars_of("two", ticker=t) for t in tickers})
    vendors = together(down, other)
    for ticker in tickers:
        assert ask(vendors, ticker)[0].path == f"two:{ticker}"
    assert down.asked == tickers[:5]
    one, two = vendors.fared["one"], vendors.fared["two"]
    assert (one.asked, one.failed, one.failing) == (9, 9, True)
    assert one.failure == "one has no T0 (9 of 9 parts failed or were not asked for)"
    assert (two.asked, two.failure, two.failing) == (9, None, False)


def test_a_vendor_that_was_never_connected_to_is_asked_once() -> None:
    down = Fixed("one", {}, error=UnreachableError)
    vendors = together(down)
    with pytest.raises(UnreachableError):
        ask(vendors, "T0")
    with pytest.raises(SourceError, match="not asked for T1, since it is down: one has no T0"):
        ask(vendors, "T1")
    assert down.asked == ["T0"]


def test_a_vendor_that_fails_in_comparing_failed() -> None:
    vendors = together(Fixed("one", {"AAPL": bars_of("one")}), Fixed("two", {}, compare=True))
    ask(vendors)
    assert vendors.fared["two"].failing


def test_a_vendor_that_has_nothing_of_many_tickers_is_not_down() -> None:
    tickers = [f"T{n}" for n in range(9)]
    first, second = Fixed("one", {}, error=NothingError), Fixed("two", {})
    vendors = together(first, second)
    for ticker in tickers:
        with pytest.raises(AnsweredError) as error:
            ask(vendors, ticker)
        assert not isinstance(error.value, NothingError)  # the second one may have them
    assert first.asked == tickers
    assert second.asked == tickers[:5]


def test_a_ticker_is_asked_only_of_vendors_that_are_to_have_it() -> None:
    yahoo = Fixed("yahoo", {"^GSPC": bars_of("yahoo", ticker="^GSPC")})
    tiingo = Fixed("tiingo", {"AAPL": bars_of("tiingo")}, only=("AAPL",))
    vendors = together(tiingo, yahoo)
    assert vendors.parts(["^GSPC"]) == ("AAPL", "^GSPC")
    assert ask(vendors, "^GSPC")[0].path == "yahoo:^GSPC"
    assert tiingo.asked == []


def wrong(day: int, by: float) -> list[float]:
    return [close * (by if n == day else 1) for n, close in enumerate(CLOSES)]


def test_a_vendor_that_compares_is_asked_too_and_what_differs_is_reported() -> None:
    first = Fixed("one", {"AAPL": bars_of("one")})
    second = Fixed("two", {"AAPL": bars_of("two", wrong(-1 % len(DAYS), 1.03))}, compare=True)
    (batch,) = ask(together(first, second))
    assert batch.records["source"].unique().to_list() == ["one"]
    (note,) = batch.notes
    change = CLOSES[-1] / CLOSES[-2] - 1
    theirs = 1.03 * CLOSES[-1] / CLOSES[-2] - 1
    assert note == (
        f"AAPL: sessions on which one and two differ by more than 0.5%, as on 2024-03-06 "
        f"({change:+.2%}, {theirs:+.2%})"
    )
    assert batch.notes[note] == 1


def test_bases_and_dividends_are_no_disagreement_and_a_wrong_close_is_two() -> None:
    ours = bars_of("one").records
    split = bars_of("two", [close / 4 for close in CLOSES]).records
    assert disagreements(ours, split).is_empty()
    paid = [close * (0.98 if n < 10 else 1) for n, close in enumerate(CLOSES)]
    split_only = bars_of("one", adjusted=paid).records
    total_return = bars_of("two", paid).records
    assert disagreements(split_only, total_return).is_empty()
    found = disagreements(ours, bars_of("two", wrong(10, 1.02)).records)
    assert found["session"].to_list() == [DAYS[10], DAYS[11]]
    assert found["change"][0] == pytest.approx(CLOSES[10] / CLOSES[9] - 1)
    assert found["change_other"][0] == pytest.approx(CLOSES[10] * 1.02 / CLOSES[9] - 1)
    cents = [round(close / 97, 2) for close in CLOSES]  # rounding moves changes by up to 0.8%
    assert disagreements(ours, bars_of("two", cents).records).is_empty()


def store(lake: Lake, batch: Batch) -> Batch:
    stored = lake.read("bars") if lake.exists else batch.records.clear()
    kept = beside_others(batch, stored, NOW)
    lake.upsert("bars", kept.records, NOW)
    return kept


def test_another_vendor_continues_the_bars_of_the_first_in_their_basis(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    store(lake, bars_of("one", CLOSES[:-3], DAYS[:-3]))
    # Since then the share was split 4 for 1, and this vendor counts another exchange's volume.
    later = bars_of("two", [close / 4 for close in CLOSES], volume=5200)

    kept = store(lake, later)

    assert kept.records["session"].to_list() == DAYS[-3:]
    assert kept.read == 3
    stored = lake.history("bars")
    assert stored.height == len(DAYS)  # no bar has a second version
    assert stored["close"].to_list() == pytest.approx(CLOSES)
    assert stored["source"].to_list() == ["one"] * (len(DAYS) - 3) + ["two"] * 3
    notes = {"bars of sessions that the lake has from another source, left out": len(DAYS) - 3}
    assert dict(kept.notes) == notes


def test_bars_that_contradict_those_of_another_source_are_reported_and_not_stored(
    tmp_path: Path,
) -> None:
    lake = Lake(tmp_path / "lake")
    store(lake, bars_of("one"))
    kept = store(lake, bars_of("two", wrong(5, 1.1)))
    assert kept.records.is_empty()
    assert any("two and one differ" in note and f"as on {DAYS[5]}" in note for note in kept.notes)
    assert lake.history("bars").height == len(DAYS)


def test_bars_of_the_same_source_revise_as_ever(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    store(lake, bars_of("one"))
    again = bars_of("one", wrong(5, 1.1))
    assert store(lake, again) is again
    assert lake.history("bars").height == len(DAYS) + 1
