"""Calm jumps of a price against its peers: splits, spin-offs and payments not adjusted for.

A real fall or rise is traded: dollars change hands as on no other day, and the price moves during
the day too. Where a stock is worth half in the morning and trades calmly, for the usual amount,
nobody lost anything: there are twice as many shares, or a part of the company was handed out.

A rise is counted in shares: a price in pence for pounds multiplies the dollars of every day, but
no holder sells more of them. A fall is counted in dollars: a split multiplies the shares.
"""

import math
from typing import Final

import polars as pl

from stocktrend.quality.breaks import FRAGMENT, LONGEST_PAUSE, MONTH, spells, takeovers
from stocktrend.quality.described import in_blocks

SMALLEST: Final = math.log(4 / 3)
"""A quarter of the value: what the smallest usual split, 4 for 3, takes off a price."""
UNUSUAL: Final = 20.0
"""Times the ordinary excess of a ticker, some 13 standard deviations: no day of a wild market."""
CALM: Final = 0.2
"""The day's range over the jump: prices that fall by panic go on moving by more than a fifth."""
USUAL_TRADE: Final = 2.0
"""Times the median of the month before, in shares or dollars: what many an ordinary day has."""


def calm_jumps(bars: pl.DataFrame) -> pl.DataFrame:
    """Jumps that no trade explains and that are no part of a spell or takeover.

    Args:
        bars: As ``described``.

    Returns:
        ``ticker, session, excess`` and ``traded``, the day's trade over the usual, in shares of a
        rise and dollars of a fall, sorted.
    """
    jumps = pl.concat([_of_block(block) for block in in_blocks(bars)])
    told = [(s.ticker, s.first, s.back) for s in spells(bars)]
    told += [(t.ticker, t.first, max(t.last, t.session)) for t in takeovers(bars)]
    for ticker, first, last in told:
        inside = pl.col("session").is_between(first, last)
        jumps = jumps.filter(~((pl.col("ticker") == ticker) & inside))
    return jumps


def _of_block(bars: pl.DataFrame) -> pl.DataFrame:
    suspects = bars.filter(pl.col("excess").abs() >= SMALLEST)["ticker"].unique()
    some = bars.filter(pl.col("ticker").is_in(suspects.to_list()))
    size, shares = pl.col("excess").abs(), pl.col("volume")
    dollars = pl.col("close") * shares
    in_shares, in_dollars = (one / one.rolling_median(MONTH).shift(1) for one in (shares, dollars))
    traded = pl.when(pl.col("excess") > 0).then(in_shares).otherwise(in_dollars)
    usual_size = size.rolling_median(FRAGMENT, min_samples=MONTH).shift(1)
    return (
        some.with_columns(
            traded.over("ticker").alias("traded"),
            usual_size.over("ticker").alias("_usual"),
        )
        .filter(
            size >= SMALLEST,
            size > UNUSUAL * pl.col("_usual"),
            (pl.col("high") / pl.col("low")).log() < CALM * size,
            (pl.col("traded") < USUAL_TRADE) & (pl.col("volume") > 0),
            pl.col("since") <= LONGEST_PAUSE,
        )
        .select("ticker", "session", "excess", "traded")
    )
