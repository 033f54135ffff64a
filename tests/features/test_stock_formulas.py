"""Each formula against numpy and scipy on single windows, and against closed forms."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from simulated_bars import adjusted, bars_of, random_bars

from stocktrend.catalog import STOCK_FEATURES
from stocktrend.features.stock import stock_features

BARS = random_bars(420, seed=3, dividend=0.01, untraded=0.05)
P = adjusted(BARS)
OPEN, HIGH, LOW, CLOSE, VOLUME = (P[key] for key in ("open", "high", "low", "close", "volume"))
DOLLARS = BARS["close"].to_numpy() * VOLUME
TYPICAL = (HIGH + LOW + CLOSE) / 3
RETURN = np.log(CLOSE / np.roll(CLOSE, 1))
YEAR = 252


def last(x: np.ndarray, t: int, n: int) -> np.ndarray:
    """The n values up to and with index t."""
    return x[t - n + 1 : t + 1]


def floored(t: int, n: int) -> float:
    """``lnv_n`` at t."""
    mean = last(VOLUME, t, n).mean()
    return math.log(max(VOLUME[t], mean / 1000) / mean)


def floored_log_volume(t: int) -> float:
    return math.log(max(VOLUME[t], last(VOLUME, t, 60).mean() / 1000))


def annual(x: np.ndarray) -> float:
    return float(np.std(x, ddof=1) * math.sqrt(YEAR))


def root_of_mean(x: np.ndarray) -> float:
    return math.sqrt(YEAR * x.mean())


def rogers_satchell_terms(t: int) -> np.ndarray:
    o, h, low, c = (last(x, t, 20) for x in (OPEN, HIGH, LOW, CLOSE))
    return np.log(h / c) * np.log(h / o) + np.log(low / c) * np.log(low / o)


def yang_zhang(t: int) -> float:
    overnight = last(np.log(OPEN / np.roll(CLOSE, 1)), t, 20)
    body = last(np.log(CLOSE / OPEN), t, 20)
    k = 0.34 / (1.34 + 21 / 19)
    drift_free = rogers_satchell_terms(t).mean()
    variance = np.var(overnight, ddof=1) + k * np.var(body, ddof=1) + (1 - k) * drift_free
    return math.sqrt(YEAR * variance)


def drawdown(t: int) -> float:
    window = last(CLOSE, t, 60)
    return float((window / np.maximum.accumulate(window) - 1).min())


def amihud(t: int) -> float:
    traded = last(VOLUME, t, 20) > 0
    impact = np.abs(last(RETURN, t, 20))[traded] / last(DOLLARS, t, 20)[traded]
    return math.log(1 + 1e9 * impact.mean())


def chaikin(t: int) -> float:
    h, low, c, v = (last(x, t, 20) for x in (HIGH, LOW, CLOSE, VOLUME))
    return float(np.sum(((c - low) - (h - c)) / (h - low) * v) / v.sum())


def volume_correlation(t: int) -> float:
    changes = [floored_log_volume(i) - floored_log_volume(i - 1) for i in range(t - 19, t + 1)]
    return float(np.corrcoef(last(RETURN, t, 20), changes)[0, 1])


def exponential(x: np.ndarray, t: int, n: int, first: int) -> float:
    """EMA_n at t of values defined from ``first`` on, as one weighted sum and the seed's rest."""
    kept = 1 - 2 / (n + 1)
    newer = x[first + n : t + 1][::-1]
    seed = x[first : first + n].mean() * kept ** len(newer)
    return float(seed + (1 - kept) * np.sum(newer * kept ** np.arange(len(newer))))


MACD = np.array(
    [
        exponential(CLOSE, t, 12, 0) - exponential(CLOSE, t, 26, 0) if t >= 25 else np.nan
        for t in range(len(CLOSE))
    ]
)
FORCE = (CLOSE - np.roll(CLOSE, 1)) * VOLUME


