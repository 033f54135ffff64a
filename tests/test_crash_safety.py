"""Commands that are killed and run again leave what one that was not disturbed leaves."""

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "crash_safety.py"


def test_killed_commands_run_again_to_the_same_records_and_weights() -> None:
    """Real processes and SIGKILL: an ingest with its panel, and a training.

    The benchmark does more of the same.
    """
    line = [sys.executable, str(BENCHMARK), "--ingest", "0", "--build", "1", "--train", "1"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [row.split() for row in done.stdout.splitlines() if row.startswith(("build", "train"))]
    assert [row[-5] for row in rows] == ["1", "1"], "trials"
    assert all(int(row[-4]) >= 1 for row in rows), f"kills in time: {done.stdout}"
    assert [row[-1] for row in rows] == ["0", "0"], "problems"
