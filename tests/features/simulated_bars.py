"""Bars with the traits that break indicators: ticks that tie, halts, zero volume, dividends."""

import numpy as np
import polars as pl

from stocktrend.sessions import sessions

PRICES = ("open", "high", "low", "close", "adj_close")


def exchange_days(count: int, first: int = 12_000) -> pl.Series:
    """``count`` sessions of New York, from the one with number ``first``."""
    return sessions()["session"].slice(first, count)


def random_bars(
    count: int,
    seed: int,
    *,
    ticker: str = "AAA",
    tick: float = 0.01,
    quiet: float = 0.0,
    untraded: float = 0.0,
    dividend: float = 0.0,
) -> pl.DataFrame:
    """A random walk in whole ticks.

    Args:
        quiet: Share of bars in stretches without any move.
        untraded: Share of bars without volume.
        dividend: Size of a dividend every 63 bars, as a share of the price.
    """
    rng = np.random.default_rng(seed)
    still = np.repeat(rng.random(count // 20 + 1) < quiet, 20)[:count]
    moves = np.where(still, 0.0, rng.normal(0.0, 0.02, count))
    walk = 50.0 * np.exp(np.cumsum(moves))
    opens = np.where(still, walk, walk * np.exp(rng.normal(0.0, 0.01, count)))
    spread = np.where(still, 0.0, np.abs(rng.normal(0.0, 0.01, (2, count))))
    high = np.maximum(opens, walk) * (1.0 + spread[0])
    low = np.minimum(opens, walk) * (1.0 - spread[1])
    close = _in_ticks(walk, tick)
    volume = np.round(rng.lognormal(12.0, 1.0, count))
    return pl.DataFrame(
        {
            "ticker": ticker,
            "session": exchange_days(count),
            "open": _in_ticks(opens, tick),
            "high": _in_ticks(high, tick),
            "low": _in_ticks(low, tick),
            "close": close,
            "adj_close": close * (1.0 - dividend) ** ((count - 1 - np.arange(count)) // 63),
            "volume": np.where(rng.random(count) < untraded, 0.0, volume),
        }
    )


def bars_of(
    close: np.ndarray,
    *,
    opens: np.ndarray | None = None,
    high: np.ndarray | None = None,
    low: np.ndarray | None = None,
    volume: np.ndarray | float = 1000.0,
) -> pl.DataFrame:
    """Bars with the given prices; by default without a range, and with a constant volume."""
    count = len(close)
    return pl.DataFrame(
        {
            "ticker": "AAA",
            "session": exchange_days(count),
            "open": close if opens is None else opens,
            "high": close if high is None else high,
            "low": close if low is None else low,
            "close": close,
            "adj_close": close,
            "volume": np.broadcast_to(volume, count).astype(float),
        }
    )


def adjusted(bars: pl.DataFrame) -> dict[str, np.ndarray]:
    """Adjusted open, high, low, close and volume as float arrays, high and low widened."""
    factor = (bars["adj_close"] / bars["close"]).to_numpy()
    close = bars["adj_close"].to_numpy()
    opens = bars["open"].to_numpy() * factor
    return {
        "open": opens,
        "high": np.maximum.reduce([bars["high"].to_numpy() * factor, opens, close]),
        "low": np.minimum.reduce([bars["low"].to_numpy() * factor, opens, close]),
        "close": close,
        "volume": bars["volume"].to_numpy().astype(float),
    }


def _in_ticks(price: np.ndarray, tick: float) -> np.ndarray:
    return np.maximum(np.round(price / tick), 1.0) * tick
