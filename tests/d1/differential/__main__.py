"""Look for disagreements between the fake and the real D1, and keep each as a line of the corpus.

python -m tests.d1.differential --examples 2000
"""

from __future__ import annotations

import argparse
import sys
import time

from pytest_cfworkers.lanes.lane import WorkerdLane
from tests.d1.differential.found import FOUND, append
from tests.d1.differential.search import Search


def main() -> int:
    """Search, print each kind of disagreement once, and write it down; returns 1 where there were any."""
    parser = argparse.ArgumentParser(prog="python -m tests.d1.differential", description=__doc__)
    parser.add_argument("--examples", type=int, default=2000, help="how many programs to run (default: 2000)")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other programs (default: 0)")
    parser.add_argument("--kinds", type=int, default=20, help="stop after so many kinds (default: 20)")
    parser.add_argument("--shares", action="store_true", help="compare rows_read, rows_written and size_after too")
    parser.add_argument("--no-write", action="store_true", help=f"print only, leave {FOUND.name} alone")
    arguments = parser.parse_args()
    start = time.monotonic()
    with WorkerdLane() as lane:
        search = Search(lane, seed=arguments.seed, apart=arguments.shares)
        while search.examples < arguments.examples and len(search.found) < arguments.kinds:
            found = search.next(arguments.examples - search.examples)
            if found is None:
                continue
            print(f"\n{len(search.found)}. {found}", flush=True)  # noqa: T201 - a command
            if not arguments.no_write:
                append(found, lane.bridge.versions)
    seconds = time.monotonic() - start
    summary = f"\n{search.examples} programs, {len(search.found)} kinds of disagreement, {seconds:.0f} s"
    print(summary)  # noqa: T201 - a command
    return 1 if search.found else 0


if __name__ == "__main__":
    sys.exit(main())
