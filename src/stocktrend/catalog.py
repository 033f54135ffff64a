"""Names and order of the 87 features: the contract between data and model.

The formulas stand in ``docs/features.md``; the order here is the order of the model's inputs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

NEWS_FEATURES: tuple[str, ...] = (
    "news_count",
    "news_sentiment",
    "news_sentiment_recent",
    "news_sentiment_dispersion",
    "news_positive_share",
    "news_negative_share",
    "news_surprise",
    "news_source_diversity",
)

POLICY_FEATURES: tuple[str, ...] = (
    "policy_stance",
    "policy_rate_change",
    "policy_event_count",
    "policy_days_since",
    "policy_uncertainty",
)

MACRO_FEATURES: tuple[str, ...] = (
    "macro_cpi_yoy",
    "macro_core_cpi_yoy",
    "macro_unemployment",
    "macro_payrolls_growth",
    "macro_gdp_growth",
    "macro_industrial_production_yoy",
    "macro_consumer_sentiment",
    "macro_fed_funds",
    "macro_yield_10y",
    "macro_term_spread",
    "macro_credit_spread",
    "macro_vix",
)

BAR_FEATURES: tuple[str, ...] = (
    "stock_open",
    "stock_high",
    "stock_low",
    "stock_close",
    "stock_volume",
)

TECHNICAL_FEATURES: tuple[str, ...] = (
    "stock_sma_ratio_5",
    "stock_sma_ratio_20",
    "stock_sma_ratio_50",
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
    "stock_high_252_ratio",
    "stock_low_252_ratio",
)

RETURN_FEATURES: tuple[str, ...] = (
    "stock_return_1d",
    "stock_return_5d",
    "stock_return_20d",
    "stock_return_60d",
    "stock_return_252d",
)

VOLATILITY_FEATURES: tuple[str, ...] = (
    "stock_volatility_5",
    "stock_volatility_10",
    "stock_volatility_20",
    "stock_volatility_60",
    "stock_volatility_252",
    "stock_parkinson_20",
    "stock_garman_klass_20",
    "stock_rogers_satchell_20",
    "stock_yang_zhang_20",
    "stock_natr_14",
    "stock_downside_volatility_20",
    "stock_volatility_of_volatility_60",
    "stock_return_skew_60",
    "stock_drawdown_60",
)

VOLUME_FEATURES: tuple[str, ...] = (
    "stock_volume_ratio_5",
    "stock_volume_ratio_20",
    "stock_volume_ratio_60",
    "stock_dollar_volume_20",
    "stock_amihud_20",
    "stock_obv_slope_20",
    "stock_mfi_14",
    "stock_cmf_20",
    "stock_vwap_ratio_5",
    "stock_vwap_ratio_20",
    "stock_force_index_13",
    "stock_up_volume_share_20",
    "stock_volume_cv_20",
    "stock_price_volume_corr_20",
    "stock_volume_trend_20_60",
    "stock_volume_zscore_60",
)

CONTEXT_FEATURES: tuple[str, ...] = NEWS_FEATURES + POLICY_FEATURES + MACRO_FEATURES
STOCK_FEATURES: tuple[str, ...] = (
    BAR_FEATURES + TECHNICAL_FEATURES + RETURN_FEATURES + VOLATILITY_FEATURES + VOLUME_FEATURES
)
FEATURES: tuple[str, ...] = CONTEXT_FEATURES + STOCK_FEATURES

FEATURE_GROUPS: dict[str, tuple[str, ...]] = {
    "news": NEWS_FEATURES,
    "policy": POLICY_FEATURES,
    "macro": MACRO_FEATURES,
    "bar": BAR_FEATURES,
    "technical": TECHNICAL_FEATURES,
    "returns": RETURN_FEATURES,
    "volatility": VOLATILITY_FEATURES,
    "volume": VOLUME_FEATURES,
}


@dataclass(frozen=True)
class Inputs:
    """What the towers read, in order: the 87 features, a user's own behind those of their tower.

    >>> len(Inputs().names)
    87
    >>> Inputs(stock=(*STOCK_FEATURES, "gap_5")).own
    ('gap_5',)
    """

    context: tuple[str, ...] = CONTEXT_FEATURES
    stock: tuple[str, ...] = STOCK_FEATURES

    @classmethod
    def of(cls, names: Iterable[str]) -> Self:
        """The inputs of which ``names`` are the names."""
        listed = tuple(names)
        first = listed.index(STOCK_FEATURES[0])
        return cls(listed[:first], listed[first:])

    @property
    def names(self) -> tuple[str, ...]:
        """Those of the context, then those of the stock."""
        return self.context + self.stock

    @property
    def own(self) -> tuple[str, ...]:
        """Those that are no features of ours."""
        return self.context[len(CONTEXT_FEATURES) :] + self.stock[len(STOCK_FEATURES) :]


OURS: Final = Inputs()
"""The 87 features alone."""


def feature_groups(own: Sequence[str] = ()) -> dict[str, tuple[str, ...]]:
    """The groups, and a user's own features as one more where there are any."""
    return FEATURE_GROUPS | ({"own": tuple(own)} if own else {})
