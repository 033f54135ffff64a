"""Targets against dates and returns worked out by hand."""

import math
from datetime import UTC, date, datetime

import polars as pl
import pytest

from stocktrend.sessions import sessions
from stocktrend.targets import add_labels


def bars(ticker: str, prices: dict[date, float]) -> pl.DataFrame:
    closes = dict(zip(*sessions().select("session", "close").get_columns(), strict=True))
    return pl.DataFrame(
        {
            "ticker": [ticker] * len(prices),
            "session": list(prices),
            "adj_close": list(prices.values()),
            "known_at": [closes[day] for day in prices],
        }
    )


def test_label_takes_the_first_bar_on_or_after_the_horizon() -> None:
    # as_of Thursday 2014-07-03 (half-day before the holiday): +7 days is Thursday 2014-07-10.
    frame = bars("A", {date(2014, 7, 3): 100.0, date(2014, 7, 9): 50.0, date(2014, 7, 10): 103.0})
    rows = pl.DataFrame({"ticker": ["A"], "session": [date(2014, 7, 3)]})
    row = add_labels(rows, frame, [7]).row(0, named=True)
    assert row["return_7d"] == pytest.approx(0.03)
    assert row["target_7d"] == pytest.approx(math.tanh(0.3))
    assert row["label_known_at_7d"] == datetime(2014, 7, 10, 20, tzinfo=UTC)


def test_label_moves_past_a_holiday() -> None:
    # Thursday 2014-12-18 + 7 days is Christmas: the next session is Friday the 26th.
    frame = bars("A", {date(2014, 12, 18): 10.0, date(2014, 12, 24): 1.0, date(2014, 12, 26): 9.0})
    rows = pl.DataFrame({"ticker": ["A"], "session": [date(2014, 12, 18)]})
    row = add_labels(rows, frame, [7]).row(0, named=True)
    assert row["return_7d"] == pytest.approx(-0.1)
    assert row["label_known_at_7d"] == datetime(2014, 12, 26, 21, tzinfo=UTC)


def test_label_is_null_when_no_bar_follows_within_a_week_of_the_horizon() -> None:
    # 2014-03-14 + 7 = 03-21; the window ends on 03-28, the next bar comes on 03-31.
    frame = bars("A", {date(2014, 3, 14): 10.0, date(2014, 3, 31): 9.0})
    rows = pl.DataFrame({"ticker": ["A"], "session": [date(2014, 3, 14)]})
    row = add_labels(rows, frame, [7]).row(0, named=True)
    assert row["return_7d"] is None
    assert row["target_7d"] is None
    assert row["label_known_at_7d"] is None


def test_last_day_of_the_window_still_counts() -> None:
    frame = bars("A", {date(2014, 3, 14): 10.0, date(2014, 3, 28): 11.0})
    rows = pl.DataFrame({"ticker": ["A"], "session": [date(2014, 3, 14)]})
    assert add_labels(rows, frame, [7])["return_7d"][0] == pytest.approx(0.1)


def test_labels_never_cross_tickers_and_keep_the_order_of_rows() -> None:
    both = pl.concat(
        [
            bars("A", {date(2014, 3, 14): 10.0, date(2014, 3, 21): 11.0}),
            bars("B", {date(2014, 3, 14): 10.0, date(2014, 3, 21): 12.0}),
        ]
    )
    rows = pl.DataFrame({"ticker": ["B", "C", "A"], "session": [date(2014, 3, 14)] * 3})
    labels = add_labels(rows, both, [7])
    assert labels["ticker"].to_list() == ["B", "C", "A"]
    assert labels["return_7d"].to_list() == [pytest.approx(0.2), None, pytest.approx(0.1)]


def test_a_revised_bar_dates_the_label_by_its_revision() -> None:
    frame = bars("A", {date(2014, 3, 14): 10.0, date(2014, 3, 21): 11.0})
    revised = datetime(2014, 6, 1, tzinfo=UTC)
    frame = frame.with_columns(
        pl.when(pl.col("session") == date(2014, 3, 14))
        .then(pl.lit(revised).dt.cast_time_unit("us"))
        .otherwise("known_at")
        .alias("known_at")
    )
    rows = pl.DataFrame({"ticker": ["A"], "session": [date(2014, 3, 14)]})
    assert add_labels(rows, frame, [7])["label_known_at_7d"][0] == revised
