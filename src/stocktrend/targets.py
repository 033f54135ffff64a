"""Forward returns, targets and when each label is known.

For a horizon of h days, with P the adjusted close and dates of New York::

    r_h = P(first bar in as_of + h .. as_of + h + 7 days) / P(as_of) - 1
    target_h = tanh(10 r_h)

A label is null until its window has closed, where the ticker has no such bar (delisted, suspended),
and where a break of its history lies between the two bars, since they are not of one basis: it is
masked for its own head only and never counts as 0.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from stocktrend.schema import UTC_TIME

TARGET_SCALE = 10.0
"""Target = tanh(scale * return): a move of 5% is 0.46, of 20% is 0.96."""

NEUTRAL = 0.1
"""Targets within +-NEUTRAL (a move of about 1%) have no direction."""

LABEL_TOLERANCE = "7d"


def label_columns(horizon: int) -> tuple[str, str, str]:
    """Names of a horizon's return, target and known-at columns.

    >>> label_columns(7)
    ('return_7d', 'target_7d', 'label_known_at_7d')
    """
    return f"return_{horizon}d", f"target_{horizon}d", f"label_known_at_{horizon}d"


def add_labels(
    rows: pl.DataFrame,
    bars: pl.DataFrame,
    horizons: Sequence[int],
    breaks: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Append return, target and label_known_at of each horizon.

    Args:
        rows: Must hold ``ticker`` and ``session`` (the day of the row's ``as_of``).
        bars: ``ticker, session, known_at, adj_close``: one version of each bar, the newest.
        horizons: Days ahead.
        breaks: ``ticker, session`` of quarantined bars that no label may reach across.

    Returns:
        ``rows``, in their order, with three more columns a horizon. A label rests on two bars; it
        is known when the later of the two is, so a revision of either moves ``label_known_at``.
    """
    prices = bars.select("ticker", "session", "adj_close", "known_at").sort("ticker", "session")
    start = prices.rename({"adj_close": "_start", "known_at": "_start_known"})
    out = rows.join(start, on=["ticker", "session"], how="left", maintain_order="left")
    broken = _next_break(out, breaks)
    for horizon in horizons:
        name_return, name_target, name_known = label_columns(horizon)
        end = prices.select(
            "ticker",
            pl.col("session").alias("_day"),
            pl.col("session").alias("_end_day"),
            pl.col("adj_close").alias("_end"),
            pl.col("known_at").alias("_end_known"),
        )
        joined = (
            out.select("ticker", pl.col("session").dt.offset_by(f"{horizon}d").alias("_day"))
            .with_row_index("_row")
            .sort("ticker", "_day")
            .join_asof(
                end,
                on="_day",
                by="ticker",
                strategy="forward",
                tolerance=LABEL_TOLERANCE,
                check_sortedness=False,
            )
            .sort("_row")
        )
        # A break after the last session that the label rests on does not concern it.
        whole = (joined["_end_day"] < broken).fill_null(True)
        value = (joined["_end"] / out["_start"] - 1.0).set(~whole, None)
        known = pl.select(pl.max_horizontal(joined["_end_known"], out["_start_known"])).to_series()
        out = out.with_columns(
            value.alias(name_return),
            (value * TARGET_SCALE).tanh().alias(name_target),
            pl.when(value.is_not_null()).then(known).cast(UTC_TIME).alias(name_known),
        )
    return out.drop("_start", "_start_known")


def _next_break(rows: pl.DataFrame, breaks: pl.DataFrame | None) -> pl.Series:
    """The first break of each row's ticker after its session; null where there is none."""
    if breaks is None or breaks.is_empty():
        return pl.Series("_break", [None], pl.Date).new_from_index(0, rows.height)
    sessions = breaks.select("ticker", "session", pl.col("session").alias("_break"))
    return (
        rows.select("ticker", "session")
        .with_row_index("_row")
        .sort("session")
        .join_asof(
            sessions.sort("session"),
            on="session",
            by="ticker",
            strategy="forward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .sort("_row")["_break"]
    )


def direction(target: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The soft class of each target: (1, 0) positive, (0, 1) negative, (0.5, 0.5) neutral.

    Args:
        target: Any shape ``(...)``, in [-1, 1]; NaN stays NaN.

    Returns:
        Shape ``(..., 2)``: probability of a positive and of a negative move.

    >>> direction([0.3, -0.1, 0.05]).tolist()
    [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]
    """
    values = np.asarray(target, dtype=np.float64)
    positive = np.where(values >= NEUTRAL, 1.0, np.where(values <= -NEUTRAL, 0.0, 0.5))
    positive = np.where(np.isnan(values), np.nan, positive)
    return np.stack([positive, 1.0 - positive], axis=-1)
