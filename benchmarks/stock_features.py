"""How fast the 62 stock features are: Parquet file to matrix, each run in a process of its own.

    python benchmarks/stock_features.py [--file BARS.parquet] [--repeats 5] [--threads N]

Without a file it takes sp500/prices_2005_2014.parquet from the folder STOCKTREND_TEST_DATA, or
else writes random bars of 700 tickers and 2,500 sessions. The time is that of the whole process,
start of Python and imports included. "cold" begins with an empty folder of compiled kernels, as
a first run after installing does; "warm" finds it filled. The peer is TA-Lib, called for each
ticker of a pandas groupby, on 25 indicators.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

COLUMNS = ["open", "high", "low", "close", "adj_close", "volume"]


@dataclass(frozen=True)
class Run:
    """One process: seconds from start to end, those it computed, peak GiB, shape of its matrix."""

    seconds: float
    cpu: float
    peak: float
    rows: int
    columns: int

    @property
    def values_a_second(self) -> float:
        return self.rows * self.columns / self.seconds


def ours(file: Path, threads: int | None) -> np.ndarray:
    from stocktrend.features.stock import stock_matrix

    names = pl.read_parquet_schema(file)
    day = "session" if "session" in names else "date"
    bars = pl.read_parquet(file, columns=["ticker", day, *COLUMNS]).rename({day: "session"})
    return stock_matrix(bars, threads=threads)


def peer(file: Path, _threads: int | None) -> np.ndarray:
    import pandas as pd

    bars = pd.read_parquet(file, columns=["ticker", *COLUMNS])
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [talib_indicators(group) for _, group in bars.groupby("ticker", sort=False)]
    return np.concatenate(parts)


def talib_indicators(bars: "pd.DataFrame") -> np.ndarray:  # noqa: F821
    import talib

    raw = {name: bars[name].to_numpy(np.float64) for name in COLUMNS}
    factor = raw["adj_close"] / raw["close"]
    c, v = raw["adj_close"], raw["volume"]
    h, low = raw["high"] * factor, raw["low"] * factor
    macd, signal, _ = talib.MACD(c)
    k, d = talib.STOCH(h, low, c, 14, 3, 0, 3, 0)
    upper, middle, lower = talib.BBANDS(c, 20, 2, 2)
    return np.column_stack(
        [
            *(c / talib.SMA(c, n) - 1 for n in (5, 20, 50, 200)),
            *(c / talib.EMA(c, n) - 1 for n in (12, 26)),
            macd / c,
            signal / c,
            *(talib.RSI(c, n) for n in (7, 14, 28)),
            k,
            d,
            talib.CCI(h, low, c, 20),
            talib.ADX(h, low, c, 14),
            talib.PLUS_DI(h, low, c, 14),
            talib.MINUS_DI(h, low, c, 14),
            talib.AROONOSC(h, low, 25),
            (c - lower) / (upper - lower),
            (upper - lower) / middle,
            c / talib.MAX(h, 252) - 1,
            c / talib.MIN(low, 252) - 1,
            talib.NATR(h, low, c, 14),
            talib.MFI(h, low, c, v, 14),
            talib.LINEARREG_SLOPE(talib.OBV(c, v), 20) / talib.SMA(v, 20),
        ]
    )


METHODS = {"ours": ours, "peer": peer}


def measure(method: str, file: Path, threads: int | None, cache: Path) -> Run:
    """Run one method in a process of its own."""
    command = [sys.executable, __file__, "--child", method, "--file", str(file)]
    command += ["--threads", str(threads)] if threads else []
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return Run(seconds=time.perf_counter() - start, **json.loads(done.stdout))


def child(method: str, file: Path, threads: int | None) -> None:
    matrix = METHODS[method](file, threads)
    used = resource.getrusage(resource.RUSAGE_SELF)
    rows, columns = matrix.shape
    result = {
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss / 2**20,
        "rows": rows,
        "columns": columns,
    }
    print(json.dumps(result))


def random_file(folder: Path, tickers: int = 700, sessions: int = 2500) -> Path:
    from stocktrend.sessions import sessions as calendar

    rng = np.random.default_rng(0)
    days = calendar()["session"].slice(11_000, sessions)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (tickers, sessions)), axis=1)).ravel()
    spread = np.exp(np.abs(rng.normal(0, 0.01, (2, close.size))))
    bars = pl.DataFrame(
        {
            "ticker": np.repeat([f"T{number:04}" for number in range(tickers)], sessions),
            "session": pl.concat([days] * tickers),
            "open": close * np.exp(rng.normal(0, 0.005, close.size)),
            "high": close * spread[0],
            "low": close / spread[1],
            "close": close,
            "adj_close": close,
            "volume": rng.lognormal(13, 1, close.size).round(),
        }
    )
    bars.write_parquet(folder / "bars.parquet")
    return folder / "bars.parquet"


def find_file(folder: Path) -> Path:
    default = Path(__file__).parents[1] / ".." / "shared" / "data"
    data = Path(os.environ.get("STOCKTREND_TEST_DATA", default)).resolve()
    real = data / "sp500" / "prices_2005_2014.parquet"
    return real if real.is_file() else random_file(folder)


def report(label: str, runs: list[Run], against: float) -> None:
    seconds = statistics.median(run.seconds for run in runs)
    values = statistics.median(run.values_a_second for run in runs)
    cpu = statistics.median(run.cpu for run in runs)
    spread = f"{min(run.seconds for run in runs):.2f}..{max(run.seconds for run in runs):.2f}"
    peak = max(run.peak for run in runs)
    print(
        f"{label:<34}{runs[0].columns:>9}{seconds:>9.2f}{spread:>15}{cpu:>8.2f}{peak:>10.2f}"
        f"{values / 1e6:>12.1f}{values / against:>8.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--file", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--child", choices=METHODS)
    chosen = parser.parse_args()
    if chosen.child:
        child(chosen.child, chosen.file, chosen.threads)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = chosen.file or find_file(folder)
        cold, warm, talib_runs = [], [], []
        for repeat in range(chosen.repeats):
            # Taken in turns, so that a busy spell of the machine falls on all of them alike.
            cache = folder / f"cache{min(repeat, 1)}"
            if repeat < 2:
                cold.append(measure("ours", file, chosen.threads, cache))
            warm.append(measure("ours", file, chosen.threads, cache))
            talib_runs.append(measure("peer", file, chosen.threads, cache))
    against = statistics.median(run.values_a_second for run in talib_runs)
    print(f"{file.name}: {warm[0].rows:,} bars, {os.cpu_count()} cores, fresh processes\n")
    print(
        f"{'file to matrix':<34}{'features':>9}{'s':>9}{'range':>15}{'CPU s':>8}{'peak GiB':>10}"
        f"{'M values/s':>12}{'ratio':>8}"
    )
    report("stocktrend, warm", warm, against)
    report("stocktrend, cold (compiles)", cold, against)
    report("TA-Lib through pandas groupby", talib_runs, against)


if __name__ == "__main__":
    main()
