"""Bytes and rows of one file, whatever its layout: CSV, Parquet, JSON, JSON lines, .gz, .zst."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pyarrow.lib import ArrowException
from pyarrow.parquet import read_metadata

from stocktrend.errors import SourceError
from stocktrend.sources.content import (
    BOUNDS,
    COMPRESSED,
    Bounds,
    first_bytes,
    read_bytes,
    unreadable,
)

TABULAR = (".csv", ".parquet")
NESTED = (".json", ".jsonl", ".ndjson")
ARCHIVES = (".zip", ".tar", ".tgz", ".7z", ".rar")

MISSING = ("", "null", "none", "nan", "na", "n/a", ".", "-", "nat")
"""Spellings of a missing value, lower case."""

MOST_BRACKETS = 100
"""Opened in a line of JSON that polars may read: before 2.0, deep nesting crashes it."""
DEEPEST_RECORD = 32

_POLARS_FAILED = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""A damaged file can make polars panic, which is no ``Exception``."""


@dataclass(frozen=True)
class Rows:
    """The rows of one file. ``frame`` has the file's columns and ``row`` (Int64, from 1).

    CSV columns are strings; other layouts keep their types. ``broken`` holds rows that could not
    be split into fields: number, reason, raw text.
    """

    frame: pl.DataFrame
    broken: tuple[tuple[int, str, str], ...] = ()


def layout(path: Path) -> tuple[str, str]:
    """The file's extension without compression, and the compression (empty: none)."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = suffixes.pop() if suffixes and suffixes[-1] in COMPRESSED else ""
    return (suffixes[-1] if suffixes else ""), compression


def stem(path: Path) -> str:
    """The file's name without its layout and compression: ``BRK.B.csv.gz`` gives ``BRK.B``."""
    name = path.name
    for _ in range(2):
        suffix = Path(name).suffix.lower()
        if suffix in (*COMPRESSED, *TABULAR, *NESTED):
            name = name[: -len(suffix)]
    return name


def is_data_file(path: Path, layouts: Iterable[str] = (*TABULAR, *NESTED)) -> bool:
    """Whether the name ends in a layout that this module reads."""
    return layout(path)[0] in tuple(layouts)


def is_archive(path: Path) -> bool:
    """Whether the name is that of an archive: none is opened, so no member can lead elsewhere."""
    return any(suffix.lower() in ARCHIVES for suffix in path.suffixes)


def digest(path: Path) -> str:
    """SHA-256 of the file's bytes.

    Raises:
        SourceError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error) from error


def read_rows(path: Path, bounds: Bounds = BOUNDS) -> Rows:
    """All rows of a CSV, Parquet, JSON or JSON lines file.

    Raises:
        SourceError: the file is missing, damaged, empty, too large or of a layout that is not read.
    """
    kind, compression = layout(path)
    readers: dict[str, Callable[[bytes, Path], Rows]] = {
        ".csv": csv_rows,
        ".json": _read_json,
        ".jsonl": _read_json_lines,
        ".ndjson": _read_json_lines,
    }
    if kind == ".parquet" and not compression:
        rows = _read_parquet(path, bounds)
    elif kind in readers:
        content = read_bytes(path, bounds).removeprefix(b"\xef\xbb\xbf")
        if not content or content.isspace():
            raise SourceError(f"A source file must have rows, however {path} is empty. Remove it")
        rows = readers[kind](content, path)
    else:
        remedy = "Unpack it, and remove" if is_archive(path) else "Rename or remove"
        raise SourceError(
            f"A source file must end in .csv, .parquet, .json, .jsonl or .ndjson (text ones also "
            f".gz or .zst), however: {path.name}. {remedy} {path}"
        )
    return rows


def column_names(path: Path) -> list[str]:
    """The columns of a file, as cheaply as its layout allows; empty where it has none.

    Raises:
        SourceError: the file cannot be read.
    """
    kind, _ = layout(path)
    if kind == ".csv":
        header = first_bytes(path, 65_536).removeprefix(b"\xef\xbb\xbf").splitlines()[:1]
        text = header[0].decode("utf-8", "replace") if header else ""
        return [name.strip() for name in next(csv.reader([text]), [])]
    return [name for name in read_rows(path).frame.columns if name != "row"]


def _read_parquet(path: Path, bounds: Bounds) -> Rows:
    try:
        _check_parquet(path, bounds)
        frame = pl.read_parquet(path, glob=False)
    except (OSError, ValueError, ArrowException, *_POLARS_FAILED) as error:
        raise unreadable(path, error) from error
    return Rows(_numbered(frame))


def _check_parquet(path: Path, bounds: Bounds) -> None:
    """A billion equal values take no room in a file, and 8 bytes each in memory."""
    about = read_metadata(path)
    groups = (about.row_group(number) for number in range(about.num_row_groups))
    size = max(about.num_rows * about.num_columns * 8, sum(g.total_byte_size for g in groups))
    if size > bounds.plain:
        raise SourceError(
            f"A Parquet file may expand to {bounds.plain:,} bytes, however {path} has "
            f"{about.num_rows:,} rows of {about.num_columns:,} columns, {size:,} bytes. Split it "
            f"into smaller files, or remove it"
        )


def csv_rows(content: bytes, path: Path) -> Rows:
    """The rows of a CSV, columns as strings.

    Raises:
        SourceError: it has no header, or names a column twice; names ``path``.
    """
    try:
        return Rows(_numbered(pl.read_csv(content, infer_schema=False)))
    except _POLARS_FAILED:
        return _read_ragged_csv(content, path)


def _read_ragged_csv(content: bytes, path: Path) -> Rows:
    """Row by row, so that one broken line costs one row and not the file."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise unreadable(path, error, "Save it as UTF-8") from error
    try:
        header, *lines = csv.reader(io.StringIO(text))
    except (csv.Error, ValueError) as error:
        raise unreadable(path, error) from error
    names = [name.strip() for name in header]
    if len(set(names)) != len(names):
        raise SourceError(
            f"A CSV header must name each column once, however {path} has {names}. Rename one"
        )
    good: list[tuple[int, list[str]]] = []
    broken: list[tuple[int, str, str]] = []
    for number, fields in enumerate(lines, start=1):
        if len(fields) == len(names):
            good.append((number, fields))
        elif fields:
            reason = f"the row has {len(fields)} fields, the header {len(names)}"
            broken.append((number, reason, json.dumps(fields)))
    columns = zip(*(fields for _, fields in good), strict=True) if good else [[] for _ in names]
    data = {name: list(values) for name, values in zip(names, columns, strict=True)}
    frame = pl.DataFrame(data, schema=dict.fromkeys(names, pl.String))
    rows = pl.Series("row", [number for number, _ in good], dtype=pl.Int64)
    return Rows(frame.with_columns(rows), tuple(broken))


