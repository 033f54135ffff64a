"""Values of FRED are known when they were released, not a day earlier, revisions included."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from alfred import Alfred, Released
from hypothesis import given, settings
from hypothesis import strategies as st

from stocktrend.catalog import MACRO_FEATURES
from stocktrend.errors import SourceError
from stocktrend.features.macro import FORMULAS
from stocktrend.live.alfred import OPEN, Asked, page_of, read_vintages
from stocktrend.live.fred import FEATURE_SERIES, Fred
from stocktrend.live.http import Answer
from stocktrend.live.source import Window
from stocktrend.sources.batch import Batch

NOW = datetime(2021, 6, 1, 12, tzinfo=UTC)
EARLY = Window(date(1900, 1, 1), NOW)
NEW_YORK = ZoneInfo("America/New_York")


def d(day: str) -> date:
    return date.fromisoformat(day)


def released_at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 23, 59, tzinfo=NEW_YORK).astimezone(UTC)


def versions(batches: Sequence[Batch]) -> set[tuple[date, datetime, float | None]]:
    frames = [b.records.select("period", "known_at", "value") for b in batches]
    return set(pl.concat(frames).iter_rows())


def fetch(releases: Sequence[Released], window: Window = EARLY, **settings: int) -> list[Batch]:
    return list(Fred(**settings).fetch("PAYEMS", window, Alfred({"PAYEMS": releases})))  # type: ignore[arg-type]


JOBS: list[Released] = [
    (d("2019-11-01"), d("2019-12-06"), "152242"),
    (d("2019-11-01"), d("2020-01-10"), "152280"),
    (d("2019-12-01"), d("2020-01-10"), "152383"),
    (d("2019-11-01"), d("2020-02-07"), "151814"),
    (d("2019-12-01"), d("2020-02-07"), "151998"),
    (d("2020-01-01"), d("2020-02-07"), "152186"),
]


def test_each_release_is_a_version_known_at_the_end_of_its_day_in_new_york() -> None:
    assert versions(fetch(JOBS)) == {
        (period, released_at(day), float(str(value))) for period, day, value in JOBS
    }
    assert released_at(d("2020-01-10")) == datetime(2020, 1, 11, 4, 59, tzinfo=UTC)


def test_periods_of_real_time_that_meet_tell_the_same_as_one() -> None:
    months = [date(2001 + m // 12, m % 12 + 1, 1) for m in range(242)]
    releases = [
        (month, later + timedelta(days=5 + 31 * nth), str(100 + place + nth / 10))
        for place, (month, later) in enumerate(pairwise(months))
        for nth in range(3)
    ]
    batches = fetch(releases)
    assert len(batches) == 6  # five years each, then what is left of the past, then this year
    told = versions(batches)
    assert told == {(period, released_at(day), float(v)) for period, day, v in releases}
    assert sum(b.records.height for b in batches) == len(releases)


def test_a_value_that_ceases_is_withdrawn_on_the_day_after() -> None:
    releases = [*JOBS, (d("2020-01-01"), d("2020-03-06"), None)]
    batch = fetch(releases)[-1]
    assert (d("2020-01-01"), released_at(d("2020-03-06")), None) in versions([batch])
    assert batch.notes["values withdrawn later, kept as withdrawals"] == 1
    boundary = [*JOBS, (d("2020-01-01"), d("2020-12-31"), None)]
    assert (d("2020-01-01"), released_at(d("2020-12-31")), None) in versions(fetch(boundary))
    opening = [*JOBS, (d("2020-01-01"), d("2021-01-01"), None)]
    assert (d("2020-01-01"), released_at(d("2021-01-01")), None) in versions(fetch(opening))


def test_a_value_that_was_withdrawn_may_come_back() -> None:
    month = d("2020-01-01")
    told = [
        (month, d("2020-02-07"), "152186"),
        (month, d("2020-03-06"), None),
        (month, d("2020-04-03"), "152234"),
    ]
    assert versions(fetch(told)) == {
        (month, released_at(d("2020-02-07")), 152186.0),
        (month, released_at(d("2020-03-06")), None),
        (month, released_at(d("2020-04-03")), 152234.0),
    }


def test_a_dot_withdraws_what_was_there_and_is_no_value_where_nothing_was() -> None:
    releases = [
        *JOBS,
        (d("2020-02-01"), d("2020-03-06"), "."),
        (d("2020-02-01"), d("2020-03-09"), "152500"),
        (d("2020-01-01"), d("2020-03-06"), "."),
    ]
    batches = fetch(releases)
    assert sum(b.notes.get("dates without a value, left out", 0) for b in batches) == 1
    assert {v for v in versions(batches) if v[0] >= d("2020-01-01")} == {
        (d("2020-01-01"), released_at(d("2020-02-07")), 152186.0),
        (d("2020-01-01"), released_at(d("2020-03-06")), None),
        (d("2020-02-01"), released_at(d("2020-03-09")), 152500.0),
    }


def test_pages_are_put_together_and_one_that_comes_twice_is_an_error() -> None:
    server = Alfred({"PAYEMS": JOBS})
    batches = list(Fred(page=2).fetch("PAYEMS", EARLY, server))
    assert versions(batches) == versions(fetch(JOBS))
    assert [q["offset"] for p, q in server.asked if "observations" in p] == ["0", "0", "2", "4"]

    class Stuck(Alfred):
        def answer(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
            status, body = super().answer(path, {**query, "offset": "0"})
            return status, body.replace(b'"offset": 0', b'"offset": %s' % query["offset"].encode())

    with pytest.raises(SourceError, match=r"fred:PAYEMS must .*(once|asked for)"):
        list(Fred(page=2).fetch("PAYEMS", EARLY, Stuck({"PAYEMS": JOBS})))


def test_a_daily_series_never_asks_for_more_vintages_than_are_allowed() -> None:
    days = [d("2001-01-01") + timedelta(days=n) for n in range(7450)]
    releases: list[Released] = [(day, day + timedelta(days=1), "1.5") for day in days]
    server = Alfred({"DFF": releases})
    batches = list(Fred().fetch("DFF", EARLY, server))
    assert versions(batches) == {
        (day, released_at(released), 1.5) for day, released, _ in releases if released < NOW.date()
    }
    starts = [q.get("observation_start") for p, q in server.asked if "observations" in p]
    assert starts == [None, "2004-01-01", "2009-01-01", "2014-01-01", "2019-01-01", "2020-01-01"]


def test_a_first_ask_reaches_back_so_that_changes_of_a_year_can_be_told() -> None:
    ask = Fred(since=d("2020-12-01"))
    server = Alfred({"PAYEMS": JOBS})
    assert versions(list(ask.fetch("PAYEMS", Window(d("2020-12-01"), NOW), server))) == versions(
        fetch(JOBS)
    )
    server.asked.clear()
    assert list(ask.fetch("PAYEMS", Window(d("2021-05-20"), NOW), server)) == []
    assert [path for path, _ in server.asked] == ["/fred/series/vintagedates"]


def test_the_same_questions_are_asked_the_next_day() -> None:
    releases = [*JOBS, (d("2021-04-01"), d("2021-05-07"), "144000")]
    server = Alfred({"PAYEMS": releases})
    for day in (3, 4):
        now = datetime(2021, 6, day, 12, tzinfo=UTC)
        list(Fred().fetch("PAYEMS", Window(d("2021-05-25") + timedelta(days=day), now), server))
    assert server.asked[:2] == server.asked[2:]
    assert server.asked[1][1]["realtime_start"] == "2020-12-31"


def test_old_values_of_the_first_vintage_are_dated_by_rule_only_if_never_revised() -> None:
    archive = d("2013-05-01")
    releases: list[Released] = [
        (d("2010-03-01"), archive, "5.0"),
        (d("2013-04-29"), archive, "5.1"),
    ]
    daily = list(Fred().fetch("BAA10Y", EARLY, Alfred({"BAA10Y": releases})))
    assert versions(daily) == {
        (d("2010-03-01"), datetime(2010, 3, 2, 15, tzinfo=UTC), 5.0),
        (d("2013-04-29"), released_at(archive), 5.1),
    }
    revised = list(Fred().fetch("PAYEMS", EARLY, Alfred({"PAYEMS": releases})))
    assert {known for _, known, _ in versions(revised)} == {released_at(archive)}
    assert list(revised[0].notes) == [
        "PAYEMS: values older than ALFRED's first vintage (2013-05-01), known from it on"
    ]


def test_a_series_without_vintages_is_dated_by_its_rule_or_refused() -> None:
    class NoVintages(Alfred):
        def answer(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
            if path.endswith("vintagedates"):
                return 200, json.dumps({"count": 0, "offset": 0, "vintage_dates": []}).encode()
            today = {"realtime_start": str(NOW.date()), "realtime_end": str(NOW.date())}
            return super().answer(path, {**query, **today})

    releases = [(d("2020-01-01"), d("2020-02-13"), "9")]
    http = NoVintages({"CPIAUCSL": releases, "XYZ": releases})
    (batch,) = Fred().fetch("CPIAUCSL", EARLY, http)
    assert batch.records.select("period", "known_at", "revised").row(0) == (
        d("2020-01-01"),
        released_at(d("2020-03-01")),  # sixty days after the label date
        True,
    )
    assert not batch.versioned
    with pytest.raises(SourceError, match="XYZ has neither"):
        list(Fred().fetch("XYZ", EARLY, http))


def test_values_released_after_tomorrow_go_to_quarantine() -> None:
    releases = [*JOBS, (d("2021-05-01"), d("2021-06-04"), "145000")]
    batch = fetch(releases)[-1]
    assert batch.records.is_empty()
    assert batch.quarantine["reason"].to_list() == [
        "it claims to be of the future: 2021-06-05 03:59 UTC"
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error_code": 400, "error_message": "Bad Request.  The series does not exist."}', "ex"),
        (b'{"count": 1, "offset": 0, "vintage_date": ["2020-01-01"]}', "vintage_date"),
        (b'{"count": 1, "offset": 0, "vintage_dates": ["01/02/2020"]}', "01/02/2020"),
        (b'{"count": 1, "offset": 0, "vintage_dates": [7]}', "YYYY-MM-DD"),
        (b'{"count": "many", "offset": 0, "vintage_dates": []}', "count and an offset"),
        (b'{"count": 5, "offset": 0, "vintage_dates": []}', "of 5"),
        (b'{"count": 900000, "offset": 0, "vintage_dates": ["2020-01-10"]}', "at most 800,000"),
        (b'{"count": 9, "offset": 4, "vintage_dates": ["2020-01-10"]}', "from 4 on"),
        (b"<html>Service unavailable</html>", "HTML"),
    ],
)
def test_an_answer_that_is_no_list_of_vintages_is_an_error_that_says_so(
    body: bytes, said: str
) -> None:
    class Broken(Alfred):
        def answer(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
            return 200, body

    with pytest.raises(SourceError, match="fred") as raised:
        list(Fred().fetch("PAYEMS", EARLY, Broken({})))
    assert said in str(raised.value)


def test_a_renamed_field_is_an_error_and_a_bad_row_goes_to_quarantine() -> None:
    good = {"realtime_start": "2020-01-10", "realtime_end": "9999-12-31", "date": "2019-12-01"}
    asked = Asked("PAYEMS", "fred", d("2019-12-31"), OPEN, EARLY, None)
    with pytest.raises(SourceError, match="value"):
        read_vintages([{**good, "val": "1"}], asked)
    rows = [{**good, "value": v} for v in ("1.5", "1.5", "x", "1e999")]
    batch = read_vintages([*rows, {**good, "date": "December", "value": "2"}, "row"], asked)
    assert batch.records["value"].to_list() == [1.5]
    assert batch.duplicate == 1
    assert batch.read == 6
    assert batch.quarantine["row"].to_list() == [3, 4, 5, 6]


def test_the_settings_name_what_the_macro_features_need() -> None:
    needed = {FORMULAS[name].series for name in MACRO_FEATURES if name in FORMULAS}
    assert set(FEATURE_SERIES) == needed | {"DGS2"}


VALID = json.dumps({"count": 6, "offset": 0, "observations": JOBS}, default=str).encode()
CELLS = st.none() | st.integers() | st.text(max_size=12) | st.dates().map(str) | st.floats()


@settings(max_examples=200, deadline=None)
@given(
    st.binary()
    | st.builds(
        lambda cut, at, put: VALID[:at] + put + VALID[at + cut :],
        st.integers(0, 9),
        st.integers(0, len(VALID)),
        st.binary(max_size=4),
    )
)
def test_any_bytes_are_a_page_or_a_source_error(body: bytes) -> None:
    try:
        page_of(Answer(body, "application/json"), "fred", "observations", 0)
    except SourceError:
        return


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(("realtime_start", "realtime_end", "date", "value"), CELLS),
        )
        | CELLS,
        max_size=6,
    )
)
def test_any_records_are_a_batch_in_which_each_is_accounted_for_or_a_source_error(
    records: list[object],
) -> None:
    asked = Asked("PAYEMS", "fred", d("2019-12-31"), OPEN, EARLY, d("2000-01-01"))
    try:
        batch = read_vintages(records, asked)
    except SourceError:
        return
    assert batch.read == batch.records.height + batch.quarantine.height + batch.duplicate
