"""The indicators that TA-Lib has, against TA-Lib, on random bars and on real ones."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from simulated_bars import adjusted, random_bars

from stocktrend.features.stock import stock_features

talib = pytest.importorskip("talib", reason="TA-Lib is the oracle: pip install TA-Lib")

SETTLED = 600
"""Bars after which what TA-Lib seeds differently has faded."""

INDICATORS = (
    "stock_sma_ratio_5",
    "stock_sma_ratio_200",
    "stock_ema_ratio_12",
    "stock_ema_ratio_26",
    "stock_macd",
    "stock_macd_signal",
    "stock_rsi_7",
    "stock_rsi_14",
    "stock_rsi_28",
    "stock_stoch_k_14",
    "stock_stoch_d_3",
    "stock_cci_20",
    "stock_adx_14",
    "stock_plus_di_14",
    "stock_minus_di_14",
    "stock_aroon_osc_25",
    "stock_bb_percent_b_20",
    "stock_bb_width_20",
    "stock_natr_14",
    "stock_mfi_14",
    "stock_obv_slope_20",
)
DIRECTIONAL = ("stock_adx_14", "stock_plus_di_14", "stock_minus_di_14")


def oracle(bars: pl.DataFrame) -> dict[str, np.ndarray]:
    """TA-Lib's indicators of one ticker, in the units of the features."""
    prices = adjusted(bars)
    h, l, c, v = (prices[name] for name in ("high", "low", "close", "volume"))  # noqa: E741
    macd, signal, _ = talib.MACD(c, 12, 26, 9)
    slow_k, slow_d = talib.STOCH(h, l, c, 14, 3, 0, 3, 0)
    upper, middle, lower = talib.BBANDS(c, 20, 2, 2)
    values = (
        c / talib.SMA(c, 5) - 1,
        c / talib.SMA(c, 200) - 1,
        c / talib.EMA(c, 12) - 1,
        c / talib.EMA(c, 26) - 1,
        macd / c,
        signal / c,
        talib.RSI(c, 7),
        talib.RSI(c, 14),
        talib.RSI(c, 28),
        slow_k,
        slow_d,
        talib.CCI(h, l, c, 20),
        talib.ADX(h, l, c, 14),
        talib.PLUS_DI(h, l, c, 14),
        talib.MINUS_DI(h, l, c, 14),
        talib.AROONOSC(h, l, 25),
        (c - lower) / (upper - lower),
        (upper - lower) / middle,
        talib.NATR(h, l, c, 14),
        talib.MFI(h, l, c, v, 14),
        talib.LINEARREG_SLOPE(talib.OBV(c, v), 20) / talib.SMA(v, 20),
    )
    return dict(zip(INDICATORS, values, strict=True))


def bars_with_tied_moves(bars: pl.DataFrame) -> np.ndarray:
    """Bars whose high rose as much as their low fell, but for rounding.

    Wilder counts neither move. TA-Lib compares the bits and takes one of them.
    """
    prices = adjusted(bars)
    up, down = np.diff(prices["high"], prepend=np.nan), -np.diff(prices["low"], prepend=np.nan)
    return (up > 0) & (up != down) & (np.abs(up - down) <= 1e-12 * prices["close"])


def disagreements(bars: pl.DataFrame) -> dict[str, float]:
    """Largest error over max(abs, 1) of each indicator beyond 1e-6 after the settling bars."""
    ours = stock_features(bars, threads=1)
    found = {}
    for name, expected in oracle(bars).items():
        got = ours[name].to_numpy()[SETTLED:]
        defined = ~np.isnan(got)
        error = np.abs(got - expected[SETTLED:])[defined]
        error /= np.maximum(np.abs(expected[SETTLED:]), 1.0)[defined]
        if not np.all(error <= 1e-6):
            found[name] = float(np.max(error))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_indicators_agree_with_talib_on_random_bars(seed: int) -> None:
    bars = random_bars(900, seed, tick=1e-7, dividend=0.01)
    assert disagreements(bars) == {}
    assert stock_features(bars, threads=1)[SETTLED:].select(INDICATORS).null_count().row(0) == (
        0,
    ) * len(INDICATORS)


def test_early_averages_already_have_talibs_seed_at_bar_5n() -> None:
    bars = random_bars(200, seed=9, tick=1e-7)
    ours, expected = stock_features(bars, threads=1), oracle(bars)
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


def test_indicators_agree_with_talib_on_real_bars(real_data: Path) -> None:
    frames = read_us88(real_data)
    assert len(frames) > 80
    found = {bars["ticker"][0]: disagreements(bars) for bars in frames}
    tied = {bars["ticker"][0] for bars in frames if bars_with_tied_moves(bars).any()}
    allowed = {ticker: dict.fromkeys(DIRECTIONAL) for ticker in tied}
    unexplained = {
        (ticker, name): error
        for ticker, errors in found.items()
        for name, error in errors.items()
        if name not in allowed.get(ticker, {})
    }
    assert unexplained == {}
    assert len(tied) < len(frames) / 2