ORACLES: dict[str, tuple[int, Callable[[int], float]]] = {
    "stock_open": (2, lambda t: math.log(OPEN[t] / CLOSE[t - 1])),
    "stock_high": (2, lambda t: math.log(HIGH[t] / CLOSE[t - 1])),
    "stock_low": (2, lambda t: math.log(LOW[t] / CLOSE[t - 1])),
    "stock_close": (252, lambda t: math.log(CLOSE[t] / last(CLOSE, t, 252).mean())),
    "stock_volume": (252, lambda t: floored(t, 252)),
    "stock_sma_ratio_50": (50, lambda t: CLOSE[t] / last(CLOSE, t, 50).mean() - 1),
    "stock_sma_ratio_200": (200, lambda t: CLOSE[t] / last(CLOSE, t, 200).mean() - 1),
    "stock_ema_ratio_12": (60, lambda t: CLOSE[t] / exponential(CLOSE, t, 12, 0) - 1),
    "stock_ema_ratio_26": (130, lambda t: CLOSE[t] / exponential(CLOSE, t, 26, 0) - 1),
    "stock_macd": (130, lambda t: MACD[t] / CLOSE[t]),
    "stock_macd_signal": (130, lambda t: exponential(MACD, t, 9, 25) / CLOSE[t]),
    "stock_high_252_ratio": (252, lambda t: CLOSE[t] / last(HIGH, t, 252).max() - 1),
    "stock_low_252_ratio": (252, lambda t: CLOSE[t] / last(LOW, t, 252).min() - 1),
    "stock_return_1d": (2, lambda t: math.log(CLOSE[t] / CLOSE[t - 1])),
    "stock_return_5d": (6, lambda t: math.log(CLOSE[t] / CLOSE[t - 5])),
    "stock_return_252d": (253, lambda t: math.log(CLOSE[t] / CLOSE[t - 252])),
    "stock_volatility_5": (6, lambda t: annual(last(RETURN, t, 5))),
    "stock_volatility_252": (253, lambda t: annual(last(RETURN, t, 252))),
    "stock_parkinson_20": (
        20,
        lambda t: root_of_mean(last(np.log(HIGH / LOW) ** 2, t, 20) / (4 * math.log(2))),
    ),
    "stock_garman_klass_20": (
        20,
        lambda t: root_of_mean(
            0.5 * last(np.log(HIGH / LOW), t, 20) ** 2
            - (2 * math.log(2) - 1) * last(np.log(CLOSE / OPEN), t, 20) ** 2
        ),
    ),
    "stock_rogers_satchell_20": (20, lambda t: root_of_mean(rogers_satchell_terms(t))),
    "stock_yang_zhang_20": (21, yang_zhang),
    "stock_downside_volatility_20": (
        21,
        lambda t: root_of_mean(np.minimum(last(RETURN, t, 20), 0) ** 2),
    ),
    "stock_volatility_of_volatility_60": (
        65,
        lambda t: float(np.std([annual(last(RETURN, i, 5)) for i in range(t - 59, t + 1)], ddof=1)),
    ),
    "stock_return_skew_60": (61, lambda t: float(stats.skew(last(RETURN, t, 60), bias=False))),
    "stock_drawdown_60": (60, drawdown),
    "stock_volume_ratio_5": (5, lambda t: floored(t, 5)),
    "stock_volume_ratio_60": (60, lambda t: floored(t, 60)),
    "stock_dollar_volume_20": (20, lambda t: math.log(last(DOLLARS, t, 20).mean())),
    "stock_amihud_20": (21, amihud),
    "stock_cmf_20": (20, chaikin),
    "stock_vwap_ratio_5": (
        5,
        lambda t: CLOSE[t] / np.average(last(TYPICAL, t, 5), weights=last(VOLUME, t, 5)) - 1,
    ),
    "stock_force_index_13": (
        252,
        lambda t: exponential(FORCE, t, 13, 1) / (CLOSE[t] * last(VOLUME, t, 252).mean()),
    ),
    "stock_up_volume_share_20": (
        21,
        lambda t: last(VOLUME * (RETURN > 0), t, 20).sum() / last(VOLUME, t, 20).sum(),
    ),
    "stock_volume_cv_20": (
        20,
        lambda t: np.std(last(VOLUME, t, 20), ddof=1) / last(VOLUME, t, 20).mean(),
    ),
    "stock_price_volume_corr_20": (80, volume_correlation),
    "stock_volume_trend_20_60": (
        60,
        lambda t: last(VOLUME, t, 20).mean() / last(VOLUME, t, 60).mean() - 1,
    ),
    "stock_volume_zscore_60": (
        60,
        lambda t: (VOLUME[t] - last(VOLUME, t, 60).mean()) / np.std(last(VOLUME, t, 60), ddof=1),
    ),
}
"""Feature -> the first bar, counted from 1, that has it, and its value at an index."""

