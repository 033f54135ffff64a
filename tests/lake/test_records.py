"""Records in memory stand for the lake that they were read from."""

from datetime import UTC, datetime

import pytest
from polars.testing import assert_frame_equal

import stocktrend as st
from stocktrend.lake import Lake, Tables
from stocktrend.panel import build_panel


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    root = tmp_path_factory.mktemp("records") / "market"
    st.simulate(root, tickers=3, start="2017-01-01", end="2018-06-29", seed=2)
    st.ingest(root)
    return Lake(root / "lake")


def test_a_panel_from_memory_equals_the_panel_from_the_lake(lake: Lake) -> None:
    settings = st.Settings()
    assert_frame_equal(build_panel(Tables.of(lake), settings), build_panel(lake, settings))


def test_what_is_known_later_is_left_out(lake: Lake) -> None:
    moment = datetime(2018, 2, 2, 21, tzinfo=UTC)
    then = Tables.of(lake).known_by(moment)
    for table in ("bars", "news", "policy", "macro"):
        frame = then.history(table)
        assert frame.height
        assert frame["known_at"].max() <= moment


def test_market_news_come_with_every_ticker(lake: Lake) -> None:
    ticker = lake.history("bars")["ticker"][0]
    news = Tables.of(lake, [ticker]).history("news")
    assert set(news["ticker"]) == {ticker, "*"}
    assert_frame_equal(news, lake.history("news", [ticker]))
