"""The lake's past: listed, gone back to, let go of; and its records written for others."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from polars.testing import assert_frame_equal

from stocktrend.errors import DataError, LakeError
from stocktrend.lake import Lake, delta, moments, restoring, upkeep
from stocktrend.lake.journal import JOURNAL, plan
from stocktrend.schema import UTC_TIME

NOON = datetime(2020, 2, 13, 12, tzinfo=UTC)
LATER = datetime(2020, 7, 1, 12, tzinfo=UTC)
WHOLE = 10


def values(*rows: tuple[int, float]) -> pl.DataFrame:
    """Observations of months of 2020, known at noon."""
    return pl.DataFrame(
        {
            "event_time": NOON,
            "known_at": NOON,
            "source": "series",
            "series": "CPI",
            "period": [datetime(2020, month, 1, tzinfo=UTC).date() for month, _ in rows],
            "value": [value for _, value in rows],
            "basis": None,
            "revised": False,
        },
        schema_overrides={"event_time": UTC_TIME, "known_at": UTC_TIME, "basis": pl.String},
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Three ingests of a file whose first value becomes 1, then 2, then 3."""
    lake = Lake(tmp_path / "lake")
    for number in (1.0, 2.0, 3.0):
        lake.upsert("macro", values((1, number)), LATER)
        lake.ledger.record({"raw/macro/CPI.csv": f"read when it said {number}"})
    return lake


def seen(lake: Lake) -> list[float]:
    return lake.read("macro")["value"].to_list()


def test_history_tells_rows_operations_and_the_runs_of_each_version(lake):
    runs = {"one": {"macro": 0}, "two": {"macro": 2}, "again": {"macro": 2}}
    found = [v for v in upkeep.history(lake, runs) if v.table == "macro"]
    assert [(v.version, v.rows, v.change, v.runs) for v in found] == [
        (0, 1, 1, ("one",)),
        (1, 2, 1, ()),
        (2, 3, 1, ("again", "two")),
    ]
    assert [v.table for v in upkeep.history(lake, {})] == ["macro", "files"] * 3
    assert all(datetime.now(UTC) - v.at < timedelta(minutes=5) for v in found)


def test_going_back_takes_the_ledger_along_and_can_be_undone(lake):
    newest = lake.history("macro")
    restoring.restore(lake, moments.state_with(lake, {"macro": 1}))
    assert seen(lake) == [2.0]
    assert lake.ledger.entries() == {"raw/macro/CPI.csv": "read when it said 2.0"}
    assert DeltaTable(f"{lake.path}/macro").version() == 3
    restoring.restore(lake, moments.state_of(lake, "macro", 2))
    assert lake.history("macro").equals(newest)
    assert lake.ledger.entries() == {"raw/macro/CPI.csv": "read when it said 3.0"}


def test_a_state_is_what_all_tables_were_at_a_moment(lake):
    made = moments.commits(lake)
    third = made[2]
    assert (third.table, third.version) == ("macro", 1)
    assert moments.state_at(lake, third.at).versions["macro"] >= 1
    before = moments.state_at(lake, third.at - timedelta(microseconds=1))
    assert before.versions == {"macro": 0, "files": 0}
    with pytest.raises(LakeError, match="no commit before 2020-02-13"):
        moments.state_at(lake, NOON)
    with pytest.raises(LakeError, match="never had version 9"):
        moments.state_of(lake, "macro", 9)
    with pytest.raises(LakeError, match="never held bars 0, macro 0 at once"):
        moments.state_with(lake, {"macro": 0, "bars": 0})


def test_a_table_that_was_not_there_yet_is_empty_again(lake):
    state = moments.state_of(lake, "macro", 2)
    bars = pl.DataFrame({"ticker": ["A"]})
    delta.write(f"{lake.path}/news", bars, "overwrite")
    done = restoring.restore(lake, state)
    assert done["news"] == (None, 1)
    assert pl.read_delta(f"{lake.path}/news").height == 0


def test_a_restore_that_was_stopped_is_finished_by_the_next_writer(lake):
    plan(lake.path, {"macro": 0, "files": 0})
    delta.restore(f"{lake.path}/macro", 0)  # killed after the first of two tables
    assert lake.ledger.entries() == {"raw/macro/CPI.csv": "read when it said 3.0"}
    with lake.writing():
        pass
    assert seen(lake) == [1.0]
    assert lake.ledger.entries() == {"raw/macro/CPI.csv": "read when it said 1.0"}
    assert lake.versions() == {"macro": 4}
    assert not (Path(lake.path) / JOURNAL).exists()


def test_a_restore_of_a_torn_log_that_was_stopped_takes_the_ledger_along(lake, monkeypatch):
    delta.log_entries(f"{lake.path}/macro")[2].write_bytes(b"")
    set_aside = restoring.set_aside_torn

    def killed(path: str) -> None:
        set_aside(path)
        if path.endswith("macro"):
            raise KeyboardInterrupt

    monkeypatch.setattr(restoring, "set_aside_torn", killed)
    with pytest.raises(KeyboardInterrupt):
        restoring.restore(lake, moments.state_of(lake, "macro", 1))
    with lake.writing():
        pass
    assert seen(lake) == [2.0]
    assert lake.ledger.entries() == {"raw/macro/CPI.csv": "read when it said 2.0"}