OTHER_FIRST_BARS = {
    **{f"stock_sma_ratio_{n}": n for n in (5, 20)},
    **{f"stock_rsi_{n}": 5 * n for n in (7, 14, 28)},
    "stock_stoch_k_14": 16,
    "stock_stoch_d_3": 18,
    "stock_cci_20": 20,
    **dict.fromkeys(("stock_adx_14", "stock_plus_di_14", "stock_minus_di_14"), 70),
    "stock_aroon_osc_25": 26,
    **dict.fromkeys(("stock_bb_percent_b_20", "stock_bb_width_20"), 20),
    **{f"stock_return_{n}d": n + 1 for n in (20, 60)},
    **{f"stock_volatility_{n}": n + 1 for n in (10, 20, 60)},
    "stock_natr_14": 70,
    "stock_volume_ratio_20": 20,
    "stock_obv_slope_20": 20,
    "stock_mfi_14": 15,
    "stock_vwap_ratio_20": 20,
}
"""The same for those whose values are compared with TA-Lib, or at another window here."""


@pytest.fixture(scope="module")
def features() -> dict[str, np.ndarray]:
    frame = stock_features(BARS, threads=1)
    return {name: frame[name].to_numpy() for name in STOCK_FEATURES}


@pytest.mark.parametrize("name", ORACLES)
def test_window_formula_equals_numpy_from_its_first_full_window(
    features: dict[str, np.ndarray], name: str
) -> None:
    first_bar, oracle = ORACLES[name]
    values = features[name]
    assert np.isnan(values[: first_bar - 1]).all()
    rows = range(first_bar - 1, len(BARS))
    np.testing.assert_allclose(
        values[first_bar - 1 :], [oracle(t) for t in rows], rtol=1e-9, atol=1e-12
    )


def test_every_other_feature_begins_at_the_bar_that_fills_its_windows(
    features: dict[str, np.ndarray],
) -> None:
    assert {*ORACLES, *OTHER_FIRST_BARS} == set(STOCK_FEATURES)
    found = {name: int(np.argmin(np.isnan(features[name]))) + 1 for name in OTHER_FIRST_BARS}
    assert found == OTHER_FIRST_BARS


def last_row(bars_frame: object) -> dict[str, float | None]:
    return stock_features(bars_frame, threads=1).row(-1, named=True)  # type: ignore[arg-type]


