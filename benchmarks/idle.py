"""What the plugin costs a suite that asks for nothing: `python -m benchmarks idle`."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.ratio import Ratio, compare

TESTS = 2_000
ROUNDS = 15
BARE = ("-p", "no:cacheprovider", "-q", "--no-header")


def cpu_of(*command: str, cwd: Path) -> float:
    """Run a command and return the seconds of CPU that it took, user and system."""
    before = os.times()
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run(command, cwd=cwd, env=environment, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return (after.children_user - before.children_user) + (after.children_system - before.children_system)


def suite() -> Ratio:
    """Compare a suite of trivial tests with and without the plugin."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_many.py").write_text(
            "import pytest\n\n\n@pytest.mark.parametrize('n', range(2000))\ndef test_one(n):\n    assert n >= 0\n",
            encoding="utf-8",
        )
        pytest_command = (sys.executable, "-m", "pytest", *BARE)
        return compare(
            lambda: cpu_of(*pytest_command, "-p", "pytest_cfworkers.plugin", cwd=Path(folder)),
            lambda: cpu_of(*pytest_command, cwd=Path(folder)),
            rounds=ROUNDS,
            repeats=TESTS,
        )


def import_ms() -> float:
    """Return the least milliseconds of CPU that importing the plugin adds to importing pytest."""
    program = (
        "import _pytest.config, pytest, time; start = time.process_time(); "
        "import pytest_cfworkers.plugin; "
        "print((time.process_time() - start) * 1000)"
    )
    runs = [
        float(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)
        for _ in range(ROUNDS)
    ]
    return min(runs)


def main() -> None:
    """Print the figures."""
    start = time.perf_counter()
    print(f"2,000 trivial tests with the plugin   {suite()}")
    print(f"importing the plugin after pytest     {import_ms():.1f} ms of CPU")
    print(f"(measured in {time.perf_counter() - start:.0f} s)")