def _read_json_lines(content: bytes, path: Path) -> Rows:
    if any(line.count(b"[") + line.count(b"{") > MOST_BRACKETS for line in io.BytesIO(content)):
        return _records(enumerate(content.splitlines(), start=1), path)
    try:
        return Rows(_numbered(pl.read_ndjson(content, infer_schema_length=None)))
    except _POLARS_FAILED:
        return _records(enumerate(content.splitlines(), start=1), path)


def _read_json(content: bytes, path: Path) -> Rows:
    """A list of records, or an object with one list of records in it, or JSON lines."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return _read_json_lines(content, path)
    if isinstance(value, dict):
        lists = [item for item in value.values() if isinstance(item, list)]
        value = lists[0] if len(lists) == 1 else [value]
    return _records(enumerate(value, start=1), path)


def _records(items: Iterable[tuple[int, Any]], path: Path) -> Rows:
    """Records one by one; those that are no JSON object are broken."""
    good: list[dict[str, Any]] = []
    broken: list[tuple[int, str, str]] = []
    for number, item in items:
        if isinstance(item, bytes) and not item.strip():
            continue
        try:
            record = json.loads(item) if isinstance(item, bytes) else item
            readable = True
        except (ValueError, RecursionError):
            record, readable = None, False
        flaw = _flaw(record) if isinstance(record, dict) else None
        if isinstance(record, dict) and flaw is None:
            good.append({**record, "row": number})
        elif flaw is not None:
            broken.append((number, flaw, json.dumps(record)))
        elif readable:
            broken.append((number, "the record is not a JSON object", json.dumps(record)))
        else:
            text = item.decode("utf-8", "replace") if isinstance(item, bytes) else repr(item)
            broken.append((number, "the record is not JSON", text))
    if not good:
        raise SourceError(f"A JSON file must hold records, however {path} has none. Remove it")
    try:
        frame = pl.from_dicts(good, infer_schema_length=None, strict=False)
    except (*_POLARS_FAILED, TypeError) as error:
        raise unreadable(path, error) from error
    return Rows(frame.with_columns(pl.col("row").cast(pl.Int64)), tuple(broken))


def _flaw(record: dict[str, Any]) -> str | None:
    """What makes JSON no record that a frame can hold."""
    if _is_deeper(record, DEEPEST_RECORD):
        return f"the record is nested more than {DEEPEST_RECORD} deep"
    try:
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # JSON may name one half of a surrogate pair
        return "the record holds half a character"
    return None


def _is_deeper(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return False
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in inner)


def _numbered(frame: pl.DataFrame) -> pl.DataFrame:
    kept = frame.drop("row", strict=False)
    return kept.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("row"))
