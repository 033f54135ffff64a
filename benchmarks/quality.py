"""What `stocktrend check` finds in ten years of the S&P 500, beside what is known to be wrong.

Run: ``python benchmarks/quality.py [--data FOLDER] [--keep FOLDER] [--vary]``. It ingests the
prices of all tickers, runs ``stocktrend check --json`` on them in a fresh process, and prints for
each ticker with a known defect what was found of it, the other tickers in error, what is flagged in
the months of the crash of 2008, and time and peak memory. Exit code 1 on a miss. The names below
are held against the findings only: no rule knows them. ``--vary`` moves each threshold of the price
rules, the others as they are, and prints which tickers are missed and which others are in error.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

import stocktrend as st
from sp500_settings import sp500_settings
from stocktrend.panel import restarts
from stocktrend.quality import Given, breaks, jumps, prices
from stocktrend.quality.described import described
from stocktrend.sessions import sessions
from us88_settings import data_root

KNOWN = ("BHF", "CBH", "CHRS", "CTX", "SFS", "SUN", "WELL")
"""Recycled tickers and negative adjusted closes, by the description of the data."""
ONE_BAD_BAR = "INVH"
MOST_OTHERS = 4
CRASH = ("2008-09-01", "2008-11-30")
VARIED: tuple[tuple[Any, str, tuple[float, ...]], ...] = (
    (breaks, "BREAK", (0.8, 0.9, 1.2, 1.5)),
    (breaks, "LONGEST_AWAY", (60, 126, 504)),
    (breaks, "LIQUIDITY", (20, 50, 300, 1000)),
    (jumps, "CALM", (0.1, 0.15, 0.3, 0.4)),
    (jumps, "USUAL_TRADE", (1.5, 3, 5)),
    (jumps, "UNUSUAL", (10, 15, 30, 60)),
    (prices, "SPLIT", (0.4, 0.5, 0.68)),
)
REMARKS = {
    "JCI": "2007-07-02: Tyco's separation; adjusted for a sixth of what it took off the price",
    "TSG": "2010-10-14: to a seventh overnight without trade; hardly traded for two years then",
    "WY": "2010-07-20: a special dividend of more than half the price, not adjusted for",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("STOCKTREND_TEST_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--keep", type=Path, help="data root to use and keep")
    parser.add_argument("--vary", action="store_true", help="move each threshold as well")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = data_root(arguments.keep or Path(scratch) / "sp500", sp500_settings(arguments.data))
        st.ingest(root, retrieved_at=datetime(2026, 11, 23, tzinfo=UTC))
        start = time.perf_counter()
        command = [sys.executable, "-m", "stocktrend", "check", "--data-root", str(root), "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        seconds = time.perf_counter() - start
        if done.returncode not in (0, 3):
            raise SystemExit(done.stdout)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
        bars = st.Lake(root / "lake").read("bars").select("ticker", "session")
        if arguments.vary:
            vary(st.Lake(root / "lake"))
    print(f"{seconds:.1f} s, {peak:.2f} GiB, {bars.height:,} bars\n")
    raise SystemExit(judge(json.loads(done.stdout)["findings"], bars))


def vary(lake: st.Lake) -> None:
    """Print the tickers missed and the others in error with each threshold moved."""
    calendar = sessions()
    bars = described(lake, "bars", calendar, restarts(lake, "XNYS"))
    given = Given(datetime(2026, 11, 23, tzinfo=UTC), calendar, bars.head(0), bars.head(0))
    rules = (prices.two_series, prices.recycled_ticker, prices.missed_adjustment)
    stored = set(KNOWN) & set(bars["ticker"])
    size = pl.col("excess").abs()
    real = bars.filter(~pl.col("ticker").is_in(stored), size >= jumps.SMALLEST)
    calm = real.filter((pl.col("high") / pl.col("low")).log() < jumps.CALM * size)
    told = jumps.calm_jumps(bars.filter(~pl.col("ticker").is_in(stored)))
    print(
        f"moves by 4/3 or more of tickers not known to be corrupt: {real.height}; on a calm day: "
        f"{calm.height}; and for the usual trade, by 20 times the usual move: {told.height}"
    )
    for module, name, values in VARIED:
        usual = getattr(module, name)
        for value in values:
            setattr(module, name, value)
            found = {subject for rule in rules for subject in rule.find(bars, given)["subject"]}
            missed, others = (sorted(some) for some in (stored - found, found - stored))
            print(f"{name} {value} for {usual:.3g}: missed {missed or 'none'}, others {others}")
        setattr(module, name, usual)
    print()


def judge(findings: list[dict[str, Any]], bars: pl.DataFrame) -> int:
    """Print what was found and what was missed; 1 on a miss, else 0."""
    tickers = set(bars["ticker"]) | set(KNOWN)
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in findings:
        if finding["severity"] == "error" and finding["subject"] in tickers:
            found.setdefault(finding["subject"], []).append(finding)
    misses = [name for name in KNOWN if name not in found]
    for name in (*KNOWN, ONE_BAD_BAR):
        print(f"{name:6}{_told(found.get(name, []))}")
    others = sorted(found.keys() - {*KNOWN, ONE_BAD_BAR})
    print(f"\nother tickers in error: {len(others)}, at most {MOST_OTHERS}")
    for name in others:
        print(f"{name:6}{_told(found[name])}\n      {REMARKS.get(name, 'not explained')}")
    doubtful = [f for f in findings if f["rule"] == "unexplained_jump"]
    print(f"\nnot in error, but worth a look: {len(doubtful)}")
    for finding in doubtful:
        print(f"{finding['subject']:6}{_told([finding])}")
    in_crash = {name: _bars_in_crash(spells, bars) for name, spells in found.items()}
    real = {name: rows for name, rows in in_crash.items() if rows and name in others}
    held = {name: rows for name, rows in in_crash.items() if rows and name in KNOWN}
    print(f"\nbars of {CRASH[0]} to {CRASH[1]} in error: {held or 'none'} of known, ", end="")
    print(f"{real or 'none'} of others")
    bad = found.get(ONE_BAD_BAR, [])
    problems = [
        *(f"{name} was not found" for name in misses),
        *(f"{name} has no explanation" for name in others if name not in REMARKS),
        *([f"{len(others)} others"] if len(others) > MOST_OTHERS else []),
        *([f"{ONE_BAD_BAR}: {sum(f['rows'] for f in bad)} bars"] if _rows(bad) != 1 else []),
        *(f"{name}: bars of the crash" for name in real),
    ]
    print("\nmissed: " + ("nothing" if not problems else "; ".join(problems)))
    return 1 if problems else 0


def _rows(found: list[dict[str, Any]]) -> int:
    return sum(finding["rows"] for finding in found)


def _told(found: list[dict[str, Any]]) -> str:
    if not found:
        return "nothing"
    rules = " and ".join(dict.fromkeys(f["rule"] for f in found))
    first, last = min(f["first"] for f in found), max(f["last"] for f in found)
    return f"{rules}, {first} to {last}: {found[-1]['detail'][:70]}"


def _bars_in_crash(found: list[dict[str, Any]], bars: pl.DataFrame) -> int:
    """Stored bars of the crash's months that the findings cover."""
    of_crash = bars.filter(
        pl.col("ticker") == found[0]["subject"],
        pl.col("session").is_between(*(date.fromisoformat(text) for text in CRASH)),
    )
    days = [day.isoformat() for day in of_crash["session"]]
    return sum(any(f["first"] <= day <= f["last"] for f in found) for day in days)


if __name__ == "__main__":
    main()
