"""A date has rows of those that were in the universe then, as known then, and reports say so."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import stocktrend
from sp500_settings import sp500_settings
from stocktrend.config import BarsFile
from stocktrend.errors import DataError
from stocktrend.lake import Lake
from stocktrend.lake.order import in_order
from stocktrend.lake.records import Tables
from stocktrend.panel import build_panel
from stocktrend.schema import TABLES
from stocktrend.sessions import sessions, start_of_day
from stocktrend.universe import Universe, among_members

DAILY = stocktrend.Settings(frequency="daily", start=date(2020, 6, 1), end=date(2020, 6, 12))
WEEKLY = stocktrend.Settings(start=date(2020, 6, 1), end=date(2020, 6, 26))
Change = tuple[str, date, bool, datetime | None]


def bars(*tickers: str) -> pl.DataFrame:
    """Bars of the first half of 2020."""
    days = sessions().filter(pl.col("session").is_between(date(2020, 1, 2), date(2020, 6, 30)))
    parts = []
    for number, ticker in enumerate(tickers):
        steps = np.random.default_rng(number).normal(0, 0.01, days.height)
        close = 50 * np.exp(np.cumsum(steps))
        prices = {"open": close, "high": close * 1.01, "low": close * 0.99}
        parts.append(
            days.select(
                pl.col("close").alias("event_time"),
                pl.col("close").alias("known_at"),
                pl.lit("made").alias("source"),
                pl.lit(ticker).alias("ticker"),
                "session",
                *(pl.Series(name, values) for name, values in prices.items()),
                pl.Series("close", close),
                pl.Series("adj_close", close),
                pl.lit(1e6).alias("volume"),
            )
        )
    return pl.concat(parts).select(list(TABLES["bars"].columns()))


def changes(*given: Change) -> pl.DataFrame:
    """Changes known at the start of their day, or when they say."""
    rows = pl.DataFrame(
        given,
        {
            "ticker": pl.String,
            "day": pl.Date,
            "member": pl.Boolean,
            "told": pl.Datetime("us", "UTC"),
        },
        orient="row",
    )
    begin = start_of_day(pl.col("day"))
    return in_order(
        "universe",
        rows.with_columns(
            begin.alias("event_time"),
            pl.coalesce("told", begin).alias("known_at"),
            pl.lit("index").alias("source"),
        ).select(list(TABLES["universe"].columns())),
    )


def days_of(panel: pl.DataFrame, ticker: str) -> list[int]:
    """Days of the month of a ticker's rows."""
    rows = panel.filter(pl.col("ticker") == ticker)["as_of"]
    return rows.dt.convert_time_zone("America/New_York").dt.day().to_list()


def test_rows_run_from_the_day_of_joining_to_the_session_before_the_day_of_leaving() -> None:
    universe = changes(
        ("A", date(2020, 6, 2), True, None),
        ("A", date(2020, 6, 5), False, None),
        ("B", date(2019, 1, 2), True, None),
        ("B", date(2020, 6, 3), False, None),
        ("B", date(2020, 6, 10), True, None),
    )
    records = Tables({"bars": bars("A", "B", "C"), "universe": universe})
    panel = build_panel(records, DAILY)
    assert days_of(panel, "A") == [2, 3, 4]
    assert days_of(panel, "B") == [1, 2, 10, 11, 12]
    assert days_of(panel, "C") == []


def test_leaving_on_the_session_of_a_row_leaves_no_row() -> None:
    universe = changes(
        ("A", date(2020, 1, 2), True, None),
        ("A", date(2020, 6, 19), False, None),  # a Friday
        ("B", date(2020, 1, 2), True, None),
        ("B", date(2020, 6, 20), False, None),
        ("C", date(2020, 6, 12), True, None),
    )
    panel = build_panel(Tables({"bars": bars("A", "B", "C"), "universe": universe}), WEEKLY)
    assert days_of(panel, "A") == [5, 12]
    assert days_of(panel, "B") == [5, 12, 19]
    assert days_of(panel, "C") == [12, 19, 26]


def test_a_change_known_late_counts_from_when_it_was_known() -> None:
    told = datetime(2020, 6, 9, 3, 59, tzinfo=UTC)  # 23:59 of the 8th in New York
    universe = changes(
        ("A", date(2020, 6, 1), True, None),
        ("A", date(2020, 6, 3), False, told),
        ("B", date(2020, 6, 3), True, told),
    )
    records = Tables({"bars": bars("A", "B"), "universe": universe})
    panel = build_panel(records, DAILY)
    assert days_of(panel, "A") == [1, 2, 3, 4, 5, 8]
    assert days_of(panel, "B") == [9, 10, 11, 12]
    then = build_panel(records, DAILY, known_by=datetime(2020, 6, 8, 20, tzinfo=UTC))
    features = [*panel.columns[:4], *stocktrend.FEATURES]
    before = panel.filter(pl.col("as_of") <= datetime(2020, 6, 8, 20, tzinfo=UTC))
    assert_frame_equal(then.select(features), before.select(features), check_exact=True)


