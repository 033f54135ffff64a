"""Splits and dividends booked later, and real revisions beside them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from stocktrend import schema
from stocktrend.errors import DataError
from stocktrend.lake import Lake

RETRIEVED = datetime(2021, 1, 1, tzinfo=UTC)
PRICES = ("open", "high", "low", "close")
FIRST = date(2020, 1, 1)


def bars(count: int, start: int = 0, ticker: str = "A") -> pl.DataFrame:
    """Plain bars on consecutive days; the truth that vendors restate."""
    numbers = range(start, start + count)
    days = [FIRST + timedelta(days=i) for i in numbers]
    closes = [20 + 3 * ((i * 7) % 11) / 10 + i / 100 for i in numbers]
    return pl.DataFrame(
        {
            "event_time": [datetime(d.year, d.month, d.day, 21, tzinfo=UTC) for d in days],
            "source": "prices",
            "ticker": ticker,
            "session": days,
            "open": [c - 0.11 for c in closes],
            "high": [c + 0.25 for c in closes],
            "low": [c - 0.31 for c in closes],
            "close": closes,
            "adj_close": [c * 0.9 for c in closes],
            "volume": [1000.0 * (i % 5 + 3) for i in numbers],
        },
        schema_overrides={"event_time": schema.UTC_TIME},
    ).with_columns(pl.col("event_time").alias("known_at"))


def restated(
    frame: pl.DataFrame, k: float = 1.0, g: float = 1.0, decimals: int | None = None
) -> pl.DataFrame:
    """The same bars after a split by 1/k and dividends that took 1 - g."""
    prices = [pl.col(c) * k for c in PRICES]
    adjusted, volume = pl.col("adj_close") * k * g, pl.col("volume") / k
    if decimals is not None:
        prices, adjusted = [p.round(decimals) for p in prices], adjusted.round(decimals)
        volume = volume.round()
    return frame.with_columns(*prices, adjusted, volume)


def stored(tmp_path: Path, *frames: pl.DataFrame) -> tuple[Lake, list[int]]:
    """A lake after some files in turn, and how many revisions each made."""
    lake = Lake(tmp_path / "lake")
    revised = [lake.upsert("bars", frame, RETRIEVED).revised for frame in frames]
    return lake, revised


def close_to(left: pl.DataFrame, right: pl.DataFrame, tolerance: float) -> bool:
    joined = left.join(right, on=["ticker", "session"], suffix="_r")
    assert joined.height == left.height == right.height
    columns = (*PRICES, "adj_close", "volume")
    off = [(pl.col(c) / pl.col(f"{c}_r") - 1).abs().max() for c in columns]
    return bool(joined.select(pl.max_horizontal(off)).item() <= tolerance)


@pytest.mark.parametrize(("k", "g"), [(0.5, 1.0), (1.0, 0.97), (7 / 3, 0.9), (0.1, 0.9995)])
def test_a_later_split_or_dividend_revises_nothing_and_new_bars_join_the_stored_basis(
    tmp_path: Path, k: float, g: float
) -> None:
    truth = bars(60)
    lake, revised = stored(tmp_path, truth.head(50), restated(truth, k, g))
    assert revised == [0, 0]
    assert close_to(lake.read("bars"), truth, 1e-9)
    assert lake.history("bars").head(50).equals(lake.read("bars").head(50))


@pytest.mark.parametrize(("decimals", "k"), [(2, 0.5), (4, 1 / 3), (6, 0.05), (2, 20.0), (2, 1.0)])
def test_the_rounding_of_vendors_is_no_revision(tmp_path: Path, decimals: int, k: float) -> None:
    truth = restated(bars(60), decimals=decimals)
    lake, revised = stored(tmp_path, truth.head(50), restated(truth, k, 0.98, decimals))
    assert revised == [0, 0]
    assert close_to(lake.read("bars"), truth, 2e-3 if decimals == 2 else 1e-4)


def test_a_file_in_an_unchanged_basis_is_stored_bit_for_bit(tmp_path: Path) -> None:
    truth = bars(60)
    lake, _ = stored(tmp_path, truth.head(50), truth)
    assert lake.read("bars").equals(truth.select(schema.columns("bars")))


def test_splits_one_after_the_other_are_undone(tmp_path: Path) -> None:
    truth = bars(60)
    halved, sixth = restated(truth, 1 / 2), restated(truth, 1 / 6, 0.95)
    lake, revised = stored(tmp_path, truth.head(40), halved.head(50), sixth)
    assert revised == [0, 0, 0]
    assert close_to(lake.read("bars"), truth, 1e-9)


def test_one_changed_bar_beside_a_split_is_found_and_known_when_retrieved(tmp_path: Path) -> None:
    truth = bars(60)
    day = FIRST + timedelta(days=17)
    wrong = truth.with_columns(
        pl.when(pl.col("session") == day)
        .then(pl.col("high") * 1.02)
        .otherwise("high")
        .alias("high")
    )
    lake, revised = stored(tmp_path, truth.head(50), restated(wrong, 0.5, 0.97))
    assert revised == [0, 1]
    versions = lake.history("bars").filter(pl.col("session") == day)
    assert versions["known_at"].to_list()[1] == RETRIEVED
    before, after = versions["high"].to_list()
    assert after / before == pytest.approx(1.02, rel=1e-9)
    assert versions["close"][1] == pytest.approx(versions["close"][0], rel=1e-9)


def test_a_last_bar_that_was_partial_is_a_revision_and_no_split(tmp_path: Path) -> None:
    truth = bars(60)
    last = pl.col("session") == FIRST + timedelta(days=49)
    partial = truth.head(50).with_columns(
        *(
            pl.when(last).then(pl.col(c) * 0.99).otherwise(c).alias(c)
            for c in ("close", "adj_close")
        ),
        pl.when(last).then(pl.col("volume") / 3).otherwise("volume").alias("volume"),
    )
    for held in (partial, partial.tail(1)):
        lake, revised = stored(tmp_path / str(held.height), held, truth)
        assert revised == [0, 1]
        newest = lake.read("bars").filter(pl.col("session") >= held["session"].min())
        assert close_to(newest.tail(10), truth.tail(10), 1e-9)


def test_volumes_alone_can_be_revised(tmp_path: Path) -> None:
    truth = bars(60)
    third = pl.col("session") == FIRST + timedelta(days=3)
    more = truth.with_columns(
        pl.when(third).then(pl.col("volume") + 100).otherwise("volume").alias("volume")
    )
    assert stored(tmp_path, truth, more)[1] == [0, 1]


def test_a_vendor_that_leaves_volumes_alone_is_followed(tmp_path: Path) -> None:
    truth = bars(60)
    raw = restated(truth, 0.5).with_columns(truth["volume"])
    lake, revised = stored(tmp_path, truth.head(50), raw)
    assert revised == [0, 0]
    assert close_to(lake.read("bars"), truth, 1e-9)


def test_another_company_under_the_ticker_makes_revisions_and_is_noted(tmp_path: Path) -> None:
    truth = bars(60)
    other = bars(60, start=300).with_columns(
        truth["session"], truth["event_time"], truth["known_at"]
    )
    lake = Lake(tmp_path / "lake")
    lake.upsert("bars", truth, RETRIEVED)
    upserted = lake.upsert("bars", other, RETRIEVED)
    assert upserted.revised == 60
    assert any("no one ratio" in note for note in upserted.notes)


def test_bars_without_overlap_are_stored_as_they_are_and_noted(tmp_path: Path) -> None:
    truth = bars(60)
    lake = Lake(tmp_path / "lake")
    lake.upsert("bars", truth.head(30), RETRIEVED)
    upserted = lake.upsert("bars", restated(truth.tail(30), 0.5), RETRIEVED)
    assert (upserted.new, upserted.revised) == (30, 0)
    assert upserted.notes == {
        "tickers without overlap with their stored bars, stored as they are": 1
    }


def test_two_rows_of_one_session_must_agree_within_one_upsert(tmp_path: Path) -> None:
    one = bars(3)
    lake = Lake(tmp_path / "lake")
    assert lake.upsert("bars", pl.concat([one, one]), RETRIEVED).duplicate == 3
    with pytest.raises(DataError, match="Store one file after the other"):
        lake.upsert("bars", pl.concat([one, restated(one, 0.5)]), RETRIEVED)


def test_a_change_of_one_cent_is_a_revision(tmp_path: Path) -> None:
    truth = restated(bars(60), decimals=2)
    cent = pl.when(pl.col("session") == FIRST).then(pl.col("low") - 0.01).otherwise("low")
    assert stored(tmp_path, truth, truth.with_columns(cent.alias("low")))[1] == [0, 1]


def test_a_dividend_that_was_booked_late_leaves_the_new_bars_alone(tmp_path: Path) -> None:
    truth = bars(60)
    before = pl.col("session") < FIRST + timedelta(days=48)
    booked = pl.when(before).then(pl.col("adj_close") * 0.97).otherwise("adj_close")
    lake, revised = stored(tmp_path, truth.head(50), truth.with_columns(booked.alias("adj_close")))
    assert revised == [0, 0]
    assert close_to(lake.read("bars"), truth, 1e-9)
