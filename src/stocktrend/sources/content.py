"""The bytes of one file, decompressed within bounds.

Files come from anywhere. A few megabytes of gzip or zstd can expand to more than any memory holds,
so what they expand to is counted while it is read, and reading stops at the bound.
"""

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import zstandard

from stocktrend.errors import SourceError

COMPRESSED: Final = (".gz", ".zst")
_GZIP_STEP: Final = 2**20
_ZSTD_STEP: Final = 2**10
"""Compressed bytes at a time: zstd makes up to 128 KiB of 4 bytes, so 32 MiB of these."""


@dataclass(frozen=True)
class Bounds:
    """How many bytes a file may hold.

    Attributes:
        plain: Of a file that is not compressed.
        expanded: Of a compressed one, decompressed.
        ratio: Times its compressed size, once it is beyond ``free`` bytes. Prices and posts
            compress 3 to 20 times, a bomb of zeros 1,000 times (gzip) or 30,000 times (zstd).
        free: Up to here any ratio will do.
    """

    plain: int = 4 * 2**30
    expanded: int = 2**30
    ratio: int = 200
    free: int = 64 * 2**20


BOUNDS: Final = Bounds()


def read_bytes(path: Path, bounds: Bounds = BOUNDS) -> bytes:
    """The file's bytes, decompressed where its name ends in ``.gz`` or ``.zst``.

    Raises:
        SourceError: the file is missing, damaged, cut off, or beyond a bound. Memory then stays
            within the bound that it met.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if not _compressed(path):
                _check_plain(path, size, bounds)
                return file.read()
            content = io.BytesIO()
            for part in _parts(path, file):
                content.write(part)
                _check_expanded(path, content.tell(), file.tell(), bounds)
            return content.getvalue()
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise unreadable(path, error) from error


def first_bytes(path: Path, most: int) -> bytes:
    """The beginning of the file, decompressed: all that a header needs.

    Raises:
        SourceError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            if not _compressed(path):
                return file.read(most)
            content = b""
            for part in _parts(path, file):
                content += part[:most]
                if len(content) >= most:
                    break
            return content[:most]
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: BaseException, remedy: str = "") -> SourceError:
    """The error of a file that cannot be read, in the words of what went wrong."""
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return SourceError(
        f"A source file must be readable, however {path}: {first}. "
        f"{remedy or 'Fetch it again, or remove it'}"
    )


def _compressed(path: Path) -> bool:
    return path.suffix.lower() in COMPRESSED


def _parts(path: Path, file: BinaryIO) -> Iterator[bytes]:
    """What the file expands to, in parts of at most 32 MiB."""
    return _zstd_parts(file) if path.suffix.lower() == ".zst" else _gzip_parts(file)


def _gzip_parts(file: BinaryIO) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=file) as stream:
        while part := stream.read(_GZIP_STEP):
            yield part


def _zstd_parts(file: BinaryIO) -> Iterator[bytes]:
    """All frames of the file. zstandard's own reader takes a file that was cut off as whole."""
    decompressor = zstandard.ZstdDecompressor()
    frame = decompressor.decompressobj()
    within = True
    while piece := file.read(_ZSTD_STEP):
        while piece:
            yield frame.decompress(piece)
            piece, within = frame.unused_data, not frame.eof
            if frame.eof:
                frame = decompressor.decompressobj()
    if within:
        raise EOFError("it ends in the midst of its data")


def _check_plain(path: Path, size: int, bounds: Bounds) -> None:
    if size > bounds.plain:
        raise SourceError(
            f"A source file may hold {bounds.plain:,} bytes, however {path} holds {size:,}. Split "
            f"it into smaller files"
        )


def _check_expanded(path: Path, made: int, used: int, bounds: Bounds) -> None:
    ratio = made > bounds.free and made > bounds.ratio * used
    if made <= bounds.expanded and not ratio:
        return
    rule = (
        f"expand to {bounds.ratio} times its size beyond {bounds.free:,} bytes"
        if ratio
        else f"expand to {bounds.expanded:,} bytes"
    )
    raise SourceError(
        f"A compressed file may {rule}, however {path} expands to more: {made:,} bytes from its "
        f"first {used:,}. If you trust where it comes from, decompress it yourself and leave the "
        f"plain file in its place; else remove it"
    )
