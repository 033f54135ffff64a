"""The packaged sample against public record: splits, dividends, decisions, prices of consumers."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

import stocktrend as st
from stocktrend.errors import ConfigError
from stocktrend.sources.sample import SampleMarket, prices, sample
from stocktrend.sources.sample.prices import SPLITS, TICKERS, packaged_bars

CRASH = ("AAPL", date(2000, 9, 29))
"""Apple's warning on earnings: -52% in a day, a real fall."""

SPECIAL_DIVIDEND = ("MSFT", date(2004, 11, 15), 3.08)
"""Microsoft's special dividend of $3.00 and the quarter's $0.08 went ex on one day."""


def file(made: SampleMarket, path: str) -> pl.DataFrame:
    """A raw file of the sample."""
    return pl.read_csv(made.root / "raw" / path, try_parse_dates=True)


def packaged() -> pl.DataFrame:
    """All bars as packaged, with the day's ratios to the bar before."""
    bars = pl.concat([packaged_bars(t).with_columns(ticker=pl.lit(t)) for t in TICKERS])
    factor = pl.col("adj_close") / pl.col("close")
    return bars.with_columns(
        adjustment=factor / factor.shift().over("ticker"),
        move=pl.col("close") / pl.col("close").shift().over("ticker") - 1,
        before=pl.col("close").shift().over("ticker"),
    )


def test_the_splits_are_the_jumps_of_the_sources_own_adjustment() -> None:
    jumps = packaged().filter((pl.col("adjustment") - 1).abs() > 0.15).sort("date")
    found = jumps.select("ticker", "date", "adjustment").rows()
    expected = [(s.ticker, s.session, pytest.approx(s.ratio)) for s in SPLITS]
    assert found == expected
    assert all(-0.55 < move < -0.4 for move in jumps["move"]), "two for one halves the price"


def test_no_day_moves_by_a_quarter_that_public_record_does_not_explain(made: SampleMarket) -> None:
    found = []
    for ticker in TICKERS:
        bars = file(made, f"prices/{ticker}.csv").with_columns(
            pl.col("Close", "Adj Close").pct_change().name.prefix("move ")
        )
        moved = (pl.col("move Close").abs() > 0.25) | (pl.col("move Adj Close").abs() > 0.25)
        found += [(ticker, day) for day in bars.filter(moved)["Date"]]
    assert found == [CRASH]


def test_a_dividend_is_in_the_adjusted_close_alone(made: SampleMarket) -> None:
    ticker, day, dividend = SPECIAL_DIVIDEND
    bars = file(made, f"prices/{ticker}.csv")
    at = bars["Date"].index_of(day)
    assert at is not None
    close, adjusted = bars["Close"], bars["Adj Close"]
    fall = (close[at] + dividend) / close[at - 1] - 1
    assert adjusted[at] / adjusted[at - 1] - 1 == pytest.approx(fall, abs=1e-5)


def test_prices_and_volume_are_in_shares_of_the_last_day(made: SampleMarket) -> None:
    for ticker in TICKERS:
        bars, source = file(made, f"prices/{ticker}.csv"), packaged_bars(ticker)
        turnover = bars["Close"] * bars["Volume"]
        assert (turnover / (source["close"] * source["volume"]) - 1).abs().max() < 1e-12
        last = bars.row(-1, named=True)
        assert last["Close"] == source["close"][-1]
        assert last["Adj Close"] == pytest.approx(last["Close"])
        assert last["Volume"] == source["volume"][-1]
    apple = file(made, "prices/AAPL.csv")
    assert apple["Close"][0] == pytest.approx(130.31 / 4)
    assert apple["Close"][-1] == 430.47


def test_decisions_are_those_of_public_record(made: SampleMarket) -> None:
    table = file(made, "policy/fomc.csv")
    target = dict(zip(table["date"], table["target_high"], strict=True))
    assert target[date(2000, 5, 16)] == 6.5
    assert target[date(2003, 6, 25)] == 1.0
    assert target[date(2006, 6, 29)] == 5.25
    assert target[date(2008, 12, 16)] == 0.25
    steps = table.with_columns(pl.col("target_high").diff()).filter(
        pl.col("date").is_between(date(2004, 6, 30), date(2006, 6, 29))
    )["target_high"]
    assert steps.to_list() == [0.25] * 17
    low = table.filter(pl.col("target_low") != pl.col("target_high"))
    assert low["date"].min() == date(2008, 12, 16)
    assert low["target_low"].unique().to_list() == [0.0]


