"""Raw files of 88 US stocks to a report, as one command: time, memory and where every row went.

Run: ``python benchmarks/us88.py [--data FOLDER] [--keep FOLDER]``. It writes a data root whose
configuration points at the real files, runs ``stocktrend run`` on it in a fresh process, and
prints wall time, peak memory, the count of every source and the defects that were found.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from us88_settings import data_root, us88_settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("STOCKTREND_TEST_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--keep", type=Path, help="data root to use and keep")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = data_root(arguments.keep or Path(scratch) / "us88", us88_settings(arguments.data))
        start = time.perf_counter()
        command = [sys.executable, "-m", "stocktrend", "run", "--data-root", str(root), "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        seconds = time.perf_counter() - start
        if done.returncode:
            raise SystemExit(done.stdout)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
        show(json.loads(done.stdout), seconds, peak)


def show(result: dict[str, Any], seconds: float, peak: float) -> None:
    """Print the figures beside their bars, then the counts."""
    print(f"{'':24}{'measured':>12}{'bar':>10}")
    print(f"{'raw files to report, s':24}{seconds:12.1f}{300:10d}")
    print(f"{'peak memory, GiB':24}{peak:12.2f}{4:10d}\n")
    names = ("read", "new", "revised", "unchanged", "duplicate", "quarantined")
    print(f"{'table / source':28}" + "".join(f"{name:>12}" for name in names) + "   adds up")
    for source in result["ingest"]["sources"]:
        counts = [source[name] for name in names]
        adds_up = "yes" if counts[0] == sum(counts[1:]) else "NO"
        label = f"{source['table']} / {source['source']}"
        print(f"{label:28}" + "".join(f"{count:12,}" for count in counts) + f"   {adds_up}")
        for reason, count in (source["reasons"] | source["notes"]).items():
            print(f"{'':6}{count:>10,}  {reason}")
    print()
    for warning in result["ingest"]["warnings"]:
        print(warning)
    for horizon in result["evaluation"]["horizons"].values():
        print(horizon["verdict"])


if __name__ == "__main__":
    main()
