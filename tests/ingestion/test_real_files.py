"""The real files: every defect that their description lists is found, and nothing else is lost."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from sp500_settings import sp500_settings
from stocktrend.config import BarsFile, Settings, Sources
from stocktrend.ingestion import IngestReport, SourceReport, ingest
from stocktrend.lake import Lake
from us88_settings import us88_settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def us88(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, IngestReport]:
    root = tmp_path_factory.mktemp("us88")
    return root, ingest(root, us88_settings(real_data), retrieved_at=NOW)


def source(report: IngestReport, name: str) -> SourceReport:
    return next(s for s in report.sources if s.source == name)


def test_counts_add_up_per_source(us88: tuple[Path, IngestReport]) -> None:
    _, report = us88
    for s in report.sources:
        assert s.read == s.new + s.revised + s.unchanged + s.duplicate + s.quarantined
    assert {s.source: s.read for s in report.sources} == {
        "prices": 108_592,
        "news": 119_844,
        "fomc": 243,
        "executive_orders": 1_000,
        "epu": 14_938,
        "fred_md": 29_063,
        "gdp_estimates": 3 * 316 - 1,
        "series": 68_807,
    }


def test_defects_of_the_prices_are_found(us88: tuple[Path, IngestReport]) -> None:
    root, report = us88
    prices = source(report, "prices")
    quarantine = Lake(root / "lake").quarantine()
    assert prices.reasons == {"the prices are null": 3}
    assert [Path(path).stem for path in quarantine["path"]] == ["PTR", "REX", "SNP"]
    assert quarantine["record"].str.contains("2016-06-29").all()
    zero = Lake(root / "lake").read("bars").filter(pl.col("volume") == 0)
    assert dict(zero["ticker"].value_counts().iter_rows()) == {"SPLP": 61, "AGFS": 49, "PTR": 1}
    assert prices.notes["bars without volume, kept"] == 111
    assert prices.notes["tickers that start late (ABBV, AGFS, BABA, GMRE)"] == 4


def test_defects_of_the_news_are_found(us88: tuple[Path, IngestReport]) -> None:
    _, report = us88
    news = source(report, "news")
    assert news.duplicate == 203
    assert news.quarantined == 0
    assert news.notes["reposts, flagged and kept"] == 33_195
    assert news.notes["items not in English or of unknown language, kept"] == 15_519
    assert news.notes["texts repeated for one ticker, kept"] > 16_000
    assert "1 of 88 tickers have bars but no news: GMRE" in report.warnings


def test_traps_of_macro_and_policy_are_avoided(us88: tuple[Path, IngestReport]) -> None:
    root, report = us88
    lake = Lake(root / "lake")
    policy = lake.read("policy")
    late = policy.filter(pl.col("id") == "fomc-2019-10-04")["known_at"].item()
    assert late == datetime(2019, 10, 12, 3, 59, tzinfo=UTC)
    orders = policy.filter(pl.col("kind") == "executive_order")
    assert orders["text"].null_count() == orders.height == 1_000
    macro = lake.history("macro")
    october = macro.filter(
        (pl.col("period") == date(2025, 10, 1)) & pl.col("series").is_in(["CPILFESL", "UNRATE"])
    )
    assert october["value"].drop_nulls().is_empty()
    shutdown = macro.filter((pl.col("series") == "UNRATE") & (pl.col("period") == date(2013, 9, 1)))
    assert shutdown["known_at"].min() == datetime(2013, 10, 23, 3, 59, tzinfo=UTC)
    assert (
        source(report, "fred_md").notes["values withdrawn by a later vintage, kept as withdrawals"]
        == macro.filter(pl.col("value").is_null()).height
    )
    assert macro.filter(pl.col("revised"))["series"].unique().to_list() == ["CPILFESL"]
    assert macro.filter(pl.col("series") == "GDPC1")["basis"].is_not_null().all()


def test_no_vintage_is_known_before_its_newest_value_was_released(
    us88: tuple[Path, IngestReport], real_data: Path
) -> None:
    root, _ = us88
    jobs = Lake(root / "lake").history("macro").filter(pl.col("series") == "PAYEMS")
    calendar = pl.read_csv(real_data / "macro" / "release_dates.csv", try_parse_dates=True)
    released = calendar.filter(pl.col("release") == "EMPSIT").select(
        pl.col("ref_period").alias("period"), "release_date"
    )
    known = jobs.join(released, on="period").select(
        pl.col("known_at").dt.convert_time_zone("America/New_York").dt.date()
        - pl.col("release_date")
    )
    assert known["known_at"].dt.total_days().min() == 0


def test_ingesting_everything_twice_changes_nothing(
    us88: tuple[Path, IngestReport], real_data: Path
) -> None:
    root, first = us88
    again = ingest(root, us88_settings(real_data), retrieved_at=NOW)
    assert again.versions == first.versions
    assert again.total("new") == again.total("revised") == 0
    assert again.total("unchanged") == first.total("new") + first.total("revised")
    assert again.total("quarantined") == first.total("quarantined")


def test_defects_of_the_index_members_are_found(real_data: Path, tmp_path: Path) -> None:
    report = ingest(tmp_path, sp500_settings(real_data), retrieved_at=NOW)
    prices = source(report, "prices")
    assert (prices.read, prices.new) == (1_592_610, 1_590_092)
    assert prices.reasons == {"a price is not above 0": 2_517, "the high is below the low": 1}
    refused = Lake(tmp_path / "lake").quarantine()["record"].str.json_path_match("$.ticker")
    assert set(refused) == {"WELL", "INVH"}
    jumps = {name: n for name, n in prices.notes.items() if name.startswith("one-day moves")}
    assert list(jumps.values()) == [474]
    assert {"CTX", "SUN", "CBH", "BHF"} <= set(next(iter(jumps)).split("(")[1].split(", "))


@pytest.mark.parametrize(("k", "g"), [(0.25, 0.98), (1.0, 0.96), (10.0, 1.0)])
def test_a_split_and_dividends_booked_later_revise_no_real_bar(
    real_data: Path, tmp_path: Path, k: float, g: float
) -> None:
    """The file of one year later: all prices rescaled and rounded as the vendor does."""
    original = pl.read_csv(real_data / "us88" / "prices" / "AAPL.csv")
    later = original.with_columns(
        *((pl.col(c) * k).round(6) for c in ("Open", "High", "Low", "Close")),
        (pl.col("Adj Close") * k * g).round(6),
        (pl.col("Volume") / k).round().cast(pl.Int64),
    )
    path = tmp_path / "AAPL.csv"
    settings = Settings(
        sources=Sources(prices=(BarsFile(path="AAPL.csv"),), news=(), policy=(), macro=())
    )
    original.head(1000).write_csv(path)
    ingest(tmp_path, settings, retrieved_at=NOW)
    stored = Lake(tmp_path / "lake").read("bars")
    later.write_csv(path)
    report = ingest(tmp_path, settings, retrieved_at=NOW)
    assert (report.total("new"), report.total("revised")) == (original.height - 1000, 0)
    bars = Lake(tmp_path / "lake").history("bars")
    assert bars.head(1000).equals(stored)
    for ours, theirs in (("close", "Close"), ("adj_close", "Adj Close"), ("volume", "Volume")):
        assert (bars[ours] / original[theirs] - 1).abs().max() < 1e-6


def test_all_files_read_again_as_after_a_stop_before_the_ledger_change_nothing(
    us88: tuple[Path, IngestReport], real_data: Path, tmp_path: Path
) -> None:
    shutil.copytree(us88[0] / "lake", tmp_path / "lake")
    shutil.rmtree(tmp_path / "lake" / "files")
    report = ingest(
        tmp_path, us88_settings(real_data), retrieved_at=datetime(2026, 2, 1, tzinfo=UTC)
    )
    assert sum(s.read for s in report.sources) > 300_000
    assert sum(s.new + s.revised for s in report.sources) == 0
    before, after = Lake(us88[0] / "lake"), Lake(tmp_path / "lake")
    assert after.versions() == before.versions()
    assert after.quarantine().equals(before.quarantine())
