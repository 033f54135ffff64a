"""The lake's tables: idempotent, with every version, read as of a time."""

import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from stocktrend import schema
from stocktrend.errors import DataError, LakeError
from stocktrend.lake import Lake

NOON = datetime(2020, 6, 1, 12, 0, tzinfo=UTC)
LATER = datetime(2020, 7, 1, 12, 0, tzinfo=UTC)
JANUARY = date(2020, 1, 1)


def values(*rows: tuple[datetime, date, float | None]) -> pl.DataFrame:
    """Records of a series: known_at, period, value."""
    frame = pl.DataFrame(rows, schema=["known_at", "period", "value"], orient="row")
    return frame.select(
        pl.lit(datetime(2020, 1, 1, tzinfo=UTC)).alias("event_time"),
        pl.col("known_at").cast(schema.UTC_TIME),
        pl.lit("macro").alias("source"),
        pl.lit("CPIAUCSL").alias("series"),
        "period",
        pl.col("value").cast(pl.Float64),
        pl.lit(None, dtype=pl.String).alias("basis"),
        pl.lit(False).alias("revised"),
    )


def items(*rows: tuple[str, str, str]) -> pl.DataFrame:
    """News: ticker, id, text."""
    return pl.DataFrame(rows, schema=["ticker", "id", "text"], orient="row").select(
        pl.lit(NOON).cast(schema.UTC_TIME).alias("event_time"),
        pl.lit(NOON).cast(schema.UTC_TIME).alias("known_at"),
        pl.lit("wire").alias("source"),
        "ticker",
        "id",
        "text",
        pl.lit("en").alias("lang"),
        pl.lit(False).alias("is_repost"),
    )


def seen(lake: Lake, as_of: datetime | None = None) -> list[float | None]:
    return lake.read("macro", as_of)["value"].to_list()


