"""Daily bars as a vendor delivers them: one CSV a ticker, Yahoo's columns.

Prices trade in whole cents. ``Close`` is in the split basis of the last bar, ``Adj Close`` also
carries the dividends, and a few bars are broken the way real ones are.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stocktrend.sources.market.context import Days
from stocktrend.sources.market.process import Array, stream
from stocktrend.sources.market.stocks import Stocks

SPLIT_ABOVE: Final = 180.0
SPLIT_BELOW: Final = 5.0
QUARTER: Final = 63
DEFECT_EVERY: Final = 41
HEADER: Final = ("Date", "Open", "High", "Low", "Close", "Adj Close", "Volume")


def bar_files(
    numbers: NDArray[np.int64], stocks: Stocks, days: Days, seed: int
) -> Iterator[tuple[str, int]]:
    """The text of each ticker's CSV and its rows, in the order of the block's tickers.

    Args:
        numbers: The tickers' numbers, (N,).
        stocks: Their block.
        days: Priced sessions, (T,).
        seed: Of the market.
    """
    rng = stream(seed, 2, int(numbers[0]))
    silence = rng.random(stocks.activity.shape)
    for column, number in enumerate(numbers):
        frame = _bars(column, int(number), stocks, days, silence[:, column] < 0.002)
        yield _with_defects(frame, int(number)), frame.height


def split_multiplier(price: Array) -> Array:
    """Shares that one share has become: 2-for-1 when dear, 1-for-8 when cheap, (T,).

    Args:
        price: Price of the undivided share, (T,).
    """
    multiplier = np.ones_like(price)
    begin = 0
    while True:
        traded = price[begin:] / multiplier[begin:]
        crossed = (traded > SPLIT_ABOVE) | (traded < SPLIT_BELOW)
        # Takes effect a session after the threshold was crossed.
        at = begin + int(np.argmax(crossed)) + 1
        if not crossed.any() or at >= len(price):
            return multiplier
        multiplier[at:] *= 2.0 if traded[at - 1 - begin] > SPLIT_ABOVE else 1 / 8
        begin = at


def _bars(
    column: int, number: int, stocks: Stocks, days: Days, silent: NDArray[np.bool_]
) -> pl.DataFrame:
    traits = stocks.traits
    life = slice(int(traits.first[column]), int(traits.last[column]) + 1)
    growth = stocks.growth[life, column].copy()
    growth[0] = 0.0
    pays = np.arange(len(growth)) % QUARTER == QUARTER - 1 - number % QUARTER
    dividend = np.log1p(-traits.dividend_yield[column] / 4 * pays)
    paid = np.cumsum(dividend)
    close = traits.price[column] * np.exp(np.cumsum(growth) + paid)
    reach, location = stocks.reach[life, column], stocks.location[life, column]
    high = close * np.exp((1 - location) * reach)
    low = close * np.exp(-location * reach)
    opened = np.concatenate([close[:1], close[:-1]]) * np.exp(stocks.gap[life, column] + dividend)
    opened = np.clip(opened, low, high)
    multiplier = split_multiplier(close)
    basis = multiplier / multiplier[-1]
    open_, high, low, close = (
        np.maximum(np.round(p / multiplier, 2), 0.01) * basis for p in (opened, high, low, close)
    )
    shares = traits.dollar_volume[column] / traits.price[column] * multiplier[-1]
    volume = shares * np.exp(stocks.activity[life, column])
    if number % 17 == 9:
        volume = np.where(silent[life], 0.0, volume)
    prices = {
        "Date": days[life],
        "Open": open_,
        "High": high,
        "Low": low,
        "Close": close,
        "Adj Close": close * np.exp(paid[-1] - paid),
        "Volume": np.round(volume).astype(np.int64),
    }
    return pl.DataFrame(prices)


def _with_defects(frame: pl.DataFrame, number: int) -> str:
    """CSV text; in three of 41 tickers one Wednesday is broken.

    No week ends on a Wednesday, so the truth of the week and its outcome are not touched.
    """
    text = frame.write_csv(float_precision=6)
    kind = number % DEFECT_EVERY
    wednesdays = np.flatnonzero(frame["Date"].dt.weekday().to_numpy() == 3)
    if kind not in (2, 5, 8) or len(wednesdays) == 0:
        return text
    row = int(wednesdays[len(wednesdays) * 2 // 5])
    lines = text.split("\n")
    cells = lines[row + 1].split(",")
    if kind == 2:
        cells = [cells[0]] + ["null"] * (len(HEADER) - 1)
    elif kind == 5:
        cells[2], cells[3] = cells[3], cells[2]
    else:
        cells[1] = cells[1].replace(".", ";", 1)
    lines[row + 1] = ",".join(cells)
    return "\n".join(lines)
