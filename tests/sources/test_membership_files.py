"""Spells of membership as changes, each known when it could be."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import stocktrend
from stocktrend.config import MembershipFile, Settings
from stocktrend.errors import SourceError
from stocktrend.sources.batch import Batch
from stocktrend.sources.membership import overlaps, read_membership
from stocktrend.sources.plan import plan

EPOCH = date(2000, 1, 3)


def read(folder: Path, content: str, **columns: str) -> Batch:
    path = folder / "membership.csv"
    path.write_text(content)
    return read_membership(path, MembershipFile(path="*", columns=columns), "index", path.name)


def changes(batch: Batch) -> list[tuple[object, ...]]:
    wanted = batch.records.sort("ticker", "day")
    return wanted.select("ticker", "day", "member", "known_at").rows()


def test_a_spell_is_a_join_and_a_leave_known_at_the_start_of_their_days(tmp_path: Path) -> None:
    batch = read(
        tmp_path, "ticker,start_date,end_date\nold,2009-01-05,2009-07-06\nnew,2010-02-01,\n"
    )
    assert changes(batch) == [
        ("NEW", date(2010, 2, 1), True, datetime(2010, 2, 1, 5, tzinfo=UTC)),
        ("OLD", date(2009, 1, 5), True, datetime(2009, 1, 5, 5, tzinfo=UTC)),
        ("OLD", date(2009, 7, 6), False, datetime(2009, 7, 6, 4, tzinfo=UTC)),  # summer time
    ]
    assert (batch.table, batch.read, batch.quarantine.height) == ("universe", 3, 0)


def test_a_change_announced_after_its_day_is_known_that_night_and_before_it_on_its_day(
    tmp_path: Path,
) -> None:
    batch = read(
        tmp_path,
        "Symbol,Date Added,Date Removed,Start Announced,End Announced\n"
        "A,2009-01-05,2009-02-02,2008-12-15,2009-02-06\n",
    )
    assert [known for *_, known in changes(batch)] == [
        datetime(2009, 1, 5, 5, tzinfo=UTC),
        datetime(2009, 2, 7, 4, 59, tzinfo=UTC),
    ]


def test_bad_rows_are_quarantined_each_with_its_reason(tmp_path: Path) -> None:
    batch = read(
        tmp_path,
        "ticker,start_date,end_date\n"
        "A,,2009-01-01\n"  # row 1
        "B,2009-13-01,\n"
        "C,2009-01-05,soon\n"
        "D,2009-01-05,2009-01-05\n"
        "E,2009-01-05,2008-12-31\n"
        ",2009-01-05,\n"
        "F,2009-01-05,\n"  # 7: still in
        "F,2012-01-05,2013-01-07\n"  # 8: inside the spell before
        "G,2010-01-04,2012-01-03\n"
        "G,2009-01-05,2011-01-03\n"  # 10: begins first
        "G,2011-01-03,2011-06-01\n"  # 11: after that one, its clash with row 9 has no say
        "H,2009-01-05,\n"
        "H,2009-01-05,\n",
    )
    assert dict(batch.quarantine.sort("row").select("row", "reason").rows()) == {
        1: "start_date is not YYYY-MM-DD",
        2: "start_date is not YYYY-MM-DD",
        3: "end_date is not YYYY-MM-DD",
        4: "end_date is not after start_date",
        5: "end_date is not after start_date",
        6: "ticker is missing",
        8: "the spell overlaps that of row 7",
        9: "the spell overlaps that of row 10",
    }
    assert batch.duplicate == 1
    assert set(batch.records["ticker"]) == {"F", "G", "H"}
    assert batch.read == batch.records.height + batch.quarantine.height + batch.duplicate


def test_a_spell_that_goes_on_in_the_next_one_is_no_leave(tmp_path: Path) -> None:
    batch = read(
        tmp_path, "ticker,start_date,end_date\nA,2009-01-05,2010-03-01\nA,2010-03-01,2011-05-02\n"
    )
    assert [(day, member) for _, day, member, _ in changes(batch)] == [
        (date(2009, 1, 5), True),
        (date(2010, 3, 1), True),
        (date(2011, 5, 2), False),
    ]
    assert batch.notes == {"spells that go on in the next one without a gap": 1}


def test_other_columns_are_mapped_or_refused_with_their_names(tmp_path: Path) -> None:
    content = "name,von,bis\nA,2009-01-05,\n"
    mapped = {"ticker": "name", "start_date": "von", "end_date": "bis"}
    assert len(changes(read(tmp_path, content, **mapped))) == 1
    with pytest.raises(SourceError, match="start_date, end_date"):
        read(tmp_path, content, ticker="name")


def test_a_file_in_raw_universe_is_found_and_another_one_named(tmp_path: Path) -> None:
    files = {
        "prices/A.csv": "Date,Open,High,Low,Close,Volume\n2016-06-27,10,12,9,11,1000\n",
        "universe/membership.csv": "ticker,start_date,end_date\nA,2009-01-05,\n",
        "universe/sectors.csv": "ticker,sector\nA,Energy\n",
    }
    for name, content in files.items():
        path = tmp_path / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    file = tmp_path / "raw/universe/no_ends.csv"
    file.write_text("ticker,start_date\nA,2009-01-05\n")
    with pytest.raises(SourceError, match=r"no_ends\.csv .*end_date is missing.* or add the col"):
        stocktrend.ingest(tmp_path, retrieved_at=datetime(2020, 1, 1, tzinfo=UTC))
    file.unlink()
    found = plan(Settings(), tmp_path)
    assert [f.setting.path for f in found.feeds if f.table == "universe"] == [
        "raw/universe/membership.csv"
    ]
    assert any("raw/universe/sectors.csv is not read" in warning for warning in found.warnings)


days = st.integers(0, 12).map(lambda n: EPOCH + timedelta(days=n))


@given(st.lists(st.tuples(st.sampled_from("AB"), days, st.none() | days), max_size=8))
def test_spells_kept_do_not_overlap_and_each_refused_one_overlaps_a_kept_one(
    drawn: list[tuple[str, date, date | None]],
) -> None:
    distinct = [(t, a, b) for t, a, b in dict.fromkeys(drawn) if b is None or b > a]
    spells = [(*spell, row) for row, spell in enumerate(distinct)]
    inside = {
        row: {(t, n) for n in range((a - EPOCH).days, ((b or date(2001, 1, 1)) - EPOCH).days)}
        for t, a, b, row in spells
    }
    refused = overlaps(spells)
    kept = [inside[row] for row in inside if row not in refused]
    assert sum(map(len, kept)) == len(set().union(*kept))
    assert not set(refused) & set(refused.values())
    assert all(inside[row] & inside[other] for row, other in refused.items())
