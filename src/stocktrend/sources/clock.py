"""When a dated value was known: release rules, calendars, and the rules of well-known series.

``next_business_day``: 10:00 New York of the next day on which the exchange and the government
work. ``lag``: 23:59 New York of the label date plus a number of days. ``calendar``: 23:59 New York
of the release date; a period that the calendar lacks takes the longest lag.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from stocktrend.config import Calendar, Lag, NextBusinessDay, Release
from stocktrend.errors import ConfigError, SourceError
from stocktrend.schema import UTC_TIME
from stocktrend.sessions import end_of_day, new_york_expr, next_business_day
from stocktrend.sources.fields import day, match_columns, text
from stocktrend.sources.files import read_rows

LONGEST_LAGS: Final = {
    "CPIAUCSL": 60,
    "CPILFESL": 60,
    "UNRATE": 81,
    "PAYEMS": 81,
    "INDPRO": 60,
    "UMCSENT": 31,
    "GDPC1": 176,
}
"""Days from the label date to the latest publication ever seen."""

DAILY: Final = frozenset(
    [
        *("DFF", "DFEDTAR", "DFEDTARL", "DFEDTARU", "VIXCLS", "USEPUINDXD", "GPRD"),
        *("DGS1MO", "DGS3MO", "DGS6MO", "DGS1", "DGS2", "DGS3", "DGS5", "DGS7", "DGS10", "DGS20"),
        *("DGS30", "T10Y2Y", "T10Y3M", "T10YIE", "BAA10Y", "AAA10Y", "DBAA", "DAAA"),
    ]
)
"""Daily rates and indices, published within the next business day and not revised."""

CALENDAR_RELEASES: Final = {
    "CPIAUCSL": "CPI",
    "CPILFESL": "CPI",
    "UNRATE": "EMPSIT",
    "PAYEMS": "EMPSIT",
}
"""Series whose release dates a calendar file may give, and the release's name in it."""

REVISED: Final = frozenset(
    [
        *("CPIAUCSL", "CPILFESL", "PCEPILFE", "UNRATE", "U6RATE", "PAYEMS", "INDPRO", "GDP"),
        *("GDPC1", "ICSA", "RSXFS", "DGORDER", "HOUST", "M2SL", "STLFSI4", "ANFCI", "CFNAI"),
        "USREC",
    ]
)
"""Series that are revised later: without vintages they are not what was known at the time."""

_CALENDAR_COLUMNS: Final = {
    "release": ("release",),
    "ref_period": ("refperiod", "period"),
    "release_date": ("releasedate",),
}


def default_release(series: str, calendar: Path | None = None) -> Release:
    """The release rule of a well-known FRED series.

    Args:
        series: FRED's name.
        calendar: A ``release_dates.csv`` to use for the series that it may date.

    Raises:
        ConfigError: the series is not known; the message says what to set.
    """
    if calendar is not None and series in CALENDAR_RELEASES:
        return Calendar(
            path=str(calendar),
            release=CALENDAR_RELEASES[series],
            longest_lag_days=LONGEST_LAGS[series],
        )
    if series in LONGEST_LAGS:
        return Lag(days=LONGEST_LAGS[series])
    if series in DAILY:
        return NextBusinessDay()
    raise ConfigError(
        f"a series must have a release rule, however there is none for {series!r}. Set `release` "
        f"of its source: {{rule: next_business_day}} for a daily market rate, {{rule: lag, days: "
        f"LONGEST_LAG_EVER_SEEN}}, or {{rule: calendar, path: FILE, release: NAME, "
        f"longest_lag_days: DAYS}}"
    )


def is_revised(series: str, release: Release, setting: bool | None) -> bool:
    """Whether a series file without vintages holds values that were revised after ``known_at``.

    The setting decides; else what is known of the series; else every series but a daily one
    counts as revised.
    """
    if setting is not None:
        return setting
    if series in REVISED or series == "UMCSENT":
        return series in REVISED
    return not isinstance(release, NextBusinessDay)


@dataclass
class Clock:
    """Applies release rules; each calendar file is read once.

    ``root`` is the folder that calendar paths are relative to.
    """

    root: Path
    _calendars: dict[str, pl.DataFrame] = field(default_factory=dict)

    def release_dates(self, rule: Calendar) -> pl.DataFrame:
        """``period`` and ``release_date`` of one release, one row a period.

        A period that the file dates twice takes the later date, so that nothing is known early.

        Raises:
            SourceError: the file is unreadable, lacks columns or has no such release.
        """
        if rule.path not in self._calendars:
            self._calendars[rule.path] = _read_calendar(self.root / rule.path)
        table = self._calendars[rule.path]
        chosen = table.filter(pl.col("release") == rule.release)
        if chosen.is_empty():
            names = ", ".join(table["release"].unique().sort().to_list())
            raise SourceError(
                f"A calendar must hold the release that a series names, however "
                f"{self.root / rule.path} has no {rule.release!r}. It has: {names}"
            )
        bad = chosen.filter(pl.any_horizontal(pl.all().is_null()))
        if bad.height:
            raise SourceError(
                f"Every row of a release must have two dates (YYYY-MM-DD), however {bad.height} "
                f"of {rule.release} in {self.root / rule.path} do not. Mend or remove these rows"
            )
        return chosen.group_by("period").agg(pl.col("release_date").max())

    def known_at(self, periods: pl.Series, release: Release) -> tuple[pl.Series, pl.Series]:
        """When the value of each period was known.

        Args:
            periods: Label dates.
            release: The rule.

        Returns:
            ``known_at`` (UTC) and whether a calendar dated the period (Boolean).
        """
        frame = pl.DataFrame({"period": periods.cast(pl.Date)})
        dated = pl.lit(None, dtype=pl.Date)
        match release:
            case NextBusinessDay():
                days = next_business_day(frame["period"]).alias("day")
                frame = frame.with_columns(days)
                known = new_york_expr(pl.col("day"), release.at)
            case Lag():
                known = end_of_day(pl.col("period") + pl.duration(days=release.days))
            case Calendar():
                dates = self.release_dates(release)
                frame = frame.join(dates, on="period", how="left", maintain_order="left")
                dated = pl.col("release_date")
                late = pl.col("period") + pl.duration(days=release.longest_lag_days)
                known = end_of_day(pl.coalesce(dated, late))
        timed = frame.select(
            known.cast(UTC_TIME).alias("known_at"), dated.is_not_null().alias("dated")
        )
        return timed["known_at"], timed["dated"]


def _read_calendar(path: Path) -> pl.DataFrame:
    rows = read_rows(path).frame
    columns = match_columns(
        path, rows.columns, _CALENDAR_COLUMNS, {}, ("release", "ref_period", "release_date")
    )
    return rows.select(
        text(rows, columns["release"]).alias("release"),
        day(rows, columns["ref_period"]).alias("period"),
        day(rows, columns["release_date"]).alias("release_date"),
    )
