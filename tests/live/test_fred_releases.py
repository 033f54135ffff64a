"""Replayed vintages of ALFRED: values are known on their release dates, and never before."""

import csv
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from alfred import Alfred, Released

from stocktrend.features.macro import macro_features
from stocktrend.lake.store import Lake
from stocktrend.live.fred import Fred
from stocktrend.live.source import Window

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def store(lake: Lake, series: str, releases: Sequence[Released], since: str, now: datetime) -> None:
    """What an update does with the batches of a series."""
    window = Window(date.fromisoformat(since), now)
    for batch in Fred().fetch(series, window, Alfred({series: releases})):
        assert batch.quarantine.is_empty()
        records = batch.records.with_columns(pl.lit(batch.path).alias("origin"))
        upserted = lake.upsert("macro", records, now, versioned=batch.versioned)
        assert upserted.rejected == 0


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def end_of(day: date) -> datetime:
    local = datetime(day.year, day.month, day.day, 23, 59, tzinfo=ZoneInfo("America/New_York"))
    return local.astimezone(UTC)


def in_force(releases: Sequence[Released], at: datetime) -> dict[date, float]:
    """Period -> value of what ALFRED held at a time, by nothing but the list of releases."""
    told: dict[date, float] = {}
    for period, day, value in sorted(releases, key=lambda release: release[1]):
        if end_of(day) <= at:
            told.pop(period, None)
            if value is not None:
                told[period] = float(value)
    return told


def check_every_release(lake: Lake, series: str, releases: Sequence[Released]) -> None:
    """Just before and just after each release the lake holds what ALFRED held."""
    for day in sorted({day for _, day, _ in releases}):
        for moment in (end_of(day) - SECOND, end_of(day)):
            seen = lake.read("macro", as_of=moment).filter(
                (pl.col("series") == series) & pl.col("value").is_not_null()
            )
            held = dict(seen.select("period", "value").iter_rows())
            assert held == in_force(releases, moment), f"{series} at {moment}"


def test_real_gdp_is_known_on_the_days_of_its_three_estimates(
    real_data: Path, tmp_path: Path
) -> None:
    estimates = rows(real_data / "macro/vintages/gdpc1_first_second_third.csv")
    releases: list[Released] = [
        (date.fromisoformat(row["ref_quarter"]), date.fromisoformat(row[f"{nth}_date"]), row[nth])
        for row in estimates
        if row["ref_quarter"] >= "2012"
        for nth in ("first", "second", "third")
        if row[f"{nth}_date"] and row[nth]
    ]
    lake = Lake(tmp_path / "lake")

    store(lake, "GDPC1", releases, "1900-01-01", NOW)

    known = lake.history("macro").select("period", "known_at", "value").iter_rows()
    assert set(known) == {(period, end_of(day), float(str(v))) for period, day, v in releases}
    check_every_release(lake, "GDPC1", releases[:60])


@pytest.mark.parametrize(
    ("series", "release", "since"), [("CPIAUCSL", "CPI", "2015"), ("UNRATE", "EMPSIT", "2019")]
)
def test_months_are_known_on_the_release_dates_of_the_calendar(
    real_data: Path, tmp_path: Path, series: str, release: str, since: str
) -> None:
    calendar = {
        row["ref_period"]: date.fromisoformat(row["release_date"])
        for row in rows(real_data / "macro/release_dates.csv")
        if row["release"] == release and row["ref_period"] >= since
    }
    values = {row["date"]: row["value"] for row in rows(real_data / f"macro/{series}.csv")}
    releases: list[Released] = [
        (date.fromisoformat(period), day, values[period])
        for period, day in calendar.items()
        if values.get(period)
    ]
    assert len(releases) > 50
    lake = Lake(tmp_path / "lake")

    store(lake, series, releases, "1900-01-01", NOW)

    known = dict(lake.history("macro").select("period", "known_at").iter_rows())
    assert known == {period: end_of(day) for period, day, _ in releases}
    check_every_release(lake, series, releases[:24])


def planted() -> list[Released]:
    """An index that grows 0.2% a month, restated in another base in June 2019 and then revised."""
    releases: list[Released] = []
    months = [date(2016 + m // 12, m % 12 + 1, 1) for m in range(60)]
    rebased = date(2019, 6, 12)
    for place, month in enumerate(months):
        released = month + timedelta(days=43)
        base = 3.0 if released >= rebased else 1.0
        releases.append((month, released, f"{base * 100 * 1.002**place:.6f}"))
        if released < rebased:
            releases.append((month, rebased, f"{3.0 * 100 * 1.002**place:.6f}"))
    releases.append((date(2019, 10, 1), date(2020, 2, 13), "1.0"))  # a mistake, and its end
    releases.append((date(2019, 10, 1), date(2020, 2, 14), None))
    return releases


def test_growth_across_a_rebasing_compares_values_of_one_vintage(tmp_path: Path) -> None:
    releases = planted()
    lake = Lake(tmp_path / "lake")
    store(lake, "CPIAUCSL", releases, "1900-01-01", NOW)
    check_every_release(lake, "CPIAUCSL", releases)

    days = [date(2018, 1, 1) + timedelta(days=7 * week) for week in range(110)]
    grid = pl.DataFrame({"as_of": [end_of(day) for day in days]})
    growth = macro_features(lake.history("macro"), grid)["macro_cpi_yoy"]

    assert growth.null_count() == 0
    assert growth.to_list() == pytest.approx([2.397604] * 110, abs=1e-3)  # 1200 ln 1.002


def test_updates_day_by_day_end_with_the_same_versions_as_one_ask(tmp_path: Path) -> None:
    releases = planted()
    daily, once = Lake(tmp_path / "daily"), Lake(tmp_path / "once")
    covered = date(1900, 1, 1)
    days = {day for _, day, _ in releases if day > date(2019, 3, 1)} | {date(2020, 1, 1)}
    for day in sorted(days):
        now = datetime(day.year, day.month, day.day, 22, tzinfo=UTC)
        known = [release for release in releases if release[1] <= day]
        store(daily, "CPIAUCSL", known, str(covered), now)
        covered = day - timedelta(days=Fred().overlap)
    store(once, "CPIAUCSL", releases, "1900-01-01", NOW)
    assert daily.history("macro").equals(once.history("macro"))
