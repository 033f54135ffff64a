"""Bars that arrive in another basis than the stored ones: later splits and dividends.

Vendors restate a ticker's whole history when it splits (all prices times one k, volumes by 1/k)
or pays (all adjusted closes times one g). Neither is news about the past, so the stored bars stay
as they are and new bars are brought into their basis:

1. Where a file and the lake overlap, k is the ratio of their prices, if it is one constant.
2. The ratio of volumes is their median ratio, which is 1/k but for rounding where they follow.
3. g is the ratio of adj_close / close at the last overlapping bars.
4. A stored bar that differs from its restated one by more than rounding is a revision.

Rounding: a price written with d decimals is off by up to half of 10^-d, in whichever of the two
files; both units are inferred from the prices. Bars that were rebased before carry the rounding of
older files, so five times the median difference counts too (two uniform roundings differ by at
most four times their median), up to half a cent on either side, the coarsest rounding of a price.
Where neither basis nor decimals change nothing is rounded anew, and 2e-6 of the price, the
precision of 32 bits, tells float noise from a change.
"""

from datetime import datetime
from fractions import Fraction
from typing import Final

import polars as pl

from stocktrend.errors import DataError
from stocktrend.lake.revisions import DUPLICATE, MICROSECOND, NEW, REVISED, UNCHANGED

PRICES: Final = ("open", "high", "low", "close")
NOISE: Final = 2e-6
"""Relative; six decimals of a price near 1, or a price kept in 32 bits."""
HALF_CENT: Final = 0.0051
LARGEST_SPREAD: Final = 0.01
"""Ratios that spread more than this around their median are no one ratio."""
VOLUME_MATCH: Final = 0.01
FINEST_UNIT: Final = 1e-6
MOST: Final = 0.99
LARGEST_SPLIT: Final = 50
LAST_BARS: Final = 5
ROUNDED_RATIO: Final = 1e-6
NO_OVERLAP: Final = "tickers without overlap with their stored bars, stored as they are"
"""A note of what was merged."""


