"""A made market of random walks, in which defects are planted by hand."""

from datetime import UTC, date, datetime

import numpy as np
import polars as pl

from stocktrend import schema
from stocktrend.lake import Tables
from stocktrend.sessions import sessions

NOW = datetime(2021, 1, 4, 12, tzinfo=UTC)
DAYS = sessions().filter(pl.col("session").is_between(date(2019, 1, 2), date(2020, 12, 31)))
"""505 sessions."""
PRICES = ("open", "high", "low", "close", "adj_close")


class Market:
    """Prices and volumes as arrays (tickers, sessions), to be changed, then made into records."""

    def __init__(self, tickers: int = 20, seed: int = 0) -> None:
        chance = np.random.default_rng(seed)
        shape = (tickers, len(DAYS))
        self.tickers = [f"T{number:02d}" for number in range(tickers)]
        self.moves = chance.normal(0, 0.015, shape) + chance.normal(0, 0.008, shape[1])
        self.ranges = np.abs(chance.normal(0.012, 0.004, shape)) + 0.004
        self.volumes = np.round(1e6 * np.exp(chance.normal(0, 0.3, shape)))
        self.scale = np.ones(shape)
        self.there = np.ones(shape, np.bool_)

    def bars(self) -> pl.DataFrame:
        close = 40 * np.exp(np.cumsum(self.moves, axis=1))
        parts = []
        for number, ticker in enumerate(self.tickers):
            price, width = close[number] * self.scale[number], self.ranges[number]
            frame = DAYS.select(
                pl.col("close").alias("event_time"),
                pl.col("close").alias("known_at"),
                pl.lit("made").alias("source"),
                pl.lit(ticker).alias("ticker"),
                "session",
            ).with_columns(
                pl.Series("open", price * np.exp(-width / 4)),
                pl.Series("high", price * np.exp(width / 2)),
                pl.Series("low", price * np.exp(-width / 2)),
                pl.Series("close", price),
                pl.Series("adj_close", price),
                pl.Series("volume", self.volumes[number]),
            )
            parts.append(frame.filter(pl.Series(self.there[number])))
        return pl.concat(parts).select(schema.columns("bars"))

    def records(self) -> Tables:
        return Tables({"bars": self.bars()})


def day(number: int) -> date:
    """The session of an index."""
    found = DAYS["session"][number]
    assert isinstance(found, date)
    return found
