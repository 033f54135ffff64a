"""Rules on prices: what cannot be, what is another security's, what nobody traded."""

import math
from typing import Final

import polars as pl

from stocktrend.quality.breaks import spells, takeovers
from stocktrend.quality.findings import FOUND, Given, nothing, rule, spans
from stocktrend.quality.jumps import calm_jumps

PRICES: Final = ("open", "high", "low", "close", "adj_close")
SPLIT: Final = math.log(1.8)
"""A 2-for-1 split on a day on which the stock itself gained or lost up to a tenth."""
ROUNDING: Final = 1e-3
"""Of a price: adjusted prices are rounded."""
DEAD: Final = 60
DEAD_SHARE: Final = 0.75
"""Of the bars that a history needs, three quarters without a trade: its returns are mostly 0."""
SAMPLED_SESSIONS: Final = 60
MOSTLY: Final = 0.95

WITHHOLD = "Withhold it with `stocktrend check --quarantine`, or replace the file and ingest again."


@rule(
    table="bars",
    severity="error",
    remedy=f"Another series is mixed in under this ticker. {WITHHOLD}",
)
def two_series(bars: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Prices leave their level by a factor of 3 or more in a day, against peers, and come back."""
    rows = []
    for s in spells(bars):
        often = "once" if s.times == 1 else f"{s.times} times"
        rows.append(
            (
                s.ticker,
                s.first,
                s.last,
                s.rows,
                f"leaves its level {often}, by up to {s.factor:,.1f}x, and comes back",
            )
        )
    return pl.DataFrame(rows, schema=FOUND, orient="row")


@rule(
    table="bars",
    severity="error",
    remedy=f"The ticker passed from one security to another; the thinly traded one is marked. "
    f"{WITHHOLD}",
)
def recycled_ticker(bars: pl.DataFrame, given: Given) -> pl.DataFrame:
    """From one bar to the next a price 3 times as high or low, and 100 times as much traded."""
    rows = [
        (
            t.ticker,
            t.first,
            t.last,
            t.rows,
            f"on {t.session} the price changes by {t.factor:,.1f}x, the dollars traded a day from "
            f"{t.before:,.0f} to {t.after:,.0f}",
        )
        for t in takeovers(bars)
    ]
    return pl.DataFrame(rows, schema=FOUND, orient="row")


@rule(
    table="bars",
    severity="error",
    remedy="Earlier prices are in another basis than later ones: get the ticker anew from a source "
    f"that adjusts for it. {WITHHOLD} History then restarts after that bar.",
)
def missed_adjustment(bars: pl.DataFrame, given: Given) -> pl.DataFrame:
    """A calm jump by 1.8 or more, against peers: a split or payment missed, or another unit."""
    return _calm(bars, SPLIT, math.inf)


@rule(
    table="bars",
    severity="warning",
    remedy="Compare with the company's splits, spin-offs and special dividends of that day.",
)
def unexplained_jump(bars: pl.DataFrame, given: Given) -> pl.DataFrame:
    """A calm jump by 4/3 to 1.8, against peers: perhaps a spin-off or split not adjusted for."""
    return _calm(bars, 0.0, SPLIT)


def _calm(bars: pl.DataFrame, least: float, below: float) -> pl.DataFrame:
    size = pl.col("excess").abs()
    return (
        calm_jumps(bars)
        .filter(size >= least, size < below)
        .select(
            pl.col("ticker").alias("subject"),
            pl.col("session").alias("first"),
            pl.col("session").alias("last"),
            pl.lit(1, pl.Int64).alias("rows"),
            pl.format(
                "multiplied by {} against its peers, with {} times the usual {} traded",
                pl.col("excess").exp().round(3),
                pl.col("traded").round(1),
                pl.when(pl.col("excess") > 0).then(pl.lit("shares")).otherwise(pl.lit("dollars")),
            ).alias("detail"),
        )
    )


@rule(
    table="bars",
    severity="error",
    remedy=f"No such price was ever paid. {WITHHOLD}",
)
def impossible_bar(bars: pl.DataFrame, given: Given) -> pl.DataFrame:
    """A stored price that is not above 0 or not finite, or a high below the low."""
    finite = pl.all_horizontal(pl.col(*PRICES, "volume").is_finite())
    bad = ~finite | (pl.min_horizontal(*PRICES) <= 0) | (pl.col("high") < pl.col("low"))
    lowest = pl.min_horizontal(*PRICES).min()
    detail = pl.format("the lowest price is {}", lowest.round(4))
    return spans(bars.filter(bad), "ticker", "session", detail)


@rule(
    table="bars",
    severity="note",
    remedy="Features widen high and low to hold open and close; nothing has to be done.",
)
def outside_its_range(bars: pl.DataFrame, given: Given) -> pl.DataFrame:
    """An open or close above the high or below the low of its bar."""
    above = pl.max_horizontal("open", "close") > pl.col("high") * (1 + ROUNDING)
    below = pl.min_horizontal("open", "close") < pl.col("low") * (1 - ROUNDING)
    ordered = pl.col("high") >= pl.col("low")
    detail = pl.lit("open or close outside high and low")
    return spans(bars.filter(ordered & (above | below)), "ticker", "session", detail)


@rule(
    table="bars",
    severity="warning",
    remedy="The source repeats a bar where it has none: see whether the ticker was suspended.",
)
def repeated_bar(bars: pl.DataFrame, given: Given) -> pl.DataFrame:
    """A traded bar with a range of its own that equals the bar before it in every figure."""
    names = ("ticker", *PRICES, "volume")
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in names)
    real = (pl.col("volume") > 0) & (pl.col("high") > pl.col("low"))
    detail = pl.lit("open, high, low, close and volume of the bar before")
    return spans(bars.filter(same & real), "ticker", "session", detail)


@rule(
    table="bars",
    severity="warning",
    remedy="Hardly traded: its returns are no market's. Leave the ticker or the period out of the "
    "universe.",
)
def stale_series(bars: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Three of four bars, over 60 or more in a row, without a trade."""
    untraded = bars.filter(pl.col("volume") == 0)["ticker"].value_counts()
    some = untraded.filter(pl.col("count") >= DEAD * DEAD_SHARE)["ticker"]
    if some.is_empty():
        return nothing()
    share = (pl.col("volume") == 0).cast(pl.Float64).rolling_mean(DEAD).over("ticker")
    dead = bars.filter(pl.col("ticker").is_in(some.to_list())).with_columns(
        (share >= DEAD_SHARE).fill_null(value=False).alias("_dead")
    )
    # A window's verdict is that of all its bars.
    reach = pl.col("_dead").reverse().cast(pl.Int8).rolling_max(DEAD, min_samples=1).reverse()
    marked = dead.with_columns(reach.over("ticker").alias("_in")).with_columns(
        pl.struct("ticker", "_in").rle_id().alias("_run")
    )
    spell = marked.filter(pl.col("_in") == 1)
    zero = (pl.col("volume") == 0).mean()
    detail = pl.format("{}% of the bars without a trade", (100 * zero).round(0).cast(pl.Int64))
    quiet = pl.col("session").filter(pl.col("volume") == 0)
    return (
        spell.group_by("_run", maintain_order=True)
        .agg(
            pl.col("ticker").first().alias("subject"),
            quiet.first().alias("first"),
            quiet.last().alias("last"),
            pl.len().cast(pl.Int64).alias("rows"),
            detail.alias("detail"),
        )
        .select(list(FOUND))
    )


@rule(
    table="bars",
    severity="warning",
    remedy="One series under two tickers counts twice: leave one out of the universe.",
)
def same_series(bars: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Two tickers with the same open, high, close and volume, on a sample of the sessions."""
    days = bars["session"].unique().sort()
    chosen = days.gather_every(max(1, len(days) // SAMPLED_SESSIONS))
    sample = bars.filter(pl.col("session").is_in(chosen.to_list()), pl.col("volume") > 0)
    figures = ["session", "open", "high", "close", "volume"]
    shared = sample.filter(pl.struct(figures).is_duplicated()).select("ticker", *figures)
    pairs = (
        shared.join(shared, on=figures)
        .filter(pl.col("ticker") < pl.col("ticker_right"))
        .group_by("ticker", "ticker_right")
        .agg(
            pl.len().cast(pl.Int64).alias("rows"),
            pl.col("session").min().alias("first"),
            pl.col("session").max().alias("last"),
        )
    )
    own = sample.group_by("ticker").len("bars")
    both = pairs.join(own, on="ticker").join(own, left_on="ticker_right", right_on="ticker")
    both = both.filter(pl.col("rows") >= MOSTLY * pl.min_horizontal("bars", "bars_right"))
    return both.sort("ticker", "ticker_right").select(
        pl.col("ticker").alias("subject"),
        "first",
        "last",
        "rows",
        pl.format("equals {} on the {} sessions compared", "ticker_right", "rows").alias("detail"),
    )


@rule(
    table="bars",
    severity="note",
    remedy="Rows before a revision use what was known then; nothing has to be done.",
)
def revised_bars(bars: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Bars of which later files say something else than earlier ones."""
    detail = pl.format("{} versions at most", pl.col("versions").max())
    return spans(bars.filter(pl.col("versions") > 1), "ticker", "session", detail)
