"""What measuring memory costs, engine by engine: `python -m benchmarks memory_speed`.

Work that allocates much, in turn without and with each engine in one process, by the CPU time of the whole process,
helpers included. pytest-memray has processes of its own, since it measures every test of a run, and wall time.
"""

import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.ratio import Ratio, compare
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.memory.tracker import MemoryTracker

RECORDS = [{"id": number, "name": f"record {number}", "tags": ["a", "b"]} for number in range(2_000)]
ROUNDS = 9


def json_of_many() -> None:
    """Write and read 2,000 records, 60 times."""
    for _ in range(60):
        json.loads(json.dumps(RECORDS))


def many_dicts() -> None:
    """Hold 400,000 small dicts."""
    [{"id": number, "name": "a name"} for number in range(400_000)]


def nothing() -> None:
    """Do nothing, so that what remains is the price of a test."""


def timed(work: Callable[[], None]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def tracked(work: Callable[[], None], engine: str) -> float:
    start = time.process_time()
    tracker = MemoryTracker(Limits.plan().memory, engine=engine)  # type: ignore[arg-type]
    tracker.start()
    work()
    tracker.stop()
    return time.process_time() - start


def traced(work: Callable[[], None]) -> float:
    start = time.process_time()
    tracemalloc.start(1)
    work()
    tracemalloc.stop()
    return time.process_time() - start


def with_pytest_memray(work: Callable[[], None], *, rounds: int) -> Ratio:
    """Compare pytest's own time for a test with and without --memray."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_it.py").write_text(
            f"from benchmarks.memory_speed import {work.__name__}\n\n\ndef test_it():\n    {work.__name__}()\n",
            encoding="utf-8",
        )

        def run(*flags: str) -> float:
            command = (sys.executable, "-m", "pytest", "-q", "--durations=1", "-vv", *flags, f"{folder}/test_it.py")
            output = subprocess.run(
                (*command, "-p", "no:cacheprovider"), check=True, capture_output=True, text=True
            ).stdout
            line = next(line for line in output.splitlines() if " call " in line)
            return float(line.split("s ", 1)[0])

        return compare(lambda: run("--memray"), run, rounds=rounds)


def per_test_ms() -> float:
    """Return the milliseconds that measuring adds to a test that does nothing."""
    tracked(nothing, "auto")
    return min(tracked(nothing, "auto") for _ in range(200)) * 1_000


def main() -> None:
    """Print the figures."""
    for work in (json_of_many, many_dicts):
        auto = compare(partial(tracked, work, "auto"), partial(timed, work), rounds=ROUNDS)
        plain = compare(partial(traced, work), partial(timed, work), rounds=3)
        trace = compare(partial(tracked, work, "trace"), partial(traced, work), rounds=3)
        memray = with_pytest_memray(work, rounds=3)
        print((work.__doc__ or "").strip())
        print(f"  auto          {auto}")
        print(f"  tracemalloc   {plain}")
        print(f"  trace         {trace} of tracemalloc")
        print(f"  pytest-memray {memray}", flush=True)
    print(f"a test that does nothing: {per_test_ms():.2f} ms")
    kept = [bytes([number % 256]) * 10_000 for number in range(4_000)][::2]
    print(f"the same, with 20 MB free between what is kept: {per_test_ms():.2f} ms")
    del kept
