"""Databases of the lane: fresh, apart from each other, and with the real binding's answers."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from pytest_cfworkers.d1 import D1Error, JsException
from pytest_cfworkers.d1.database import channel_of
from pytest_cfworkers.d1.faults import NETWORK_LOST, Fault, Faults, inject
from pytest_cfworkers.lanes.errors import LaneError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from pytest_cfworkers.d1.channel import RoundTrip
    from pytest_cfworkers.lanes.database import WorkerdDatabase
    from pytest_cfworkers.lanes.lane import WorkerdLane


def run(call: Callable[[], Awaitable[Any]]) -> Any:
    return anyio.run(call)


@pytest.fixture
def database(lane: WorkerdLane) -> WorkerdDatabase:
    return lane.fresh_database()


def test_two_databases_know_nothing_of_each_other(lane: WorkerdLane) -> None:
    async def main() -> None:
        first, second = lane.fresh_database(), lane.fresh_database()
        await first.exec("CREATE TABLE t (a)")
        with pytest.raises(D1Error, match="no such table: t"):
            await second.prepare("SELECT * FROM t").all()
        assert await second.prepare("SELECT total_changes() AS n").first("n") == 0

    run(main)


def test_a_fresh_database_shows_no_trace_of_earlier_requests(database: WorkerdDatabase) -> None:
    async def main() -> None:
        meta = (await database.prepare("SELECT 1").run()).meta
        assert (meta.last_row_id, meta.size_after, meta.changed_db) == (0, 4096, False)
        assert (await database.prepare("SELECT 1").run()).meta.last_row_id == 2  # the runtime's own bookkeeping

    run(main)


def test_a_snapshot_is_where_other_databases_start(lane: WorkerdLane) -> None:
    async def main() -> None:
        template = lane.fresh_database()
        await template.exec("CREATE TABLE t (a)\nINSERT INTO t VALUES (7)")
        snapshot = lane.snapshot(template)
        await template.exec("DELETE FROM t")
        first, second = lane.fresh_database(snapshot), lane.fresh_database(snapshot)
        await first.exec("INSERT INTO t VALUES (8)")
        result = await second.prepare("SELECT a FROM t").all()
        assert result.results == [{"a": 7}]
        assert result.meta.last_row_id == 0

    run(main)


def test_a_released_database_leaves_no_files(lane: WorkerdLane) -> None:
    async def main() -> None:
        database = lane.fresh_database()
        await database.exec("CREATE TABLE t (a)")
        files = database._channel.remote.files()
        assert files[".sqlite"].exists()
        lane.release(database)
        assert not any(path.exists() for path in files.values())

    run(main)


def test_a_database_of_another_lane_is_refused(lane: WorkerdLane) -> None:
    pytest.importorskip("apsw")
    from pytest_cfworkers.d1 import D1Database  # noqa: PLC0415

    with pytest.raises(LaneError, match="not a database of the workerd lane"):
        lane.release(D1Database())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5),
        (2**53 - 2, 2**53 - 2),
        (4.0, 4),
        (-0.0, 0),
        (1.5e300, 1.5e300),
        (True, 1),
        (None, None),
        (math.nan, None),
        (math.inf, None),
        ("é\x00😀", "é\x00😀"),
        (b"\x00\xff", [0, 255]),
        (b"", []),
        ([1, 2.5, 255], [1, 2, 255]),
        (memoryview(b"ab"), [97, 98]),
    ],
)
def test_values_come_back_as_json_leaves_them(database: WorkerdDatabase, value: object, expected: object) -> None:
    async def main() -> None:
        result = await database.prepare("SELECT ? AS v").bind(value).first("v")
        assert result == expected
        assert type(result) is type(expected)

    run(main)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2**53 - 1, "Type 'bigint' not supported for value '9007199254740991'"),
        ({}, "Type 'object' not supported for value '[object Object]'"),
        ([300], "Type 'object' not supported for value '300'"),
        (len, "Type 'function' not supported for value '<built-in function len>'"),
    ],
)
def test_bind_refuses_at_once_in_the_words_of_the_binding(database: WorkerdDatabase, value: object, text: str) -> None:
    with pytest.raises(D1Error) as caught:
        database.prepare("SELECT ?").bind(value)
    assert caught.value.message == f"D1_TYPE_ERROR: {text}"
    assert caught.value.name == "Error"
    assert isinstance(caught.value.cause, JsException)
    assert caught.value.cause.message == text


def test_a_tuple_never_leaves_python(database: WorkerdDatabase) -> None:
    with pytest.raises(TypeError, match="<class 'tuple'> cannot be sent over RPC"):
        database.prepare("SELECT ?").bind((1, 2))


def test_errors_of_javascript_itself_keep_their_name(database: WorkerdDatabase) -> None:
    with pytest.raises(D1Error) as caught:
        database.withSession(5)  # type: ignore[arg-type]
    assert (caught.value.name, caught.value.message) == (
        "TypeError",
        "constraintOrBookmark?.trim is not a function",
    )


def test_values_larger_than_a_frame_cross_whole(database: WorkerdDatabase) -> None:
    async def main() -> None:
        text = "é" * 400_000
        assert await database.prepare("SELECT ? AS v").bind(text).first("v") == text
        blob = bytes(range(256)) * 2_500
        assert await database.prepare("SELECT ? AS v").bind(blob).first("v") == list(blob)

    run(main)


def test_columns_with_the_names_of_the_wire_are_only_columns(database: WorkerdDatabase) -> None:
    async def main() -> None:
        row = await database.prepare("SELECT 1 AS b, 2 AS '$bigint', 3 AS '7', 4 AS '__proto__'").first()
        assert list(row.items()) == [("7", 3), ("b", 1), ("$bigint", 2), ("__proto__", 4)]

    run(main)


def test_a_batch_is_one_transaction(database: WorkerdDatabase) -> None:
    async def main() -> None:
        await database.exec("CREATE TABLE t (a UNIQUE)")
        insert = database.prepare("INSERT INTO t VALUES (?)")
        with pytest.raises(D1Error, match="UNIQUE constraint failed"):
            await database.batch([insert.bind(1), insert.bind(1)])
        results = await database.batch([insert.bind(2), database.prepare("SELECT a FROM t")])
        assert results[1].results == [{"a": 2}]

    run(main)


def test_injected_faults_strike_as_on_the_fake(database: WorkerdDatabase) -> None:
    async def main() -> None:
        await database.exec("CREATE TABLE t (a)")
        insert = database.prepare("INSERT INTO t VALUES (1)")
        count = database.prepare("SELECT count(*) AS n FROM t")
        with inject(database, Faults(Fault(NETWORK_LOST, at=1), Fault(NETWORK_LOST, at=2, after=True))):
            with pytest.raises(D1Error, match=f"D1_ERROR: {NETWORK_LOST}"):
                await insert.run()
            with pytest.raises(D1Error, match=f"D1_ERROR: {NETWORK_LOST}"):
                await insert.run()
        assert await count.first("n") == 1

    run(main)


def test_whoever_watches_sees_each_round_trip(database: WorkerdDatabase) -> None:
    trips: list[RoundTrip] = []

    class Watcher:
        @asynccontextmanager
        async def round_trip(self, trip: RoundTrip) -> AsyncIterator[None]:
            trips.append(trip)
            yield

    async def main() -> None:
        channel_of(database).watcher = Watcher()
        await database.prepare("SELECT ?, ?").bind(1, 2).all()
        await database.batch([database.prepare("SELECT 1"), database.prepare("SELECT ?").bind("x")])
        await database.exec("SELECT 1\nSELECT 2")
        await database.withSession().prepare("SELECT 3").raw()

    run(main)
    seen = [(trip.kind, trip.statements, trip.parameters) for trip in trips]
    assert seen == [
        ("query", ("SELECT ?, ?",), (2,)),
        ("batch", ("SELECT 1", "SELECT ?"), (0, 1)),
        ("exec", ("SELECT 1", "SELECT 2"), (0, 0)),
        ("query", ("SELECT 3",), (0,)),
    ]
