"""Forward returns, targets and when each label is known.

For a horizon of h days, with P the adjusted close and dates of New York::

    r_h = P(first bar in as_of + h .. as_of + h + 7 days) / P(as_of) - 1
    target_h = tanh(10 r_h)

The row's own close is gone by the time that it is decided on, so each horizon also has its return
from the open and from the close of the ticker's next session, up to the same last bar. They are for
judging alone: nothing is trained on them.

A label is null until its window has closed, where the ticker has no such bar (delisted, suspended),
and where a break of its history lies between the two bars, since they are not of one basis: it is
masked for its own head only and never counts as 0.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from stocktrend.schema import UTC_TIME

TARGET_SCALE = 10.0
"""Target = tanh(scale * return): a move of 5% is 0.46, of 20% is 0.96."""

NEUTRAL = 0.1
"""Targets within +-NEUTRAL (a move of about 1%) have no direction."""

LABEL_TOLERANCE = "7d"

ENTRIES: Final = ("close", "next_open", "next_close")
"""Where a return begins: the row's own close, or the next open or close of its ticker."""


def label_columns(horizon: int) -> tuple[str, str, str]:
    """Names of a horizon's return, target and known-at columns.

    >>> label_columns(7)
    ('return_7d', 'target_7d', 'label_known_at_7d')
    """
    return f"return_{horizon}d", f"target_{horizon}d", f"label_known_at_{horizon}d"


def entry_return(horizon: int, entry: str) -> str:
    """Name of the column with a horizon's return from one of ``ENTRIES``.

    >>> [entry_return(7, entry) for entry in ENTRIES]
    ['return_7d', 'return_7d_next_open', 'return_7d_next_close']
    """
    return f"return_{horizon}d" if entry == "close" else f"return_{horizon}d_{entry}"


def outcome_columns(horizon: int) -> tuple[str, ...]:
    """Names of all that tells what came after a row: masked together, and never an input.

    >>> outcome_columns(7)
    ('return_7d', 'target_7d', 'return_7d_next_open', 'return_7d_next_close')
    """
    later = (entry_return(horizon, entry) for entry in ENTRIES[1:])
    return (*label_columns(horizon)[:2], *later)


def add_labels(
    rows: pl.DataFrame,
    bars: pl.DataFrame,
    horizons: Sequence[int],
    breaks: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Append return, target and label_known_at of each horizon, and the returns of later entries.

    Args:
        rows: Must hold ``ticker`` and ``session`` (the day of the row's ``as_of``).
        bars: ``ticker, session, known_at, open, close, adj_close``: one version of each bar, the
            newest.
        horizons: Days ahead.
        breaks: ``ticker, session`` of quarantined bars that no label may reach across.

    Returns:
        ``rows``, in their order, with five more columns a horizon: ``label_columns``, then
        ``return_{h}d_next_open`` and ``return_{h}d_next_close``, which are null where the ticker's
        next bar is not before the last one. An open is adjusted as the close of its bar is. All are
        known when the latest of the bars is that they rest on, so a revision of any moves
        ``label_known_at``.
    """
    prices = bars.select(
        "ticker",
        "session",
        "known_at",
        "adj_close",
        (pl.col("open") * pl.col("adj_close") / pl.col("close")).alias("adj_open"),
    ).sort("ticker", "session")
    # After a ticker's last bar comes another's, but a row on the last one has no label.
    following = pl.col("session", "known_at", "adj_open", "adj_close").shift(-1)
    starts = prices.select(
        "ticker",
        "session",
        pl.col("adj_close").alias("start"),
        pl.col("known_at").alias("start_known"),
        following.name.prefix("next_"),
    )
    begun = rows.select("ticker", "session").join(
        starts, on=["ticker", "session"], how="left", maintain_order="left"
    )
    broken = _next_break(rows, breaks)
    labels = [_labels_of(begun, prices, broken, horizon) for horizon in horizons]
    return pl.concat([rows, *labels], how="horizontal")


def _labels_of(
    begun: pl.DataFrame, prices: pl.DataFrame, broken: pl.Series, horizon: int
) -> pl.DataFrame:
    """The columns of one horizon, in the order of the rows that begin it."""
    ends = prices.select(
        "ticker",
        pl.col("session").alias("day"),
        pl.col("session").alias("end_session"),
        pl.col("adj_close").alias("end"),
        pl.col("known_at").alias("end_known"),
    )
    spans = (
        begun.with_columns(pl.col("session").dt.offset_by(f"{horizon}d").alias("day"))
        .with_row_index("row")
        .sort("ticker", "day")
        .join_asof(
            ends,
            on="day",
            by="ticker",
            strategy="forward",
            tolerance=LABEL_TOLERANCE,
            check_sortedness=False,
        )
        .sort("row")
    )
    # A break after the last session that the label rests on does not concern it.
    whole = (spans["end_session"] < broken).fill_null(True)
    value = (spans["end"] / spans["start"] - 1.0).set(~whole, None)
    entered = value.is_not_null() & (pl.col("next_session") < pl.col("end_session"))
    known = pl.max_horizontal("start_known", "next_known_at", "end_known")
    name_return, name_target, name_known = label_columns(horizon)
    return spans.select(
        value.alias(name_return),
        (value * TARGET_SCALE).tanh().alias(name_target),
        pl.when(value.is_not_null()).then(known).cast(UTC_TIME).alias(name_known),
        *(
            pl.when(entered)
            .then(pl.col("end") / pl.col(price) - 1.0)
            .alias(entry_return(horizon, entry))
            for entry, price in zip(ENTRIES[1:], ("next_adj_open", "next_adj_close"), strict=True)
        ),
    )


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
