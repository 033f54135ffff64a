"""Ten years of 500 tickers from all services, replayed by a local server in another process.

Measures the part of `update` that asks and stores: its time beside what the set rates allow, its
peak memory, and what a second one asks and writes. Exit code 1 where memory exceeds 1 GiB, the
second one makes a request without a condition or writes to a table, or a source fails.

    python benchmarks/live_replay.py --tickers 500 --per-minute 1000

GDELT is asked about the market and 20 tickers, by the month since 2017; Finnhub about all tickers,
by the month of the last year, as its free keys allow. Half of the tickers have their prices from
Tiingo, half from Stooq; yfinance finds its own servers, so it is not asked.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

import live_answers
from stocktrend.lake import Lake
from stocktrend.workflow.fetching import fetch

NOW = datetime(2025, 9, 18, 22, tzinfo=UTC)
MOST_MEMORY = 1024.0
"""MiB."""


def ask(root: Path) -> None:
    """The child: ask all services once, and print what it took."""
    start = time.perf_counter()
    report = fetch(root, now=NOW)
    used = resource.getrusage(resource.RUSAGE_SELF)
    took = {
        "seconds": time.perf_counter() - start,
        "cpu": used.ru_utime + used.ru_stime,
        "mib": used.ru_maxrss / 1024,
        "rows": {one.name: one.counts.read for one in report.sources},
        "new": sum(one.counts.new + one.counts.revised for one in report.sources),
        "errors": report.errors,
        "loaded": [name for name in ("torch", "numba", "pandas") if name in sys.modules],
    }
    print(json.dumps(took))


def asked_once(
    root: Path, server: "subprocess.Popen[str]"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an update took, and what the servers were asked by it."""
    line = [sys.executable, __file__, "--root", str(root)]
    done = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True)
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write("\n")
    server.stdin.flush()
    return json.loads(done.stdout), json.loads(server.stdout.readline())


def show(name: str, took: dict[str, Any], asked: dict[str, Any], per_minute: float) -> None:
    """One update in words."""
    requests, conditional, same = (sum(counts[n] for counts in asked.values()) for n in range(3))
    slowest = max(asked, key=lambda kind: asked[kind][0])
    most = asked[slowest][0]
    limit = most * 60 / per_minute
    print(
        f"{name}: {requests:,} requests, {conditional:,} conditional, {same:,} unchanged; "
        f"{sum(took['rows'].values()):,} rows, {took['new']:,} of them new\n"
        f"  {took['seconds']:.1f} s, of which the rate of {slowest} ({most:,} requests "
        f"at {per_minute:,.0f} a minute) takes {limit:.1f} s: {limit / took['seconds']:.0%}\n"
        f"  {took['cpu']:.1f} s of CPU, {took['mib']:,.0f} MiB at most, "
        f"loaded of the heavy libraries: {', '.join(took['loaded']) or 'none'}"
    )


def main() -> int:
    """Two updates; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tickers", type=int, default=500)
    parser.add_argument("--per-minute", type=float, default=1000)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.root is not None:
        ask(given.root)
        return 0
    with (
        live_answers.replayed(given.tickers, NOW) as (server, urls),
        tempfile.TemporaryDirectory() as place,
    ):
        root = Path(place)
        sources = live_answers.Replayed(given.tickers, NOW).sources(urls, given.per_minute)
        (root / "stocktrend.yaml").write_text(yaml.safe_dump({"sources": sources}))
        first, asked = asked_once(root, server)
        show("first update", first, asked, given.per_minute)
        lake = Lake(root / "lake")
        versions = lake.versions(), lake.ledger.entries()
        second, again = asked_once(root, server)
        show("second update", second, again, given.per_minute)
        wrote = versions != (lake.versions(), lake.ledger.entries())
    missed = [
        f"{name} failed: {error}" for name, error in {**first["errors"], **second["errors"]}.items()
    ]
    missed += [f"{t['mib']:,.0f} MiB" for t in (first, second) if t["mib"] > MOST_MEMORY]
    missed += ["the second update wrote"] if wrote or second["new"] else []
    bare = {kind: counts for kind, counts in again.items() if counts[0] != counts[1]}
    missed += [f"requests without a condition: {bare}"] if bare else []
    print(
        "\n".join(missed)
        if missed
        else "The second one made conditional requests alone and wrote nothing."
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