def test_membership_decides_which_rows_there_are_and_nothing_in_them() -> None:
    universe = changes(("A", date(2020, 6, 8), True, None), ("B", date(2020, 6, 2), True, None))
    whole = build_panel(Tables({"bars": bars("A", "B")}), DAILY)
    panel = build_panel(Tables({"bars": bars("A", "B"), "universe": universe}), DAILY)
    assert (whole.height, panel.height) == (20, 5 + 9)
    same = whole.join(panel.select("ticker", "as_of"), on=["ticker", "as_of"], how="semi")
    assert_frame_equal(panel, same, check_exact=True)


def test_a_universe_without_members_among_the_prices_is_refused_with_the_remedy() -> None:
    universe = changes(("A.N", date(2020, 1, 2), True, None))
    records = Tables({"bars": bars("A"), "universe": universe})
    with pytest.raises(DataError, match="no ticker with prices was in the universe"):
        build_panel(records, DAILY)


moments = st.integers(0, 11 * 24).map(
    lambda hours: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
)
drawn_days = st.integers(1, 10).map(lambda n: date(2020, 1, n))


@given(
    st.lists(st.tuples(st.sampled_from("AB"), drawn_days, st.booleans(), moments), max_size=8),
    st.lists(st.tuples(st.sampled_from("ABC"), moments), min_size=1, max_size=8),
)
def test_the_newest_version_of_the_newest_day_known_then_decides(
    told: list[Change], asked: list[tuple[str, datetime]]
) -> None:
    told = list({(t, d, k): (t, d, m, k) for t, d, m, k in told}.values())
    rows = pl.DataFrame(
        asked, {"ticker": pl.String, "as_of": pl.Datetime("us", "UTC")}, orient="row"
    )

    def member(ticker: str, moment: datetime) -> bool:
        midnights = {d: datetime(d.year, d.month, d.day, 5, tzinfo=UTC) for _, d, _, _ in told}
        seen = [
            (d, known, m)
            for t, d, m, known in told
            if t == ticker and known is not None and known <= moment and midnights[d] <= moment
        ]
        return max(seen)[2] if seen else False

    found = among_members(rows, changes(*told))
    assert found.rows() == [row for row in rows.rows() if member(*row)]


def test_the_members_of_real_dates_are_those_of_the_index(real_data: Path, tmp_path: Path) -> None:
    """The column in_sp500 was made from the same list, by somebody else."""
    days = pl.col("date").is_between(date(2013, 7, 1), date(2014, 12, 31))
    raw = pl.read_parquet(real_data / "sp500" / "prices_2005_2014.parquet").filter(days)
    raw.drop("in_sp500").write_parquet(tmp_path / "bars.parquet")
    settings = sp500_settings(real_data)
    files = {"prices": (BarsFile(path="bars.parquet"),), "policy": (), "macro": ()}
    sources = settings.sources.model_copy(update=files)
    settings = settings.model_copy(update={"sources": sources, "start": date(2014, 1, 1)})
    stocktrend.ingest(tmp_path, settings=settings, retrieved_at=datetime(2026, 1, 1, tzinfo=UTC))
    lake = Lake(tmp_path / "lake")
    tables = {name: number for name, number in lake.versions().items() if name != "universe"}
    whole = build_panel(Lake(lake.path, versions=tables), settings)
    panel = build_panel(lake, settings)
    day = pl.col("as_of").dt.convert_time_zone("America/New_York").dt.date().alias("date")
    inside = whole.with_columns(day).join(
        raw.filter("in_sp500"), on=["ticker", "date"], how="semi", maintain_order="left"
    )
    assert 20_000 < panel.height < whole.height - 10_000
    assert_frame_equal(panel, inside.drop("date"), check_exact=True)
    listed = pl.read_csv(real_data / "sp500" / "membership.csv", infer_schema=False)
    newest = "2014-12-26"
    gone = pl.col("end_date").ne("") & (pl.col("end_date") <= newest)
    found = Universe.of(lake, panel)
    assert found is not None
    assert found.members == listed.filter(pl.col("start_date") <= newest, ~gone).height
    assert found.rows == inside.filter(pl.col("date") == date(2014, 12, 26)).height > 400
    # All its bars of these years are quarantined: their adjusted prices are negative.
    assert set(found.unpriced) & set(raw["ticker"]) == {"WELL"}
