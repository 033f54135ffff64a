"""Raw news: one JSON lines file a ticker and one for the market, with the noise of real feeds."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stocktrend.schema import MARKET
from stocktrend.sources.market import headlines as words
from stocktrend.sources.market.context import Context, Days
from stocktrend.sources.market.names import company_name, ticker_symbol
from stocktrend.sources.market.process import Array, stream
from stocktrend.sources.market.stocks import Stocks

SOURCES: Final = {
    "newswire": (0.45, "{text} [nw{mark:07d}]"),
    "dailybrief": (0.25, "{text} | Daily Brief {mark}"),
    "marketpost": (0.30, "{text}{tag} https://post.example/{mark:x}"),
}
"""Share of the items, and how the source marks its texts."""
MARKED_SHARE: Final = 0.88
"""The rest are bare, so that some texts of a ticker repeat, as they do in real feeds."""
ITEM_NOISE: Final = 0.3
NEUTRAL_BELOW: Final = 0.3
FOREIGN_SHARE: Final = 0.04
REPOST_SHARE: Final = 0.05
DUPLICATE_SHARE: Final = 0.004
MARKET_RATE: Final = 0.4
"""Items a session about the market as a whole."""
LAST_MINUTE: Final = 20 * 60
FIRST_MINUTE: Final = 6 * 60


@dataclass(frozen=True)
class Templates:
    """Headlines by tone; ``foreign`` ones have a language and no tone."""

    positive: tuple[str, ...]
    neutral: tuple[str, ...]
    negative: tuple[str, ...]
    foreign: tuple[tuple[str, str], ...]


COMPANY: Final = Templates(words.POSITIVE, words.NEUTRAL, words.NEGATIVE, words.FOREIGN)
WHOLE_MARKET: Final = Templates(
    words.MARKET_POSITIVE, words.MARKET_NEUTRAL, words.MARKET_NEGATIVE, ()
)


def news_files(
    numbers: NDArray[np.int64], stocks: Stocks, days: Days, seed: int
) -> Iterator[tuple[str, int]]:
    """The text of each ticker's file and its lines; empty for a ticker nobody writes about."""
    for column, number in enumerate(numbers.tolist()):
        traits = stocks.traits
        life = slice(int(traits.first[column]), int(traits.last[column]) + 1)
        rng = stream(seed, 5, number)
        frame = _items(
            stocks.tone[life, column], days[life], float(traits.news_rate[column]), COMPANY,
            ticker_symbol(number), company_name(number), number + 1, rng,
        )  # fmt: skip
        yield _text(frame, broken=number % 41 == 11)


def market_news(context: Context, seed: int) -> tuple[str, int]:
    """Text and lines of the file about the market as a whole, ticker ``*``."""
    tone, days = context.tone[context.first :], context.days[context.first :]
    rng = stream(seed, 6)
    frame = _items(tone, days, MARKET_RATE, WHOLE_MARKET, MARKET, "Wall Street", 0, rng)
    return _text(frame, broken=False)


