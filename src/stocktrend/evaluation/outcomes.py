"""What came after each row, and the groups of stocks and dates in which skill is shown apart.

Groups are made within a date from what the row itself knew: thirds by ``stock_volatility_20`` and
by ``stock_dollar_volume_20``. The second stands for size, since market values are not among the
records: the dollars that changed hands in 20 bars are the nearest to them that there is. ``vix`` is
the panel's ``macro_vix``. ``sector`` is today's, from a file of the user's, and for reports alone.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from stocktrend.dataset.frames import require_columns
from stocktrend.targets import outcome_columns

THIRDS: Final = {
    "volatility_bucket": ("stock_volatility_20", ("low", "middle", "high")),
    "size_bucket": ("stock_dollar_volume_20", ("small", "middle", "large")),
}
"""Each bucket's feature, and the names of its thirds from the lowest."""

MIN_ROWS_OF_THIRDS = 3


def outcomes(
    panel: pl.DataFrame, horizons: Sequence[int], *, sectors: pl.DataFrame | None = None
) -> pl.DataFrame:
    """The outcomes and groups of a panel's rows.

    Args:
        panel: ``ticker``, ``as_of`` and ``target_{h}d``; the returns and features as far as it
            has them. Labels that are masked stay unknown.
        horizons: Days.
        sectors: ``ticker, sector``, each ticker once, from ``sources.sectors.read_sectors``.

    Returns:
        Sorted by ``as_of`` and ``ticker``: the two, per horizon ``outcome_columns``, then
        ``volatility_bucket``, ``size_bucket``, ``sector`` (String) and ``vix`` (Float64). Null
        where unknown, and all of a column where the panel lacks what it is made of.

    Raises:
        DataError: ``ticker``, ``as_of`` or a target is missing.
    """
    require_columns(panel, ["ticker", "as_of", *(f"target_{h}d" for h in horizons)], "outcomes")
    names = [name for h in horizons for name in outcome_columns(h)]
    table = panel.select(
        "ticker",
        "as_of",
        *(_column(panel, name) for name in names),
        *(_third(panel, bucket) for bucket in THIRDS),
        _column(panel, "macro_vix").alias("vix"),
    )
    if sectors is None:
        table = table.with_columns(pl.lit(None, dtype=pl.String).alias("sector"))
    else:
        table = table.join(sectors.select("ticker", "sector"), on="ticker", how="left")
    return table.select("ticker", "as_of", *names, *THIRDS, "sector", "vix").sort("as_of", "ticker")


def _column(panel: pl.DataFrame, name: str) -> pl.Expr:
    """A column as Float64 without NaN; null throughout where the panel has none."""
    if name not in panel.columns:
        return pl.lit(None, dtype=pl.Float64).alias(name)
    return pl.col(name).cast(pl.Float64).fill_nan(None)


def _third(panel: pl.DataFrame, bucket: str) -> pl.Expr:
    """The third of its date that a row lies in; equal values lie in one."""
    feature, names = THIRDS[bucket]
    value = _column(panel, feature)
    known = value.count().over("as_of")
    # The middle of a row's rank: (rank - 1/2) / n is below 1/3, between, or above 2/3.
    place = (value.rank().over("as_of") - 0.5) * 3 / known
    low, middle, high = (pl.lit(name) for name in names)
    third = pl.when(place < 1).then(low).when(place <= 2).then(middle).otherwise(high)
    return pl.when(value.is_not_null() & (known >= MIN_ROWS_OF_THIRDS)).then(third).alias(bucket)