def test_steady_growth_has_the_closed_forms() -> None:
    growth = math.log(1.01)
    row = last_row(bars_of(np.exp(growth * np.arange(800.0)), volume=500.0))
    assert row["stock_return_20d"] == pytest.approx(20 * growth)
    assert row["stock_volatility_60"] == pytest.approx(0.0, abs=1e-12)
    assert row["stock_rsi_14"] == pytest.approx(100.0)
    assert row["stock_mfi_14"] == pytest.approx(100.0)
    assert row["stock_aroon_osc_25"] == 100.0
    assert row["stock_drawdown_60"] == 0.0
    assert row["stock_obv_slope_20"] == pytest.approx(1.0)
    assert row["stock_up_volume_share_20"] == 1.0
    assert row["stock_plus_di_14"] == pytest.approx(100.0)
    assert row["stock_minus_di_14"] == 0.0
    assert row["stock_adx_14"] == pytest.approx(100.0)
    assert row["stock_return_skew_60"] is None
    for span, name in ((12, "stock_ema_ratio_12"), (26, "stock_ema_ratio_26")):
        weight = 2 / (span + 1)
        average = weight / (1 - (1 - weight) / 1.01)
        assert row[name] == pytest.approx(1 / average - 1)
    weight = 2 / 14
    assert row["stock_force_index_13"] == pytest.approx(
        (1 - 1 / 1.01) * weight / (1 - (1 - weight) / 1.01)
    )
    assert row["stock_natr_14"] == pytest.approx(
        100 * (1 - 1 / 1.01) * (1 / 14) / (1 - (13 / 14) / 1.01)
    )


def test_range_estimators_have_their_closed_forms() -> None:
    flat = np.full(60, 20.0)
    a, b = 0.02, 0.01
    row = last_row(bars_of(flat, high=flat * math.exp(a), low=flat * math.exp(-b)))
    spread = a + b
    assert row["stock_parkinson_20"] == pytest.approx(
        math.sqrt(252) * spread / math.sqrt(4 * math.log(2))
    )
    assert row["stock_garman_klass_20"] == pytest.approx(math.sqrt(126) * spread)
    assert row["stock_rogers_satchell_20"] == pytest.approx(math.sqrt(252 * (a * a + b * b)))
    k = 0.34 / (1.34 + 21 / 19)
    assert row["stock_yang_zhang_20"] == pytest.approx(math.sqrt(252 * (1 - k) * (a * a + b * b)))


def test_bars_that_only_rise_from_open_to_close_have_no_rogers_satchell_volatility() -> None:
    close = 10 * 1.01 ** np.arange(60.0)
    row = last_row(bars_of(close, opens=close / 1.01, low=close / 1.01))
    assert row["stock_rogers_satchell_20"] == 0.0
    assert row["stock_cmf_20"] == pytest.approx(1.0)


def test_a_bar_of_double_volume_has_the_closed_forms_of_volume() -> None:
    volume = np.full(300, 100.0)
    volume[-1] = 200.0
    row = last_row(bars_of(np.full(300, 4.0), volume=volume))
    assert row["stock_volume_ratio_5"] == pytest.approx(math.log(200 / 120))
    assert row["stock_volume"] == pytest.approx(math.log(200 / (100 + 100 / 252)))
    assert row["stock_dollar_volume_20"] == pytest.approx(math.log(4.0 * 105))
    assert row["stock_volume_trend_20_60"] == pytest.approx(105 / (100 + 100 / 60) - 1)
    assert row["stock_volume_zscore_60"] == pytest.approx(59 / math.sqrt(60))
    assert row["stock_amihud_20"] == 0.0


def test_a_bar_without_volume_counts_as_a_thousandth_of_the_mean() -> None:
    volume = np.full(80, 100.0)
    volume[-1] = 0.0
    row = last_row(bars_of(np.full(80, 4.0), volume=volume))
    assert row["stock_volume_ratio_20"] == pytest.approx(math.log(1e-3))


def test_the_latest_of_tied_extremes_counts_for_aroon() -> None:
    close = np.full(40, 10.0)
    high, low = np.full(40, 11.0), np.full(40, 9.0)
    high[[20, 30]], low[[25, 35]] = 12.0, 8.0
    row = last_row(bars_of(close, high=high, low=low))
    assert row["stock_aroon_osc_25"] == pytest.approx(100 * ((25 - 9) - (25 - 4)) / 25)
