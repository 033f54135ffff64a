"""The worlds that the laws are tested in, and a table of what each test covered."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from futures import rewritten
from markets import Coverage, Covered, Records, World

import stocktrend as st
from stocktrend.auditing.changes import Fate
from stocktrend.config import BarsFile, SeriesFile
from stocktrend.settings import load_settings
from us88_settings import us88_settings

TICKERS = ("AAPL", "BABA", "JPM", "PTR", "SPLP", "XOM")
"""Of the real stocks: many posts, a late start, a row of nulls, bars without volume."""

RETRIEVED = datetime(2018, 1, 1, tzinfo=UTC)
ROWS = {
    "weekly-simulated": (date(2016, 1, 1), date(2017, 6, 30)),
    "daily-simulated": (date(2016, 9, 1), date(2017, 6, 30)),
    "weekly-real": (date(2014, 3, 1), date(2016, 4, 30)),
    "daily-real": (date(2015, 7, 1), date(2016, 4, 30)),
}
"""First and last day of the rows of each world."""

REVISIONS = 10
"""Times at which a few bars, events and values are told anew: revisions follow revisions."""

LEAST_SHARE = 0.1
"""Of the rows that a law compares, each feature must have a value in this share."""

SECOND_SOURCE = datetime(2016, 9, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def simulated(built_market: Path) -> Records:
    """The shared simulated market: 8 tickers, and two of its three news sources begin late."""
    lake, since = st.Lake(built_market / "lake"), datetime(2014, 1, 1, tzinfo=UTC)
    records = Records.of(lake, load_settings(built_market).settings, since)
    news = records.tables["news"]
    begun = (pl.col("source") == "newswire") | (pl.col("known_at") > SECOND_SOURCE)
    return replace(records, tables={**records.tables, "news": news.filter(begun)})


@pytest.fixture(scope="session")
def real(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Records:
    """Real bars, posts, statements and vintages of six tickers, 2012 to 2016.

    The author of a post is taken as its source, since all of the posts come from one network, and
    consumer sentiment as it stands, since the vintages had it half a year late until 2016.
    """
    settings = us88_settings(real_data)
    news = settings.sources.news[0].model_copy(
        update={
            "path": f"{real_data}/us88/news/[BJPSX][AOPT]*.jsonl.zst",
            "columns": {"source": "user_id"},
        }
    )
    prices = tuple(BarsFile(path=f"{real_data}/us88/prices/{name}.csv") for name in TICKERS)
    vintages, *others = settings.sources.macro
    kept = {ours: theirs for ours, theirs in vintages.series.items() if ours != "UMCSENT"}
    macro = (
        vintages.model_copy(update={"series": kept}),
        SeriesFile(path=f"{real_data}/macro/UMCSENT.csv"),
        *others,
    )
    update = {"prices": prices, "news": (news,), "macro": macro}
    sources = settings.sources.model_copy(update=update)
    settings = settings.model_copy(update={"sources": sources})
    root = tmp_path_factory.mktemp("real")
    st.ingest(root, settings=settings, retrieved_at=RETRIEVED)
    return Records.of(st.Lake(root / "lake"), settings, datetime(2012, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="session", params=ROWS)
def world(request: pytest.FixtureRequest) -> World:
    """A cadence and the data that it is tested on."""
    cadence, data = request.param.split("-")
    start, end = ROWS[request.param]
    records: Records = request.getfixturevalue(data)
    update = {"frequency": cadence, "start": start, "end": end}
    records = replace(records, settings=records.settings.model_copy(update=update))
    first = datetime(start.year, start.month, start.day, tzinfo=UTC)
    revisions = [first + (end - start) * (5 + n) / 20 for n in range(REVISIONS)]
    for n, moment in enumerate(revisions):
        told = {"bars": 12, "news": 0, "policy": 12, "macro": 12, "universe": 0}
        revision = {t: Fate(0.0, 0.0, told[t], delays=(0.0,), seed=n) for t in told}
        records = rewritten(records, moment, revision)
    return World(request.param, records, records.panel(), tuple(revisions))


@pytest.fixture(scope="session")
def index_bars(real_data: Path) -> pl.DataFrame:
    """Bars of 2007 to 2010 of every ticker that was ever in the index."""
    bars = pl.read_parquet(real_data / "sp500" / "prices_2005_2014.parquet")
    days = pl.col("date").is_between(date(2007, 1, 1), date(2010, 12, 31))
    return bars.filter(days).rename({"date": "session"}).sort("ticker", "session")


@pytest.fixture
def covered(record_property: Callable[[str, object], None]) -> Covered:
    """Takes what a law was tested on into the table at the end of the run."""

    def note(coverage: Coverage) -> None:
        share, feature = coverage.least()
        assert share >= LEAST_SHARE, feature
        record_property("features", len(coverage.names))
        record_property("rows", coverage.rows)
        record_property("least", f"{share:.0%} ({feature})")

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print, test by test, in which share of the rows compared each feature had a value."""
    passed = terminalreporter.stats.get("passed", [])
    lines = [(report.nodeid, dict(report.user_properties)) for report in passed]
    noted = [(nodeid, found) for nodeid, found in lines if "features" in found]
    if noted:
        terminalreporter.section("values in the rows that a law compared")
    for nodeid, found in noted:
        name = nodeid.rpartition("/")[2]
        what = f"{found['features']} features in {found['rows']:,} rows"
        terminalreporter.write_line(f"{what}, each in {found['least']} of them or more  {name}")
