"""The indicators that TA-Lib has, against TA-Lib, on simulated bars and on real ones.

TA-Lib is asked about each history by itself, since windows do not cross a restart. No row is left
out but those where a denominator is 0: a feature must be null there and nowhere else (TA-Lib gives
0 or NaN). Prices that tie but for rounding are given to TA-Lib as ties: see ``ranks`` for Aroon and
``with_exact_ties`` for directional movement.
"""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from simulated_bars import adjusted, random_bars

from stocktrend.features.stock import stock_features

talib = pytest.importorskip("talib", reason="TA-Lib is the oracle: pip install TA-Lib")

SETTLED = 600
"""Bars after which what TA-Lib seeds differently has faded."""

NEVER_FORGETTING = (
    "stock_rsi_7", "stock_rsi_14", "stock_rsi_28",
    "stock_adx_14", "stock_plus_di_14", "stock_minus_di_14",
)  # fmt: skip

Prices = dict[str, np.ndarray]


def ranks(x: np.ndarray) -> np.ndarray:
    """The order of values, equal where they differ by rounding alone: all that Aroon looks at."""
    order = np.argsort(x)
    differs = np.diff(x[order], prepend=0.0) > 1e-12 * x[order]
    result = np.empty(len(x))
    result[order] = np.cumsum(differs)
    return result


def oracle(prices: Prices) -> Prices:
    """TA-Lib's indicators of one history, in the units of the features."""
    h, l, c, v = (prices[name] for name in ("high", "low", "close", "volume"))  # noqa: E741
    macd, signal, _ = talib.MACD(c, 12, 26, 9)
    slow_k, slow_d = talib.STOCH(h, l, c, 14, 3, 0, 3, 0)
    upper, middle, lower = talib.BBANDS(c, 20, 2, 2)
    force = np.diff(c, prepend=np.nan) * v
    with np.errstate(divide="ignore", invalid="ignore"):  # volume or a band of 0
        return {
            **{f"stock_sma_ratio_{n}": c / talib.SMA(c, n) - 1 for n in (5, 20, 50, 200)},
            **{f"stock_ema_ratio_{n}": c / talib.EMA(c, n) - 1 for n in (12, 26)},
            "stock_macd": macd / c,
            "stock_macd_signal": signal / c,
            **{f"stock_rsi_{n}": talib.RSI(c, n) for n in (7, 14, 28)},
            "stock_stoch_k_14": slow_k,
            "stock_stoch_d_3": slow_d,
            "stock_cci_20": talib.CCI(h, l, c, 20),
            "stock_adx_14": talib.ADX(h, l, c, 14),
            "stock_plus_di_14": talib.PLUS_DI(h, l, c, 14),
            "stock_minus_di_14": talib.MINUS_DI(h, l, c, 14),
            "stock_aroon_osc_25": talib.AROONOSC(ranks(h), ranks(l), 25),
            "stock_bb_percent_b_20": (c - lower) / (upper - lower),
            "stock_bb_width_20": (upper - lower) / middle,
            "stock_high_252_ratio": c / talib.MAX(h, 252) - 1,
            "stock_low_252_ratio": c / talib.MIN(l, 252) - 1,
            "stock_natr_14": talib.NATR(h, l, c, 14),
            "stock_mfi_14": talib.MFI(h, l, c, v, 14),
            "stock_obv_slope_20": talib.LINEARREG_SLOPE(talib.OBV(c, v), 20) / talib.SMA(v, 20),
            "stock_force_index_13": talib.EMA(force, 13) / (c * talib.SMA(v, 252)),
        }


INDICATORS = tuple(oracle(adjusted(random_bars(300, seed=0))))


def lasted(condition: np.ndarray, n: int) -> np.ndarray:
    """Whether a condition has held for the last n bars."""
    held = np.cumsum(condition)
    return held - np.concatenate([np.zeros(n), held[:-n]]) == n


def flat(high: np.ndarray, low: np.ndarray, n: int) -> np.ndarray:
    """Whether the last n bars have no range but rounding."""
    return talib.MAX(high, n) - talib.MIN(low, n) <= 1e-12 * high


def without_denominator(prices: Prices) -> Prices:
    """Bars on which an indicator has nothing to divide by.

    The averages behind RSI and directional movement never forget: they are 0 where the price has
    not moved since the history began (two stocks with one price for two years).
    """
    h, l, c, v = (prices[name] for name in ("high", "low", "close", "volume"))  # noqa: E741
    typical = (h + l + c) / 3
    moved = np.abs(np.diff(typical, prepend=typical[0])) > 1e-12 * typical
    never_moved = np.cumsum(moved | (h - l > 1e-12 * c)) == 0
    ranged = ~flat(h, l, 14)
    return {
        **dict.fromkeys(NEVER_FORGETTING, never_moved),
        "stock_stoch_k_14": ~lasted(ranged, 3),
        "stock_stoch_d_3": ~lasted(ranged, 5),
        "stock_cci_20": flat(typical, typical, 20),
        "stock_bb_percent_b_20": flat(c, c, 20),
        "stock_mfi_14": lasted(~moved | (v == 0), 14),
        "stock_obv_slope_20": lasted(v == 0, 20),
        "stock_force_index_13": lasted(v == 0, 252),
    }


