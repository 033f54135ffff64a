"""Returns from the next open and close: prices and dates written by hand."""

import math
from datetime import UTC, date, datetime

import polars as pl
import pytest

from stocktrend.sessions import sessions
from stocktrend.targets import add_labels

OPEN, CLOSE = "return_7d_next_open", "return_7d_next_close"
Prices = tuple[float, float, float]
FRIDAY, MONDAY, NEXT_FRIDAY = date(2014, 3, 14), date(2014, 3, 17), date(2014, 3, 21)


def bars(prices: dict[date, Prices], ticker: str = "A") -> pl.DataFrame:
    """Bars of ``session: (open, close, adj_close)``."""
    closes = dict(sessions().select("session", "close").iter_rows())
    rows = [(ticker, day, *three, closes[day]) for day, three in prices.items()]
    names = ["ticker", "session", "open", "close", "adj_close", "known_at"]
    return pl.DataFrame(rows, schema=names, orient="row")


def labels_of(
    day: date, frame: pl.DataFrame, horizons: tuple[int, ...] = (7,), breaks: date | None = None
) -> dict[str, float | None]:
    rows = pl.DataFrame({"ticker": ["A"], "session": [day]})
    cut = None if breaks is None else rows.with_columns(session=breaks)
    return add_labels(rows, frame, horizons, cut).row(0, named=True)


WEEK = {
    FRIDAY: (40.0, 50.0, 25.0),
    MONDAY: (48.0, 60.0, 30.0),
    date(2014, 3, 18): (1.0, 1.0, 1.0),
    NEXT_FRIDAY: (2.0, 70.0, 36.0),
}


def test_an_entry_pays_the_next_sessions_price_adjusted_as_its_close_is() -> None:
    # 48 of Monday's open is 24 where its close of 60 is 30; the end is 36 throughout.
    row = labels_of(FRIDAY, bars(WEEK))
    assert row["return_7d"] == pytest.approx(36 / 25 - 1)
    assert row[OPEN] == pytest.approx(36 / 24 - 1)
    assert row[CLOSE] == pytest.approx(36 / 30 - 1)
    assert row["target_7d"] == pytest.approx(math.tanh(10 * (36 / 25 - 1)))


def test_a_later_split_or_dividend_moves_no_entry() -> None:
    scaled = bars({day: (o / 3, c / 3, a / 7) for day, (o, c, a) in WEEK.items()})
    before, after = labels_of(FRIDAY, bars(WEEK)), labels_of(FRIDAY, scaled)
    for name in ("return_7d", OPEN, CLOSE):
        assert after[name] == pytest.approx(before[name], rel=1e-12)


def test_the_next_bar_of_another_ticker_is_no_entry() -> None:
    other = bars({date(2014, 3, 14): (9.0, 9.0, 9.0), MONDAY: (7.0, 7.0, 7.0)}, ticker="B")
    row = labels_of(FRIDAY, pl.concat([other, bars(WEEK)]).sample(6, shuffle=True, seed=3))
    assert row[CLOSE] == pytest.approx(36 / 30 - 1)
    # The last bar of A is followed by the first of B, where tickers are sorted.
    late = pl.concat([bars({FRIDAY: (1.0, 1.0, 1.0)}), other.filter(pl.col("session") == MONDAY)])
    assert labels_of(FRIDAY, late)[CLOSE] is None


def test_a_suspended_stock_is_entered_when_it_trades_again() -> None:
    wednesday = {FRIDAY: WEEK[FRIDAY], date(2014, 3, 19): (20.0, 20.0, 20.0)}
    row = labels_of(FRIDAY, bars(wednesday | {NEXT_FRIDAY: WEEK[NEXT_FRIDAY]}))
    assert (row[OPEN], row[CLOSE]) == (pytest.approx(0.8), pytest.approx(0.8))


def test_no_entry_where_the_next_bar_is_the_last() -> None:
    row = labels_of(FRIDAY, bars({FRIDAY: WEEK[FRIDAY], NEXT_FRIDAY: WEEK[NEXT_FRIDAY]}))
    assert row["return_7d"] == pytest.approx(36 / 25 - 1)
    assert (row[OPEN], row[CLOSE]) == (None, None)
    # One day ahead of a Friday is Monday, the next session itself.
    assert labels_of(FRIDAY, bars(WEEK), (1,))["return_1d_next_open"] is None


def test_without_a_label_there_is_no_entry_either() -> None:
    row = labels_of(FRIDAY, bars({day: WEEK[day] for day in (FRIDAY, MONDAY)}))
    assert (row["return_7d"], row[OPEN], row[CLOSE]) == (None, None, None)
    row = labels_of(date(2014, 3, 13), bars(WEEK))
    assert (row["return_7d"], row[OPEN], row[CLOSE]) == (None, None, None)


@pytest.mark.parametrize(
    ("broken", "masked"),
    [
        (FRIDAY, False),
        (MONDAY, True),
        (date(2014, 3, 20), True),
        (NEXT_FRIDAY, True),
        (date(2014, 3, 24), False),
    ],
)
def test_a_break_masks_entries_as_it_masks_the_return(broken: date, masked: bool) -> None:
    row = labels_of(FRIDAY, bars(WEEK), breaks=broken)
    assert [row[name] is None for name in ("return_7d", "target_7d", OPEN, CLOSE)] == [masked] * 4


@pytest.mark.parametrize("revised", [FRIDAY, MONDAY, NEXT_FRIDAY])
def test_a_revision_of_any_bar_that_the_label_rests_on_dates_it(revised: date) -> None:
    later = datetime(2014, 6, 1, tzinfo=UTC)
    moved = pl.when(pl.col("session") == revised).then(pl.lit(later).dt.cast_time_unit("us"))
    frame = bars(WEEK).with_columns(known_at=moved.otherwise("known_at"))
    assert labels_of(FRIDAY, frame)["label_known_at_7d"] == later


def test_a_revision_of_a_bar_that_no_entry_uses_leaves_the_date() -> None:
    later = datetime(2014, 6, 1, tzinfo=UTC)
    end = datetime(2014, 3, 21, 20, tzinfo=UTC)
    unused = pl.col("session") == date(2014, 3, 18)
    moved = pl.when(unused).then(pl.lit(later).dt.cast_time_unit("us")).otherwise("known_at")
    assert labels_of(FRIDAY, bars(WEEK).with_columns(known_at=moved))["label_known_at_7d"] == end
    # Monday's bar is the end of one day ahead, and no entry of it: it counts once, as the end.
    one = labels_of(FRIDAY, bars(WEEK), (1,))["label_known_at_1d"]
    assert one == datetime(2014, 3, 17, 20, tzinfo=UTC)
