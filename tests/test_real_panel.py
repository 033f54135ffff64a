"""The laws on real bars, posts, vintages and statements: a year of eight tickers."""

import math
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import stocktrend as st
from stocktrend.catalog import FEATURES
from stocktrend.config import (
    BarsFile,
    Calendar,
    FomcFile,
    FredMdFile,
    GdpEstimatesFile,
    IndexFile,
    NewsFile,
    SeriesFile,
    Sources,
)
from stocktrend.panel import build_panel

TICKERS = ("AAPL", "GMRE", "JPM", "PTR", "REX", "SPLP", "T", "XOM")
CUT = datetime(2015, 6, 19, 20, tzinfo=UTC)


def settings_for(data: Path) -> st.Settings:
    jobs = Calendar(path=f"{data}/macro/release_dates.csv", release="EMPSIT", longest_lag_days=81)
    return st.Settings(
        start=date(2014, 9, 1),
        end=date(2015, 9, 30),
        sources=Sources(
            prices=tuple(BarsFile(path=f"{data}/us88/prices/{name}.csv") for name in TICKERS),
            news=(
                NewsFile(
                    path=f"{data}/us88/news/[GJPRSX]*.jsonl.zst",
                    start=date(2014, 1, 1),
                    end=date(2016, 3, 31),
                ),
            ),
            policy=(
                FomcFile(path=f"{data}/policy/fomc.csv"),
                IndexFile(path=f"{data}/policy/epu_daily.csv"),
            ),
            macro=(
                FredMdFile(
                    path=f"{data}/macro/vintages/fred_md_deltas.parquet",
                    series={"PAYEMS": "PAYEMS", "UNRATE": "UNRATE", "INDPRO": "INDPRO"},
                    calendars={"PAYEMS": jobs, "UNRATE": jobs},
                ),
                GdpEstimatesFile(path=f"{data}/macro/vintages/gdpc1_first_second_third.csv"),
                SeriesFile(path=f"{data}/macro/VIXCLS.csv"),
            ),
        ),
    )


@pytest.fixture(scope="module")
def root(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real")
    st.ingest(
        folder, settings=settings_for(real_data), retrieved_at=datetime(2018, 1, 1, tzinfo=UTC)
    )
    return folder


def test_real_history_cut_at_a_date_gives_the_same_rows_bit_for_bit(
    root: Path, real_data: Path
) -> None:
    settings, lake = settings_for(real_data), st.Lake(root / "lake")
    whole = build_panel(lake, settings).filter(pl.col("as_of") <= CUT)
    cut = build_panel(lake, settings, known_by=CUT)
    columns = ["ticker", "as_of", "close", *FEATURES]
    assert whole.height > 250
    assert_frame_equal(cut.select(columns), whole.select(columns), check_exact=True)


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
