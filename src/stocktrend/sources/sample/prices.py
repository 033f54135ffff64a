"""Daily bars of five stocks from the public domain, put into one split basis.

The bars are those of Quandl WIKI as the package bokeh_sampledata ships them: open, high, low, close
and volume as they were on the day, an adjusted close with every later split and dividend.
"""

import re
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import polars as pl

from stocktrend.errors import ConfigError, install

PACKAGE: Final = "bokeh_sampledata"
FIRST_VERSION: Final = (2026, 1)
"""Earlier versions ship another vendor's prices."""

TICKERS: Final = ("AAPL", "FB", "GOOG", "IBM", "MSFT")


@dataclass(frozen=True)
class Split:
    """``ratio`` new shares for each old one, from the open of ``session`` on."""

    ticker: str
    session: date
    ratio: int


SPLITS: Final = (
    Split("AAPL", date(2000, 6, 21), 2),
    Split("MSFT", date(2003, 2, 18), 2),
    Split("AAPL", date(2005, 2, 28), 2),
)
"""All splits of these tickers within their bars, by the companies' announcements."""


def packaged_version() -> str:
    """The version of the package with the prices.

    Raises:
        ConfigError: it is not installed or older than the public-domain prices.
    """
    try:
        found = version(PACKAGE)
    except PackageNotFoundError:
        found = ""
    if tuple(int(part) for part in re.findall(r"\d+", found)[:2]) < FIRST_VERSION:
        have = f"{found} is installed" if found else "it is not installed"
        least = ".".join(str(part) for part in FIRST_VERSION)
        raise ConfigError(
            f"the sample needs {PACKAGE} {least} or newer, however: {have}. {install('demo')}"
        )
    return found


def packaged_bars(ticker: str) -> pl.DataFrame:
    """``date, open, high, low, close, volume, adj_close`` of one ticker, as packaged."""
    from bokeh_sampledata import stocks

    return pl.DataFrame(getattr(stocks, ticker)).with_columns(pl.col("date").str.to_date())


def yahoo_bars(ticker: str) -> pl.DataFrame:
    """Bars in Yahoo's columns, as a download on the last day would have them.

    Prices and volume are in shares of that day. The adjusted close keeps the source's ratios from
    day to day and ends at the last close, so that later splits and dividends are out of it.

    >>> yahoo_bars("AAPL").select("Date", "Close", "Volume").row(0)  # 130.31 before two splits
    (datetime.date(2000, 3, 1), 32.5775, 38464400)
    """
    shares = pl.lit(1)
    for split in SPLITS:
        if split.ticker == ticker:
            before = pl.col("date") < split.session
            shares *= pl.when(before).then(split.ratio).otherwise(1)
    return packaged_bars(ticker).select(
        pl.col("date").alias("Date"),
        *((pl.col(name) / shares).alias(name.title()) for name in ("open", "high", "low", "close")),
        (pl.col("adj_close") * (pl.col("close") / pl.col("adj_close")).last()).alias("Adj Close"),
        (pl.col("volume") * shares).alias("Volume"),
    )
