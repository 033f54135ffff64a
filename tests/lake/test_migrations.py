"""Tables of older and of newer schemas than the program's."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from stocktrend import schema
from stocktrend.errors import LakeError
from stocktrend.lake import Lake

NOON = datetime(2020, 2, 13, 12, tzinfo=UTC)
LATER = datetime(2020, 7, 1, 12, tzinfo=UTC)


def bars(*closes: float) -> pl.DataFrame:
    days = [date(2020, 1, 6 + i) for i in range(len(closes))]
    known = [datetime(2020, 1, 6 + i, 21, tzinfo=UTC) for i in range(len(closes))]
    columns = {"event_time": known, "known_at": known, "source": "prices", "ticker": "A"}
    prices = {name: list(closes) for name in ("open", "high", "low", "close", "adj_close")}
    return pl.DataFrame(
        columns | {"session": days, **prices, "volume": 5.0},
        schema_overrides={"event_time": schema.UTC_TIME, "known_at": schema.UTC_TIME},
    )


def adjusted(rows: pl.DataFrame) -> pl.DataFrame:
    """From schema 1, which has no adjusted close, to 2."""
    return rows.with_columns(pl.col("close").alias("adj_close"))


def traded(rows: pl.DataFrame) -> pl.DataFrame:
    """From schema 2, which says ``shares``, to 3."""
    return rows.rename({"shares": "volume"})


CHANGES = {"bars": (adjusted, traded)}


@pytest.fixture
def old_lake(tmp_path: Path) -> Path:
    """Bars as a program of two schemas ago left them: written by the Delta library alone."""
    old = bars(1.0, 2.0, 3.0).drop("adj_close").rename({"volume": "shares"})
    write_deltalake(tmp_path / "bars", old.with_columns(pl.lit("raw/a.csv").alias("origin")))
    return tmp_path


def columns(path: Path) -> set[str]:
    return {field.name for field in DeltaTable(path / "bars").schema().fields}


def test_an_old_table_is_read_as_of_today_and_left_as_it_is(old_lake):
    lake = Lake(old_lake, migrations=CHANGES)
    assert lake.history("bars").equals(bars(1.0, 2.0, 3.0))
    seen = lake.read("bars", as_of=datetime(2020, 1, 7, 22, tzinfo=UTC), tickers=["A"])
    assert seen["adj_close"].to_list() == [1.0, 2.0]
    assert "shares" in columns(old_lake)
    assert DeltaTable(old_lake / "bars").version() == 0


def test_the_next_write_brings_an_old_table_to_today_and_keeps_its_versions(old_lake):
    lake = Lake(old_lake, migrations=CHANGES)
    assert lake.upsert("bars", bars(1.0, 2.0, 3.0, 4.0), LATER).new == 1
    assert columns(old_lake) == {*schema.columns("bars"), "origin"}
    assert lake.history("bars").equals(bars(1.0, 2.0, 3.0, 4.0))
    past = Lake(old_lake, versions={"bars": 0}, migrations=CHANGES)
    assert past.history("bars").equals(bars(1.0, 2.0, 3.0))


def test_a_version_in_between_takes_only_the_later_changes(old_lake):
    middle = pl.read_delta(str(old_lake / "bars")).with_columns(pl.lit(9.0).alias("adj_close"))
    from stocktrend.lake import delta

    delta.write(str(old_lake / "bars"), middle, "overwrite", schema=2)
    lake = Lake(old_lake, migrations=CHANGES)
    assert lake.history("bars")["adj_close"].to_list() == [9.0, 9.0, 9.0]
    assert lake.history("bars")["volume"].to_list() == [5.0, 5.0, 5.0]


def test_a_table_of_a_newer_program_is_neither_read_nor_written(tmp_path):
    newer, older = Lake(tmp_path, migrations=CHANGES), Lake(tmp_path)
    newer.upsert("bars", bars(1.0), NOON)
    says = r"made by a newer stocktrend \(schema 3, this program knows 1\). Upgrade"
    with pytest.raises(LakeError, match=says):
        older.read("bars")
    with pytest.raises(LakeError, match=says), older.writing():
        pytest.fail("was let in")
    assert DeltaTable(tmp_path / "bars").version() == 0
    assert newer.history("bars").equals(bars(1.0))


def test_a_version_of_today_keeps_its_number_through_appends_checkpoints_and_restores(tmp_path):
    lake = Lake(tmp_path, migrations=CHANGES)
    lake.upsert("bars", bars(1.0, 2.0, 3.0, 4.0, 5.0), NOON)
    lake.upsert("bars", bars(*range(1, 7)), NOON)
    table = DeltaTable(tmp_path / "bars")
    assert table.history(1)[0]["operationParameters"]["mode"] == "Append"
    table.create_checkpoint()
    table.restore(0)
    for version in (None, 0, 1):
        first = DeltaTable(tmp_path / "bars", version=version).schema().fields[0]
        assert first.metadata == {"stocktrend.schema": "3"}
    assert lake.history("bars").height == 5


def test_versions_of_long_ago_can_be_read_after_a_hundred_commits(tmp_path):
    import os

    from stocktrend.lake import delta

    path, month_ago = str(tmp_path / "bars"), datetime(2020, 1, 1, tzinfo=UTC).timestamp()
    for number in range(102):
        delta.write(path, pl.DataFrame({"a": [number]}), "overwrite")
        if number == 98:
            for entry in delta.log_entries(path):
                os.utime(entry, (month_ago, month_ago))
    assert (tmp_path / "bars" / "_delta_log" / "_last_checkpoint").exists()
    assert delta.read(path, ["a"], at=3)["a"].to_list() == [3]
