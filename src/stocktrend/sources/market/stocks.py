"""Tickers: traits that stay, latent states that pass, and the bars that show them.

A ticker's attention shows in its volume and range, its accumulation in where a day closes within
that range. Neither is determined by returns, and returns do not follow from them but through the
response.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stocktrend.sources.market.context import Context
from stocktrend.sources.market.process import Array, ar1, stream
from stocktrend.sources.market.response import (
    ATTENTION_PHI,
    BETA_SPREAD,
    CLUSTERING,
    OWN_SPREAD,
    OWN_VOLATILITY,
    PREMIUM,
    QUIET,
    RISK_PHI,
    TONE_PHI,
    VIX_LEVEL,
    Response,
    market_volatility,
    place,
)

RANGE: Final = 0.028
"""Log range of a quiet day."""


@dataclass(frozen=True)
class Traits:
    """What a ticker keeps for life, each (N,).

    ``first`` and ``last`` are the positions in the priced sessions of its first and last bar.
    """

    beta: Array
    volatility: Array
    price: Array
    dollar_volume: Array
    dividend_yield: Array
    news_rate: Array
    first: NDArray[np.int64]
    last: NDArray[np.int64]


@dataclass(frozen=True)
class Stocks:
    """A block of tickers over the priced sessions, each (T, N).

    ``growth`` is the log total return; ``location`` where the close stands in the day's range
    (0 low, 1 high); ``reach`` the log range; ``gap`` the log move from the last close to the open
    before it is clamped to the range; ``activity`` the log of volume over its usual level.
    """

    traits: Traits
    attention: Array
    accumulation: Array
    tone: Array
    growth: Array
    location: Array
    reach: Array
    gap: Array
    activity: Array


def draw_traits(numbers: NDArray[np.int64], size: int, rng: np.random.Generator) -> Traits:
    """Traits of the tickers of these numbers over ``size`` sessions.

    Every ninth ticker is listed late and every thirteenth leaves early, so that small markets
    have some of both. Neither depends on returns: the truth stays unbiased.
    """
    n = len(numbers)
    late = np.where(numbers % 9 == 4, rng.uniform(0.1, 0.6, n), 0.0)
    early = np.where(numbers % 13 == 7, rng.uniform(0.7, 0.95, n), 1.0)
    scale = rng.standard_normal(n)
    return Traits(
        beta=1 + BETA_SPREAD * rng.standard_normal(n),
        volatility=OWN_VOLATILITY * np.exp(OWN_SPREAD * rng.standard_normal(n)),
        price=np.exp(np.log(45) + 0.5 * rng.standard_normal(n)),
        dollar_volume=np.exp(np.log(8e7) + 1.2 * scale),
        dividend_yield=np.where(rng.random(n) < 0.65, rng.uniform(0.005, 0.04, n), 0.0),
        news_rate=np.where(numbers % 37 == 21, 0.0, np.clip(np.exp(0.5 * scale), 0.7, 4.0)),
        first=(late * size).astype(np.int64),
        last=np.ceil(early * size).astype(np.int64) - 1,
    )


def simulate_stocks(
    numbers: NDArray[np.int64], context: Context, response: Response, seed: int
) -> Stocks:
    """Draws a block of tickers; a block is a function of the seed and its first number alone."""
    rng = stream(seed, 1, int(numbers[0]))
    start = context.first
    shape = (len(context.days) - start, len(numbers))
    traits = draw_traits(numbers, shape[0], rng)
    attention = ar1(ATTENTION_PHI, rng.standard_normal(shape))
    accumulation = ar1(response.accumulation_phi, rng.standard_normal(shape))
    tone = ar1(TONE_PHI, rng.standard_normal(shape))
    busy = np.exp(CLUSTERING * attention)
    own, common = volatilities(response, context, traits, busy)
    shock = rng.standard_normal(shape)
    total = np.sqrt(own**2 + common**2)
    noise = own * shock + common * context.shock[start:, None]
    expected, surprise = drift(response, context, attention, accumulation, tone)
    growth = PREMIUM + expected - response.news * surprise
    growth += response.noise * noise - 0.5 * (response.noise * total) ** 2
    swing = np.abs(shock) - np.sqrt(2 / np.pi)
    return Stocks(
        traits=traits,
        attention=attention,
        accumulation=accumulation,
        tone=tone,
        growth=growth,
        location=1 / (1 + np.exp(-1.1 * accumulation - 0.3 * rng.standard_normal(shape))),
        reach=RANGE * busy * np.exp(0.1 * rng.standard_normal(shape)),
        gap=0.3 * growth + 0.35 * total * rng.standard_normal(shape),
        activity=0.8 * attention + 0.05 * rng.standard_normal(shape) + 0.05 * swing,
    )


def volatilities(
    response: Response, context: Context, traits: Traits, busy: Array
) -> tuple[Array, Array]:
    """Of a session's own noise and of its share in the market's, (T, N) each."""
    if response.steady:
        own = np.full_like(busy, OWN_VOLATILITY)
        return own, np.full_like(busy, market_volatility(VIX_LEVEL))
    return traits.volatility * busy, traits.beta * context.volatility[context.first :, None]


def drift(
    response: Response, context: Context, attention: Array, accumulation: Array, tone: Array
) -> tuple[Array, Array]:
    """Expected excess log return of each session, and the news of risk in it, (T, N) each.

    The first is ``mu`` of the evening before; the second by how much that evening's view of the
    next ``mu`` has changed with the market's risk.
    """
    risk, stance = (x[context.first :, None] for x in (context.risk, context.stance))
    nothing = np.zeros((1, attention.shape[1]))
    if response.joint:
        market = response.risk * place(risk) + response.stance * place(stance)
        following = -market * (place(attention) + QUIET) * place(accumulation)
        return np.concatenate([nothing, following[:-1]]), np.zeros_like(following)
    following = (
        -response.risk * risk * attention
        - response.stance * stance * accumulation
        + response.tone * tone
    )
    surprise = -response.risk * ATTENTION_PHI * attention[:-1] * (risk[1:] - RISK_PHI * risk[:-1])
    return np.concatenate([nothing, following[:-1]]), np.concatenate([nothing, surprise])