def damage(lake: Lake, version: int) -> None:
    """One bit of the file that a version added."""
    old = set() if version == 0 else set(delta.files(f"{lake.path}/macro", version - 1))
    (name,) = set(delta.files(f"{lake.path}/macro", version)) - old
    file = Path(lake.path) / "macro" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_the_newest_whole_state_is_the_last_before_the_damage(lake):
    assert restoring.newest_whole(lake).versions == {"macro": 2, "files": 2}
    damage(lake, 2)
    (wrong,) = upkeep.verify(lake)["macro"]
    assert "its checksum differs" in wrong
    assert restoring.newest_whole(lake).versions == {"macro": 1, "files": 1}
    with pytest.raises(LakeError, match="must be whole"):
        restoring.restore(lake, moments.state_of(lake, "macro", 2))
    assert seen(Lake(lake.path, versions={"macro": 1})) == [2.0]
    damage(lake, 0)
    damage(lake, 1)
    with pytest.raises(LakeError, match=r"has none\. Move it aside and run `stocktrend ingest`"):
        restoring.newest_whole(lake)


def test_a_file_of_before_there_were_checksums_is_read_to_find_damage(lake):
    for seal in (Path(lake.path) / "macro").glob(".*.crc32"):
        seal.unlink()
    assert upkeep.verify(lake)["macro"] == []
    (name,) = delta.files(f"{lake.path}/macro")
    file = Path(lake.path) / "macro" / name
    file.write_bytes(b"\0" * file.stat().st_size)
    (wrong,) = upkeep.verify(lake)["macro"]
    assert "cannot be read" in wrong


def named(lake: Lake, version: int) -> set[str]:
    return set(delta.files(f"{lake.path}/macro", version))


def test_vacuum_keeps_what_runs_recorded_and_says_what_it_would_free(lake):
    folder, now = Path(lake.path) / "macro", datetime.now(UTC)
    for number in range(WHOLE):
        lake.upsert("macro", values((1, 10.0 + number)), LATER)
    sizes = {file.name: file.stat().st_size for file in folder.glob("*.parquet")}
    young = upkeep.vacuum(lake, timedelta(days=1), [], now=now, dry_run=False)
    assert sum(young.files.values()) == 0
    kept = {"macro": 1}
    said = upkeep.vacuum(lake, timedelta(0), [kept], now=now + timedelta(days=1), dry_run=True)
    assert {file.name for file in folder.glob("*.parquet")} == set(sizes)
    upkeep.vacuum(lake, timedelta(0), [kept], now=now + timedelta(days=1), dry_run=False)
    left = {file.name for file in folder.glob("*.parquet")}
    assert left == named(lake, 1) | named(lake, delta.version(str(folder)) or 0)
    assert said.bytes["macro"] == sum(sizes[name] for name in sizes.keys() - left)
    assert {file.name for file in folder.glob(".*.crc32")} == {f".{name}.crc32" for name in left}
    assert seen(Lake(lake.path, versions=kept)) == [2.0]
    assert seen(lake) == [10.0 + WHOLE - 1]
    assert 0 in said.versions["macro"]
    with pytest.raises(LakeError, match="A vacuum with --forget-runs removed them"):
        seen(Lake(lake.path, versions={"macro": 0}))
    restoring.restore(lake, moments.state_with(lake, kept))
    assert lake.ledger.entries() == {"raw/macro/CPI.csv": "read when it said 2.0"}


def test_vacuum_keeps_the_version_that_was_the_newest_when_the_period_began(lake):
    made = [commit.at for commit in moments.commits(lake) if commit.table == "macro"]
    since = made[1] + timedelta(microseconds=1)  # version 1 was the newest
    done = upkeep.vacuum(lake, timedelta(0), [], now=since, dry_run=True)
    assert done.versions["macro"] == (0,)
    with pytest.raises(DataError, match="must not be negative"):
        upkeep.vacuum(lake, timedelta(-1), [], now=since, dry_run=True)


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_an_export_holds_the_records_that_were_known_by_then(lake, tmp_path, form):
    out = tmp_path / "out"
    counts = upkeep.export(lake, out, form, datetime(2020, 6, 30, tzinfo=UTC))
    assert {name: count for name, count in counts.items() if count} == {"macro": 1}
    file = out / f"macro.{form}"
    rows = pl.read_parquet(file) if form == "parquet" else pl.read_csv(file)
    assert rows["value"].to_list() == [1.0]
    upkeep.export(lake, tmp_path / "all", form)
    file = tmp_path / "all" / f"macro.{form}"
    newest = pl.read_parquet(file) if form == "parquet" else pl.read_csv(file)
    assert newest["value"].to_list() == [3.0]
    if form == "parquet":
        assert_frame_equal(newest, lake.read("macro"))
    with pytest.raises(DataError, match="new or empty"):
        upkeep.export(lake, out, form)


def test_an_export_that_cannot_be_finished_leaves_nothing(lake, tmp_path):
    damage(lake, 2)
    with pytest.raises(LakeError, match="checksum differs"):
        upkeep.export(lake, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["lake"]
