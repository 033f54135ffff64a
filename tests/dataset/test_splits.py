"""Which dates belong to which part, and which labels are purged, as literal dates."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from stocktrend.config import Split
from stocktrend.dataset import time_split
from stocktrend.errors import DataError
from stocktrend.schema import UTC_TIME

FRIDAYS = [date(2020, 1, 3) + timedelta(weeks=week) for week in range(10)]


def at_close(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 21, tzinfo=UTC)


def panel(tickers: tuple[str, ...] = ("A", "B")) -> pl.DataFrame:
    """Ten weekly dates from 2020-01-03; labels are known exactly h days later."""
    rows = [
        {
            "ticker": ticker,
            "as_of": at_close(day),
            "return_7d": 0.01,
            "target_7d": 0.1,
            "label_known_at_7d": at_close(day + timedelta(days=7)),
            "target_30d": 0.3,
            "label_known_at_30d": at_close(day + timedelta(days=30)),
        }
        for day in FRIDAYS
        for ticker in tickers
    ]
    times = dict.fromkeys(("as_of", "label_known_at_7d", "label_known_at_30d"), UTC_TIME)
    return pl.DataFrame(rows, schema_overrides=times)


def days(frame: pl.DataFrame, part: str) -> list[str]:
    chosen = frame.filter(pl.col("split") == part)["as_of"].dt.date().unique().sort()
    return [str(day) for day in chosen]


def known(frame: pl.DataFrame, label: str) -> list[str]:
    return [str(day) for day in frame.drop_nulls(label)["as_of"].dt.date().unique().sort()]


def test_dates_are_shared_out_oldest_first_over_all_tickers_together():
    split = time_split(panel(), Split(train=0.5, validation=0.3))
    assert days(split, "train") == [
        "2020-01-03",
        "2020-01-10",
        "2020-01-17",
        "2020-01-24",
        "2020-01-31",
    ]
    assert days(split, "validation") == ["2020-02-07", "2020-02-14", "2020-02-21"]
    assert days(split, "test") == ["2020-02-28", "2020-03-06"]
    assert split.group_by("as_of").agg(pl.col("split").n_unique())["split"].max() == 1


def test_labels_known_after_the_last_date_of_their_part_are_masked_for_their_own_head():
    split = time_split(panel(), Split(train=0.5, validation=0.3))
    assert known(split, "target_7d") == [
        "2020-01-03",
        "2020-01-10",
        "2020-01-17",
        "2020-01-24",  # known on 2020-01-31, the last date of training; 01-31 itself is not
        "2020-02-07",
        "2020-02-14",
        "2020-02-28",
        "2020-03-06",
    ]
    assert known(split, "return_7d") == known(split, "target_7d")
    assert known(split, "target_30d") == ["2020-02-28", "2020-03-06"]


def test_returns_of_later_entries_are_masked_with_the_target_and_keep_their_place():
    entered = panel().with_columns(return_7d_next_open=0.02, return_30d_next_close=0.03)
    split = time_split(entered, Split(train=0.5, validation=0.3))
    assert known(split, "return_7d_next_open") == known(split, "target_7d")
    assert known(split, "return_30d_next_close") == known(split, "target_30d")
    assert split.columns == [*entered.columns, "split"]


def test_a_label_that_is_not_known_is_masked_in_every_part():
    unknown = panel().with_columns(
        pl.when(pl.col("ticker") == "A")
        .then(pl.col("label_known_at_7d"))
        .alias("label_known_at_7d")
    )
    split = time_split(unknown)
    assert split.filter(pl.col("ticker") == "B")["target_7d"].null_count() == 10
    assert split.filter(pl.col("ticker") == "A")["target_7d"].null_count() < 10


def test_the_purge_reads_each_rows_own_time_not_the_calendar():
    late = panel().with_columns(
        pl.when((pl.col("ticker") == "A") & (pl.col("as_of") == at_close(date(2020, 1, 24))))
        .then(pl.lit(at_close(date(2020, 2, 3)), dtype=UTC_TIME))
        .otherwise(pl.col("label_known_at_7d"))
        .alias("label_known_at_7d")
    )
    split = time_split(late, Split(train=0.5, validation=0.3))
    row = split.filter(pl.col("as_of") == at_close(date(2020, 1, 24))).sort("ticker")
    assert row["target_7d"].to_list() == [None, 0.1]


def test_parts_can_end_on_given_dates():
    split = time_split(
        panel(), Split(train_end=date(2020, 1, 16), validation_end=date(2020, 2, 14))
    )
    assert days(split, "train") == ["2020-01-03", "2020-01-10"]
    assert days(split, "validation")[-1] == "2020-02-14"
    assert days(split, "test")[0] == "2020-02-21"


def test_rows_keep_their_order_and_nothing_else_changes():
    shuffled = panel().sample(fraction=1.0, shuffle=True, seed=1)
    split = time_split(shuffled)
    assert split.select("ticker", "as_of").equals(shuffled.select("ticker", "as_of"))
    assert split.columns == [*shuffled.columns, "split"]


def test_the_default_is_70_15_15_of_the_dates():
    long = pl.concat(
        panel().with_columns(pl.col("as_of") + pl.duration(weeks=10 * number))
        for number in range(10)
    )
    split = time_split(long)
    assert [len(days(split, part)) for part in ("train", "validation", "test")] == [70, 15, 15]


@pytest.mark.parametrize(
    "split",
    [
        {"train": 0.9, "validation": 0.1},
        {"train_end": date(2020, 2, 1)},
        {"train_end": date(2020, 2, 1), "validation_end": date(2020, 1, 1)},
    ],
)
def test_contradicting_settings_are_refused(split):
    with pytest.raises(ValueError, match=r"split\."):
        Split(**split)


def test_too_few_dates_are_refused():
    with pytest.raises(DataError, match="at least one date each"):
        time_split(panel().head(4))


def test_missing_label_columns_are_all_named():
    with pytest.raises(DataError, match="target_7d, label_known_at_7d"):
        time_split(panel().drop("target_7d", "label_known_at_7d"))
