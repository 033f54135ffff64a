"""Updates that are killed, two at a time, leave what one that was not disturbed leaves."""

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "live_kills.py"


def test_killed_updates_are_completed_to_the_same_lake() -> None:
    """Real processes and SIGKILL; the benchmark does more of the same."""
    line = [sys.executable, str(BENCHMARK), "--trials", "3"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    trials, kills, late, _, problems = done.stdout.splitlines()[1].split()
    assert (trials, problems) == ("3", "0")
    assert int(kills) + int(late) == 4
    assert int(kills) >= 2, f"kills in time: {done.stdout}"
