"""What only the whole of a table shows: tickers that start late, tickers without news."""

from typing import Final

import polars as pl

from stocktrend.lake import Lake
from stocktrend.schema import MARKET

LATE_DAYS: Final = 31
MOST_NAMES: Final = 8


def bar_findings(spans: pl.DataFrame) -> dict[str, int]:
    """Notes on when the tickers of one source start and end.

    Args:
        spans: ``ticker, first, last`` (UTC), one row a ticker and file.
    """
    tickers = spans.group_by("ticker").agg(pl.col("first").min(), pl.col("last").max())
    margin = pl.duration(days=LATE_DAYS)
    late = tickers.filter(pl.col("first") > pl.col("first").min() + margin)
    early = tickers.filter(pl.col("last") < pl.col("last").max() - margin)
    kinds = (("tickers that start late", late), ("tickers that end early", early))
    return {f"{what} ({_some(some['ticker'])})": some.height for what, some in kinds if some.height}


def silent_tickers(lake: Lake) -> list[str]:
    """A warning that names the tickers with bars and without news, if there are news at all."""
    heard = lake.spans("news").filter(pl.col("ticker") != MARKET)["ticker"].unique()
    priced = lake.spans("bars")["ticker"].unique().sort()
    silent = priced.filter(~priced.is_in(heard.to_list()))
    if heard.is_empty() or silent.is_empty():
        return []
    return [f"{len(silent)} of {len(priced)} tickers have bars but no news: {_some(silent)}"]


def _some(names: pl.Series) -> str:
    shown = ", ".join(names.sort().head(MOST_NAMES).to_list())
    return shown if len(names) <= MOST_NAMES else f"{shown} and {len(names) - MOST_NAMES} more"
