"""Dated values and when they were known: rules, calendars, vintages, estimates."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from stocktrend.config import Calendar, FredMdFile, GdpEstimatesFile, IndexFile, Lag, SeriesFile
from stocktrend.errors import ConfigError, SourceError
from stocktrend.sources.batch import Batch
from stocktrend.sources.clock import Clock
from stocktrend.sources.fred_md import read_fred_md
from stocktrend.sources.gdp import read_gdp
from stocktrend.sources.series import read_series

CALENDAR = "release,ref_period,release_date\nCPI,2013-09-01,2013-10-30\nCPI,2013-10-01,2013-11-20\n"


def series(path: Path, content: str, setting: SeriesFile | IndexFile | None = None) -> Batch:
    path.write_text(content)
    (path.parent / "release_dates.csv").write_text(CALENDAR)
    clock = Clock(path.parent)
    chosen = setting or SeriesFile(path="*")
    return read_series(path, chosen, "macro", path.name, clock, Path("release_dates.csv"))


def known(batch: Batch) -> list[datetime]:
    return batch.records["known_at"].to_list()


def test_a_daily_rate_is_known_at_ten_of_the_next_business_day(tmp_path: Path) -> None:
    batch = series(tmp_path / "DGS10.csv", "date,value\n2014-10-09,2.34\n2014-10-10,2.31\n")
    # Monday the 13th is Columbus Day: the exchange trades, the Treasury does not publish.
    assert known(batch) == [
        datetime(2014, 10, 10, 14, 0, tzinfo=UTC),
        datetime(2014, 10, 14, 14, 0, tzinfo=UTC),
    ]
    assert batch.records["revised"].to_list() == [False, False]


def test_monthly_means_under_a_daily_name_need_a_rule_of_their_own(tmp_path: Path) -> None:
    monthly = "date,value\n2020-01-01,1.8\n2020-02-01,1.5\n2020-03-01,0.9\n"
    with pytest.raises(SourceError, match="DGS10 must be daily"):
        series(tmp_path / "DGS10.csv", monthly)
    batch = series(tmp_path / "DGS10.csv", monthly, SeriesFile(path="*", release=Lag(days=35)))
    assert known(batch)[0] == datetime(2020, 2, 6, 4, 59, tzinfo=UTC)


def test_a_calendar_dates_a_release_that_slipped_and_the_longest_lag_what_it_lacks(
    tmp_path: Path,
) -> None:
    content = "date,value\n2013-09-01,234.1\n2013-10-01,233.9\n2013-11-01,234.0\n"
    batch = series(tmp_path / "CPIAUCSL.csv", content)
    assert known(batch) == [
        datetime(2013, 10, 31, 3, 59, tzinfo=UTC),
        datetime(2013, 11, 21, 4, 59, tzinfo=UTC),
        datetime(2014, 1, 1, 4, 59, tzinfo=UTC),
    ]
    assert batch.records["revised"].all()
    assert batch.notes["CPIAUCSL: periods dated by the release calendar"] == 2


@pytest.mark.parametrize(
    ("name", "lag_end"),
    [
        ("INDPRO", datetime(2014, 3, 3, 4, 59, tzinfo=UTC)),
        ("UMCSENT", datetime(2014, 2, 2, 4, 59, tzinfo=UTC)),
        ("UNRATE", datetime(2014, 3, 24, 3, 59, tzinfo=UTC)),
        ("GDPC1", datetime(2014, 6, 27, 3, 59, tzinfo=UTC)),
    ],
)
def test_well_known_series_have_their_longest_lag(
    tmp_path: Path, name: str, lag_end: datetime
) -> None:
    path = tmp_path / f"{name}.csv"
    path.write_text("observation_date," + name + "\n2014-01-01,5\n")
    batch = read_series(path, SeriesFile(path="*"), "macro", name, Clock(tmp_path))
    assert known(batch) == [lag_end]


def test_an_unknown_series_needs_a_rule(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="release rule, however there is none for 'WALCL'"):
        series(tmp_path / "WALCL.csv", "date,value\n2014-01-01,5\n")
    setting = SeriesFile(path="*", release=Lag(days=2))
    batch = series(tmp_path / "WALCL.csv", "date,value\n2014-01-01,5\n", setting)
    assert known(batch) == [datetime(2014, 1, 4, 4, 59, tzinfo=UTC)]
    assert batch.records["revised"].item()


def test_a_missing_value_is_no_record_and_a_negative_one_is_true(tmp_path: Path) -> None:
    setting = SeriesFile(path="*", release=Lag(days=8), revised=False)
    content = "DATE,DCOILWTICO\n2020-04-17,18.31\n2020-04-20,-36.98\n2020-04-21,.\n2020-04-22,x\n"
    batch = series(tmp_path / "DCOILWTICO.csv", content, setting)
    assert batch.records["value"].to_list() == [18.31, -36.98]
    assert batch.read == 3
    assert batch.quarantine["reason"].to_list() == ["DCOILWTICO is not a number: x"]
    assert batch.notes["dates without a value, left out"] == 1
    assert batch.notes["DCOILWTICO: values at or below 0, kept"] == 1


def test_a_month_that_was_never_published_is_named(tmp_path: Path) -> None:
    rows = "".join(f"2025-{month:02}-01,4.{month}\n" for month in (7, 8, 9, 11))
    batch = series(
        tmp_path / "UNRATE.csv", "date,value\n" + rows, SeriesFile(path="*", release=Lag(days=81))
    )
    assert batch.notes["UNRATE: periods never published"] == 1


def test_a_policy_index_has_the_name_of_its_settings_and_any_value_column(tmp_path: Path) -> None:
    setting = IndexFile(path="*", series="DFEDTAR", columns={"value": "target"})
    batch = series(tmp_path / "fed_target_daily.csv", "date,target\n1994-02-04,3.25\n", setting)
    assert batch.records.select("series", "value").row(0) == ("DFEDTAR", 3.25)
    assert known(batch) == [datetime(1994, 2, 7, 15, 0, tzinfo=UTC)]


def test_a_calendar_without_the_release_is_an_error(tmp_path: Path) -> None:
    rule = Calendar(path="release_dates.csv", release="PPI", longest_lag_days=60)
    with pytest.raises(SourceError, match=r"has no 'PPI'\. It has: CPI"):
        series(
            tmp_path / "PPI.csv", "date,value\n2014-01-01,5\n", SeriesFile(path="*", release=rule)
        )


# --- FRED-MD -----------------------------------------------------------------------------------


def fred_md(folder: Path, rows: list[tuple[str, str, str, float | None]]) -> Batch:
    (folder / "release_dates.csv").write_text(CALENDAR)
    frame = pl.DataFrame(rows, schema=["series", "obs_date", "vintage", "value"], orient="row")
    frame.write_parquet(folder / "deltas.parquet")
    calendar = Calendar(path="release_dates.csv", release="CPI", longest_lag_days=60)
    setting = FredMdFile(
        path="*",
        series={"CPIAUCSL": "CPIAUCSL", "UMCSENT": "UMCSENTx"},
        calendars={"CPIAUCSL": calendar},
    )
    return read_fred_md(folder / "deltas.parquet", setting, "md", "deltas", Clock(folder))


def test_a_vintage_is_known_at_its_release_or_on_the_first_of_the_next_month(
    tmp_path: Path,
) -> None:
    batch = fred_md(
        tmp_path,
        [
            ("CPIAUCSL", "2013-08-01", "2013-10", 233.5),
            ("CPIAUCSL", "2013-09-01", "2013-10", 234.1),
            ("CPIAUCSL", "2013-10-01", "2013-11", 233.9),
            ("CPIAUCSL", "2013-08-01", "2013-11", 233.6),
            ("CPIAUCSL", "2013-09-01", "2013-12", 234.2),
            ("CPIAUCSL", "2013-10-01", "2014-01", None),
            ("UMCSENTx", "2013-10-01", "2013-10", 75.2),
            ("OTHER", "2013-10-01", "2013-10", 1.0),
        ],
    )
    rows = batch.records.sort("series", "known_at", "period")
    assert rows.select("series", "known_at", "period", "value").rows() == [
        # October's vintage came out with September's value, delayed by the shutdown.
        ("CPIAUCSL", datetime(2013, 10, 31, 3, 59, tzinfo=UTC), date(2013, 8, 1), 233.5),
        ("CPIAUCSL", datetime(2013, 10, 31, 3, 59, tzinfo=UTC), date(2013, 9, 1), 234.1),
        ("CPIAUCSL", datetime(2013, 11, 21, 4, 59, tzinfo=UTC), date(2013, 8, 1), 233.6),
        ("CPIAUCSL", datetime(2013, 11, 21, 4, 59, tzinfo=UTC), date(2013, 10, 1), 233.9),
        # Revisions alone have no release of their own; a withdrawal neither.
        ("CPIAUCSL", datetime(2014, 1, 1, 5, 0, tzinfo=UTC), date(2013, 9, 1), 234.2),
        ("CPIAUCSL", datetime(2014, 2, 1, 5, 0, tzinfo=UTC), date(2013, 10, 1), None),
        ("UMCSENT", datetime(2013, 11, 1, 4, 0, tzinfo=UTC), date(2013, 10, 1), 75.2),
    ]
    assert batch.read == 7
    assert batch.notes["values withdrawn by a later vintage, kept as withdrawals"] == 1
    assert batch.notes["rows of series not asked for, not read"] == 1


def test_no_vintage_is_known_before_the_one_it_follows(tmp_path: Path) -> None:
    batch = fred_md(
        tmp_path,
        [
            ("CPIAUCSL", "2013-08-01", "2013-10", 233.5),  # no release date: 1 November
            ("CPIAUCSL", "2013-09-01", "2013-11", 234.1),  # released on 30 October
        ],
    )
    first_of_november = datetime(2013, 11, 1, 4, 0, tzinfo=UTC)
    assert batch.records["known_at"].to_list() == [first_of_november, first_of_november]


# --- GDP ---------------------------------------------------------------------------------------

GDP = """ref_quarter,first_date,first,second_date,second,third_date,third,latest
2023-01-01,2023-04-27,20235.878,2023-05-25,20246.439,2023-06-29,20282.76,22403.4
2023-04-01,2023-07-27,20404.088,2023-08-30,20386.467,2023-09-28,22225.35,22580.499
2023-07-01,2023-10-26,22491.567,2023-11-29,22506.365,2023-12-21,22490.7,22840.9
2023-10-01,2024-01-25,22672.859,2024-02-28,22668.986,,,23033.8
"""


def test_the_three_estimates_of_a_quarter_are_three_versions(tmp_path: Path) -> None:
    (tmp_path / "gdp.csv").write_text(GDP)
    batch = read_gdp(tmp_path / "gdp.csv", GdpEstimatesFile(path="*"), "gdp", "gdp.csv")
    assert batch.read == batch.records.height == 11
    assert batch.notes["estimates not published yet"] == 1
    third = batch.records.filter(pl.col("period") == date(2023, 7, 1)).sort("known_at")
    assert third["value"].to_list() == [22491.567, 22506.365, 22490.7]
    assert known(batch)[0] == datetime(2023, 4, 28, 3, 59, tzinfo=UTC)
    assert set(third["basis"]) == {"2023Q3"}
    # The third estimate of 2023Q2 came out in 2017 dollars; the first two are in 2012 dollars.
    second = batch.records.filter(pl.col("period") == date(2023, 4, 1)).sort("known_at")
    assert second["basis"].to_list() == ["2018Q2", "2018Q2", "2023Q2 in the next base"]
    assert not set(batch.records["value"]) & {22403.4, 22580.499, 22840.9, 23033.8}


def test_a_rebasing_must_be_a_quarter(tmp_path: Path) -> None:
    (tmp_path / "gdp.csv").write_text(GDP)
    setting = GdpEstimatesFile(path="*", rebased=("2023",))
    with pytest.raises(ConfigError, match="rebased must hold quarters"):
        read_gdp(tmp_path / "gdp.csv", setting, "gdp", "gdp.csv")
