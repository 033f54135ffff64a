"""A universe that is read again: past rows stay, and what the file says now holds from then on."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

import stocktrend
from stocktrend.lake import Lake
from stocktrend.lake.membership import restate
from stocktrend.lake.order import in_order
from stocktrend.schema import TABLES
from stocktrend.universe import among_members

RETRIEVED = datetime(2020, 6, 1, tzinfo=UTC)
DAYS = [date(2000, 1, day) for day in range(3, 15)]
Story = dict[str, dict[date, bool]]
"""What a file says: ticker -> day -> whether it is in from then on."""


def lake_of(root: Path, *spells: str, retrieved_at: datetime = RETRIEVED) -> Lake:
    """The lake after reading a file of these spells, beside prices of somebody else."""
    prices = "Date,Open,High,Low,Close,Volume\n2016-06-27,10,12,9,11,1000\n"
    lines = "\n".join(["ticker,start_date,end_date", *spells, ""])
    for name, content in {"prices/Z.csv": prices, "universe/membership.csv": lines}.items():
        path = root / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    stocktrend.ingest(root, retrieved_at=retrieved_at)
    return Lake(root / "lake")


def members(lake: Lake, day: datetime) -> set[str]:
    history = lake.history("universe")
    rows = history.select("ticker").unique().with_columns(pl.lit(day).alias("as_of"))
    return set(among_members(rows, history)["ticker"])


def test_the_same_spells_in_another_order_change_nothing(tmp_path: Path) -> None:
    spells = ("A,2000-01-03,2010-05-03", "A,2012-01-03,", "B,2005-03-01,")
    before = lake_of(tmp_path, *spells).versions()
    again = lake_of(tmp_path, *reversed(spells), retrieved_at=RETRIEVED + timedelta(days=1))
    assert again.versions() == before


def test_a_past_end_that_is_changed_is_known_from_the_retrieval_on(tmp_path: Path) -> None:
    lake_of(tmp_path, "A,2000-01-03,2010-05-03", "B,2000-01-03,", "C,2000-01-03,2015-03-02")
    lake = lake_of(
        tmp_path,
        "A,2000-01-03,",  # never left
        "B,2000-01-03,2012-03-01",  # left long ago
        "C,2000-01-03,2016-03-01",  # left later
        retrieved_at=datetime(2020, 9, 1, tzinfo=UTC),
    )
    assert members(lake, datetime(2009, 6, 1, tzinfo=UTC)) == {"A", "B", "C"}
    assert members(lake, datetime(2013, 6, 3, tzinfo=UTC)) == {"B", "C"}
    assert members(lake, datetime(2015, 6, 1, tzinfo=UTC)) == {"B"}
    assert members(lake, datetime(2020, 8, 31, tzinfo=UTC)) == {"B"}
    assert members(lake, datetime(2020, 9, 1, 1, tzinfo=UTC)) == {"A"}


def test_a_leave_after_all_that_is_held_counts_from_its_day_however_late_it_is_read(
    tmp_path: Path,
) -> None:
    lake_of(tmp_path, "A,2000-01-03,2010-05-03", "B,2000-01-03,")
    late = datetime(2020, 9, 1, tzinfo=UTC)
    lake = lake_of(
        tmp_path, "A,2000-01-03,2010-05-03", "B,2000-01-03,2020-07-01", retrieved_at=late
    )
    assert members(lake, datetime(2020, 6, 30, 20, tzinfo=UTC)) == {"B"}
    assert members(lake, datetime(2020, 7, 1, 20, tzinfo=UTC)) == set()


def test_a_start_that_moves_leaves_the_past_as_it_was(tmp_path: Path) -> None:
    lake_of(tmp_path, "A,2005-01-03,", "B,2010-01-04,")
    late = datetime(2020, 9, 1, tzinfo=UTC)
    lake = lake_of(tmp_path, "A,2000-01-03,", "B,2021-01-04,", retrieved_at=late)
    assert members(lake, datetime(2003, 6, 2, tzinfo=UTC)) == set()
    assert members(lake, datetime(2015, 6, 1, tzinfo=UTC)) == {"A", "B"}
    assert members(lake, late + timedelta(days=1)) == {"A"}
    assert members(lake, datetime(2021, 1, 5, tzinfo=UTC)) == {"A", "B"}


def test_what_else_is_new_in_a_contradicted_story_is_known_from_the_retrieval_on(
    tmp_path: Path,
) -> None:
    lake_of(tmp_path, "A,2000-01-03,2010-05-03")
    late = datetime(2020, 9, 1, tzinfo=UTC)
    lake = lake_of(tmp_path, "A,2000-01-03,2011-05-02", "A,2013-01-07,", retrieved_at=late)
    assert members(lake, datetime(2010, 12, 1, tzinfo=UTC)) == set()
    assert members(lake, datetime(2015, 6, 1, tzinfo=UTC)) == set()
    assert members(lake, late + timedelta(days=1)) == {"A"}


def test_a_ticker_that_is_new_to_the_lake_counts_from_its_day(tmp_path: Path) -> None:
    lake_of(tmp_path, "A,2000-01-03,2010-05-03")
    late = datetime(2020, 9, 1, tzinfo=UTC)
    lake = lake_of(tmp_path, "A,2000-01-03,2010-05-03", "B,2005-03-01,", retrieved_at=late)
    assert members(lake, datetime(2005, 3, 1, 21, tzinfo=UTC)) == {"A", "B"}


def frame(story: Story) -> pl.DataFrame:
    """The records of a file, each known at noon of its day."""
    rows = [
        (at(day), at(day), "index", ticker, day, member, "membership.csv")
        for ticker, changes in story.items()
        for day, member in changes.items()
    ]
    types = TABLES["universe"].create_empty().schema | {"origin": pl.String}
    return pl.DataFrame(rows, types, orient="row")


def at(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def states(history: pl.DataFrame) -> set[tuple[str, date]]:
    """Ticker and day of all that are members at one o'clock."""
    days = pl.DataFrame({"day": DAYS}).with_columns(
        pl.col("day").dt.combine(time(13), "us").dt.replace_time_zone("UTC").alias("as_of")
    )
    rows = pl.DataFrame({"ticker": ["A", "B"]}).join(days, how="cross")
    return set(among_members(rows, history).select("ticker", "day").rows())