def merge_bars(
    stored: pl.DataFrame, incoming: pl.DataFrame, retrieved_at: datetime
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Compare bars with the newest stored version of each session.

    Args:
        stored: Newest version of each bar, one row a ticker and session.
        incoming: One row a ticker and session, with any further columns.
        retrieved_at: When the bars were retrieved (UTC): ``known_at`` of revisions.

    Returns:
        ``incoming`` in its order, in the stored basis, with ``status``; and notes.
    """
    if stored.is_empty():
        return incoming.with_columns(pl.lit(NEW).alias("status")), {}
    held = stored.select(
        "ticker",
        "session",
        pl.col("known_at").alias("_known"),
        *(pl.col(c).alias(f"{c}_0") for c in (*PRICES, "adj_close", "volume")),
    )
    joined = incoming.join(held, on=["ticker", "session"], how="left", maintain_order="left")
    basis = _basis(joined.filter(pl.col("_known").is_not_null()))
    known_tickers = stored["ticker"].unique()
    joined = joined.join(basis, on="ticker", how="left", maintain_order="left").with_columns(
        pl.col("k", "g", "h").fill_null(1.0), pl.col("slack", "volume_slack").fill_null(0.0)
    )
    compared = joined.with_columns(_status().alias("status"))
    merged = compared.with_columns(
        *(pl.col(c) / pl.col("k") for c in PRICES),
        pl.col("adj_close") / (pl.col("k") * pl.col("g")),
        pl.col("volume") / pl.col("h"),
        pl.when(pl.col("status") == REVISED)
        .then(pl.max_horizontal(pl.lit(retrieved_at), "known_at", pl.col("_known") + MICROSECOND))
        .otherwise("known_at")
        .alias("known_at"),
    ).select(*incoming.columns, "status")
    fresh = incoming.filter(pl.col("ticker").is_in(known_tickers.to_list()))["ticker"].unique()
    return merged, {
        "tickers restated by a later split, brought into the stored basis": basis.filter(
            pl.col("k") != 1
        ).height,
        "tickers restated by later dividends, brought into the stored basis": basis.filter(
            pl.col("g") != 1
        ).height,
        "tickers whose overlap has no one ratio, differences kept as revisions": basis.filter(
            ~pl.col("constant")
        ).height,
        NO_OVERLAP: len(fresh) - basis.height,
    }


def merge_files(
    stored: pl.DataFrame, incoming: pl.DataFrame, retrieved_at: datetime
) -> tuple[pl.DataFrame, dict[str, int]]:
    """``merge_bars`` where an incoming row may repeat another exactly.

    Raises:
        DataError: two rows of one ticker and session differ: they are of two files, each perhaps
            in a basis of its own.
    """
    key = ["ticker", "session"]
    if not incoming.select(key).is_duplicated().any():
        return merge_bars(stored, incoming, retrieved_at)
    content = [c for c in incoming.columns if c not in key]
    marked = incoming.with_columns(
        pl.int_range(pl.len()).over(key).alias("_nth"),
        pl.all_horizontal(pl.col(c).eq_missing(pl.col(c).first().over(key)) for c in content).alias(
            "_same"
        ),
    ).with_row_index("_row")
    other = marked.filter(~pl.col("_same"))
    if other.height:
        ticker, session = other.select(key).row(0)
        raise DataError(
            f"Bars of one upsert must have one row a ticker and session, however {other.height} "
            f"differ from an earlier one, as {ticker} on {session}. Store one file after the other"
        )
    first = marked.filter(pl.col("_nth") == 0)
    judged, notes = merge_bars(stored, first.select(*incoming.columns, "_row"), retrieved_at)
    again = marked.filter(pl.col("_nth") > 0).select(
        *incoming.columns, "_row", pl.lit(DUPLICATE).alias("status")
    )
    return pl.concat([judged, again]).sort("_row").drop("_row"), notes


def _status() -> pl.Expr:
    """New, or beyond the tolerance, or not."""
    noise = NOISE * pl.col("k") * pl.max_horizontal(f"{c}_0" for c in PRICES) + 1e-6
    off = pl.max_horizontal((pl.col(c) - pl.col("k") * pl.col(f"{c}_0")).abs() for c in PRICES)
    volume = (pl.col("volume") - pl.col("h") * pl.col("volume_0")).abs()
    volume_noise = 1 + NOISE * pl.col("h") * pl.col("volume_0") + pl.col("volume_slack")
    changed = (off > noise + pl.col("slack")) | (volume > volume_noise)
    return (
        pl.when(pl.col("_known").is_null())
        .then(pl.lit(NEW))
        .when(changed)
        .then(pl.lit(REVISED))
        .otherwise(pl.lit(UNCHANGED))
    )


def _basis(overlap: pl.DataFrame) -> pl.DataFrame:
    """Per ticker: ratios k (prices), h (volumes), g (adjustment), and the slack of rounding."""
    first = overlap.group_by("ticker", maintain_order=True).agg(
        (pl.col("close") / pl.col("close_0")).median().alias("k")
    )
    spread = _spread(overlap, first)
    constant = (pl.col("spread") <= HALF_CENT * (1 + pl.col("k"))) & (
        pl.col("relative") <= LARGEST_SPREAD
    )
    judged = spread.with_columns(constant.alias("constant"))
    inliers = (
        overlap.join(judged, on="ticker")
        .filter(
            (pl.col("close") - pl.col("k") * pl.col("close_0")).abs()
            <= 5 * pl.col("spread") + NOISE * pl.col("close")
        )
        .group_by("ticker")
        .agg((pl.col("close").sum() / pl.col("close_0").sum()).alias("exact"))
    )
    # An estimate that 1 explains as well is 1, so that bars of an unchanged basis stay bit for bit.
    error = 4 * pl.col("relative") / pl.col("bars").sqrt() + 1e-7
    exact = pl.coalesce("exact", "k")
    k = pl.when(pl.col("constant") & ((exact - 1).abs() > error)).then(exact).otherwise(1.0)
    estimates = judged.join(inliers, on="ticker", how="left").select(
        "ticker", "constant", k.alias("k"), error.alias("error")
    )
    ratios = [_simple_ratio(*row) for row in estimates.select("k", "error").iter_rows()]
    prices = estimates.with_columns(pl.Series("k", ratios, dtype=pl.Float64)).drop("error")
    return (
        prices.join(_slack(overlap, prices), on="ticker")
        .join(_volume_ratio(overlap, prices), on="ticker")
        .join(_adjustment_ratio(overlap), on="ticker")
    )


def _slack(overlap: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """Per ticker: the largest difference that rounding explains."""
    units = overlap.group_by("ticker", maintain_order=True).agg(_unit(""), _unit("_0"))
    anew = (pl.col("k") != 1) | (pl.col("unit") != pl.col("unit_0"))
    written = (pl.col("unit") + pl.col("k") * pl.col("unit_0")) * 0.51
    typical = pl.min_horizontal(5 * pl.col("spread"), HALF_CENT * (1 + pl.col("k")))
    return (
        _spread(overlap, prices.select("ticker", "k"))
        .join(prices.select("ticker", "constant"), on="ticker")
        .join(units, on="ticker")
        .select(
            "ticker",
            pl.when(~pl.col("constant"))
            .then(0.0)
            .when(anew)
            .then(pl.max_horizontal(typical, written))
            .otherwise(typical)
            .alias("slack"),
        )
    )


def _unit(suffix: str) -> pl.Expr:
    """The last decimal of a ticker's prices."""
    price = pl.col(f"close{suffix}")
    unit = pl.lit(FINEST_UNIT)
    for decimals in (4, 3, 2):
        scaled = price * 10**decimals
        written = ((scaled - scaled.round()).abs() <= NOISE * scaled + 1e-9).mean() >= MOST
        unit = pl.when(written).then(10.0**-decimals).otherwise(unit)
    return unit.alias(f"unit{suffix}")


def _simple_ratio(k: float, error: float) -> float:
    """The ratio of small integers that the estimate is of, as splits are, if there is one."""
    nearest = Fraction(min(k, 1 / k)).limit_denominator(LARGEST_SPLIT)
    if not nearest:
        return k
    simple = float(nearest) if k < 1 else float(1 / nearest)
    return simple if abs(simple / k - 1) <= error else k


def _spread(overlap: pl.DataFrame, ratio: pl.DataFrame) -> pl.DataFrame:
    """Median over the bars of the largest difference from k times the stored price."""
    off = pl.max_horizontal((pl.col(c) - pl.col("k") * pl.col(f"{c}_0")).abs() for c in PRICES)
    return (
        overlap.join(ratio, on="ticker")
        .with_columns(off.alias("off"))
        .group_by("ticker", maintain_order=True)
        .agg(
            pl.col("k").first(),
            pl.col("off").median().alias("spread"),
            (pl.col("off") / pl.col("close")).median().alias("relative"),
            pl.len().alias("bars"),
        )
    )


def _volume_ratio(overlap: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    traded = (pl.col("volume") > 0) & (pl.col("volume_0") > 0)
    ratio = (pl.col("volume") / pl.col("volume_0")).filter(traded).median()
    expected = 1 / pl.col("k")
    follows = (pl.col("seen") / expected - 1).abs() <= VOLUME_MATCH
    simple = pl.when((expected - expected.round()).abs() < 1e-9).then(expected).otherwise("seen")
    h = (
        pl.when(pl.col("k") == 1)
        .then(1.0)
        .when(pl.col("seen").is_null())
        .then(expected)
        .when(follows)
        .then(simple)
        .otherwise("seen")
    )
    ratios = (
        overlap.group_by("ticker", maintain_order=True)
        .agg(ratio.alias("seen"))
        .join(prices, on="ticker")
        .select("ticker", "k", h.alias("h"))
    )
    off = (pl.col("volume") - pl.col("h") * pl.col("volume_0")).abs().median()
    # Rescaled volumes are rounded to shares or lots; volumes of an unchanged basis are not.
    return (
        overlap.join(ratios, on="ticker")
        .group_by("ticker", maintain_order=True)
        .agg(
            pl.col("h").first(),
            pl.when(pl.col("k").first() != 1)
            .then(5 * off + pl.col("h").first())
            .otherwise(0.0)
            .alias("volume_slack"),
        )
    )


def _adjustment_ratio(overlap: pl.DataFrame) -> pl.DataFrame:
    """g: what later dividends took off the adjusted closes of all earlier bars.

    The median of the last bars is less rounded than the last one; where they differ by more than
    rounding, a dividend among them was booked late, and only the last bar is after it.
    """
    now, before = pl.col("adj_close") / pl.col("close"), pl.col("adj_close_0") / pl.col("close_0")
    rounding = 0.5 * (
        _unit("") * (1 / pl.col("adj_close") + 1 / pl.col("close")).mean()
        + _unit("_0") * (1 / pl.col("adj_close_0") + 1 / pl.col("close_0")).mean()
    )
    middle, last = pl.col("g").median(), pl.col("g").last()
    alike = (middle / last - 1).abs() <= pl.max_horizontal(rounding, ROUNDED_RATIO)
    return (
        overlap.sort("ticker", "session")
        .with_columns((now / before).alias("g"))
        .group_by("ticker", maintain_order=True)
        .tail(LAST_BARS)
        .group_by("ticker", maintain_order=True)
        .agg(pl.when(alike).then(middle).otherwise(last).alias("g"))
        .with_columns(pl.when((pl.col("g") - 1).abs() > NOISE).then("g").otherwise(1.0).alias("g"))
    )
