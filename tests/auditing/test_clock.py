"""From raw files to a row: a post counts until the second of the close, and not after it."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import stocktrend as st
from stocktrend.catalog import FEATURES
from stocktrend.sessions import sessions

CLOSES = {
    "BEFORE": datetime(2016, 3, 11, 21, tzinfo=UTC),  # the clocks go forward two days later
    "AFTER": datetime(2016, 3, 18, 20, tzinfo=UTC),
    "SUMMER": datetime(2016, 11, 4, 20, tzinfo=UTC),  # they go back two days later
    "WINTER": datetime(2016, 11, 11, 21, tzinfo=UTC),
    "HALF": datetime(2016, 11, 25, 18, tzinfo=UTC),  # the day after Thanksgiving ends at 13:00
}
"""The last close of a week in New York, by a ticker that has its only news around it."""
SECOND = timedelta(seconds=1)


def rows(root: Path, wait: timedelta | None) -> pl.DataFrame:
    """The panel of five tickers, each with one post so long after its close, or with none."""
    for kind in ("prices", "news"):
        (root / "raw" / kind).mkdir(parents=True)
    days = sessions().filter(pl.col("session").is_between(date(2015, 9, 1), date(2016, 12, 30)))
    for number, (ticker, close) in enumerate(CLOSES.items()):
        walk = np.exp(np.random.default_rng(number).normal(0, 0.01, days.height).cumsum()) * 50
        price = pl.Series(walk)
        bars = days.select(
            Date="session", Open=price, High=price * 1.01, Low=price * 0.99, Close=price
        ).with_columns(pl.col("Close").alias("Adj Close"), Volume=pl.lit(1000))
        bars.write_csv(root / "raw" / "prices" / f"{ticker}.csv")
        posts = [("2015-09-01T14:00:00Z", "shares trade as usual")]
        if wait is not None:
            posts.append(((close + wait).isoformat(), "record profit, shares surge"))
        lines = [
            json.dumps({"ticker": ticker, "timestamp": when, "text": text, "id": f"{ticker}{n}"})
            for n, (when, text) in enumerate(posts)
        ]
        (root / "raw" / "news" / f"{ticker}.jsonl").write_text("\n".join(lines))
    panel = st.build_panel(root, retrieved_at=datetime(2017, 1, 1, tzinfo=UTC))
    moments = pl.DataFrame({"ticker": list(CLOSES), "as_of": list(CLOSES.values())})
    moments = moments.with_columns(pl.col("as_of").cast(panel.schema["as_of"]))
    found = panel.select("ticker", "as_of", *FEATURES).join(moments, on=["ticker", "as_of"])
    return found.sort("ticker")


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return rows(tmp_path_factory.mktemp("silent"), None)


def test_a_post_one_second_after_the_close_changes_nothing(
    silent: pl.DataFrame, tmp_path: Path
) -> None:
    assert silent["ticker"].to_list() == sorted(CLOSES)
    assert_frame_equal(rows(tmp_path, SECOND), silent, check_exact=True)


@pytest.mark.parametrize("wait", [-SECOND, timedelta(0)], ids=["a second before", "at the close"])
def test_a_post_until_the_close_counts(
    silent: pl.DataFrame, tmp_path: Path, wait: timedelta
) -> None:
    heard = rows(tmp_path, wait)
    assert silent["news_count"].to_list() == [0.0] * len(CLOSES)
    assert heard["news_count"].to_list() == pytest.approx([np.log(2)] * len(CLOSES))
    assert (heard["news_sentiment"] > 0).all()
