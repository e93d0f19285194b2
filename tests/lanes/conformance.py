"""Runs recorded programs on the real runtime and compares what Python sees: differences are the bridge's.

`python -m tests.lanes.conformance` runs the whole corpus, some minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_cfworkers.d1 import JsException
from pytest_cfworkers.lanes.lane import WorkerdLane
from tests.d1.conformance import NOT_COUNTED, load
from tests.d1.differential.comparison import comparable
from tests.d1.transcript import Runner

if TYPE_CHECKING:
    from collections.abc import Iterable

RACES: Final = {
    "concurrent/interleaved-batches-and-reads": "a failing batch was sent after what follows it; the lane, "
    "like the recording of JavaScript, sends in the order of the calls",
}
"""Programs whose answers hang on the order in which concurrent calls leave Python."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An operation that the lane answers differently from the recording."""

    name: str
    operation: dict[str, Any]
    lane: Any
    recorded: Any

    def __str__(self) -> str:
        shown = {"operation": self.operation, "lane": self.lane, "recorded": self.recorded}
        return "\n  ".join([self.name, *(f"{label}: {json.dumps(value)[:1000]}" for label, value in shown.items())])


def counted() -> list[dict[str, Any]]:
    """Return the programs that the lane has to answer as recorded, all of `meta` included."""
    return [
        program for program in load() if not NOT_COUNTED.keys() & set(program["tags"]) and program["name"] not in RACES
    ]


def differences(lane: WorkerdLane, programs: Iterable[dict[str, Any]]) -> list[Difference]:
    """Run programs, each on a fresh database, and return what differs."""
    found = []
    for program in programs:
        database = lane.fresh_database()
        transcript = asyncio.run(Runner(database, JsException).transcript(program["ops"]))
        lane.release(database)
        for operation, got, recorded in zip(program["ops"], transcript, program["transcript"], strict=True):
            if comparable(got, apart=True) != comparable(recorded, apart=True):
                found.append(Difference(program["name"], operation, got, recorded))
    return found


def main() -> int:
    """Run the corpus and print the share of operations that agree."""
    argparse.ArgumentParser(prog="python -m tests.lanes.conformance", description=__doc__).parse_args()
    programs = counted()
    operations = sum(len(program["ops"]) for program in programs)
    with WorkerdLane() as lane:
        found = differences(lane, programs)
    for difference in found:
        sys.stdout.write(f"{difference}\n")
    agreeing = operations - len(found)
    share = f"{agreeing} of {operations} operations agree ({100 * agreeing / operations:.2f} %)"
    sys.stdout.write(f"{len(programs)} programs; {share}, all of `meta` included\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
