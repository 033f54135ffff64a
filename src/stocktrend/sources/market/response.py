"""How expected returns respond to context times stock state, and how strongly.

The expected log return of the session after ``t``, in excess of the constant premium, is

    mu[t] = - w_risk * risk[t] * attention[t]
            - w_stance * stance[t] * accumulation[t]
            + w_tone * tone[t]

or, where the states act ``jointly``, with P(x) = 2 Phi(x) - 1 the place of a state between its
extremes, -1 to 1,

    mu[t] = - (w_risk * P(risk[t]) + w_stance * P(stance[t]))
              * (P(attention[t]) + QUIET) * P(accumulation[t])

with the market's ``risk`` (as read by the close of ``t``: the evening before's) and ``stance``,
and a ticker's ``attention``, ``accumulation`` and ``tone``, all of unit variance and independent of
each other and of the noise's signs. In words: crowded trading does badly in a nervous market, quiet
buying pays while policy is easy, good news pays. Jointly: buying does badly in a nervous market
and under tight policy, well in a calm one and under easy policy, the more so the more it is
noticed.

The realised log return has noise on top and, with ``news`` above 0, a fall of the price by that
multiple of what a change of ``risk`` adds to a session's expected return: a higher return to come
is a lower price today (discount-rate news; Campbell 1991, A Variance Decomposition for Stock
Returns). So past returns tell little of the states, and a month's return spreads less.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
from scipy.special import ndtr

from stocktrend.sources.market.process import Array

Market = Literal["strong", "realistic", "planted", "none"]

RISK_PHI: Final = 0.98
ATTENTION_PHI: Final = 0.996
ACCUMULATION_PHI: Final = 0.98
TONE_PHI: Final = 0.96
STANCE_PHI: Final = 0.6
"""Decay a session; for the stance a meeting, between which it stays as it is."""

QUIET: Final = 0.3
"""What buying without attention counts, where states act jointly."""

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
        joint: Whether the states act jointly; then neither tone nor ``news`` does anything.
        accumulation_phi: Decay of accumulation a session.
    """

    deviation: float
    shares: Shares
    noise: float = 1.0
    news: float = 0.0
    steady: bool = False
    joint: bool = False
    accumulation_phi: float = ACCUMULATION_PHI


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

    ``planted`` has the noise of ``realistic`` and far more to find (the oracle's 7-day correlation
    is about 0.32), but neither lines nor trees find much of it: only the product of three states
    tells anything. Accumulation passes within days, so that past returns, which a line could
    read, do not give the product away.

    ``none`` has returns that are independent of all that can be known, volatility included: with
    a volatility that can be known, the targets (which bend large returns) and the direction (the
    median of a return lies below its mean) could be told a little even where no return can.
    """
    if market == "strong":
        return Setting(0.031, Shares(risk=0.98, stance=0.01, tone=0.01), noise=0.05, news=7.5)
    if market == "realistic":
        return Setting(deviation_for(0.05), EVEN)
    if market == "planted":
        # More than 0.32: what becomes of the states within the week is noise too.
        shares = Shares(risk=0.8, stance=0.2, tone=0.0)
        return Setting(deviation_for(0.386), shares, joint=True, accumulation_phi=0.25)
    return Setting(0.0, EVEN, steady=True)


@dataclass(frozen=True)
class Response:
    """Weights of the expected log return of one session, and what else makes its return.

    Attributes:
        risk, stance, tone: Weights of the three terms.
        noise, news, steady, joint, accumulation_phi: See ``Setting``.
    """

    risk: float
    stance: float
    tone: float
    noise: float = 1.0
    news: float = 0.0
    steady: bool = False
    joint: bool = False
    accumulation_phi: float = ACCUMULATION_PHI


def calibrate(market: Market) -> Response:
    """The weights that give a market its deviation: ``var S`` is the sum over the terms of
    ``(weight * decay_sum)^2``, or of ``weight^2 joint_variance`` where states act jointly.
    """
    setting = setting_of(market)
    if setting.joint:
        return _jointly(setting)

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


def place(state: Array, rho: Array | float = 1.0) -> Array:
    """``E[P(y)]`` of a y of unit variance whose correlation with the ``state`` is ``rho``.

    For a standard normal e, ``E[Phi(rho x + sqrt(1 - rho^2) e)] = Phi(rho x / sqrt(2 - rho^2))``.
    """
    return np.asarray(2 * ndtr(rho * state / np.sqrt(2 - np.square(rho))) - 1)


def place_covariance(rho: float) -> float:
    """Of P(x) and P(y), x and y correlated by ``rho``: a third of their grade correlation."""
    return 2 / math.pi * math.asin(rho / 2)


def joint_variance(phi: float, accumulation_phi: float) -> float:
    """Of a joint term over a week, for a weight of 1: the sum over pairs of its sessions.

    Args:
        phi: Decay of the market's state a session; 1 for the stance, between meetings.
        accumulation_phi: Of accumulation.
    """
    return math.fsum(
        place_covariance(phi**steps)
        * (place_covariance(ATTENTION_PHI**steps) + QUIET**2)
        * place_covariance(accumulation_phi**steps)
        for steps in (k + other for k in range(WEEK) for other in range(WEEK))
    )


def _jointly(setting: Setting) -> Response:
    def weight(share: float, phi: float) -> float:
        variance = joint_variance(phi, setting.accumulation_phi)
        return setting.deviation * math.sqrt(share / variance)

    return Response(
        risk=weight(setting.shares.risk, RISK_PHI),
        stance=weight(setting.shares.stance, 1.0),
        tone=0.0,
        noise=setting.noise,
        steady=setting.steady,
        joint=True,
        accumulation_phi=setting.accumulation_phi,
    )