def said(story: Story, ticker: str, day: date) -> bool:
    """Plainly: what the last change up to a day says."""
    begun = [d for d in story[ticker] if d <= day]
    return bool(begun) and story[ticker][max(begun)]


offsets = st.sampled_from(DAYS[:10])
stories = st.dictionaries(
    st.sampled_from("AB"),
    st.dictionaries(offsets, st.booleans(), min_size=1, max_size=4),
    min_size=1,
)


@settings(max_examples=40)
@given(st.lists(stories, min_size=2, max_size=4))
def test_reading_again_keeps_the_past_and_takes_the_files_word_from_then_on(
    readings: list[Story],
) -> None:
    stored = frame({})
    for n, story in enumerate(readings):
        read_at = at(DAYS[3 * n], hour=18)
        incoming = frame(story)
        judged, _ = restate(stored, incoming, read_at)
        added = judged.filter(pl.col("status").is_in(["new", "revised"])).drop("status")
        after = in_order("universe", pl.concat([stored, added]))
        before_it, after_it = states(stored), states(after)
        newest = max(stored["day"], default=date.min)
        for ticker, day in product(story, DAYS):
            if at(day, 13) > read_at:
                assert ((ticker, day) in after_it) == said(story, ticker, day)
            elif ticker in set(stored["ticker"]) and day <= newest:
                assert ((ticker, day) in after_it) == ((ticker, day) in before_it)
        again, _ = restate(after, incoming, read_at + timedelta(hours=1))
        assert set(again["status"]) == {"unchanged"}
        stored = after
