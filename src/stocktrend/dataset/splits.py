"""Training, validation and test rows: by date over all tickers, with purged labels.

A label belongs to a row but is known only later. Where that is after the last date of the row's
own part, the label is masked for its own head: what the model learns must not reach into the
dates on which it is chosen or judged. The purge so follows from the horizon, without a setting.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import polars as pl

from stocktrend.config import Split
from stocktrend.dataset.frames import Frame, require_columns, to_polars
from stocktrend.errors import DataError
from stocktrend.targets import label_columns, outcome_columns

SPLITS: Final = ("train", "validation", "test")


def time_split(
    panel: Frame, split: Split | None = None, horizons: Sequence[int] = (7, 30)
) -> pl.DataFrame:
    """The panel with a ``split`` column and with labels masked that reach past their part.

    A label is masked (``target_{h}d`` and, where the panel has them, the returns of all entries
    become null) where ``label_known_at_{h}d`` is null, or later than the last ``as_of`` of the
    row's part. Nothing follows the test part, so its known labels all stay.

    Args:
        panel: One row a (ticker, as_of), with ``target_{h}d`` and ``label_known_at_{h}d``.
        split: Shares of the dates or last dates of training and validation; default 70/15/15.
        horizons: Days.

    Returns:
        The same rows in the same order, with ``split``: train, validation or test.

    Raises:
        DataError: columns are missing, or a part would have no dates.
    """
    frame = to_polars(panel)
    labels = [f"{name}_{h}d" for h in horizons for name in ("target", "label_known_at")]
    require_columns(frame, ["ticker", "as_of", *labels], "time_split")
    train_end, validation_end = _boundaries(frame["as_of"], split or Split())
    as_of = pl.col("as_of")
    part = (
        pl.when(as_of <= train_end)
        .then(pl.lit("train"))
        .when(as_of <= validation_end)
        .then(pl.lit("validation"))
        .otherwise(pl.lit("test"))
    )
    return purge(frame.with_columns(part.alias("split")), horizons)


def purge(rows: pl.DataFrame, horizons: Sequence[int]) -> pl.DataFrame:
    """Mask the labels that are not known by the end of their row's part.

    Args:
        rows: A panel with ``split``.
        horizons: Days; each is masked for itself.

    Returns:
        The rows; of training and validation the labels are null where ``label_known_at_{h}d`` is
        later than the last ``as_of`` of the part, and of all parts where it is null.
    """
    # Null for test rows: nothing follows them, so no known label of theirs reaches too far.
    end = pl.when(pl.col("split") != "test").then(pl.col("as_of").max().over("split"))
    masked = []
    for h in horizons:
        known_at = pl.col(label_columns(h)[-1])
        usable = known_at.is_not_null() & (known_at <= end).fill_null(value=True)
        names = [name for name in outcome_columns(h) if name in rows.columns]
        masked += [pl.when(usable).then(pl.col(name)).alias(name) for name in names]
    return rows.with_columns(*masked)


def _boundaries(as_of: pl.Series, split: Split) -> tuple[datetime, datetime]:
    """The last as_of of training and of validation."""
    dates = as_of.unique().sort()
    if split.train_end and split.validation_end:
        days = dates.dt.date()
        train = int((days <= split.train_end).sum())
        validation = int((days <= split.validation_end).sum()) - train
    else:
        train = round(split.train * len(dates))
        validation = round((split.train + split.validation) * len(dates)) - train
    counts = (train, validation, len(dates) - train - validation)
    if min(counts) < 1:
        raise DataError(
            f"training, validation and test need at least one date each, however: "
            f"{counts} of {len(dates)} dates. Use a longer period or other split settings"
        )
    return dates[train - 1], dates[train + validation - 1]
