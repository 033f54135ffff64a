"""Planted leaks that the audit has to find, and real markets on which it must find nothing.

Run: ``python benchmarks/look_ahead.py [--seeds 10] [--data FOLDER] [--keep FOLDER]``. Each leak of
``leaks.py`` is put into the pipeline of a small simulated market, another one a seed, and counts
as found where the audit names it with its true source. Then the honest pipeline is audited on 88
US stocks and on the S&P 500 with the command's defaults; where FOLDER keeps their data roots and
one has a trained run, that is audited too. Exit code 1 where a leak is missed or the honest
pipeline accused.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import yaml

import stocktrend as st
from leaks import CLASSIC, SUBTLER, Leak, found, leaky_market, toy_training, with_features
from sp500_settings import sp500_settings
from stocktrend.auditing import AuditReport, Steps, examine
from stocktrend.lake import Tables
from stocktrend.panel import build_panel
from us88_settings import us88_settings

LEAKS = CLASSIC + SUBTLER
RETRIEVED = datetime(2018, 1, 1, tzinfo=UTC)
LIMIT = 120.0
"""Seconds within which the defaults must be done."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("STOCKTREND_TEST_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--keep", type=Path, help="folder of data roots to use and keep")
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    failed = planted(arguments.seeds)
    with tempfile.TemporaryDirectory() as scratch:
        failed |= honest(arguments.data.resolve(), arguments.keep or Path(scratch))
    sys.exit(1 if failed else 0)


def planted(seeds: int) -> bool:
    """Print in how many seeds each leak is found; whether anything was missed or accused."""
    hits = dict.fromkeys((leak.name for leak in LEAKS), 0)
    accused = 0
    for seed in range(seeds):
        for leak, was_found in one_market(seed):
            if leak is None:
                accused += not was_found
            else:
                hits[leak.name] += was_found
        print(f"seed {seed} done", file=sys.stderr, flush=True)
    print(f"{'leak':42}{'found':>8}   named with")
    for kind, leaks in (("classic", CLASSIC), ("subtler", SUBTLER)):
        for leak in leaks:
            count = f"{hits[leak.name]}/{seeds}"
            print(f"{leak.name:42}{count:>8}   {leak.what}: {leak.source}")
        whole = sum(hits[leak.name] == seeds for leak in leaks)
        print(f"{kind}: {whole} of {len(leaks)} found for every seed\n")
    print(f"honest features and steps accused: {accused} times\n")
    return accused > 0 or min(hits.values()) < seeds


def one_market(seed: int) -> Iterator[tuple[Leak | None, bool]]:
    """Each leak and whether it was found; None for what is honest, and whether it was let go."""
    with tempfile.TemporaryDirectory() as folder:
        years = {"start": date(2014, 7, 1), "end": date(2016, 6, 30)}
        st.simulate(folder, market="realistic", tickers=10, seed=seed, **years)
        st.ingest(folder, retrieved_at=RETRIEVED)
        lake = st.Lake(f"{folder}/lake")
        records = leaky_market(lake, begins=date(2015, 8, 3), ends=date(2015, 12, 15))
        settings = st.load_settings(folder).settings.model_copy(
            update={"start": date(2015, 7, 1), "end": None}
        )
    features = [leak for leak in LEAKS if leak.feature is not None]
    report = examine(records, settings, steps=with_features(features), samples=50, seed=seed)
    yield None, {f.what for f in report.findings} <= {leak.what for leak in features}
    for leak in features:
        yield leak, found(leak, report)
    for leak in (leak for leak in LEAKS if leak.steps is not None):
        yield leak, found(leak, stepped(leak, records, settings, seed))
    yield None, stepped(None, records, settings, seed).clean


def stepped(leak: Leak | None, records: Tables, settings: st.Settings, seed: int) -> AuditReport:
    """An audit with a leaky step, or with none."""
    steps = Steps() if leak is None or leak.steps is None else leak.steps(Steps())
    training = leak is None or leak.training
    trained = toy_training(build_panel(records, settings), settings) if training else None
    return examine(records, settings, steps=steps, trained=trained, samples=50, seed=seed)


def honest(data: Path, keep: Path) -> bool:
    """Print what the defaults find on real markets, and how long it takes; whether it failed."""
    print(
        f"{'honest':10}{'samples':>9}{'tickers':>9}{'findings':>10}{'seconds':>9}{'CPU s':>8}   run"
    )
    failed = False
    for name, chosen in (("us88", us88_settings(data)), ("sp500", sp500_settings(data))):
        root = keep / name
        if not (root / "lake").is_dir():
            root.mkdir(parents=True, exist_ok=True)
            content = chosen.model_dump(mode="json", exclude_none=True)
            (root / "stocktrend.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
            st.ingest(root, retrieved_at=RETRIEVED)
        wall, cpu = time.perf_counter(), time.process_time()
        report = st.audit(root)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        counts = f"{report.samples:9,}{report.tickers:9}{len(report.findings):10}"
        print(f"{name:10}{counts}{wall:9.1f}{cpu:8.1f}   {report.run or 'none'}", flush=True)
        for finding in report.findings:
            print(f"  {finding.sentence}")
        enough = report.samples >= 200 and report.tickers >= 50
        failed |= not (report.clean and enough and min(wall, cpu) < LIMIT)
    return failed


if __name__ == "__main__":
    main()
