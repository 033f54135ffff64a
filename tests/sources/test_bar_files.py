"""Bars as vendors write them, and what is refused of them."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from stocktrend.config import BarsFile
from stocktrend.errors import SourceError
from stocktrend.sources.bars import read_bars
from stocktrend.sources.batch import Batch

HEADER = "Date,Open,High,Low,Close,Adj Close,Volume\n"
MONDAY = "2016-06-27,10,12,9,11,10.5,1000\n"


def read(path: Path, content: str, **settings: dict[str, str]) -> Batch:
    path.write_text(content)
    return read_bars(path, BarsFile(path="*", **settings), "prices", path.name, "XNYS")


def reasons(batch: Batch) -> list[str]:
    return batch.quarantine["reason"].to_list()


def test_a_bar_is_known_at_its_sessions_close_also_on_a_half_day(tmp_path: Path) -> None:
    batch = read(
        tmp_path / "AAPL.csv",
        HEADER + MONDAY + "2016-11-25,10,12,9,11,10.5,1000\n",
    )
    assert batch.records["known_at"].to_list() == [
        datetime(2016, 6, 27, 20, 0, tzinfo=UTC),
        datetime(2016, 11, 25, 18, 0, tzinfo=UTC),
    ]
    assert batch.records["ticker"].to_list() == ["AAPL", "AAPL"]


def test_columns_come_in_any_order_case_and_spelling(tmp_path: Path) -> None:
    content = "VOLUME,adj_close,CLOSE,low,High,open,DATE\n1000,10.5,11,9,12,10,2016-06-27\n"
    record = read(tmp_path / "brk-b.csv", content).records.row(0, named=True)
    assert (record["ticker"], record["session"]) == ("BRK-B", date(2016, 6, 27))
    prices = [record[c] for c in ("open", "high", "low", "close", "adj_close", "volume")]
    assert prices == [10, 12, 9, 11, 10.5, 1000]


def test_a_ticker_column_wins_over_the_files_name_and_na_is_a_ticker(tmp_path: Path) -> None:
    content = "Ticker," + HEADER + "NA," + MONDAY + "nan," + MONDAY
    assert read(tmp_path / "all.csv", content).records["ticker"].to_list() == ["NA", "NAN"]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    pl.DataFrame(
        {
            "symbol": ["A"],
            "date": [date(2016, 6, 27)],
            "open": pl.Series([10.0], dtype=pl.Float32),
            "high": [12.0],
            "low": [9.0],
            "close": [11.0],
            "adj_close": [10.5],
            "volume": [1000],
        }
    ).write_parquet(tmp_path / "all.parquet")
    batch = read_bars(tmp_path / "all.parquet", BarsFile(path="*"), "prices", "all", "XNYS")
    assert batch.records.height == 1
    assert batch.records["volume"].item() == 1000.0


def test_every_row_is_kept_or_quarantined_with_its_reason(tmp_path: Path) -> None:
    batch = read(
        tmp_path / "PTR.csv",
        HEADER
        + MONDAY
        + "2016-06-28,null,null,null,null,null,null\n"
        + "2016-06-29,10,8,9,11,10.5,1000\n"
        + "2016-06-30,10,12,9,11,-10.5,1000\n"
        + "2016-07-01,10,12,9,eleven,10.5,1000\n"
        + "2016-07-02,10,12,9,11,10.5,1000\n"
        + "July 5,10,12,9,11,10.5,1000\n"
        + "2016-07-06,10,12,9,11,10.5,-1\n"
        + "2016-07-07,10,12,9,,10.5,1\n",
    )
    assert batch.records.height == 1
    assert reasons(batch) == [
        "the prices are null",
        "the high is below the low",
        "a price is not above 0",
        "Close is not a number: eleven",
        "no session of XNYS on this day",
        "the date is not YYYY-MM-DD",
        "volume is below the smallest allowed",
        "close is missing",
    ]
    assert batch.quarantine["row"].to_list() == [2, 3, 4, 5, 6, 7, 8, 9]
    assert '"Date":"2016-06-28"' in batch.quarantine["record"][0]
    assert batch.read == 9


def test_a_row_twice_is_a_duplicate_and_other_values_of_one_day_are_refused(
    tmp_path: Path,
) -> None:
    other = MONDAY.replace("11,10.5", "11.5,10.5")
    batch = read(tmp_path / "A.csv", HEADER + MONDAY + MONDAY + other)
    assert (batch.read, batch.records.height, batch.duplicate) == (3, 1, 1)
    assert reasons(batch) == ["the same ticker and session as row 1, with other content"]
    assert batch.records["close"].item() == 11


def test_a_broken_line_costs_one_row(tmp_path: Path) -> None:
    batch = read(tmp_path / "A.csv", HEADER + MONDAY + "2016-06-28,1,2,3,4,5,6,7,8\n")
    assert (batch.read, batch.records.height) == (2, 1)
    assert reasons(batch) == ["the row has 9 fields, the header 7"]


def test_zero_volume_and_jumps_are_kept_and_named(tmp_path: Path) -> None:
    rows = "2016-06-28,40,40,40,40,40,0\n2016-06-29,4,4,4,4,4,10\n"
    batch = read(tmp_path / "CTX.csv", HEADER + MONDAY + rows)
    assert batch.records.height == 3
    assert batch.notes == {
        "bars without volume, kept": 1,
        "one-day moves beyond +200% or -75%, where history restarts (CTX)": 2,
    }


def test_without_an_adjusted_close_the_close_stands_in_and_a_note_says_so(tmp_path: Path) -> None:
    batch = read(tmp_path / "A.csv", "date,open,high,low,close,volume\n2016-06-27,10,12,9,11,5\n")
    assert batch.records["adj_close"].item() == 11
    assert batch.notes == {"bars without an adjusted close, the close stands in": 1}


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_columns_that_no_comma_separates_name_what_does(
    tmp_path: Path, separator: str, name: str
) -> None:
    content = (HEADER + MONDAY).replace(",", separator).replace("10.5", "10,5")
    with pytest.raises(SourceError, match=rf"separated by commas, .* has {name}: .*Save it"):
        read(tmp_path / "A.csv", content)


def test_a_missing_column_names_the_setting_that_maps_it(tmp_path: Path) -> None:
    content = "date,open,high,low,last,volume\n2016-06-27,10,12,9,11,5\n"
    with pytest.raises(SourceError, match=r"close is missing among .*columns: \{close: NAME_IN"):
        read(tmp_path / "A.csv", content)
    assert read(tmp_path / "A.csv", content, columns={"close": "last"}).records.height == 1
