"""Times the in-process D1 against bare apsw, in one run: `python benchmarks/d1_speed.py`.

Each figure is a ratio of processor time, summed over alternating rounds, so that a busy
machine disturbs it little.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import apsw

sys.path.insert(0, str(Path(__file__).parents[1]))

from pytest_cfworkers.d1 import D1Database
from pytest_cfworkers.d1.engine import Engine
from pytest_cfworkers.d1.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 15
FRESH = 500
SCHEMA = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b REAL, c TEXT, d INTEGER, e TEXT, f REAL, g TEXT)"
INSERT = "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
LIMITS = {"first": 6.0, "batch": 2.5, "read": 2.0, "fresh_ms": 0.5}


def row(number: int) -> tuple[float, str, float, str, float, str, float, str]:
    """Return one row of the test table."""
    return (float(number), f"name {number}", number * 1.5, "text", number * 2.0, "more", 0.25, "last")


def compared(fake: Callable[[], float], bare: Callable[[], float]) -> float:
    """Return how many times longer the fake takes, from alternating rounds."""
    times = [(fake(), bare()) for _ in range(ROUNDS)]
    return sum(mine for mine, _ in times) / sum(theirs for _, theirs in times)


def first_ratio(loop: asyncio.AbstractEventLoop) -> float:
    """`prepare().bind().first()` by primary key."""
    database, connection = filled(loop)
    sql, count = "SELECT * FROM t WHERE id = ?", 2_000

    async def run() -> None:
        for number in range(count):
            await database.prepare(sql).bind(number % 100).first()

    def fake() -> float:
        start = time.process_time()
        loop.run_until_complete(run())
        return time.process_time() - start

    def bare() -> float:
        start = time.process_time()
        for number in range(count):
            connection.execute(sql, (float(number % 100),)).fetchone()
        return time.process_time() - start

    return compared(fake, bare)


def batch_ratio(loop: asyncio.AbstractEventLoop) -> float:
    """`batch` of 100 inserts against one transaction."""
    database, connection = filled(loop)
    sql = "INSERT INTO t (a, b, c, d, e, f, g) VALUES (?, ?, ?, ?, ?, ?, ?)"
    rows = [row(number)[1:] for number in range(100)]
    statement = database.prepare(sql)

    async def run() -> None:
        for _ in range(20):
            await database.batch([statement.bind(*values) for values in rows])

    def fake() -> float:
        start = time.process_time()
        loop.run_until_complete(run())
        return time.process_time() - start

    def bare() -> float:
        start = time.process_time()
        for _ in range(20):
            with connection:
                for values in rows:
                    connection.execute(sql, values)
        return time.process_time() - start

    return compared(fake, bare)


def read_ratio(loop: asyncio.AbstractEventLoop) -> float:
    """10,000 rows of 8 columns against bare apsw building dictionaries."""
    database, connection = filled(loop, 10_000)

    def fake() -> float:
        start = time.process_time()
        loop.run_until_complete(database.prepare("SELECT * FROM t").all())
        return time.process_time() - start

    def bare() -> float:
        start = time.process_time()
        cursor = connection.execute("SELECT * FROM t")
        names = [column[0] for column in cursor.get_description()]
        [dict(zip(names, values, strict=True)) for values in cursor]
        return time.process_time() - start

    return compared(fake, bare)


def fresh_milliseconds() -> float:
    """A fresh database from a migrated template of 60 tables."""
    engine = Engine()
    for number in range(60):
        engine.store.run_own(f"CREATE TABLE t{number} (id INTEGER PRIMARY KEY, name TEXT NOT NULL, x REAL)")
        engine.store.run_own(f"CREATE INDEX i{number} ON t{number} (name)")
    snapshot = Snapshot.of(engine)
    start = time.process_time()
    for _ in range(FRESH):
        snapshot.database()
    return (time.process_time() - start) / FRESH * 1000


def filled(loop: asyncio.AbstractEventLoop, count: int = 100) -> tuple[D1Database, apsw.Connection]:
    """Return a fake and a bare database with the same rows."""
    database, connection = D1Database(), apsw.Connection(":memory:")
    loop.run_until_complete(database.exec(SCHEMA))
    connection.execute(SCHEMA)
    statement = database.prepare(INSERT)
    loop.run_until_complete(database.batch([statement.bind(*row(number)) for number in range(count)]))
    with connection:
        connection.executemany(INSERT, [row(number) for number in range(count)])
    return database, connection


def main() -> int:
    """Print each figure beside its limit; fail if one is beyond."""
    loop = asyncio.new_event_loop()
    results = {
        "first": first_ratio(loop),
        "batch": batch_ratio(loop),
        "read": read_ratio(loop),
        "fresh_ms": fresh_milliseconds(),
    }
    loop.close()
    for name, value in results.items():
        print(f"{name:10} {value:6.2f}  (at most {LIMITS[name]})")
    print(json.dumps({name: round(value, 3) for name, value in results.items()}))
    return int(any(value > LIMITS[name] for name, value in results.items()))


if __name__ == "__main__":
    sys.exit(main())
