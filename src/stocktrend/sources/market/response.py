"""How expected returns respond to context times stock state, and how strongly.

The expected log return of the session after ``t``, in excess of the constant premium, is

    mu[t] = - w_risk * risk[t] * attention[t]
            - w_stance * stance[t] * accumulation[t]
            + w_tone * tone[t]

with the market's ``risk`` (as read by the close of ``t``: the evening before's) and ``stance``,
and a ticker's ``attention``, ``accumulation`` and ``tone``, all of unit variance and independent of
each other and of the noise's signs. In words: crowded trading does badly in a nervous market, quiet
buying pays while policy is easy, good news pays.

The realised log return has noise on top and, with ``news`` above 0, a fall of the price by that
multiple of what a change of ``risk`` adds to a session's expected return: a higher return to come
is a lower price today (discount-rate news; Campbell 1991, A Variance Decomposition for Stock
Returns). So past returns tell little of the states, and a month's return spreads less.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from stocktrend.sources.market.process import Array

Market = Literal["strong", "realistic", "none"]

RISK_PHI: Final = 0.98
ATTENTION_PHI: Final = 0.996
ACCUMULATION_PHI: Final = 0.98
TONE_PHI: Final = 0.96
STANCE_PHI: Final = 0.6
"""Decay a session; for the stance a meeting, between which it stays as it is."""

WEEK: Final = 5
"""Sessions of a horizon of 7 days."""

# Noise: daily volatilities and the spread of their logarithms.
OWN_VOLATILITY: Final = 0.014
OWN_SPREAD: Final = 0.25
CLUSTERING: Final = 0.4
"""Effect of attention on the logarithm: busy days are wild days (Clark 1973)."""
BETA_SPREAD: Final = 0.25
VIX_LEVEL: Final = 16.0
VIX_SPREAD: Final = 0.35
REALISED_SHARE: Final = 0.8
PREMIUM: Final = 0.0003
"""Expected log growth a session of every ticker, whatever the setting: 7.6% a year."""


def market_volatility(vix: Array | float) -> Array | float:
    """Daily volatility of the market factor, before ``Setting.noise``: a share of the VIX."""
    return REALISED_SHARE * vix / 100 / math.sqrt(252)


def noise_variance() -> float:
    """Mean variance of a day's log return, from the lognormal moments of the constants above."""
    own = OWN_VOLATILITY**2 * math.exp(2 * OWN_SPREAD**2 + 2 * CLUSTERING**2)
    level = float(market_volatility(VIX_LEVEL))
    return own + (1 + BETA_SPREAD**2) * level**2 * math.exp(2 * VIX_SPREAD**2)


def decay_sum(phi: float, n: int) -> float:
    """``1 + phi + ... + phi^(n-1)``."""
    return (1 - phi**n) / (1 - phi)


class Shares(NamedTuple):
    """Shares of the variance of the expected return over a week of five sessions."""

    risk: float
    stance: float
    tone: float


class Setting(NamedTuple):
    """What a market is made of.

    Attributes:
        deviation: Standard deviation of the expected return over a week.
        shares: Of its terms.
        noise: Factor of the noise below, in returns from close to close.
        news: Fall of the price as a multiple of what risk adds to a session's expected return.
        steady: Whether the noise is the same for every ticker and session, whatever the states.
    """

    deviation: float
    shares: Shares
    noise: float = 1.0
    news: float = 0.0
    steady: bool = False


def deviation_for(correlation: float) -> float:
    """Weekly deviation at which the oracle's 7-day correlation is this, with noise 1 and no news.

    With S the expected return over a week and N the noise, ``rho^2 = var S / (var S + var N)``.
    """
    return math.sqrt(WEEK * noise_variance() * correlation**2 / (1 - correlation**2))


EVEN: Final = Shares(risk=0.4, stance=0.3, tone=0.3)


def setting_of(market: Market) -> Setting:
    """The setting of a name.

    ``strong`` is made so that the performance targets of the design can be reached: most of a
    week's return is expected, and most of that comes from the market's risk, which the volatility
    index shows, times a ticker's attention, which volume and range show.

    ``none`` has returns that are independent of all that can be known, volatility included: with
    a volatility that can be known, the targets (which bend large returns) and the direction (the
    median of a return lies below its mean) could be told a little even where no return can.
    """
    if market == "strong":
        return Setting(0.031, Shares(risk=0.98, stance=0.01, tone=0.01), noise=0.05, news=7.5)
    if market == "realistic":
        return Setting(deviation_for(0.05), EVEN)
    return Setting(0.0, EVEN, steady=True)


@dataclass(frozen=True)
class Response:
    """Weights of the expected log return of one session, and what else makes its return.

    Attributes:
        risk, stance, tone: Weights of the three terms.
        noise, news, steady: See ``Setting``.
    """

    risk: float
    stance: float
    tone: float
    noise: float = 1.0
    news: float = 0.0
    steady: bool = False


def calibrate(market: Market) -> Response:
    """The weights that give a market its deviation: ``var S`` is the sum over the terms of
    ``(weight * decay_sum)^2``.
    """
    setting = setting_of(market)

    def weight(share: float, phi: float) -> float:
        return setting.deviation * math.sqrt(share) / decay_sum(phi, WEEK)

    return Response(
        risk=weight(setting.shares.risk, RISK_PHI * ATTENTION_PHI),
        stance=weight(setting.shares.stance, ACCUMULATION_PHI),
        tone=weight(setting.shares.tone, TONE_PHI),
        noise=setting.noise,
        news=setting.news,
        steady=setting.steady,
    )
