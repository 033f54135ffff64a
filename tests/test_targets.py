"""Targets against dates and returns worked out by hand."""

import math
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from stocktrend.sessions import sessions
from stocktrend.targets import add_labels, direction


def bars(ticker: str, prices: dict[date, float]) -> pl.DataFrame:
    closes = dict(zip(*sessions().select("session", "close").get_columns(), strict=True))
    return pl.DataFrame(
        {
            "ticker": [ticker] * len(prices),
            "session": list(prices),
            "open": list(prices.values()),
            "close": list(prices.values()),
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


def test_each_horizon_has_its_own_label_and_the_target_its_scale() -> None:
    prices = {date(2014, 3, 14): 100.0, date(2014, 3, 21): 95.0, date(2014, 4, 14): 120.0}
    rows = pl.DataFrame({"ticker": ["A"], "session": [date(2014, 3, 14)], "other": [1]})
    labels = add_labels(rows, bars("A", prices), [7, 30])
    assert labels.columns == [
        "ticker", "session", "other",
        "return_7d", "target_7d", "label_known_at_7d",
        "return_7d_next_open", "return_7d_next_close",
        "return_30d", "target_30d", "label_known_at_30d",
        "return_30d_next_open", "return_30d_next_close",
    ]  # fmt: skip
    row = labels.row(0, named=True)
    # 14 March + 30 days is Sunday 13 April: the label is Monday's. tanh(x) = 1 - 2 / (e^2x + 1).
    assert row["return_7d"] == pytest.approx(-0.05)
    assert row["target_7d"] == pytest.approx(-(1 - 2 / (math.e + 1)))
    assert row["return_30d"] == pytest.approx(0.2)
    assert row["target_30d"] == pytest.approx(1 - 2 / (math.e**4 + 1))
    assert row["label_known_at_30d"] == datetime(2014, 4, 14, 20, tzinfo=UTC)


def test_bars_and_rows_may_come_in_any_order() -> None:
    days = [date(2014, 3, 14), date(2014, 3, 21), date(2014, 3, 28), date(2014, 4, 4)]
    frame = bars("A", dict(zip(days, [10.0, 11.0, 22.0, 11.0], strict=True)))
    rows = pl.DataFrame({"ticker": "A", "session": [days[2], days[0], days[1]]})
    for shuffled in (frame, frame.reverse(), frame.sample(4, shuffle=True, seed=1)):
        labels = add_labels(rows, shuffled, [7])
        assert labels["return_7d"].to_list() == pytest.approx([-0.5, 0.1, 1.0])


def test_a_row_without_a_bar_of_its_own_has_no_label() -> None:
    rows = pl.DataFrame({"ticker": ["A"], "session": [date(2014, 3, 14)]})
    row = add_labels(rows, bars("A", {date(2014, 3, 21): 11.0}), [7]).row(0, named=True)
    assert (row["return_7d"], row["label_known_at_7d"]) == (None, None)


def test_a_direction_is_sure_from_a_tenth_on_and_unknown_where_the_target_is() -> None:
    targets = [[-1.0, -0.1, -0.0999, 0.0], [0.0999, 0.1, 1.0, math.nan]]
    both = direction(targets)
    assert both.shape == (2, 4, 2)
    assert both[0].tolist() == [[0, 1], [0, 1], [0.5, 0.5], [0.5, 0.5]]
    assert both[1, :3].tolist() == [[0.5, 0.5], [1, 0], [1, 0]]
    assert np.isnan(both[1, 3]).all()
