"""Tickers: traits that stay, latent states that pass, and the bars that show them.

A ticker's attention shows in its volume, its accumulation in where a day closes within its range.
Neither is determined by returns, and returns do not follow from them but through the response.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stocktrend.sources.market.context import Context
from stocktrend.sources.market.process import Array, ar1, stream
from stocktrend.sources.market.response import (
    ACCUMULATION_PHI,
    ATTENTION_PHI,
    BETA_SPREAD,
    CLUSTERING,
    OWN_SPREAD,
    OWN_VOLATILITY,
    PREMIUM,
    TONE_PHI,
    Response,
)

CLUSTERING_PHI: Final = 0.97


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
    accumulation = ar1(ACCUMULATION_PHI, rng.standard_normal(shape))
    tone = ar1(TONE_PHI, rng.standard_normal(shape))
    clustering = ar1(CLUSTERING_PHI, rng.standard_normal(shape))
    own = traits.volatility * np.exp(CLUSTERING * clustering)
    shock = rng.standard_normal(shape)
    common = traits.beta * context.volatility[start:, None]
    noise = own * shock + traits.beta * context.factor[start:, None]
    expected = drift(response, context, attention, accumulation, tone)
    growth = PREMIUM + expected + noise - 0.5 * (own**2 + common**2)
    total = np.sqrt(own**2 + common**2)
    swing = np.abs(shock) - np.sqrt(2 / np.pi)
    return Stocks(
        traits=traits,
        attention=attention,
        accumulation=accumulation,
        tone=tone,
        growth=growth,
        location=1 / (1 + np.exp(-1.1 * accumulation - 0.4 * rng.standard_normal(shape))),
        reach=1.7 * total * np.exp(0.2 * rng.standard_normal(shape)),
        gap=0.3 * growth + 0.35 * total * rng.standard_normal(shape),
        activity=0.5 * attention + 0.1 * rng.standard_normal(shape) + 0.08 * swing,
    )


def drift(
    response: Response, context: Context, attention: Array, accumulation: Array, tone: Array
) -> Array:
    """Expected excess log return of each session from the states of the evening before, (T, N)."""
    risk = context.risk[context.first :, None]
    stance = context.stance[context.first :, None]
    following = (
        -response.risk * risk * attention
        - response.stance * stance * accumulation
        + response.tone * tone
    )
    return np.concatenate([np.zeros_like(following[:1]), following[:-1]])
