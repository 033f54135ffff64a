"""Frames at the edge: pandas becomes polars, and columns are checked once."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from stocktrend.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

Frame: TypeAlias = "pl.DataFrame | pd.DataFrame"


def to_polars(df: Frame) -> pl.DataFrame:
    """A polars frame of a polars or pandas frame; NaN of pandas becomes null.

    Raises:
        DataError: it is neither.
    """
    if isinstance(df, pl.DataFrame):
        return df
    # A pandas frame can only exist where pandas is imported: no import for those without it.
    if type(df).__module__.startswith("pandas"):
        return pl.from_pandas(df)
    raise DataError(f"df must be a polars or pandas DataFrame, however: {type(df).__name__}")


def require_columns(frame: pl.DataFrame, names: Iterable[str], step: str) -> None:
    """Raise a DataError that names every missing column."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise DataError(
            f"{step} needs a panel with all its columns, however these are missing: "
            f"{', '.join(missing)}. Build it with generate_training_data()"
        )
