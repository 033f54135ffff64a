"""Real GDP: the first, second and third estimate of each quarter, with their release dates."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from stocktrend.config import GdpEstimatesFile
from stocktrend.errors import ConfigError
from stocktrend.schema import UTC_TIME
from stocktrend.sessions import end_of_day
from stocktrend.sources.batch import Batch, make_batch
from stocktrend.sources.fields import (
    Synonyms,
    day,
    first_reason,
    match_columns,
    not_a_number,
    number,
    schema_frame,
    text,
)
from stocktrend.sources.files import read_rows
from stocktrend.sources.series import midnight

ESTIMATES: Final = ("first", "second", "third")
COLUMNS: Final[Synonyms] = {
    "ref_quarter": ("refquarter", "quarter", "period"),
    **{name: (name,) for name in ESTIMATES},
    **{f"{name}_date": (f"{name}date",) for name in ESTIMATES},
}
LARGEST_REVISION: Final = 0.03
"""Estimates of one quarter in one base never differed by more than 1.6%; a rebasing moves them
by 6.8% to 22%."""


def read_gdp(path: Path, setting: GdpEstimatesFile, name: str, shown: str) -> Batch:
    """Read the three estimates of each quarter as three versions of one value.

    Each is known at 23:59 New York of its date. ``basis`` names the last rebasing up to the
    quarter, so that growth across bases can be refused. Where a quarter's second or third
    estimate came out in the next base already, it has a basis of its own and compares with
    nothing. ``latest`` is never read.

    Args:
        path: The file.
        setting: The series' name and the quarters from which each base holds.
        name: Name of the source, stored with each record.
        shown: The path as reports show it.

    Raises:
        SourceError: the file is unreadable or lacks a column.
        ConfigError: ``rebased`` holds something else than quarters such as 2023Q3.
    """
    rows = read_rows(path)
    columns = match_columns(path, rows.frame.columns, COLUMNS, setting.columns, tuple(COLUMNS))
    raw = rows.frame.select("row", *columns.values())
    estimates = _estimates(raw, columns)
    stated = estimates.filter(~(pl.col("empty") & pl.col("undated")))
    moved = (pl.col("value") / pl.col("initial") - 1).abs() > LARGEST_REVISION
    found = stated.with_columns(
        midnight("period").alias("event_time"),
        end_of_day(pl.col("released")).cast(UTC_TIME).alias("known_at"),
        pl.lit(name).alias("source"),
        pl.lit(setting.series).alias("series"),
        pl.when(moved)
        .then(pl.format("{} in the next base", quarter("period")))
        .otherwise(_basis(setting.rebased))
        .alias("basis"),
        pl.lit(False).alias("revised"),
        first_reason(
            pl.when(pl.col("period").is_null()).then(pl.lit("the quarter is not YYYY-MM-DD")),
            pl.when(pl.col("released").is_null()).then(
                pl.format("the {} estimate has no date", "estimate")
            ),
            pl.when(pl.col("empty")).then(pl.format("the {} estimate has no value", "estimate")),
            pl.col("_value"),
        ),
    )
    batch = make_batch(
        "macro",
        name,
        shown,
        raw,
        schema_frame("macro", found),
        broken=rows.broken,
        versioned=True,
    )
    return batch.with_notes(
        {
            "estimates not published yet": estimates.height - stated.height,
            "estimates in the next base, compared with nothing": stated.filter(moved).height,
        }
    )


def _estimates(raw: pl.DataFrame, columns: Mapping[str, str]) -> pl.DataFrame:
    """One row an estimate instead of one a quarter."""
    parts = [
        raw.select(
            "row",
            day(raw, columns["ref_quarter"]).alias("period"),
            day(raw, columns[f"{estimate}_date"]).alias("released"),
            number(raw, columns[estimate]).alias("value"),
            number(raw, columns["first"]).alias("initial"),
            text(raw, columns[estimate]).is_null().alias("empty"),
            text(raw, columns[f"{estimate}_date"]).is_null().alias("undated"),
            not_a_number(raw, columns[estimate]).alias("_value"),
            pl.lit(estimate).alias("estimate"),
        )
        for estimate in ESTIMATES
    ]
    return pl.concat(parts)


def quarter(column: str) -> pl.Expr:
    """A Date column as 2023Q3."""
    return pl.format("{}Q{}", pl.col(column).dt.year(), pl.col(column).dt.quarter())


def _basis(rebased: Sequence[str]) -> pl.Expr:
    wrong = [label for label in rebased if not re.fullmatch(r"\d{4}Q[1-4]", label)]
    if wrong:
        raise ConfigError(f"rebased must hold quarters such as 2023Q3, however: {wrong}")
    basis = pl.lit(f"before {min(rebased)}" if rebased else None, dtype=pl.String)
    for label in sorted(rebased):
        start = date(int(label[:4]), 3 * int(label[5]) - 2, 1)
        basis = pl.when(pl.col("period") >= start).then(pl.lit(label)).otherwise(basis)
    return basis