def test_decisions_agree_date_by_date_with_another_table(
    made: SampleMarket, real_data: Path
) -> None:
    ours = file(made, "policy/fomc.csv").sort("date")
    other = pl.read_csv(real_data / "policy" / "fomc.csv", try_parse_dates=True).filter(
        pl.col("date").is_between(ours["date"][0], ours["date"][-1])
    )
    both = ours.join(other, on="date", how="inner", suffix="_other")
    assert both.height == ours.height
    for column in ("target_low", "target_high"):
        assert (both[column] == both[f"{column}_other"]).all()
    assert (both["release_time"] == both["release_time_et_convention"]).all()
    # What the other has beyond: statements on liquidity, none of which decided on the target.
    assert other.join(ours, on="date", how="anti")["change_bp"].to_list() == [0, 0, 0, 0]


def test_core_consumer_prices_are_freds(made: SampleMarket, real_data: Path) -> None:
    ours = file(made, "macro/CPILFESL.csv")
    other = pl.read_csv(real_data / "macro" / "CPILFESL.csv", try_parse_dates=True)
    both = ours.join(other, on="date", how="inner", suffix="_other")
    assert both.height == ours.height == 180
    assert (both["value"] / both["value_other"] - 1).abs().max() < 1e-3


@pytest.fixture(scope="module")
def panel(made: SampleMarket) -> pl.DataFrame:
    report = st.ingest(made.root, retrieved_at=datetime(2013, 3, 2, tzinfo=UTC))
    assert sum(source.read for source in report.sources) == sum(made.rows.values())
    assert all(source.quarantined == 0 for source in report.sources)
    return st.build_panel(made.root)


def test_features_without_data_are_null_and_the_others_are_not(panel: pl.DataFrame) -> None:
    known = {"policy_rate_change", "policy_event_count", "policy_days_since", "macro_core_cpi_yoy"}
    ibm = panel.filter((pl.col("ticker") == "IBM") & (pl.col("as_of").dt.year() >= 2002))
    missing = {name: ibm[name].null_count() for name in st.CONTEXT_FEATURES + st.STOCK_FEATURES}
    assert {name for name, rows in missing.items() if rows == 0} == known | {*st.STOCK_FEATURES}
    assert {missing[name] for name in set(st.CONTEXT_FEATURES) - known} == {ibm.height}


def test_context_features_have_the_values_of_public_record(panel: pl.DataFrame) -> None:
    ibm = panel.filter(pl.col("ticker") == "IBM").with_columns(pl.col("as_of").dt.date())
    row = {r["as_of"]: r for r in ibm.iter_rows(named=True)}
    # From 6.50 in November 2000 to 5.50 after the cuts of 3 and 31 January 2001.
    assert row[date(2001, 2, 2)]["policy_rate_change"] == pytest.approx(-1.0)
    assert row[date(2006, 7, 7)]["policy_rate_change"] == pytest.approx(0.5)
    # Over the 12 months to December 2012 the index less food and energy rose 1.9 percent.
    assert row[date(2013, 3, 1)]["macro_core_cpi_yoy"] == pytest.approx(1.9, abs=0.1)


def test_no_return_of_the_panel_shows_a_split(panel: pl.DataFrame) -> None:
    large = panel.filter(pl.col("stock_return_1d").abs() > 0.22).select(
        "ticker", pl.col("as_of").dt.date()
    )
    assert large.rows() == [CRASH]


def test_the_same_packages_give_the_same_files(made: SampleMarket, tmp_path: Path) -> None:
    again = sample(tmp_path)
    assert again.to_dict() == made.to_dict()
    for path in sorted(made.root.glob("raw/*/*.csv")):
        assert path.read_bytes() == (tmp_path / path.relative_to(made.root)).read_bytes()
    assert sample(tmp_path).to_dict() == made.to_dict()


def test_a_folder_with_other_data_is_refused_and_left_alone(tmp_path: Path) -> None:
    own = tmp_path / "raw" / "prices" / "MINE.csv"
    own.parent.mkdir(parents=True)
    own.write_text("Date,Close\n")
    with pytest.raises(ConfigError, match="a folder of its own"):
        sample(tmp_path)
    assert own.read_text() == "Date,Close\n"


def test_the_sample_and_a_simulated_market_do_not_share_a_folder(tmp_path: Path) -> None:
    small = {"tickers": 1, "start": "2018-01-01", "end": "2018-03-29"}
    st.simulate(tmp_path / "simulated", **small)
    with pytest.raises(ConfigError, match="a folder of its own"):
        sample(tmp_path / "simulated")
    sample(tmp_path / "sample")
    with pytest.raises(ConfigError, match="a folder of its own"):
        st.simulate(tmp_path / "sample", **small)


def test_prices_of_another_vendor_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = tmp_path / "bokeh_sampledata-2025.0.dist-info"
    earlier.mkdir()
    (earlier / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: bokeh_sampledata\nVersion: 2025.0\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match=r"2026\.1 or newer, however: 2025\.0 is installed"):
        prices.packaged_version()
