"""The panel keeps the laws: what became known later changes no earlier row."""

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import stocktrend as st
from stocktrend.catalog import FEATURES, STOCK_FEATURES
from stocktrend.errors import ConfigError, DataError
from stocktrend.panel import build_panel
from stocktrend.settings import load_settings

CUT = datetime(2016, 12, 30, 21, tzinfo=UTC)
LATER = datetime(2017, 7, 2, tzinfo=UTC)


def panel_of(root: Path, **arguments: object) -> pl.DataFrame:
    settings = load_settings(root).settings
    return build_panel(st.Lake(root / "lake"), settings, **arguments)  # type: ignore[arg-type]


def features(panel: pl.DataFrame) -> pl.DataFrame:
    return panel.select("ticker", "as_of", "close", *FEATURES)


def up_to_cut(panel: pl.DataFrame) -> pl.DataFrame:
    return features(panel.filter(pl.col("as_of") <= CUT))


def test_rows_lie_on_the_last_session_of_their_week(built_market: Path) -> None:
    panel = panel_of(built_market)
    assert panel.columns[:4] == ["ticker", "as_of", "timestamp", "close"]
    assert panel.columns[4:91] == list(FEATURES)
    # Good Friday 2016-03-25 was closed, so that week ends on Thursday.
    days = set(panel["as_of"].dt.convert_time_zone("America/New_York").dt.date())
    assert date(2016, 3, 24) in days
    assert date(2016, 3, 25) not in days
    assert date(2016, 4, 1) in days


def test_every_feature_has_values_on_the_simulated_market(built_market: Path) -> None:
    panel = panel_of(built_market).filter(pl.col("as_of") > datetime(2016, 6, 1, tzinfo=UTC))
    shares = {name: 1 - panel[name].null_count() / len(panel) for name in FEATURES}
    assert min(shares.values()) > 0.5, {n: s for n, s in shares.items() if s <= 0.5}
    assert all(panel[name].is_finite().all() for name in FEATURES)


def test_history_cut_at_a_date_gives_the_same_rows_bit_for_bit(built_market: Path) -> None:
    whole = up_to_cut(panel_of(built_market))
    assert whole.height > 100
    assert_frame_equal(up_to_cut(panel_of(built_market, known_by=CUT)), whole, check_exact=True)


def test_records_known_later_change_no_earlier_row(market: Path) -> None:
    before = up_to_cut(panel_of(market))
    lake = st.Lake(market / "lake")
    for table, column in (("bars", "close"), ("macro", "value")):
        records = lake.read(table).filter(pl.col("event_time") < CUT)
        revised = records.with_columns(
            pl.col(column) * 1.5,
            known_at=pl.lit(CUT + timedelta(seconds=1)).cast(records["known_at"].dtype),
        )
        if table == "bars":
            revised = revised.with_columns(high=pl.col("high") * 2)
        lake.upsert(table, revised, retrieved_at=LATER)
    items = lake.read("news").filter(pl.col("known_at") <= CUT).head(50)
    late = items.with_columns(
        id=pl.col("id") + "-late",
        text=pl.lit("profit warning, shares plunge"),
        known_at=pl.lit(CUT + timedelta(seconds=1)).cast(items["known_at"].dtype),
    )
    lake.upsert("news", late, retrieved_at=LATER)
    after = panel_of(market)
    assert_frame_equal(up_to_cut(after), before, check_exact=True)
    assert not features(after).equals(features(panel_of(market, known_by=CUT)))


def test_later_dividends_and_splits_change_no_feature_and_are_no_revision(market: Path) -> None:
    before = panel_of(market)
    file = sorted((market / "raw" / "prices").glob("*.csv"))[0]
    frame = pl.read_csv(file, infer_schema_length=None)
    ticker = file.stem
    prices = [n for n in frame.columns if n in ("Open", "High", "Low", "Close", "Adj Close")]
    numbers = frame.with_columns(
        *(pl.col(n).cast(pl.Float64, strict=False) / 2 for n in prices),
        (pl.col("Volume").cast(pl.Float64, strict=False) * 2).alias("Volume"),
    ).with_columns(pl.col("Adj Close") * 0.97)
    numbers.write_csv(file)
    report = st.ingest(market, retrieved_at=LATER)
    assert sum(source.revised for source in report.sources) == 0
    after = panel_of(market)
    row = before["ticker"] == ticker
    assert row.any()
    assert_frame_equal(
        after.select("ticker", "as_of", *STOCK_FEATURES),
        before.select("ticker", "as_of", *STOCK_FEATURES),
        rel_tol=1e-9,
        abs_tol=1e-9,
    )


