"""Injected faults look like the real ones, and strike where they are told to."""

import asyncio
import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pytest_cfworkers.d1 import D1Database, D1Error
from pytest_cfworkers.d1.channel import RoundTrip
from pytest_cfworkers.d1.database import channel_of
from pytest_cfworkers.d1.faults import NETWORK_LOST, OVERLOADED, RESET_FOR_CODE, Fault, Faults, inject


async def prepared() -> D1Database:
    database = D1Database()
    await database.exec("CREATE TABLE t (a)")
    return database


async def count(database: D1Database) -> int:
    return await database.prepare("SELECT count(*) AS n FROM t").first("n")  # type: ignore[no-any-return]


def test_a_fault_before_the_statement_leaves_no_trace() -> None:
    async def story() -> None:
        database = await prepared()
        with inject(database, Faults(Fault(NETWORK_LOST, at=1))) as faults:
            with pytest.raises(D1Error) as caught:
                await database.prepare("INSERT INTO t VALUES (1)").run()
            assert caught.value.message == "D1_ERROR: Network connection lost."
            assert caught.value.cause is not None
            assert await count(database) == 0
        assert [position for position, _ in faults.struck] == [1]
        assert faults.round_trips == 2

    asyncio.run(story())


def test_a_fault_after_the_statement_keeps_its_effect() -> None:
    async def story() -> None:
        database = await prepared()
        with inject(database, Faults(Fault(RESET_FOR_CODE, matching="^insert", after=True))):
            with pytest.raises(D1Error, match="reset because its code was updated"):
                await database.batch([database.prepare("INSERT INTO t VALUES (1)")])
            await database.prepare("INSERT INTO t VALUES (2)").run()
        assert await count(database) == 2

    asyncio.run(story())


def test_exec_words_a_fault_as_it_words_every_error() -> None:
    async def story() -> None:
        database = await prepared()
        with (
            inject(database, Faults(Fault(OVERLOADED, at=1))),
            pytest.raises(D1Error, match=r"D1_EXEC_ERROR: Error in line 1: SELECT 1: D1 DB is overloaded"),
        ):
            await database.exec("SELECT 1")

    asyncio.run(story())


def test_a_number_of_times_alone_strikes_the_next_round_trips() -> None:
    async def story() -> None:
        database = await prepared()
        with inject(database, Faults(Fault(NETWORK_LOST, times=2))) as faults:
            for _ in range(2):
                with pytest.raises(D1Error):
                    await count(database)
            await count(database)
        assert [position for position, _ in faults.struck] == [1, 2]

    asyncio.run(story())


def test_chance_repeats_itself() -> None:
    async def story() -> list[bool]:
        database = await prepared()
        failed = []
        with inject(database, Faults(Fault(NETWORK_LOST, probability=0.5, seed=3))):
            for _ in range(20):
                try:
                    await count(database)
                    failed.append(False)
                except D1Error:
                    failed.append(True)
        return failed

    once, again = asyncio.run(story()), asyncio.run(story())
    assert once == again
    assert 0 < sum(once) < 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "a fault needs at=, times=, matching= or probability= to know when it strikes"),
        ({"at": 0}, "at=0: it takes a round trip's number, counted from 1"),
        ({"at": 1.5}, "at=1.5: it takes a round trip's number, counted from 1"),
        ({"at": "1"}, "at='1': it takes a round trip's number, counted from 1"),
        ({"at": True}, "at=True: it takes a round trip's number, counted from 1"),
        ({"at": 1, "times": 0}, "times=0: it takes a number from 1 on, or None for always"),
        ({"at": 1, "times": "2"}, "times='2': it takes a number from 1 on, or None for always"),
        ({"probability": 2}, "probability=2: it takes a number from 0 to 1"),
        ({"probability": -0.1}, "probability=-0.1: it takes a number from 0 to 1"),
        ({"probability": math.nan}, "probability=nan: it takes a number from 0 to 1"),
        ({"probability": "0.5"}, "probability='0.5': it takes a number from 0 to 1"),
        ({"matching": 5}, "matching=5: it takes a regular expression as a text"),
        (
            {"matching": "*"},
            "matching='*': it takes a regular expression; this is none: nothing to repeat at position 0",
        ),
    ],
)
def test_a_fault_names_the_value_that_it_does_not_take_and_what_it_takes(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Fault(NETWORK_LOST, **options)


def test_what_is_no_fault_and_no_text_is_named() -> None:
    with pytest.raises(ValueError, match="message=5: it takes a text"):
        Fault(5, at=1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"Faults\('overloaded'\): it takes faults"):
        Faults("overloaded")  # type: ignore[arg-type]


def test_a_watcher_sees_every_round_trip() -> None:
    seen: list[tuple[str, tuple[str, ...], tuple[int, ...]]] = []

    class Watch:
        @asynccontextmanager
        async def round_trip(self, trip: RoundTrip) -> AsyncIterator[None]:
            seen.append((trip.kind, trip.statements, trip.parameters))
            await asyncio.sleep(0)
            yield

    async def story() -> None:
        database = await prepared()
        channel_of(database).watcher = Watch()
        await database.prepare("SELECT ?").bind(1).first()
        await database.batch([database.prepare("SELECT 1"), database.prepare("SELECT ?, ?").bind(1, 2)])
        await database.exec("SELECT 1\nSELECT 2")
        await database.withSession().prepare("SELECT 3").all()

    asyncio.run(story())
    assert seen == [
        ("query", ("SELECT ?",), (1,)),
        ("batch", ("SELECT 1", "SELECT ?, ?"), (0, 2)),
        ("exec", ("SELECT 1", "SELECT 2"), (0, 0)),
        ("query", ("SELECT 3",), (0,)),
    ]
