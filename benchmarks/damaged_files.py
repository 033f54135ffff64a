"""Flips one bit of a table's file, reads the table, and counts what comes back.

Run: ``python benchmarks/damaged_files.py [--flips 400]``. The same bars are written by the Delta
library alone and by the lake; each flip is undone before the next.
"""

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from deltalake import DeltaTable, WriterProperties, write_deltalake

import stocktrend as st
from large_lake import generate
from stocktrend.errors import LakeError


def flipped(file: Path, read: Callable[[], pl.DataFrame], flips: int, seed: int) -> Counter[str]:
    """How often a read gave the true rows, other rows, or an error."""
    truth, whole, chance = read(), file.read_bytes(), random.Random(seed)
    found: Counter[str] = Counter()
    for _ in range(flips):
        content = bytearray(whole)
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        file.write_bytes(content)
        try:
            found["true rows" if read().equals(truth) else "other rows"] += 1
        except (pl.exceptions.PolarsError, LakeError):
            found["an error"] += 1
    file.write_bytes(whole)
    return found


def main() -> None:
    """Print the two counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flips", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        root, alone = Path(place) / "market", str(Path(place) / "alone")
        generate(root, 4, "csv")
        st.ingest(root, retrieved_at=datetime(2021, 1, 1, tzinfo=UTC))
        lake = st.Lake(root / "lake")
        zstd = WriterProperties(compression="ZSTD", compression_level=3)
        write_deltalake(alone, lake.history("bars"), writer_properties=zstd)
        readers: dict[str, tuple[str, Callable[[], pl.DataFrame]]] = {
            "Delta alone": (alone, lambda: pl.scan_delta(DeltaTable(alone)).collect()),
            "lake": (f"{lake.path}/bars", lambda: lake.history("bars")),
        }
        kinds = ("true rows", "other rows", "an error")
        print(f"{'one bit flipped':18}" + "".join(f"{kind:>12}" for kind in kinds))
        for name, (path, read) in readers.items():
            (file,) = DeltaTable(path).file_uris()
            found = flipped(Path(file), read, asked.flips, asked.seed)
            print(f"{name:18}" + "".join(f"{found[kind]:12}" for kind in kinds))


if __name__ == "__main__":
    main()
