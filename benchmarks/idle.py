"""What the plugin costs a suite that asks for nothing: `python -m benchmarks idle`."""

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import entry_points
from pathlib import Path

from benchmarks.ratio import Ratio, compare

TESTS = 2_000
ROUNDS = 45
BARE = ("-p", "no:cacheprovider", "-q", "--no-header")
OTHERS = tuple(f"-pno:{point.name}" for point in entry_points(group="pytest11") if point.name != "cfworkers")
PYTEST = (sys.executable, "-m", "pytest", *BARE, *OTHERS)
WITHOUT = "-pno:cfworkers"
VALGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")

# As where it was installed: what is imported is compiled already.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def cpu_of(*command: str, cwd: Path) -> float:
    """Run a command and return the seconds of CPU that it took, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)  # `os.times` counts in steps of 10 ms
    subprocess.run(command, cwd=cwd, env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def instructions_of(*command: str, cwd: Path) -> int:
    """Run a command and return the instructions that the processor executed, which no neighbour disturbs."""
    environment = {**ENVIRONMENT, "PYTHONHASHSEED": "0"}
    done = subprocess.run([*VALGRIND, *command], cwd=cwd, env=environment, check=True, capture_output=True, text=True)
    found = re.search(r"I +refs: +([\d,]+)", done.stderr)
    if found is None:
        raise RuntimeError(f"valgrind counted nothing: {done.stderr}")
    return int(found[1].replace(",", ""))


def suite(folder: Path) -> Ratio:
    """Compare a suite of trivial tests with and without the plugin."""
    (folder / "test_many.py").write_text(
        f"import pytest\n\n\n@pytest.mark.parametrize('n', range({TESTS}))\ndef test_one(n):\n    assert n >= 0\n",
        encoding="utf-8",
    )
    return compare(
        lambda: cpu_of(*PYTEST, cwd=folder),
        lambda: cpu_of(*PYTEST, WITHOUT, cwd=folder),
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
        float(
            subprocess.run(
                [sys.executable, "-c", program], env=ENVIRONMENT, check=True, capture_output=True, text=True
            ).stdout
        )
        for _ in range(ROUNDS)
    ]
    return min(runs)


def main() -> None:
    """Print the figures."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"2,000 trivial tests with the plugin   {suite(folder)}")
        if shutil.which(VALGRIND[0]):
            ratio = instructions_of(*PYTEST, cwd=folder) / instructions_of(*PYTEST, WITHOUT, cwd=folder)
            print(f"the same, in instructions             {ratio:.3f}x")
    print(f"importing the plugin after pytest     {import_ms():.1f} ms of CPU")
    print(f"(measured in {time.perf_counter() - start:.0f} s)")