def with_exact_ties(prices: Prices) -> Prices:
    """The bars with each low moved by rounding alone where a tie of two moves needs it.

    Wilder counts neither move where the high rose as much as the low fell. Such prices, equal to
    the last decimal, differ by a bit or two once they are binary (70.05 - 70.00 is not 69.55 -
    69.50) or adjusted. TA-Lib compares the bits, takes one of the moves, and its ADX is off by up
    to 10% for 250 bars; given the tie, it has ours.
    """
    high, low = prices["high"], prices["low"].copy()
    up, down = np.diff(high, prepend=np.nan), -np.diff(low, prepend=np.nan)
    tied = (up > 0) & (up != down) & (np.abs(up - down) <= 1e-12 * prices["close"])
    for t in np.flatnonzero(tied):
        low[t] = low[t - 1] - up[t]  # exact: neighbours within a factor of 2 subtract exactly
    assert np.all(np.abs(low - prices["low"]) <= 1e-12 * prices["low"])
    return {**prices, "low": low}


def histories(bars: pl.DataFrame) -> list[pl.DataFrame]:
    """The bars and features of each history that is long enough."""
    bars = bars.sort("ticker", "session")
    features = stock_features(bars).select("n_bars", *INDICATORS)
    started = (pl.col("n_bars") == 1).cum_sum().alias("history")
    rows = pl.concat([bars, features], how="horizontal").filter(pl.col("n_bars") > 0)
    parts = rows.with_columns(started).partition_by("history")
    return [part for part in parts if part.height > SETTLED]


def disagreements(history: pl.DataFrame) -> dict[str, float]:
    """Largest error over max(abs, 1) of each indicator beyond 1e-6 after the settling bars.

    Infinite where a feature is null although its denominator is not 0, or the other way round.
    """
    prices = adjusted(history)
    empty, nowhere = without_denominator(prices), np.zeros(len(history), bool)
    found = {}
    for name, expected in oracle(with_exact_ties(prices)).items():
        got, want = history[name].to_numpy()[SETTLED:], expected[SETTLED:]
        null = empty.get(name, nowhere)[SETTLED:]
        error = np.abs(got - want)[~null] / np.maximum(np.abs(want[~null]), 1.0)
        if np.any(np.isnan(got) != null):
            found[name] = np.inf
        elif not np.all(error <= 1e-6):
            found[name] = float(np.max(error))
    return found


def all_disagreements(bars: pl.DataFrame) -> tuple[dict[tuple[str, str], float], int]:
    """What disagrees, by ticker and indicator, and how many rows were compared."""
    found = {}
    parts = histories(bars)
    for history in parts:
        for name, error in disagreements(history).items():
            found[history["ticker"][0], name] = error
    return found, sum(history.height - SETTLED for history in parts)


@pytest.mark.parametrize("tick", [1e-7, 0.01, 0.25])
@pytest.mark.parametrize("untraded", [0.0, 0.1])
@pytest.mark.parametrize("quiet", [0.0, 0.3])
def test_indicators_agree_with_talib_on_simulated_bars(
    tick: float, untraded: float, quiet: float
) -> None:
    traits = {"tick": tick, "untraded": untraded, "quiet": quiet, "dividend": 0.01}
    bars = [random_bars(900, seed, ticker=f"T{seed}", **traits) for seed in range(3)]
    assert all_disagreements(pl.concat(bars)) == ({}, 3 * 300)


def test_no_indicator_is_null_on_bars_that_move() -> None:
    bars = random_bars(900, seed=0, tick=1e-7)
    settled = stock_features(bars, threads=1)[SETTLED:].select(INDICATORS)
    assert settled.null_count().row(0) == (0,) * len(INDICATORS)


def test_early_averages_already_have_talibs_seed_at_bar_5n() -> None:
    bars = random_bars(200, seed=9, tick=1e-7)
    ours, expected = stock_features(bars, threads=1), oracle(adjusted(bars))
    for name, first_bar in {
        "stock_ema_ratio_12": 60,
        "stock_ema_ratio_26": 130,
        "stock_rsi_7": 35,
        "stock_rsi_14": 70,
        "stock_rsi_28": 140,
        "stock_adx_14": 70,
        "stock_plus_di_14": 70,
        "stock_natr_14": 70,
    }.items():
        got = ours[name].to_numpy()
        assert np.all(np.isnan(got[: first_bar - 1])), name
        np.testing.assert_allclose(
            got[first_bar - 1 :], expected[name][first_bar - 1 :], rtol=1e-11, err_msg=name
        )


def read_us88(folder: Path) -> list[pl.DataFrame]:
    """Real bars of every ticker with enough of them, without its rows of nulls."""
    frames = []
    for path in sorted((folder / "us88" / "prices").glob("*.csv")):
        raw = pl.read_csv(path, null_values="null", infer_schema_length=None).drop_nulls()
        if len(raw) > SETTLED + 60:
            frames.append(
                raw.select(
                    pl.lit(path.stem).alias("ticker"),
                    pl.col("Date").str.to_date().alias("session"),
                    *(pl.col(name.title()).alias(name) for name in ("open", "high", "low")),
                    pl.col("Close").alias("close"),
                    pl.col("Adj Close").alias("adj_close"),
                    pl.col("Volume").cast(pl.Float64).alias("volume"),
                )
            )
    return frames


def read_index(folder: Path) -> pl.DataFrame:
    """Real bars of 2005 to 2014 of every ticker that was ever in the S&P 500."""
    bars = pl.read_parquet(folder / "sp500" / "prices_2005_2014.parquet")
    numbers = pl.col("open", "high", "low", "close", "adj_close", "volume").cast(pl.Float64)
    return bars.select("ticker", pl.col("date").alias("session"), numbers)


def test_indicators_agree_with_talib_on_real_bars(real_data: Path) -> None:
    found, rows = all_disagreements(pl.concat(read_us88(real_data)))
    assert found == {}
    assert rows > 50_000


def test_indicators_agree_with_talib_on_a_whole_index(real_data: Path) -> None:
    bars = read_index(real_data)
    found, rows = all_disagreements(bars)
    assert found == {}
    assert bars["ticker"].n_unique() > 650
    assert rows > 1_000_000
