"""What is asked of live sources, and what of it is stored."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from invented import LONG_AGO, NOW, Bars, Wire, asked, daily

from stocktrend.errors import LakeError
from stocktrend.lake import Lake
from stocktrend.lake.moments import states
from stocktrend.lake.restoring import restore
from stocktrend.live import storing
from stocktrend.live.health import FAILURES
from stocktrend.live.http import Http, NothingError, UnreachableError
from stocktrend.live.source import Window
from stocktrend.live.updating import fetch
from stocktrend.sources.batch import Batch

TOMORROW = NOW + timedelta(days=1)
MARCH = date(2024, 3, 1)


def stored(lake: Lake) -> list[str]:
    return lake.read("news")["id"].to_list()


def test_a_first_update_asks_from_the_start_and_stores_every_record(tmp_path: Path) -> None:
    lake, wire = Lake(tmp_path), Wire({"AAPL": daily(date(2023, 12, 30), 5)})
    (found,) = fetch(lake, [asked(wire)], now=NOW)
    assert wire.asked == [("AAPL", LONG_AGO)]
    assert stored(lake) == [f"word-{d}" for d in
        ("2023-12-30", "2023-12-31", "2024-01-01", "2024-01-02", "2024-01-03")]  # fmt: skip
    assert (found.done, found.counts.read, found.counts.new, found.error) == (1, 5, 5, None)


def test_a_later_update_asks_from_the_last_one_less_the_overlap(tmp_path: Path) -> None:
    lake, wire = Lake(tmp_path), Wire({"AAPL": daily(MARCH, 8)})
    fetch(lake, [asked(wire)], now=NOW)
    fetch(lake, [asked(wire)], now=TOMORROW)
    assert wire.asked[-1] == ("AAPL", date(2024, 3, 5))


def test_a_second_update_of_a_day_that_brings_nothing_new_writes_nothing(tmp_path: Path) -> None:
    lake, wire = Lake(tmp_path), Wire({"AAPL": [*daily(MARCH, 8), (MARCH, "bad", "")]})
    fetch(lake, [asked(wire)], now=NOW)
    files = sorted(tmp_path.rglob("*.json"))
    assert lake.quarantine().height == 1
    (found,) = fetch(lake, [asked(wire)], now=NOW + timedelta(hours=2))
    assert sorted(tmp_path.rglob("*.json")) == files
    assert found.counts.unchanged == 4


def test_a_record_that_changed_within_the_overlap_is_a_revision_known_from_now(
    tmp_path: Path,
) -> None:
    lake, wire = Lake(tmp_path), Wire({"AAPL": daily(MARCH, 8)})
    fetch(lake, [asked(wire)], now=NOW)
    day, key, _ = wire.items["AAPL"][-1]
    wire.items["AAPL"][-1] = (day, key, "corrected")
    (found,) = fetch(lake, [asked(wire)], now=TOMORROW)
    assert found.counts.revised == 1
    assert lake.read("news", as_of=NOW)["text"].to_list()[-1] == "word of 2024-03-08"
    assert lake.read("news", as_of=TOMORROW)["text"].to_list()[-1] == "corrected"


def test_other_settings_ask_from_the_start_again(tmp_path: Path) -> None:
    lake, wire = Lake(tmp_path), Wire({"AAPL": daily(MARCH, 8)})
    fetch(lake, [asked(wire)], now=NOW)
    fetch(lake, [asked(wire, settings="other")], now=TOMORROW)
    assert wire.asked[-1] == ("AAPL", LONG_AGO)


def test_a_part_that_failed_is_asked_from_the_start_when_others_are_not(tmp_path: Path) -> None:
    lake, wire = Lake(tmp_path), Wire({"AAPL": daily(MARCH, 8), "MSFT": daily(MARCH, 8)})
    fetch(lake, [asked(replace(wire, broken=frozenset({"MSFT"})))], now=NOW)
    fetch(lake, [asked(wire)], now=TOMORROW)
    assert wire.asked[-2:] == [("AAPL", date(2024, 3, 5)), ("MSFT", LONG_AGO)]


def test_a_day_of_ones_own_is_asked_whatever_is_marked(tmp_path: Path) -> None:
    lake, wire = Lake(tmp_path), Wire({"AAPL": daily(MARCH, 8)})
    fetch(lake, [asked(wire)], now=NOW)
    fetch(lake, [asked(wire)], now=TOMORROW, since=date(2020, 1, 1))
    assert wire.asked[-1] == ("AAPL", date(2020, 1, 1))
    fetch(lake, [asked(wire)], now=TOMORROW)
    assert wire.asked[-1] == ("AAPL", date(2024, 3, 6))


def test_a_day_of_ones_own_that_leaves_a_gap_marks_nothing(tmp_path: Path) -> None:
    lake, wire = Lake(tmp_path), Wire({"AAPL": daily(MARCH, 8)})
    fetch(lake, [asked(wire)], now=NOW, since=date(2024, 3, 7))
    assert stored(lake) == ["word-2024-03-07", "word-2024-03-08"]
    fetch(lake, [asked(wire)], now=NOW)
    assert wire.asked[-1] == ("AAPL", LONG_AGO)
    assert len(stored(lake)) == 8


def test_one_source_that_fails_leaves_the_others_their_records(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    bad = Wire({"AAPL": daily(MARCH, 2, "bad")}, name="bad", broken=frozenset({"AAPL"}))
    good = Wire({"AAPL": daily(MARCH, 2, "good")}, name="good")
    failed, done = fetch(lake, [asked(bad), asked(good)], now=NOW)
    assert failed.error == "bad must answer, however AAPL did not. Try again later"
    assert (done.error, stored(lake)) == (None, ["good-2024-03-01", "good-2024-03-02"])


def test_a_source_is_asked_no_more_after_five_parts_in_a_row_failed(tmp_path: Path) -> None:
    names = [f"T{n}" for n in range(9)]
    down = Wire({n: daily(MARCH, 1) for n in names}, broken=frozenset(names[1:]))
    (found,) = fetch(Lake(tmp_path), [asked(down)], now=NOW)
    assert [part for part, _ in down.asked] == names[: 1 + FAILURES]
    assert (found.done, len(found.failed), found.skipped) == (1, 5, 3)
    assert "7 more of 9 parts" in str(found.error)


def test_a_source_that_has_nothing_of_many_parts_is_asked_for_the_others(tmp_path: Path) -> None:
    names = [f"T{n}" for n in range(9)]
    broken = frozenset(names[:-1])
    some = Wire({n: daily(MARCH, 1) for n in names}, broken=broken, error=NothingError)
    (found,) = fetch(Lake(tmp_path), [asked(some)], now=NOW)
    assert (found.done, len(found.failed), found.skipped) == (1, 8, 0)


@pytest.mark.parametrize(("answered", "most"), [(0, 1), (1, FAILURES)])
def test_a_source_that_was_never_connected_to_is_asked_for_one_part(
    tmp_path: Path, answered: int, most: int
) -> None:
    names = [f"T{n}" for n in range(9)]
    broken = frozenset(names[answered:])
    down = Wire({n: daily(MARCH, 1) for n in names}, broken=broken, error=UnreachableError)
    (found,) = fetch(Lake(tmp_path), [asked(down)], now=NOW)
    assert [part for part, _ in down.asked] == names[: answered + most]
    assert (found.done, len(found.failed), found.skipped) == (answered, most, 9 - answered - most)


class Delisted(Bars):
    """Has nothing of the tickers that end in X."""

    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        if part.endswith("X"):
            raise NothingError(f"{self.name} must have bars of {part}, however there is none")
        yield from super().fetch(part, window, http)


def test_a_ticker_without_bars_is_no_failure_of_the_others(tmp_path: Path) -> None:
    (found,) = fetch(Lake(tmp_path), [asked(Delisted(("A", "GONEX", "B")))], now=NOW)
    assert (found.done, found.failed, found.error) == (2, {}, None)
    assert list(found.lacking) == ["GONEX"]
    (found,) = fetch(Lake(tmp_path), [asked(Delisted(("A", "BX", "CX", "B", "DX")))], now=NOW)
    assert str(found.error).startswith("vendor must have bars of BX")


class HalfWay(Wire):
    """Fails after what it has."""

    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        yield from super().fetch(part, window, http)
        yield from replace(self, broken=frozenset({part}), asked=[]).fetch(part, window, http)


def test_what_came_before_a_part_failed_is_stored_and_the_part_asked_for_again(
    tmp_path: Path,
) -> None:
    lake, items = Lake(tmp_path), {"AAPL": daily(MARCH, 8)}
    (found,) = fetch(lake, [asked(HalfWay(items))], now=NOW)
    assert (len(stored(lake)), found.done, found.counts.new) == (8, 0, 8)
    wire = Wire(items)
    (found,) = fetch(lake, [asked(wire)], now=TOMORROW)
    assert wire.asked == [("AAPL", LONG_AGO)]
    assert found.counts.unchanged == 8


def test_of_two_rows_of_a_key_in_two_answers_of_a_part_the_first_is_kept(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    twice = [(date(2023, 5, 1), "same", "one"), (MARCH, "same", "two"), (MARCH, "x", "three")]
    for settings in ("as set", "other"):
        wire = asked(Wire({"AAPL": list(twice)}), settings=settings)
        (found,) = fetch(lake, [wire], now=NOW)
        assert lake.history("news")["text"].to_list() == ["one", "three"]
        assert lake.quarantine()["reason"].to_list() == [
            "the same ticker and id as row 1, with other content"
        ]
    assert (found.counts.read, found.counts.unchanged, found.counts.quarantined) == (3, 2, 1)


class Defective(Wire):
    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        raise ZeroDivisionError("a defect")


def test_a_defect_of_a_source_ends_the_update_as_a_defect(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError, match="a defect"):
        fetch(Lake(tmp_path), [asked(Defective({"AAPL": []}))], now=NOW)


class Endless(Wire):
    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        while True:
            time.sleep(0.01)
            yield from super().fetch(part, window, http)


def test_sources_are_asked_no_more_once_the_lake_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("a file where the lake should be")
    wire = Wire({"AAPL": daily(MARCH, 8)})
    before = threading.active_count()
    with pytest.raises(LakeError):
        fetch(
            Lake(tmp_path / "lake"),
            [asked(wire), asked(Endless({"AAPL": daily(MARCH, 1)}, name="endless"))],
            now=NOW,
            seconds=0,
        )
    assert threading.active_count() == before


def test_sources_are_asked_at_the_same_time(tmp_path: Path) -> None:
    meeting = threading.Barrier(2, timeout=10)

    class Meets(Wire):
        def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
            meeting.wait()
            yield from super().fetch(part, window, http)

    sources = [Meets({"AAPL": daily(MARCH, 1, name)}, name=name) for name in ("one", "two")]
    fetch(Lake(tmp_path), [asked(source) for source in sources], now=NOW)
    assert stored(Lake(tmp_path)) == ["one-2024-03-01", "two-2024-03-01"]


def test_progress_counts_the_parts_of_each_source(tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None, str]] = []
    wire = Wire({"AAPL": daily(MARCH, 1), "MSFT": daily(MARCH, 1)})
    fetch(Lake(tmp_path), [asked(wire)], now=NOW, progress=lambda *step: told.append(step))
    assert told == [("wire", n, 2, "parts") for n in range(3)]


def test_bars_of_many_tickers_are_stored_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "MOST_TICKERS", 2)
    lake, names = Lake(tmp_path), tuple(f"T{n}" for n in range(5))
    (found,) = fetch(lake, [asked(Bars(names))], now=NOW)
    assert found.counts.new == 15
    assert lake.versions()["bars"] == 2
    (found,) = fetch(lake, [asked(Bars(names))], now=TOMORROW)
    assert (found.counts.unchanged, lake.versions()["bars"]) == (15, 2)


def test_what_the_lake_has_of_one_vendor_is_not_revised_by_another(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    fetch(lake, [asked(Bars(("A", "B"), name="first"))], now=NOW)
    other = Bars(("A", "B"), price=100.02, name="other", days=range(5, 9))
    (found,) = fetch(lake, [asked(other)], now=TOMORROW)
    assert (found.counts.new, found.counts.revised) == (4, 0)
    kept = lake.history("bars", ["A"])
    assert kept["source"].to_list() == ["first"] * 3 + ["other"] * 2
    left = "bars of sessions that the lake has from another source, left out"
    assert found.counts.notes == {left: 4}


def test_bars_that_overlap_with_those_of_no_vendor_are_told(tmp_path: Path) -> None:
    lake, later = Lake(tmp_path), Bars(("A", "B"), name="other", days=range(7, 9))
    fetch(lake, [asked(Bars(("A",), name="first"))], now=NOW)
    fetch(lake, [asked(Bars(("B",), name="first", days=range(4, 8)))], now=NOW)
    (found,) = fetch(lake, [asked(later)], now=TOMORROW)
    assert found.counts.notes == {
        "bars of sessions that the lake has from another source, left out": 1,
        "tickers without overlap with their stored bars, stored as they are": 1,
    }


def test_a_revision_is_known_from_when_it_came_and_not_from_when_the_update_began(
    tmp_path: Path,
) -> None:
    lake, wire = Lake(tmp_path), Wire({"AAPL": daily(MARCH, 8)})
    fetch(lake, [asked(wire)], now=NOW)
    day, key, _ = wire.items["AAPL"][-1]
    wire.items["AAPL"][-1] = (day, key, "corrected")
    came = TOMORROW + timedelta(minutes=50)
    fetch(lake, [asked(wire)], now=TOMORROW, clock=lambda: came)
    assert lake.history("news")["known_at"].to_list()[-1] == came


def test_a_mark_of_a_clock_that_was_wrong_is_not_believed(tmp_path: Path) -> None:
    lake, wire = Lake(tmp_path), Wire({"AAPL": daily(MARCH, 8)})
    fetch(lake, [asked(wire)], now=NOW + timedelta(days=4000))
    fetch(lake, [asked(wire)], now=TOMORROW)
    assert wire.asked[-1] == ("AAPL", LONG_AGO)
    fetch(lake, [asked(wire)], now=TOMORROW)
    assert wire.asked[-1] == ("AAPL", date(2024, 3, 6))


@dataclass
class Restoring(Wire):
    """Before it answers, the lake goes back to a past state."""

    lake: Lake | None = None

    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        if self.lake is not None:
            restore(self.lake, states(self.lake)[0])
        yield from super().fetch(part, window, http)


def test_what_a_lake_that_went_back_during_an_update_lacks_is_asked_for_by_the_next(
    tmp_path: Path,
) -> None:
    lake, items = Lake(tmp_path), {"AAPL": daily(date(2024, 2, 1), 10)}
    fetch(lake, [asked(Wire(dict(items)))], now=NOW - timedelta(days=25))
    items["AAPL"] = daily(date(2024, 2, 1), 37)
    fetch(lake, [asked(Wire(items))], now=NOW)
    fetch(lake, [asked(Restoring(items, lake=lake))], now=NOW)
    assert len(stored(lake)) < 37
    fetch(lake, [asked(Wire(items))], now=NOW)
    assert len(stored(lake)) == 37


def test_bars_that_a_vendor_was_late_with_are_asked_for(tmp_path: Path) -> None:
    lake, windows = Lake(tmp_path), []

    class Late(Bars):
        def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
            windows.append(window.since)
            return super().fetch(part, window, http)

    for days, now in ((range(4, 7), NOW), (range(4, 7), NOW + timedelta(days=30))):
        fetch(lake, [asked(Late(("A",), days=days))], now=now)
    late = Late(("A",), days=range(4, 16))
    (found,) = fetch(lake, [asked(late)], now=NOW + timedelta(days=60))
    assert windows == [LONG_AGO, date(2024, 2, 28), date(2024, 2, 28)]
    assert (found.counts.new, found.counts.unchanged) == (9, 3)
