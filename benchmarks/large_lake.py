"""Ingests, checks and reads a large lake: time and peak memory at several sizes, and their growth.

Run: ``python benchmarks/large_lake.py [--millions 1 3 10] [--layout csv|parquet]``. Each size gets
a data root of random walks, one CSV a ticker as Yahoo writes them or one Parquet file of all, and
each step a process of its own. ``ingest again`` reads nothing new; ``revised`` ingests after one
ticker in ten got ten more bars and one of its old ones changed. The exponent is the slope of
log(seconds) over log(rows), of wall and of processor time: 1 is linear.
"""

import argparse
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

import stocktrend as st
from stocktrend.sessions import sessions

SESSIONS = 2_500
MORE = 10
MOST_MEMORY = 4.0
COLUMNS = {
    "session": "Date",
    "open": "Open",
    "high": "High",
    "low": "Low",
    "close": "Close",
    "adj_close": "Adj Close",
    "volume": "Volume",
}


def walk(ticker: int, days: pl.Series) -> pl.DataFrame:
    """Bars of one ticker; longer ``days`` go on from the same bars."""
    chance, traded = np.random.default_rng([ticker, 0]), np.random.default_rng([ticker, 1])
    moves = chance.normal(0.0002, 0.02, (len(days), 4)) * [1.0, 0.3, 0.3, 0.3]
    close = 50 * np.exp(np.cumsum(moves[:, 0]))
    opened = close * np.exp(moves[:, 1])
    bars = {
        "session": days,
        "open": opened,
        "high": np.maximum(opened, close) * np.exp(np.abs(moves[:, 2])),
        "low": np.minimum(opened, close) * np.exp(-np.abs(moves[:, 3])),
        "close": close,
        "adj_close": close,
        "volume": np.round(1e6 * np.exp(traded.normal(0, 0.5, len(days)))),
    }
    rounded = [pl.col(name).round(4) for name in ("open", "high", "low", "close", "adj_close")]
    return pl.DataFrame(bars).with_columns(rounded).rename(COLUMNS)


def days_of(count: int) -> pl.Series:
    """The first sessions from 2010 on."""
    all_days = sessions().filter(pl.col("session") >= datetime(2010, 1, 1).date())  # noqa: DTZ001
    return all_days["session"].head(count)


def generate(root: Path, tickers: int, layout: str) -> int:
    """Raw price files; returns their rows."""
    folder, days = root / "raw" / "prices", days_of(SESSIONS)
    folder.mkdir(parents=True)
    names = [f"T{number:04}" for number in range(tickers)]
    if layout == "csv":
        for number, name in enumerate(names):
            walk(number, days).write_csv(folder / f"{name}.csv")
    else:
        frames = (
            walk(number, days).with_columns(Ticker=pl.lit(name))
            for number, name in enumerate(names)
        )
        pl.concat(frames).write_parquet(folder / "prices.parquet")
    return tickers * SESSIONS


def revise(root: Path) -> None:
    """Ten more bars, and another volume of an old one, for one ticker in ten."""
    days = days_of(SESSIONS + MORE)
    for file in sorted((root / "raw" / "prices").glob("*.csv"))[::10]:
        bars = walk(int(file.stem[1:]), days)
        head = pl.int_range(pl.len()) == SESSIONS // 2
        volume = pl.when(head).then(pl.col("Volume") * 2).otherwise("Volume")
        bars.with_columns(volume.alias("Volume")).write_csv(file)


def ingest(root: Path) -> int:
    """Records that the lake took over."""
    report = st.ingest(root, retrieved_at=datetime(2021, 1, 1, tzinfo=UTC))
    return report.total("new") + report.total("revised")


def read(root: Path) -> int:
    """Bars as they were known in the middle of the period."""
    return st.Lake(root / "lake").read("bars", as_of=datetime(2015, 1, 1, tzinfo=UTC)).height


def check(root: Path) -> int:
    """Findings of the check, where this version has one."""
    return len(st.check(root).findings)


STEPS: dict[str, Callable[[Path], int]] = {
    "ingest": ingest,
    "ingest again": ingest,
    "read as_of": read,
    "check": check,
    "revised": ingest,
}


def measured(step: str, root: Path) -> dict[str, float]:
    """Run a step in a process of its own: seconds, processor seconds, peak GiB, its count."""
    line = [sys.executable, __file__, "--step", step, "--root", str(root)]
    start = time.perf_counter()
    done = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{step} failed on {root}")
    return {"seconds": time.perf_counter() - start, **json.loads(done.stdout)}


def one_step(step: str, root: Path) -> None:
    """What ``measured`` starts."""
    count = STEPS[step](root)
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "processor": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss / 1024**2,
        "count": count,
    }
    print(json.dumps(figures))


def exponent(sizes: list[float], seconds: list[float]) -> float:
    """Slope of the least-squares line through the logarithms."""
    if len(sizes) < 2:
        return math.nan
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def main() -> int:
    """Print the table; 1 where a step needs more memory than it may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 3, 10])
    parser.add_argument("--layout", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--steps", nargs="+", default=list(STEPS), choices=list(STEPS))
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        one_step(asked.step, asked.root)
        return 0
    steps = [step for step in asked.steps if asked.layout == "csv" or step != "revised"]
    found: dict[str, list[dict[str, float]]] = {step: [] for step in steps}
    print(f"{'step':14}{'rows':>12}{'seconds':>10}{'processor':>11}{'peak GiB':>10}{'count':>12}")
    for millions in asked.millions:
        with tempfile.TemporaryDirectory(prefix="large_lake_", dir=os.environ.get("TMPDIR")) as at:
            root = Path(at) / "market"
            rows = generate(root, round(millions * 1e6 / SESSIONS), asked.layout)
            for step in steps:
                if step == "revised":
                    revise(root)
                figures = measured(step, root)
                found[step].append(figures | {"rows": rows})
                print(
                    f"{step:14}{rows:12,}{figures['seconds']:10.1f}{figures['processor']:11.1f}"
                    f"{figures['peak']:10.2f}{figures['count']:12,.0f}",
                    flush=True,
                )
            shutil.rmtree(root)
    print(f"\n{'exponent of':14}{'seconds':>10}{'processor':>11}")
    for step, figures in found.items():
        sizes = [f["rows"] for f in figures]
        slopes = [exponent(sizes, [f[kind] for f in figures]) for kind in ("seconds", "processor")]
        print(f"{step:14}{slopes[0]:10.2f}{slopes[1]:11.2f}")
    peak = max(f["peak"] for figures in found.values() for f in figures)
    print(f"\npeak memory {peak:.2f} GiB, at most {MOST_MEMORY:.0f}")
    return int(peak >= MOST_MEMORY)


if __name__ == "__main__":
    sys.exit(main())
