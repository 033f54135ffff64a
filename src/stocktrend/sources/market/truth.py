"""What no user has: the expected return of each row, gathered block by block, and its worth."""

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stocktrend.sources.market.context import Context
from stocktrend.sources.market.expectation import (
    HORIZONS,
    Grid,
    Oracle,
    expected_returns,
    measure_oracle,
    realised_returns,
)
from stocktrend.sources.market.names import ticker_symbol
from stocktrend.sources.market.response import Response
from stocktrend.sources.market.stocks import Stocks


class Truth:
    """Expected and realised returns of every decision time and ticker, (W, N) a horizon."""

    def __init__(self, grid: Grid, tickers: int) -> None:
        shape = (len(grid.row), tickers)
        self._grid = grid
        self._expected = {h: np.full(shape, np.nan) for h in HORIZONS}
        self._realised = {h: np.full(shape, np.nan) for h in HORIZONS}
        self._listed = np.zeros(shape, dtype=np.bool_)

    def add(
        self, numbers: NDArray[np.int64], stocks: Stocks, context: Context, response: Response
    ) -> None:
        """Takes in a block of tickers."""
        grid, traits, row = self._grid, stocks.traits, self._grid.row[:, None]
        self._listed[:, numbers] = (row >= traits.first) & (row <= traits.last)
        for h in HORIZONS:
            self._expected[h][:, numbers] = expected_returns(response, context, stocks, grid, h)
            self._realised[h][:, numbers] = realised_returns(stocks, grid, h)

    def oracle(self) -> dict[int, Oracle]:
        """The truth's own skill by horizon in days."""
        return {h: measure_oracle(h, self._expected[h], self._realised[h]) for h in HORIZONS}

    def write(self, path: Path) -> None:
        """Writes ``ticker, as_of, expected_return_{h}d`` of the rows on which a ticker trades."""
        week, column = np.nonzero(self._listed)
        symbols = pl.Series([ticker_symbol(n) for n in range(self._listed.shape[1])])
        frame = pl.DataFrame(
            {"ticker": symbols.gather(column), "as_of": self._grid.as_of.gather(week)}
            | {f"expected_return_{h}d": e[week, column] for h, e in self._expected.items()}
        )
        frame.sort("as_of", "ticker").write_parquet(path)
