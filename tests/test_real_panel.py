"""The panel of real bars, posts and vintages against the files themselves."""

import math
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

import stocktrend as st
from stocktrend.config import BarsFile, NewsFile, Sources
from stocktrend.panel import build_panel
from us88_settings import us88_settings

TICKERS = ("AAPL", "GMRE", "JPM", "PTR", "REX", "SPLP", "T", "XOM")


def settings_for(data: Path) -> st.Settings:
    """A year of eight tickers with the vintages of FRED-MD; AAPL and T without their posts."""
    settings = us88_settings(data)
    posts = NewsFile(
        path=f"{data}/us88/news/[GJPRSX]*.jsonl.zst", start=date(2014, 1, 1), end=date(2016, 3, 31)
    )
    sources = Sources(
        prices=tuple(BarsFile(path=f"{data}/us88/prices/{name}.csv") for name in TICKERS),
        news=(posts,),
        policy=(),
        macro=settings.sources.macro[:1],
    )
    return settings.model_copy(
        update={"sources": sources, "start": date(2014, 9, 1), "end": date(2015, 9, 30)}
    )


@pytest.fixture(scope="module")
def root(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real")
    st.ingest(
        folder, settings=settings_for(real_data), retrieved_at=datetime(2018, 1, 1, tzinfo=UTC)
    )
    return folder


def test_payrolls_growth_is_that_of_the_vintage_known_then(root: Path, real_data: Path) -> None:
    panel = build_panel(st.Lake(root / "lake"), settings_for(real_data))
    # On Friday 2014-10-03 the jobs report had come out at 8:30, but a date alone means 23:59, so
    # that week's row still has August's vintage; the next week's has September's.
    vintages = pl.read_parquet(real_data / "macro" / "vintages" / "fred_md_deltas.parquet")
    payrolls = vintages.filter(pl.col("series") == "PAYEMS").sort("vintage")

    def growth(vintage: str, newest: date, before: date) -> float:
        known = payrolls.filter(pl.col("vintage") <= vintage).group_by("obs_date").last()
        values = dict(known.select("obs_date", "value").iter_rows())
        return 400 * math.log(values[newest] / values[before])

    def at(day: datetime) -> float:
        rows = panel.filter(pl.col("as_of") == day)
        return float(rows["macro_payrolls_growth"][0])

    assert at(datetime(2014, 10, 3, 20, tzinfo=UTC)) == pytest.approx(
        growth("2014-09", date(2014, 8, 1), date(2014, 5, 1)), rel=1e-12
    )
    assert at(datetime(2014, 10, 10, 20, tzinfo=UTC)) == pytest.approx(
        growth("2014-10", date(2014, 9, 1), date(2014, 6, 1)), rel=1e-12
    )


def test_a_ticker_without_posts_counts_none_and_one_with_posts_some(
    root: Path, real_data: Path
) -> None:
    panel = build_panel(st.Lake(root / "lake"), settings_for(real_data))
    counts = panel.group_by("ticker").agg(pl.col("news_count").sum())
    by_ticker = dict(counts.iter_rows())
    assert by_ticker["JPM"] > 50
    assert by_ticker["T"] == 0  # its posts are not among the files
    sources = panel["news_source_diversity"]
    assert sources.null_count() == len(sources)  # one source