def test_one_ticker_alone_has_the_features_that_it_has_among_all(built_market: Path) -> None:
    whole = panel_of(built_market)
    ticker = whole["ticker"].unique().sort()[2]
    alone = panel_of(built_market, tickers=[ticker])
    assert_frame_equal(alone, whole.filter(pl.col("ticker") == ticker), check_exact=True)


def test_unknown_tickers_are_all_named_with_a_close_match(built_market: Path) -> None:
    known = panel_of(built_market)["ticker"][0]
    with pytest.raises(DataError, match=r"(?s)'ZZZZ'.*'QQQQ'"):
        panel_of(built_market, tickers=[known, "ZZZZ", "QQQQ"])


def test_the_processor_reads_raw_files_by_itself(tmp_path: Path) -> None:
    st.simulate(
        tmp_path, market="none", tickers=3, start=date(2016, 1, 1), end=date(2016, 12, 30), seed=2
    )
    processor = st.UnifiedTrainingDataProcessor({"data_root": str(tmp_path), "horizons": (7, 90)})
    panel = processor.generate_training_data("2016-06-01", "2016-08-31")
    assert {"return_7d", "target_90d", "label_known_at_90d"} <= set(panel.columns)
    days = panel["as_of"].dt.convert_time_zone("America/New_York").dt.date()
    assert date(2016, 6, 1) <= min(days)
    assert max(days) <= date(2016, 8, 31)


def test_the_processor_wants_a_data_root() -> None:
    with pytest.raises(ConfigError, match="data_root"):
        st.UnifiedTrainingDataProcessor({})


def test_daily_rows_contain_the_weekly_ones(built_market: Path) -> None:
    settings = load_settings(built_market).settings
    lake = st.Lake(built_market / "lake")
    weekly = build_panel(lake, settings, start=date(2016, 5, 1), end=date(2016, 6, 30))
    daily = build_panel(
        lake,
        settings.model_copy(update={"frequency": "daily"}),
        start=date(2016, 5, 1),
        end=date(2016, 6, 30),
    )
    same = daily.join(weekly.select("ticker", "as_of"), on=["ticker", "as_of"], how="semi")
    assert daily.height > 4 * weekly.height
    columns = ["ticker", "as_of", "close", *STOCK_FEATURES]
    assert_frame_equal(same.select(columns), weekly.select(columns), check_exact=True)


def test_a_price_of_zero_or_less_is_quarantined_and_restarts_the_history(market: Path) -> None:
    before = panel_of(market)
    file = sorted((market / "raw" / "prices").glob("*.csv"))[0]
    lines = file.read_text().splitlines()
    close = lines[0].split(",").index("Close")
    at = next(n for n, line in enumerate(lines) if line.startswith("2016-08-10"))
    fields = lines[at].split(",")
    fields[close] = "-1.0"
    lines[at] = ",".join(fields)
    file.write_text("\n".join(lines) + "\n")
    shutil.rmtree(market / "lake")
    st.ingest(market, retrieved_at=LATER)
    ticker = pl.col("ticker") == file.stem
    after = panel_of(market)
    day = datetime(2016, 8, 10, tzinfo=UTC)
    assert_frame_equal(
        features(after.filter(ticker, pl.col("as_of") < day)),
        features(before.filter(ticker, pl.col("as_of") < day)),
        check_exact=True,
    )
    # 60 bars from Thursday 2016-08-11 on end on Thursday 2016-11-03 (Labor Day was closed).
    assert after.filter(ticker, pl.col("as_of") > day)["as_of"].min() == datetime(
        2016, 11, 4, 20, tzinfo=UTC
    )
    assert_frame_equal(
        features(after.filter(~ticker)), features(before.filter(~ticker)), check_exact=True
    )
