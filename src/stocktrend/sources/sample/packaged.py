"""``sample``: from packaged public data to a data root full of raw files.

Prices come from bokeh_sampledata, core consumer prices from arch, the decisions of the Federal
Reserve from the table beside this file. What none of them has, no file pretends to: news, texts of
statements, rates, yields and volatility stay unknown. arch also has the VIX, but from 2014 on, and
corporate yields, but by month and without the Treasury's; bokeh_sampledata has unemployment, but
not seasonally adjusted, which UNRATE is.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import polars as pl

from stocktrend.progress import Progress, silent
from stocktrend.sources.clock import LONGEST_LAGS
from stocktrend.sources.made_root import MadeRoot
from stocktrend.sources.sample.prices import PACKAGE, TICKERS, packaged_version, yahoo_bars
from stocktrend.sources.sample.settings_file import settings_text

MARK: Final = "sample.json"
FIRST_PERIOD: Final = date(1998, 1, 1)
"""Two years before the prices, for changes over twelve months."""


@dataclass(frozen=True)
class SampledStock:
    """One ticker's bars."""

    ticker: str
    bars: int
    first: date
    last: date


@dataclass(frozen=True)
class SampleMarket:
    """What ``sample`` wrote.

    Attributes:
        root: The data root.
        versions: Version of each package that the data came from.
        files: Files written, by kind (``prices``, ``news``, ``policy``, ``macro``).
        rows: Records in them, by kind.
        stocks: The tickers and their spans.
    """

    root: Path
    versions: dict[str, str]
    files: dict[str, int]
    rows: dict[str, int]
    stocks: tuple[SampledStock, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the place."""
        return {
            "order": {PACKAGE: self.versions[PACKAGE]},
            "versions": self.versions,
            "files": self.files,
            "rows": self.rows,
            "stocks": {
                s.ticker: {"bars": s.bars, "first": s.first.isoformat(), "last": s.last.isoformat()}
                for s in self.stocks
            },
        }


def sample(root: Path | str, *, progress: Progress = silent) -> SampleMarket:
    """Writes the packaged sample in the layout of a user's own files, with its settings.

    Daily bars of AAPL, IBM and MSFT from March 2000, GOOG from August 2004 and FB from May 2012,
    all to 2013-03-01; core consumer prices; decisions of the Federal Open Market Committee. The
    five were picked long afterwards, for having done well: returns in it promise nothing.

    Args:
        root: Data root: a new or empty folder, or one with an earlier sample.
        progress: Told of each ticker written.

    Returns:
        What was written, also in ``<root>/sample.json``. Same packages: same files, byte for byte.

    Raises:
        ConfigError: bokeh_sampledata 2026.1 or newer is not installed (``pip install
            'stocktrend[demo]'``), or the folder holds other data.
    """
    root = Path(root)
    versions = {PACKAGE: packaged_version(), "arch": version("arch")}
    made = MadeRoot(root, "the sample", MARK, {PACKAGE: versions[PACKAGE]})
    raw = made.prepare()
    stocks = []
    for number, ticker in enumerate(TICKERS, 1):
        bars = yahoo_bars(ticker)
        raw.write("prices", f"{ticker}.csv", bars.write_csv(), bars.height)
        stocks.append(SampledStock(ticker, bars.height, bars["Date"][0], bars["Date"][-1]))
        progress("sample", number, len(TICKERS), "tickers")
    consumer_prices = core_consumer_prices(known_by=max(stock.last for stock in stocks))
    raw.write("macro", "CPILFESL.csv", consumer_prices.write_csv(), consumer_prices.height)
    decisions = fomc_decisions()
    raw.write("policy", "fomc.csv", decisions, decisions.count("\n") - 1)
    result = SampleMarket(root, versions, raw.files, raw.rows, tuple(stocks))
    made.finish(raw, settings_text(versions), result.to_dict())
    return result


def core_consumer_prices(known_by: date) -> pl.DataFrame:
    """``date, value`` of CPILFESL for the periods known by a day, as revised by the end of 2018."""
    from arch.data import core_cpi

    series = core_cpi.load()["CPILFESL"]
    frame = pl.DataFrame({"date": series.index.to_numpy(), "value": series.to_numpy()})
    newest = known_by - timedelta(days=LONGEST_LAGS["CPILFESL"])
    return frame.with_columns(pl.col("date").cast(pl.Date)).filter(
        pl.col("date").is_between(FIRST_PERIOD, newest)
    )


def fomc_decisions() -> str:
    """The decisions on the federal funds rate target, from 1999-06-30 to 2013-01-30, as CSV.

    One row a meeting, and the cuts between meetings; the release time is that of the statement in
    New York. From the Federal Reserve's public statements.

    >>> fomc_decisions().splitlines()[:2]
    ['date,release_time,target_low,target_high', '1999-06-30,14:15,5.00,5.00']
    """
    return files(__package__).joinpath("fomc.csv").read_text(encoding="utf-8")
