"""Measure the workerd lane: its start, a fresh database, round trips one after the other and at once.

    python benchmarks/lane_speed.py [--rounds 5] [--count 300]

Prints the median of the rounds with the smallest and the largest; all on the machine it runs on.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from typing import TYPE_CHECKING

from pytest_cfworkers.lanes.lane import WorkerdLane

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SCHEMA = "\n".join(f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, a TEXT, b REAL, c BLOB)" for n in range(60))


async def measured(count: int, rounds: int, call: Callable[[], Awaitable[object]]) -> list[float]:
    """Return the milliseconds for one of `count` calls, for each round."""
    figures = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(count):
            await call()
        figures.append((time.perf_counter() - start) * 1000 / count)
    return figures


def report(name: str, figures: list[float]) -> None:
    """Print one line."""
    middle = statistics.median(figures)
    rate = f"{1000 / middle:8.0f} /s" if middle else ""
    print(f"{name:<44} {middle:8.2f} ms ({min(figures):.2f} to {max(figures):.2f}) {rate}")


async def main(rounds: int, count: int) -> None:
    """Measure everything."""
    starts = []
    for _ in range(rounds):
        start = time.perf_counter()
        with WorkerdLane() as lane:
            _ = lane.bridge
            starts.append((time.perf_counter() - start) * 1000)
    report("start of the runtime", starts)
    with WorkerdLane() as lane:

        async def fresh() -> None:
            database = lane.fresh_database()
            await database.prepare("SELECT 1").first()
            lane.release(database)

        report("fresh database, one query, removal", await measured(count // 3, rounds, fresh))
        template = lane.fresh_database()
        await template.exec(SCHEMA)
        snapshot = lane.snapshot(template)

        async def from_snapshot() -> None:
            database = lane.fresh_database(snapshot)
            await database.prepare("SELECT * FROM t7").first()
            lane.release(database)

        report("the same from a 60-table snapshot", await measured(count // 3, rounds, from_snapshot))
        database = lane.fresh_database()
        await database.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)\nINSERT INTO t VALUES (1, 'x')")
        select = database.prepare("SELECT a FROM t WHERE id = ?")
        bound = select.bind(1)
        report("first() by key", await measured(count, rounds, bound.first))
        report("prepare().bind().first() by key", await measured(count, rounds, lambda: select.bind(1).first()))
        report(
            "20 queries at once, for each gather",
            await measured(count // 20, rounds, lambda: asyncio.gather(*(bound.first() for _ in range(20)))),
        )
        insert = database.prepare("INSERT INTO t (a) VALUES ('y')")
        report("batch of 100 inserts", await measured(10, rounds, lambda: database.batch([insert] * 100)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=300)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.rounds, arguments.count))