def test_storing_the_same_records_twice_changes_nothing(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    records = values((NOON, JANUARY, 100.0))
    assert lake.upsert("macro", records, NOON).new == 1
    before = lake.versions()
    again = lake.upsert("macro", records, LATER)
    assert (again.new, again.revised, again.unchanged) == (0, 0, 1)
    assert lake.versions() == before == {"macro": 0}


def test_a_value_that_changes_is_a_revision_known_when_it_was_retrieved(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    known = datetime(2020, 2, 13, tzinfo=UTC)
    lake.upsert("macro", values((known, JANUARY, 100.0)), NOON)
    assert lake.upsert("macro", values((known, JANUARY, 101.0)), LATER).revised == 1
    assert seen(lake, LATER) == [101.0]
    assert seen(lake, datetime(2020, 6, 30, tzinfo=UTC)) == [100.0]
    assert seen(lake, datetime(2020, 2, 12, tzinfo=UTC)) == []
    assert lake.history("macro")["known_at"].to_list() == [known, LATER]


def test_a_value_that_changes_back_is_a_revision_too(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for value in (100.0, 101.0, 100.0):
        lake.upsert("macro", values((NOON, JANUARY, value)), LATER)
    assert lake.history("macro")["value"].to_list() == [100.0, 101.0, 100.0]
    assert lake.history("macro")["known_at"].is_unique().all()
    assert seen(lake) == [100.0]


def test_vintages_are_kept_as_they_come_and_never_change(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    records = values((NOON, JANUARY, 100.0), (LATER, JANUARY, None))
    first = lake.upsert("macro", records, LATER, versioned=True)
    assert (first.new, first.revised) == (1, 1)
    assert lake.upsert("macro", records, LATER, versioned=True).unchanged == 2
    changed = lake.upsert("macro", values((NOON, JANUARY, 99.0)), LATER, versioned=True)
    assert changed.rejected == 1
    assert seen(lake, NOON) == [100.0]
    assert seen(lake) == [None]


def test_news_that_is_edited_keeps_both_texts(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.upsert("news", items(("A", "1", "Shares rise"), ("*", "2", "Stocks rise")), NOON)
    edited = items(("A", "1", "Shares fall"), ("A", "1", "Shares fall"), ("B", "1", "x"))
    upserted = lake.upsert("news", edited, LATER)
    assert upserted.status.to_list() == ["revised", "duplicate", "new"]
    assert lake.read("news", as_of=NOON, tickers=["A"])["text"].to_list() == [
        "Stocks rise",
        "Shares rise",
    ]
    assert lake.read("news", tickers=["A"])["text"].to_list() == ["Stocks rise", "Shares fall"]


def test_many_small_appends_stay_sorted_and_are_compacted(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.upsert("news", items(*((f"T{i:03}", "1", "x") for i in range(100))), NOON)
    for i in range(12):
        lake.upsert("news", items((f"T{i:03}", "0", "y")), NOON)
    news = lake.history("news")
    assert news.height == 112
    assert news.equals(news.sort("ticker", "id", "known_at"))
    assert len(list((tmp_path / "lake" / "news").glob("*.parquet"))) > 8  # old versions stay
    assert news["text"].to_list()[:4] == ["y", "x", "y", "x"]


def test_past_versions_can_be_read_again_but_not_written(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.upsert("macro", values((NOON, JANUARY, 100.0)), NOON)
    past = Lake(tmp_path / "lake", versions=lake.versions())
    lake.upsert("macro", values((NOON, JANUARY, 101.0)), LATER)
    assert seen(past) == [100.0]
    with pytest.raises(LakeError, match="read-only"):
        past.upsert("macro", values((NOON, JANUARY, 101.0)), LATER)


def test_what_a_file_left_in_quarantine_is_replaced_by_what_it_leaves_now(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")

    def refused(path: str, row: int) -> pl.DataFrame:
        data = [("bars", "prices", path, row, "the prices are null", "{}", "A", None)]
        return pl.DataFrame(data, schema=schema.QUARANTINE, orient="row")

    lake.add_quarantine(pl.concat([refused("a.csv", 1), refused("b.csv", 2)]))
    lake.add_quarantine(refused("a.csv", 7))
    assert lake.quarantine().select("path", "row").rows() == [("a.csv", 7), ("b.csv", 2)]
    lake.add_quarantine(pl.DataFrame(schema=schema.QUARANTINE), paths=["a.csv"])
    assert lake.quarantine()["path"].to_list() == ["b.csv"]


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    with pytest.raises(LakeError, match="run `stocktrend ingest`"):
        lake.read("bars")
    with pytest.raises(DataError, match="table must be one of bars, news"):
        lake.read("prices")
    lake.upsert("macro", values((NOON, JANUARY, 100.0)), NOON)
    assert lake.read("bars").is_empty()
    with pytest.raises(DataError, match="as_of must have a time zone"):
        lake.read("macro", as_of=datetime(2020, 1, 1))  # noqa: DTZ001
    for part in (tmp_path / "lake" / "macro").glob("*.parquet"):
        part.write_bytes(b"damaged")
    with pytest.raises(LakeError, match="stocktrend lake restore --intact"):
        lake.read("macro")


@pytest.mark.parametrize("texts", ["ab", "aba", "aab", "abb", "abcabc"])
def test_a_file_that_contradicts_itself_revises_once(texts, tmp_path):
    lake = Lake(tmp_path)
    records = items(*(("AAPL", "1", text) for text in texts))
    first = lake.upsert("news", records, NOON)
    runs = [text for text, before in zip(texts, " " + texts, strict=False) if text != before]
    assert (first.new, first.revised) == (1, len(runs) - 1)
    assert lake.history("news")["text"].to_list() == runs
    again = lake.upsert("news", records, LATER)
    assert (again.new, again.revised) == (0, 0)
    assert lake.history("news")["text"].to_list() == runs


def test_a_file_that_ends_otherwise_than_before_revises(tmp_path):
    lake = Lake(tmp_path)
    lake.upsert("news", items(("AAPL", "1", "a"), ("AAPL", "1", "b")), NOON)
    assert lake.upsert("news", items(("AAPL", "1", "b"), ("AAPL", "1", "a")), LATER).revised == 1
    assert lake.read("news")["text"].to_list() == ["a"]
    with_more = items(("AAPL", "1", "b"), ("AAPL", "1", "c"), ("AAPL", "1", "a"))
    assert lake.upsert("news", with_more, LATER).revised == 3
    assert lake.read("news")["text"].to_list() == ["a"]


KILLED_WHILE_WRITING = """
import sys
import polars as pl
from deltalake import write_deltalake
rows = pl.DataFrame({"known_at": pl.int_range(500_000, eager=True)})
print("ready", flush=True)
while True:
    write_deltalake(sys.argv[1], rows, mode="overwrite")
"""


def clean(folder: Path) -> None:
    with Lake(folder).writing():
        pass


def test_what_a_killed_writer_left_is_removed_and_every_version_stays(tmp_path):
    """The table is written by the Delta library alone, over and over, until it is killed."""
    path = tmp_path / "bars"
    for number in range(6):
        line = [sys.executable, "-c", KILLED_WHILE_WRITING, str(path)]
        before = set(path.glob("*.parquet*"))
        with subprocess.Popen(line, stdout=subprocess.PIPE) as writer:
            while len(set(path.glob("*.parquet*")) - before) <= number % 3:
                assert writer.poll() is None
                time.sleep(0.001)
            writer.kill()
        clean(tmp_path)
    orphan = path / "part-00000-never-committed.parquet"
    orphan.write_bytes(b"as of a commit that did not come")
    (path / "part-00001-never-finished.parquet#1").write_bytes(b"PAR1")
    clean(tmp_path)
    newest = DeltaTable(path).version()
    files = {Path(file).name for v in range(newest + 1) for file in DeltaTable(path, v).file_uris()}
    assert len(files) == newest + 1
    assert {file.name for file in path.iterdir() if file.is_file()} == files
    assert all(file.suffix == ".json" for file in (path / "_delta_log").iterdir())


def test_nothing_is_removed_where_others_cannot_be_held_off(tmp_path, monkeypatch):
    lake = Lake(tmp_path)
    lake.upsert("macro", values((NOON, JANUARY, 100.0)), NOON)
    waiting = tmp_path / "macro" / "part-00000-of-a-writer-at-work.parquet"
    waiting.write_bytes(b"to be committed in a moment")
    monkeypatch.setattr("stocktrend.lake.lock.fcntl", None)  # as on Windows
    assert lake.upsert("macro", values((NOON, JANUARY, 101.0)), LATER).revised == 1
    assert waiting.exists()
    monkeypatch.undo()
    os.utime(waiting)  # newer than the newest commit, as what a killed writer left
    clean(tmp_path)
    assert not waiting.exists()


def test_two_programs_cannot_write_at_once(tmp_path):
    lake, other = Lake(tmp_path), Lake(tmp_path)
    records = values((NOON, JANUARY, 100.0))
    with lake.writing():
        for write in (
            lambda: other.upsert("macro", records, NOON),
            lambda: other.remove("macro", ["macro"]),
            lambda: other.add_quarantine(pl.DataFrame(schema=schema.QUARANTINE)),
        ):
            with pytest.raises(LakeError, match="One program at a time may write to the lake"):
                write()
        assert lake.upsert("macro", records, NOON).new == 1
    assert other.upsert("macro", records, NOON).unchanged == 1


def test_a_file_that_cannot_be_removed_costs_nobody_the_lake(tmp_path):
    Lake(tmp_path).upsert("macro", values((NOON, JANUARY, 100.0)), NOON)
    (tmp_path / "macro" / "part-00000.parquet#1").mkdir()  # which no unlink removes
    with pytest.raises(LakeError, match=r"parquet#1: .*Give yourself that right") as refused:
        clean(tmp_path)
    assert "Remove the lake folder" not in str(refused.value)


def test_a_log_that_is_no_text_is_a_damaged_table(tmp_path):
    Lake(tmp_path).upsert("macro", values((NOON, JANUARY, 100.0)), NOON)
    for log in (tmp_path / "macro" / "_delta_log").glob("*.json"):
        log.write_bytes(b"\xff")
    for file in (tmp_path / "macro").glob("*.parquet"):
        os.utime(file)
    with pytest.raises(LakeError, match="readable and complete"):
        clean(tmp_path)


def test_files_of_a_checkpointed_version_stay_when_its_log_is_gone(tmp_path):
    path = tmp_path / "bars"
    for number in range(3):
        write_deltalake(path, pl.DataFrame({"a": [number]}), mode="append")
    DeltaTable(path).create_checkpoint()
    write_deltalake(path, pl.DataFrame({"a": [3]}), mode="append")
    for file in sorted((path / "_delta_log").glob("*.json"))[:3]:
        file.unlink()
    for file in path.glob("*.parquet"):  # as a copy of the folder would have it
        os.utime(file)
    clean(tmp_path)
    assert sorted(pl.read_delta(str(path))["a"]) == [0, 1, 2, 3]


def refused(*rows: tuple[int, str]) -> pl.DataFrame:
    """Quarantine rows of one path: number, record."""
    data = [("news", "wire", "wire:A", row, "is empty", text, None, None) for row, text in rows]
    return pl.DataFrame(data, schema=schema.QUARANTINE, orient="row")


def test_quarantine_is_extended_by_what_it_does_not_hold_whatever_its_row(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.extend_quarantine(refused((3, "a"), (4, "b"), (9, "a")))
    lake.extend_quarantine(refused((1, "a"), (2, "c")))
    assert sorted(lake.quarantine()["record"]) == ["a", "b", "c"]
    version = lake.versions()
    lake.extend_quarantine(refused((7, "c")))
    assert lake.versions() == version


def test_a_writer_that_may_wait_says_so_and_goes_on_when_the_other_is_done(tmp_path: Path) -> None:
    line = "import sys, stocktrend as st; lake = st.Lake(sys.argv[1])\nwith lake.writing():\n"
    line += "    print('held', flush=True); sys.stdin.read()"
    held = subprocess.Popen(
        [sys.executable, "-c", line, str(tmp_path / "lake")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert held.stdout is not None
    assert held.stdout.readline() == "held\n"
    lake, told = Lake(tmp_path / "lake"), list[str]()

    def end(said: str) -> None:
        told.append(said)
        held.communicate()

    with lake.writing(end):
        assert lake.upsert("macro", values((NOON, JANUARY, 100.0)), NOON).new == 1
    assert told == ["Another program writes to the lake: waiting until it is done"]
