"""Acts of policy at their publication."""

from datetime import UTC, datetime
from pathlib import Path

from stocktrend.config import EventsFile, ExecutiveOrdersFile, FomcFile
from stocktrend.sources.events import read_events
from stocktrend.sources.executive_orders import read_executive_orders
from stocktrend.sources.fomc import read_fomc

FOMC = """date,release_time_et_convention,target_low,target_high,change_bp,statement
2007-08-10,,5.25,5.25,0,The Federal Reserve is providing liquidity.
2019-10-04,,1.75,2.0,0,Consistent with its statement
2020-03-15,17:00,0.0,0.25,-100,"The coronavirus
outbreak"
2026-03-18,14:00,,,,Available indicators suggest
2020-04-29,2 pm,0.0,0.25,0,x
2020-07-29,2:00 PM,0.0,0.25,0,x
2020-06-10,14:00,0.25,0.0,0,x
"""


def test_a_decision_is_known_at_its_release_time(tmp_path: Path) -> None:
    (tmp_path / "fomc.csv").write_text(FOMC)
    batch = read_fomc(tmp_path / "fomc.csv", FomcFile(path="*"), "fomc", "fomc.csv")
    rows = {row["id"]: row for row in batch.records.iter_rows(named=True)}
    assert {name: row["known_at"] for name, row in rows.items()} == {
        "fomc-2007-08-10": datetime(2007, 8, 11, 3, 59, tzinfo=UTC),
        "fomc-2019-10-04": datetime(2019, 10, 12, 3, 59, tzinfo=UTC),
        "fomc-2020-03-15": datetime(2020, 3, 15, 21, 0, tzinfo=UTC),
        "fomc-2026-03-18": datetime(2026, 3, 18, 18, 0, tzinfo=UTC),
    }
    assert rows["fomc-2020-03-15"]["text"] == "The coronavirus\noutbreak"
    assert rows["fomc-2026-03-18"]["kind"] == "statement"
    assert rows["fomc-2026-03-18"]["target_low"] is None
    assert batch.quarantine["reason"].to_list() == [
        "the release time is not HH:MM: 2 pm",
        "the release time is not HH:MM: 2:00 PM",
        "the target's upper end is below its lower end",
    ]


def test_a_time_that_the_clocks_skip_costs_one_row(tmp_path: Path) -> None:
    (tmp_path / "fomc.csv").write_text("date,release_time\n2020-03-08,02:30\n2020-03-09,02:30\n")
    batch = read_fomc(tmp_path / "fomc.csv", FomcFile(path="*"), "fomc", "fomc.csv")
    assert (batch.records.height, batch.quarantine["row"].to_list()) == (1, [1])


def test_days_of_publication_can_be_set(tmp_path: Path) -> None:
    (tmp_path / "fomc.csv").write_text(FOMC)
    setting = FomcFile.model_validate({"path": "*", "published": {"2020-03-15": "2020-03-16"}})
    batch = read_fomc(tmp_path / "fomc.csv", setting, "fomc", "fomc.csv")
    assert batch.records["known_at"].to_list()[1:3] == [
        datetime(2019, 10, 5, 3, 59, tzinfo=UTC),
        datetime(2020, 3, 17, 3, 59, tzinfo=UTC),
    ]


def test_an_order_is_known_at_its_publication_and_its_later_fate_is_never_read(
    tmp_path: Path,
) -> None:
    header = "signing_date,publication_date,eo_number,title,disposition_notes_LOOKAHEAD\n"
    (tmp_path / "eo.csv").write_text(
        header
        + '1994-01-15,1994-01-20,12891,Commission,"Revoked by: EO 13062"\n'
        + "1994-02-15,1994-02-10,12892,Early,Revoked by: EO 13063\n"
    )
    setting = ExecutiveOrdersFile(path="*")
    batch = read_executive_orders(tmp_path / "eo.csv", setting, "eo", "eo.csv")
    row = batch.records.row(0, named=True)
    assert row["known_at"] == datetime(1994, 1, 21, 4, 59, tzinfo=UTC)
    assert row["event_time"] == datetime(1994, 1, 16, 4, 59, tzinfo=UTC)
    assert "Revoked" not in str(batch.records.rows())
    assert batch.quarantine["reason"].to_list() == ["published before it was signed"]
    assert "Revoked" not in batch.quarantine["record"][0]


def test_any_other_act_needs_only_a_publication(tmp_path: Path) -> None:
    (tmp_path / "minutes.csv").write_text(
        "meeting_date,release_date\n2019-01-30,2019-02-20\n2019-03-20,\n"
    )
    setting = EventsFile(path="*", event_kind="minutes")
    batch = read_events(tmp_path / "minutes.csv", setting, "minutes", "minutes.csv")
    row = batch.records.row(0, named=True)
    assert (row["kind"], row["known_at"]) == (
        "minutes",
        datetime(2019, 2, 21, 4, 59, tzinfo=UTC),
    )
    assert batch.quarantine.height == 1
