"""A small market with all that leaks need to show: late starts, ends, revisions, a universe."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import stocktrend as st
from leaks import revised_records
from stocktrend.config import Settings
from stocktrend.lake import Tables
from stocktrend.settings import load_settings

BEGINS, ENDS = date(2016, 9, 1), date(2017, 1, 15)


@pytest.fixture(scope="session")
def records(built_market: Path) -> Tables:
    """Eight tickers: bars of the fourth begin late, those of the sixth end early.

    Of the news every fourth item: scoring its texts would take half of the time.
    """
    tables = revised_records(st.Lake(built_market / "lake"))
    bars = tables.tables["bars"]
    names = bars["ticker"].unique().sort()
    day, ticker = pl.col("session"), pl.col("ticker")
    late, gone = (ticker == names[3]) & (day < BEGINS), (ticker == names[5]) & (day > ENDS)
    news = tables.tables["news"].gather_every(4)
    fewer = {"bars": bars.filter(~late & ~gone), "news": news}
    return replace(tables, tables={**tables.tables, **fewer})


@pytest.fixture(scope="session")
def chosen(built_market: Path) -> Settings:
    """Rows of one year."""
    settings = load_settings(built_market).settings
    return settings.model_copy(update={"start": date(2016, 7, 1), "end": date(2017, 6, 30)})
