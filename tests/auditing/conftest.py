"""A small market with all that leaks need to show: late starts, ends, revisions, a universe."""

from datetime import date
from pathlib import Path

import pytest

import stocktrend as st
from leaks import leaky_market
from stocktrend.config import Settings
from stocktrend.lake import Tables
from stocktrend.settings import load_settings


@pytest.fixture(scope="session")
def records(built_market: Path) -> Tables:
    """Eight tickers."""
    lake = st.Lake(built_market / "lake")
    return leaky_market(lake, begins=date(2016, 9, 1), ends=date(2017, 1, 15))


@pytest.fixture(scope="session")
def chosen(built_market: Path) -> Settings:
    """Rows of one year."""
    settings = load_settings(built_market).settings
    return settings.model_copy(update={"start": date(2016, 7, 1), "end": date(2017, 6, 30)})
