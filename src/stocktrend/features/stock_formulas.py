"""Which kernel, with which inputs and windows, makes which of the 62 stock features."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from stocktrend.features.kernels import flow, oscillators, prices, trend, volatility, volume

Input = str | int


@dataclass(frozen=True)
class Formula:
    """One call of a kernel: the inputs (series by name, windows in bars), then the outputs."""

    kernel: Callable[..., Any]
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]


def _of_window(
    kernel: Callable[..., Any], series: tuple[str, ...], name: str, *windows: int, unit: str = ""
) -> tuple[Formula, ...]:
    """One formula a window, its output named after the window."""
    return tuple(Formula(kernel, (*series, n), (f"{name}_{n}{unit}",)) for n in windows)


OPEN, HIGH, LOW, CLOSE, TYPICAL = "open", "high", "low", "close", "typical"
RETURN, VOLUME, DOLLARS = "return", "volume", "dollars"
BAR = (OPEN, HIGH, LOW, CLOSE)
RANGE = (HIGH, LOW, CLOSE)

FORMULAS: Final[tuple[Formula, ...]] = (
    Formula(prices.bar_against_last_close, BAR, ("stock_open", "stock_high", "stock_low")),
    Formula(prices.log_ratio_to_mean, (CLOSE, 252), ("stock_close",)),
    Formula(volume.log_volume_ratio, (VOLUME, 252), ("stock_volume",)),
    *_of_window(prices.ratio_to_mean, (CLOSE,), "stock_sma_ratio", 5, 20, 50, 200),
    *_of_window(trend.ratio_to_exponential, (CLOSE,), "stock_ema_ratio", 12, 26),
    Formula(trend.macd, (CLOSE, 12, 26, 9), ("stock_macd", "stock_macd_signal")),
    *_of_window(oscillators.relative_strength, (CLOSE,), "stock_rsi", 7, 14, 28),
    Formula(oscillators.stochastic, (*RANGE, 14, 3), ("stock_stoch_k_14", "stock_stoch_d_3")),
    Formula(oscillators.commodity_channel, (TYPICAL, 20), ("stock_cci_20",)),
    Formula(
        trend.directional_movement,
        (*RANGE, 14),
        ("stock_adx_14", "stock_plus_di_14", "stock_minus_di_14"),
    ),
    Formula(trend.aroon_oscillator, (HIGH, LOW, 25), ("stock_aroon_osc_25",)),
    Formula(oscillators.bollinger, (CLOSE, 20), ("stock_bb_percent_b_20", "stock_bb_width_20")),
    Formula(
        prices.ratio_to_extremes,
        (*RANGE, 252),
        ("stock_high_252_ratio", "stock_low_252_ratio"),
    ),
    *_of_window(prices.log_return, (CLOSE,), "stock_return", 1, 5, 20, 60, 252, unit="d"),
    *_of_window(volatility.volatility, (RETURN,), "stock_volatility", 5, 10, 20, 60, 252),
    Formula(
        volatility.range_volatility,
        (*BAR, 20),
        (
            "stock_parkinson_20",
            "stock_garman_klass_20",
            "stock_rogers_satchell_20",
            "stock_yang_zhang_20",
        ),
    ),
    Formula(volatility.normalised_true_range, (*RANGE, 14), ("stock_natr_14",)),
    Formula(volatility.downside_volatility, (RETURN, 20), ("stock_downside_volatility_20",)),
    Formula(
        volatility.volatility_of_volatility,
        (RETURN, 5, 60),
        ("stock_volatility_of_volatility_60",),
    ),
    Formula(volatility.skewness, (RETURN, 60), ("stock_return_skew_60",)),
    Formula(volatility.drawdown, (CLOSE, 60), ("stock_drawdown_60",)),
    *_of_window(volume.log_volume_ratio, (VOLUME,), "stock_volume_ratio", 5, 20, 60),
    Formula(volume.dollar_volume, (DOLLARS, 20), ("stock_dollar_volume_20",)),
    Formula(volume.amihud, (RETURN, DOLLARS, 20), ("stock_amihud_20",)),
    Formula(flow.on_balance_slope, (RETURN, VOLUME, 20), ("stock_obv_slope_20",)),
    Formula(flow.money_flow_index, (TYPICAL, VOLUME, 14), ("stock_mfi_14",)),
    Formula(flow.chaikin_money_flow, (*RANGE, VOLUME, 20), ("stock_cmf_20",)),
    *_of_window(flow.ratio_to_average_paid, (TYPICAL, VOLUME, CLOSE), "stock_vwap_ratio", 5, 20),
    Formula(flow.force_index, (CLOSE, VOLUME, 13, 252), ("stock_force_index_13",)),
    Formula(flow.up_volume_share, (RETURN, VOLUME, 20), ("stock_up_volume_share_20",)),
    Formula(
        volume.volume_statistics,
        (VOLUME, 20, 60),
        ("stock_volume_cv_20", "stock_volume_trend_20_60", "stock_volume_zscore_60"),
    ),
    Formula(
        volume.price_volume_correlation,
        (RETURN, VOLUME, 20, 60),
        ("stock_price_volume_corr_20",),
    ),
)
