"""Rules on days, news, series, quarantine and what tables say of each other."""

import itertools
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from made_market import NOW, Market, day

import stocktrend as st
from stocktrend import schema
from stocktrend.config import Settings
from stocktrend.errors import DataError
from stocktrend.lake import Tables
from stocktrend.quality import Finding, check


def of(found: Tables, name: str, now: datetime = NOW) -> list[Finding]:
    return [f for f in check(found, Settings(), now).findings if f.rule == name]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def news(rows: list[tuple[str, str, str, str, str | None, bool]]) -> pl.DataFrame:
    """Of ticker, id, time, text, language and whether it is a repost."""
    return pl.DataFrame(
        [(moment(at), moment(at), "wire", t, i, text, lang, r) for t, i, at, text, lang, r in rows],
        schema=schema.NewsItem.create_empty().schema,
        orient="row",
    )


def series(name: str, periods: list[date], lag: int = 10) -> pl.DataFrame:
    known = [datetime(p.year, p.month, p.day, tzinfo=UTC) + timedelta(days=lag) for p in periods]
    rows = [(k, k, "made", name, p, 1.0, None, False) for k, p in zip(known, periods, strict=True)]
    return pl.DataFrame(rows, schema=schema.Observation.create_empty().schema, orient="row")


def test_a_gap_counts_the_sessions_of_the_exchange() -> None:
    market = Market()
    market.there[2, 100:109] = False
    market.there[2, 200] = False
    (finding,) = of(market.records(), "missing_sessions")
    assert (finding.subject, finding.rows) == ("T02", 10)
    assert finding.detail == "2 gaps, the longest of 9 sessions; 1 restart the history"
    report = check(market.records(), Settings(), NOW)
    worst = report.tables[0].coverage.row(0, named=True)
    assert (worst["subject"], worst["records"], worst["expected"]) == ("T02", 495, 505)
    assert report.tables[0].share == pytest.approx((20 * 505 - 10) / (20 * 505))


def test_a_saturday_is_no_session_and_a_delisted_ticker_ends_early() -> None:
    market = Market()
    market.there[3, 450:] = False
    bars = market.bars()
    saturday = bars.filter(pl.col("ticker") == "T01").head(1)
    saturday = saturday.with_columns(pl.lit(date(2019, 6, 8)).alias("session"))
    records = Tables({"bars": pl.concat([bars, saturday])})
    (closed,) = of(records, "no_session")
    assert (closed.subject, closed.first, closed.rows) == ("T01", date(2019, 6, 8), 1)
    (early,) = of(records, "ends_early")
    assert (early.subject, early.last) == ("T03", day(449))


@pytest.mark.parametrize(("now", "sessions"), [("2021-01-08", 0), ("2021-01-11", 6)])
def test_bars_are_outdated_after_five_sessions(now: str, sessions: int) -> None:
    # The last bar is of 2020-12-31; sessions follow on January 4, 5, 6, 7, 8 and 11.
    later = moment(now).replace(hour=22 if sessions else 12)
    found = of(Market().records(), "outdated_bars", later)
    assert [f.detail for f in found] == [f"{sessions} sessions have closed since"] * bool(sessions)


def test_revised_bars_are_counted() -> None:
    bars = Market().bars()
    later = bars.filter(pl.col("ticker") == "T04", pl.col("session") == day(7)).with_columns(
        pl.col("known_at") + pl.duration(days=3), pl.col("close") * 1.01
    )
    (finding,) = of(Tables({"bars": pl.concat([bars, later])}), "revised_bars")
    assert (finding.subject, finding.first, finding.rows) == ("T04", day(7), 1)


def test_shares_of_languages_repetitions_and_reposts() -> None:
    rows: list[tuple[str, str, str, str, str | None, bool]] = [
        ("A", "1", "2020-01-02", "up", "en", False),
        ("A", "2", "2020-01-03", "up", "en", False),
        ("B", "3", "2020-01-03", "up", "en", True),
        ("B", "4", "2020-01-04", "hoch", "de", False),
        ("B", "5", "2020-01-05", "down", None, False),
    ]
    records = Tables({"news": news(rows)})
    assert [(f.rows, f.detail) for f in of(records, "other_languages")] == [
        (1, "20.0% are not in English")
    ]
    assert [f.rows for f in of(records, "repeated_texts")] == [1]
    assert [f.rows for f in of(records, "reposts")] == [1]
    assert of(records, "from_the_future") == []
    assert [f.rows for f in of(records, "from_the_future", moment("2020-01-04"))] == [1]


