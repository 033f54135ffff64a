"""From a file's columns to typed ones: names, numbers, days, and the reasons of what fails."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from stocktrend import schema
from stocktrend.errors import SourceError
from stocktrend.sources.files import MISSING

Synonyms = Mapping[str, tuple[str, ...]]
"""Our column name -> the names that files use for it, normalised, best first."""


SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "bars (|)"}
"""What stands between columns in files that are CSV by name only."""
_MOST_NAMES: Final = 40
_LONGEST_NAME: Final = 100
WITH_COMMAS: Final = "Save it as a CSV with commas, numbers with decimal points"


def match_columns(
    path: Path,
    found: list[str],
    wanted: Synonyms,
    given: Mapping[str, str],
    required: tuple[str, ...],
    otherwise: str = "",
) -> dict[str, str]:
    """Find our columns among a file's, in any order and case.

    Args:
        path: The file, for the message.
        found: Its columns.
        wanted: Our names with the synonyms that are accepted.
        given: The setting ``columns``: our name -> the file's.
        required: Our names that the file must have.
        otherwise: What may be done, beside the setting, where one of them is missing.

    Returns:
        Our name -> the file's column, for those that are there.

    Raises:
        SourceError: a required column is missing, and the setting that maps it; or the columns
            are not separated by commas.
    """
    by_normal = {plain_name(name): name for name in reversed(found) if name != "row"}
    columns: dict[str, str] = {}
    for ours, synonyms in wanted.items():
        names = (given[ours],) if ours in given else synonyms
        match = next((by_normal[plain_name(n)] for n in names if plain_name(n) in by_normal), None)
        if match is not None:
            columns[ours] = match
    missing = [name for name in (*required, *given) if name not in columns]
    if missing:
        shown = [name[:_LONGEST_NAME] for name in found if name != "row"]
        if separators := separated_by(shown):
            raise SourceError(
                f"Columns must be separated by commas, however {path} has {separators}: "
                f"{shown[0]!r}. {WITH_COMMAS}"
            )
        more = f" and {len(shown) - _MOST_NAMES} more" if len(shown) > _MOST_NAMES else ""
        listed = f"{shown[:_MOST_NAMES]}{more}"
        raise SourceError(
            f"{path} must have the columns {', '.join(dict.fromkeys((*required, *given)))}, "
            f"however {', '.join(dict.fromkeys(missing))} is missing among {listed}. Set `columns` "
            f"of its source in stocktrend.yaml, as in columns: {{{missing[0]}: NAME_IN_FILE}}"
            f"{otherwise}"
        )
    return columns


def separated_by(found: list[str]) -> str | None:
    """What separates the columns where it is no comma, so that all were read as one.

    >>> separated_by(["Date;Open;Close"])
    'semicolons'
    """
    names = (name for sign, name in SEPARATORS.items() if len(found) == 1 and sign in found[0])
    return next(names, None)


def plain_name(name: str) -> str:
    """A column name without case, blanks and signs: ``Adj. Close`` gives ``adjclose``."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def text(frame: pl.DataFrame, column: str) -> pl.Expr:
    """A column as stripped text; the spellings of a missing value become null."""
    stripped = pl.col(column).cast(pl.String).str.strip_chars()
    if frame.schema[column] != pl.String:
        return stripped
    return pl.when(~stripped.str.to_lowercase().is_in(MISSING)).then(stripped)


def symbol(column: str) -> pl.Expr:
    """A column as tickers in upper case. Only an empty one is missing: NA and NAN are tickers."""
    written = pl.col(column).cast(pl.String).str.strip_chars().str.to_uppercase()
    return pl.when(written != "").then(written)


def number(frame: pl.DataFrame, column: str) -> pl.Expr:
    """A column as Float64; null where it is missing or no number."""
    if frame.schema[column].is_numeric():
        return pl.col(column).cast(pl.Float64).fill_nan(None)
    return text(frame, column).cast(pl.Float64, strict=False)


def day(frame: pl.DataFrame, column: str) -> pl.Expr:
    """A column as Date (YYYY-MM-DD, also with a time after it, or YYYYMMDD); null otherwise."""
    kind = frame.schema[column]
    if kind == pl.Date or isinstance(kind, pl.Datetime):
        return pl.col(column).dt.date()
    written = text(frame, column)
    iso = written.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    compact = pl.when(written.str.len_chars() == 8).then(written)
    return pl.coalesce(iso, compact.str.to_date("%Y%m%d", strict=False))


def not_a_number(frame: pl.DataFrame, column: str) -> pl.Expr:
    """The reason for which a column's value is refused, null where it is a number or missing."""
    written = text(frame, column)
    bad = written.is_not_null() & number(frame, column).is_null()
    return pl.when(bad).then(pl.format(f"{column} is not a number: {{}}", written))


def first_reason(*reasons: pl.Expr) -> pl.Expr:
    """The first reason that is not null."""
    return pl.coalesce(*reasons, pl.lit(None, dtype=pl.String)).alias("reason")


def schema_frame(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The table's columns with the schema's types, ``row`` and ``reason`` of a frame."""
    types = schema.TABLES[table].create_empty().schema
    return frame.select(*(pl.col(name).cast(kind) for name, kind in types.items()), "row", "reason")