def _items(
    tone: Array,
    days: Days,
    rate: float,
    templates: Templates,
    ticker: str,
    name: str,
    prefix: int,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Items in order of time. An item shows the state of its session, give or take a noise.

    It appears between 06:00 and 20:00 New York, so that what comes after the close is seen at the
    next ``as_of`` only. No return follows from that session's state before the next session.
    """
    session = np.repeat(np.arange(len(days)), rng.poisson(rate, len(days)))
    count = len(session)
    heard = tone[session] + ITEM_NOISE * rng.standard_normal(count)
    second = rng.integers(FIRST_MINUTE * 60, LAST_MINUTE * 60, count)
    time = days[session].astype("datetime64[ms]") + second.astype("timedelta64[s]")
    order = np.lexsort((heard, time))
    heard, time = heard[order], time[order]
    lang, text = _headlines(heard, templates, name, rng)
    shares = [share for share, _ in SOURCES.values()]
    source = [list(SOURCES)[s] for s in rng.choice(len(SOURCES), count, p=shares)]
    tag = "" if ticker == MARKET else f" ${ticker}"
    marks = rng.integers(1, 9_999_999, count)
    marks[rng.random(count) > MARKED_SHARE] = 0
    text = [
        SOURCES[s][1].format(text=t, tag=tag, mark=mark) if mark else t
        for s, t, mark in zip(source, text, marks.tolist(), strict=True)
    ]
    frame = pl.DataFrame(
        {
            "ticker": [ticker] * count,
            "timestamp": time,
            "text": text,
            "source": source,
            "id": [f"{prefix:05d}{i:07d}" for i in range(count)],
            "lang": lang,
            "is_retweet": [False] * count,
        },
        schema_overrides={
            "timestamp": pl.Datetime("ms"),
            "text": pl.String,
            "source": pl.String,
            "id": pl.String,
            "lang": pl.String,
            "ticker": pl.String,
            "is_retweet": pl.Boolean,
        },
    )
    return _with_reposts(frame, f"{prefix:05d}", rng)


def _headlines(
    heard: Array, templates: Templates, name: str, rng: np.random.Generator
) -> tuple[list[str], list[str]]:
    """Language and text of each item."""
    count = len(heard)
    pick = rng.random((4, count)).tolist()
    figure = rng.integers(2, 19, count).tolist()
    amount = (10 * rng.integers(3, 90, count)).tolist()
    foreign = (rng.random(count) < FOREIGN_SHARE).tolist()
    langs, texts = [], []
    for i, tone in enumerate(heard.tolist()):
        lang = "en"
        if foreign[i] and templates.foreign:
            lang, template = templates.foreign[math.floor(pick[0][i] * len(templates.foreign))]
        else:
            choice = templates.neutral
            if abs(tone) > NEUTRAL_BELOW:
                choice = templates.positive if tone > 0 else templates.negative
            template = choice[math.floor(pick[0][i] * len(choice))]
        langs.append(lang)
        texts.append(
            template.format(
                name=name,
                pct=figure[i],
                small=1 + figure[i] // 5,
                amount=amount[i],
                price=f"${amount[i] // 4 + 8}",
                quarter=f"Q{1 + figure[i] % 4}",
                broker=words.BROKERS[math.floor(pick[1][i] * len(words.BROKERS))],
                product=words.PRODUCTS[math.floor(pick[2][i] * len(words.PRODUCTS))],
                region=words.REGIONS[math.floor(pick[3][i] * len(words.REGIONS))],
            )
        )
    return langs, texts


def _with_reposts(frame: pl.DataFrame, prefix: str, rng: np.random.Generator) -> pl.DataFrame:
    """Adds reposts (new id, minutes later) and duplicates (the same line once more)."""
    chosen = rng.random(frame.height)
    minutes = rng.integers(1, 180, frame.height)
    reposts = (
        frame.with_columns(
            pl.col("timestamp") + pl.duration(minutes=pl.lit(pl.Series(minutes))),
            ("RT @" + pl.col("source") + ": " + pl.col("text")).alias("text"),
            pl.lit("marketpost").alias("source"),
            pl.lit(True).alias("is_retweet"),
        )
        .filter(pl.Series(chosen < REPOST_SHARE))
        .with_columns(
            (pl.lit(f"{prefix}9") + pl.int_range(pl.len()).cast(pl.String).str.zfill(6)).alias("id")
        )
    )
    twice = frame.filter(pl.Series(chosen > 1 - DUPLICATE_SHARE))
    together = pl.concat([frame, reposts, twice])
    return together.sort("timestamp", "id", maintain_order=True).with_columns(
        pl.col("timestamp")
        .dt.replace_time_zone("America/New_York")
        .dt.convert_time_zone("UTC")
        .dt.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    )


def _text(frame: pl.DataFrame, *, broken: bool) -> tuple[str, int]:
    """JSON lines; where ``broken``, one line is cut short as by an interrupted download."""
    text = frame.write_ndjson()
    if broken and frame.height > 2:
        lines = text.split("\n")
        middle = frame.height // 2
        lines[middle] = lines[middle][:60]
        text = "\n".join(lines)
    return text, frame.height