def test_a_source_that_falls_silent_is_told_once_it_is_unusual() -> None:
    days = [f"2020-01-{number:02d}" for number in range(1, 31)] + ["2020-03-01", "2020-03-02"]
    rows: list[tuple[str, str, str, str, str | None, bool]] = [
        ("A", str(n), at, f"text {n}", "en", False) for n, at in enumerate(days)
    ]
    (finding,) = of(Tables({"news": news(rows)}), "silent_spell")
    assert (finding.subject, finding.first, finding.last) == (
        "wire",
        date(2020, 1, 30),
        date(2020, 3, 1),
    )
    seldom = [row for row in rows if row[2] in ("2020-01-01", "2020-01-30", "2020-03-01")]
    assert of(Tables({"news": news(seldom)}), "silent_spell") == []


def test_a_month_that_was_never_published_and_a_series_that_ended() -> None:
    months = [date(2019 + n // 12, n % 12 + 1, 1) for n in range(24)]
    full, holed = series("FULL", months), series("HOLED", [*months[:9], *months[10:]])
    ended = series("ENDED", months[:12])
    records = Tables({"macro": pl.concat([full, holed, ended])})
    (hole,) = of(records, "missing_period")
    assert (hole.subject, hole.first, hole.last, hole.rows) == (
        "HOLED",
        date(2019, 9, 1),
        date(2019, 11, 1),
        1,
    )
    assert [f.subject for f in of(records, "outdated_series")] == ["ENDED"]


def test_daily_series_may_pause_over_holidays() -> None:
    days = [date(2020, 12, 1) + timedelta(days=n) for n in range(35)]
    working = [d for d in days if d.weekday() < 5 and d not in (date(2020, 12, 24), d.min)]
    assert of(Tables({"macro": series("DAILY", working, lag=1)}), "missing_period") == []


def test_tickers_without_prices_or_news_are_named() -> None:
    market = Market(tickers=6)
    items = news([("T00", "1", "2020-05-05", "up", "en", False)])
    members = pl.DataFrame(
        [
            (moment("2019-01-02"), moment("2019-01-02"), "made", ticker, date(2019, 1, 2), True)
            for ticker in ("T00", "GONE", "LOST")
        ],
        schema=schema.Membership.create_empty().schema,
        orient="row",
    )
    records = Tables({"bars": market.bars(), "news": items, "universe": members})
    (lost,) = of(records, "members_without_bars")
    assert (lost.rows, lost.severity) == (2, "warning")
    assert lost.detail == "2 members of the universe: GONE, LOST"
    (silent,) = of(records, "bars_without_news")
    assert silent.detail == "5 tickers with bars: T01, T02, T03, T04, T05"
    assert of(records, "news_without_bars") == []


def test_quarantine_is_told_by_ticker_and_reason_with_an_example() -> None:
    names = list(schema.QUARANTINE)
    bad = "a price is not above 0"
    refused = pl.DataFrame(
        [
            ("bars", "prices", "p.csv", 1, bad, '{"Close":-1}', "X", date(2020, 1, 2)),
            ("bars", "prices", "p.csv", 2, bad, '{"Close":-2}', "X", date(2020, 1, 6)),
            ("news", "wire", "n.csv", 3, "timestamp cannot be read: 32", "{}", None, None),
        ],
        schema=schema.QUARANTINE,
        orient="row",
    ).select(names)
    records = Tables({"bars": Market().bars()}, refused)
    (impossible,) = of(records, "impossible_prices")
    assert (impossible.subject, impossible.first, impossible.last, impossible.rows) == (
        "X",
        date(2020, 1, 2),
        date(2020, 1, 6),
        2,
    )
    assert impossible.detail == 'bars: a price is not above 0; such as {"Close":-1} of p.csv'
    (other,) = of(records, "refused_records")
    assert (other.subject, other.rows, other.severity) == ("wire", 1, "warning")
    report = check(records, Settings(), NOW)
    assert report.quarantine.select("reason", "records").rows() == [
        (bad, 2),
        ("timestamp cannot be read", 1),
    ]
    assert report.corrupt_records() == 0


def test_a_bar_and_a_membership_refused_of_one_ticker_are_two_findings_in_one_order() -> None:
    rows = [
        ("bars", "prices", "p.csv", 1, "volume must not be below 0", "{}", "X", date(2020, 1, 2)),
        ("universe", "members", "u.csv", 1, "the day cannot be read", "{}", "X", None),
        ("universe", "members", "u.csv", 2, "the ticker is too long", "{2}", "Y", None),
        ("universe", "members", "u.csv", 3, "the ticker is too long", "{3}", "Y", None),
        ("universe", "members", "u.csv", 4, "the end is before the start", "{}", "X", None),
    ]
    for order in itertools.permutations(rows):
        refused = pl.DataFrame(order, schema=schema.QUARANTINE, orient="row")
        found = of(Tables({"bars": Market(tickers=5).bars().head(0)}, refused), "refused_records")
        assert [(f.subject, f.rows, f.detail) for f in found] == [
            ("Y", 2, "universe: the ticker is too long; such as {2} of u.csv"),
            ("X", 1, "bars: volume must not be below 0; such as {} of p.csv"),
            ("X", 1, "universe: the day cannot be read; such as {} of u.csv"),
            ("X", 1, "universe: the end is before the start; such as {} of u.csv"),
        ]


def test_withheld_bars_are_no_missing_sessions() -> None:
    market = Market()
    market.there[2, 100:109] = False
    market.there[2, 200] = False
    why = "withheld: two_series: 9x"
    rows = [("bars", "made", "p", None, why, "{}", "T02", day(n)) for n in range(100, 108)]
    held = pl.DataFrame(rows, schema=schema.QUARANTINE, orient="row")
    records = Tables({"bars": market.bars()}, held)
    (finding,) = of(records, "missing_sessions")
    assert (finding.subject, finding.rows) == ("T02", 2)
    (bars, *_) = check(records, Settings(), NOW).tables
    worst = bars.coverage.row(0, named=True)
    assert (worst["subject"], worst["records"], worst["expected"]) == ("T02", 495, 497)
    month = pl.col("month") == day(100).replace(day=1)
    share = bars.months.filter(month, pl.col("subject") == "T02")["value"].item()
    in_month = [n for n in range(505) if day(n).replace(day=1) == day(100).replace(day=1)]
    there = [n for n in in_month if not 100 <= n < 109]
    expected = [n for n in in_month if not 100 <= n < 108]
    assert share == pytest.approx(len(there) / len(expected))


def test_freshness_is_measured_against_the_time_given() -> None:
    records = Market().records()
    (bars, *others) = check(records, Settings(), moment("2021-01-10 21:00:00")).tables
    # 2020-12-31 closed at 16:00 in New York, 21:00 UTC.
    assert (bars.last_known, bars.behind) == (moment("2020-12-31 21:00:00"), 10)
    assert bars.sources.rows() == [("made", 20, 20 * 505, day(0), day(504))]
    assert [(table.records, table.behind) for table in others] == [(0, None)] * 4
    with pytest.raises(DataError, match="time zone"):
        check(records, Settings(), NOW.replace(tzinfo=None))


def test_records_that_a_file_repeats_are_counted(tmp_path: Path) -> None:
    prices = tmp_path / "raw" / "prices"
    prices.mkdir(parents=True)
    day = "2016-06-2{},10,12,9,11,1000\n"
    head = "Date,Open,High,Low,Close,Volume\n"
    (prices / "A.csv").write_text(head + "".join(day.format(n) for n in (7, 8, 7, 7)))
    (prices / "B.csv").write_text(head + "".join(day.format(n) for n in (7, 8)))
    st.ingest(tmp_path)
    found = [f for f in st.check(tmp_path).findings if f.rule == "duplicate_records"]
    assert [(f.subject, f.rows, f.detail) for f in found] == [("raw/prices/A.csv", 2, "of bars")]
