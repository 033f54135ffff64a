"""Ten years of a real index: what is known to be corrupt is found, and a real crash is kept."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from stocktrend import schema
from stocktrend.config import Settings
from stocktrend.lake import Tables
from stocktrend.quality import QualityReport, check
from stocktrend.sessions import sessions


@pytest.fixture(scope="module")
def report(real_data: Path) -> QualityReport:
    file = pl.scan_parquet(real_data / "sp500" / "prices_2005_2014.parquet")
    closes = sessions().lazy().select("session", pl.col("close").alias("known_at"))
    bars = (
        file.rename({"date": "session"})
        .join(closes, on="session")
        .select(
            pl.col("known_at").alias("event_time"),
            "known_at",
            pl.lit("file").alias("source"),
            "ticker",
            "session",
            pl.col("open", "high", "low", "close", "adj_close", "volume").cast(pl.Float64),
        )
        .select(schema.columns("bars"))
        .collect()
    )
    return check(Tables({"bars": bars}), Settings(), datetime(2026, 1, 1, tzinfo=UTC))


def test_known_defects_are_found_and_few_others(report: QualityReport) -> None:
    errors = [f for f in report.findings if f.severity == "error"]
    found = {f.subject for f in errors}
    known = {"BHF", "CBH", "CHRS", "CTX", "INVH", "SFS", "SUN", "WELL"}
    assert found >= known
    assert len(found - known) <= 4
    (bad,) = (f for f in errors if f.subject == "INVH")
    assert (bad.first, bad.last, bad.rows) == (date(2006, 2, 9), date(2006, 2, 9), 1)


def test_the_crash_of_2008_is_kept(report: QualityReport) -> None:
    first, last = date(2008, 9, 1), date(2008, 11, 30)
    crash = report.corrupt().filter(pl.col("first") <= last, pl.col("last") >= first)
    # These hold another security's bars, or negative prices, for years around it.
    assert set(crash["ticker"]) == {"CHRS", "CTX", "SFS", "WELL"}
    assert ((crash["last"] - crash["first"]).dt.total_days() > 2000).all()
