"""How expected returns respond to context times stock state, and how strongly.

The expected log return of the session after ``t``, in excess of the constant premium, is

    mu[t+1] = - w_risk * risk[t] * attention[t]
              - w_stance * stance[t] * accumulation[t]
              + w_tone * tone[t]

with the market's ``risk`` and ``stance`` and a ticker's ``attention``, ``accumulation`` and
``tone``, all of unit variance, independent of each other and of the noise. In words: crowded
trading does badly in a nervous market, quiet buying pays while policy is easy, good news pays.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

from stocktrend.sources.market.process import Array

Market = Literal["strong", "realistic", "none"]

ORACLE_CORRELATION: Final[dict[str, float]] = {"strong": 0.32, "realistic": 0.05, "none": 0.0}
"""Correlation of the expected with the realised 7-day return that each setting aims at."""

RISK_PHI: Final = 0.97
ATTENTION_PHI: Final = 0.95
ACCUMULATION_PHI: Final = 0.98
TONE_PHI: Final = 0.96
STANCE_PHI: Final = 0.6
"""Decay a session; for the stance a meeting, between which it stays as it is."""

WEEK: Final = 5
SHARES: Final = {"risk": 0.4, "stance": 0.3, "tone": 0.3}
"""Shares of the variance of the expected return over a week of five sessions."""

# Noise: daily volatilities and the spread of their logarithms.
OWN_VOLATILITY: Final = 0.015
OWN_SPREAD: Final = 0.25
CLUSTERING: Final = 0.30
BETA_SPREAD: Final = 0.25
VIX_LEVEL: Final = 16.0
VIX_SPREAD: Final = 0.35
REALISED_SHARE: Final = 0.8
PREMIUM: Final = 0.0003
"""Expected log growth a session of every ticker, whatever the setting: 7.6% a year."""


def market_volatility(vix: Array | float) -> Array | float:
    """Daily volatility of the market factor: a constant share of what the VIX says."""
    return REALISED_SHARE * vix / 100 / math.sqrt(252)


def noise_variance() -> float:
    """Mean variance of a day's log return, from the lognormal moments of the constants above."""
    own = OWN_VOLATILITY**2 * math.exp(2 * OWN_SPREAD**2 + 2 * CLUSTERING**2)
    level = float(market_volatility(VIX_LEVEL))
    return own + (1 + BETA_SPREAD**2) * level**2 * math.exp(2 * VIX_SPREAD**2)


def decay_sum(phi: float, n: int) -> float:
    """``1 + phi + ... + phi^(n-1)``."""
    return (1 - phi**n) / (1 - phi)


@dataclass(frozen=True)
class Response:
    """Weights of the expected log return of one session."""

    risk: float
    stance: float
    tone: float


def calibrate(market: Market) -> Response:
    """The weights at which the oracle's 7-day correlation is as ``ORACLE_CORRELATION`` says.

    With S the expected return over a week and N the noise, ``rho^2 = var S / (var S + var N)``,
    and ``var S`` is the sum over the terms of ``(weight * decay_sum)^2``.
    """
    rho = ORACLE_CORRELATION[market]
    deviation = math.sqrt(WEEK * noise_variance() * rho**2 / (1 - rho**2))

    def weight(share: float, phi: float) -> float:
        return deviation * math.sqrt(share) / decay_sum(phi, WEEK)

    return Response(
        risk=weight(SHARES["risk"], RISK_PHI * ATTENTION_PHI),
        stance=weight(SHARES["stance"], ACCUMULATION_PHI),
        tone=weight(SHARES["tone"], TONE_PHI),
    )
