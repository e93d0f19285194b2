"""Waiting for a slot, under asyncio and trio and in threads: in order, and never for ever."""

import asyncio
import contextlib
import sys
import threading
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
import trio
import trio.testing

from pytest_cfworkers import CfLimitExceeded, Invocation, Limits, admission
from pytest_cfworkers.admission import checkpoint, others_are_ready, wait_for_slot, wait_for_slot_async
from pytest_cfworkers.callsite import NOWHERE, Site
from pytest_cfworkers.d1.budget import BUDGET
from pytest_cfworkers.guards.connection import Connection
from tests.unit.turning import Clock

HERE = Site()
TRIP: Any = SimpleNamespace(kind="query", statements=("SELECT 1",), parameters=(0,), scans=lambda _: ())
ENOUGH_S = 20.0
"""How long a test may hang before it is given up: nothing that passes waits for it."""

BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


def invocation_of(slots: int) -> Invocation:
    return Invocation(Limits.none().replace(connections=slots))


def open_one(invocation: Invocation, label: object = "GET") -> Connection:
    return invocation.requests.open(label, HERE)


def streaming(invocation: Invocation, label: object = "GET") -> Connection:
    """Open a connection whose body nobody reads."""
    connection = open_one(invocation, label)
    invocation.requests.headers(connection, body=True)
    return connection


def in_threads(*functions: Callable[[], object]) -> None:
    """Run functions in threads of their own; fail if one does not come back."""
    threads = [threading.Thread(target=function, daemon=True) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(ENOUGH_S)
    assert not any(thread.is_alive() for thread in threads), "a thread waits for ever"


def run(backend: str, function: Callable[[], Awaitable[Any]]) -> Any:
    """Run a coroutine function; fail if it does not come back."""

    async def main() -> Any:
        with anyio.fail_after(ENOUGH_S):
            return await function()

    return anyio.run(main, backend=backend)


@pytest.fixture
def hopeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every wait be too long at once."""
    monkeypatch.setattr(admission, "LONGEST_WAIT_S", 0.0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a body that another thread opened count as read by nobody as soon as it lies there."""
    monkeypatch.setattr(admission, "READ_PATIENCE_S", 0.001)


# tasks


@BACKENDS
def test_tasks_get_their_slots_first_in_first_out(backend: str) -> None:
    async def main() -> None:
        with invocation_of(2) as invocation:
            opened: list[Connection] = []

            async def request(number: int) -> None:
                opened.append(connection := open_one(invocation, number))
                if connection.state == "queued":
                    assert await wait_for_slot_async(invocation, connection, None)
                assert len(invocation.connections.holders) <= 2
                await checkpoint()
                await checkpoint()
                invocation.requests.close(connection, "consumed")

            async with anyio.create_task_group() as group:
                for number in range(9):
                    group.start_soon(request, number)
            granted = [connection.admitted_at for connection in opened]
            assert granted == sorted(granted, key=lambda moment: moment or 0.0)
            assert (invocation.statistics().peak_connections, invocation.statistics().queued) == (9, 7)
            raise LookupError  # the verdict is not what this test is about

    with pytest.raises(LookupError):
        run(backend, main)


@BACKENDS
def test_a_task_without_time_in_the_queue_is_timed_out(backend: str) -> None:
    async def main() -> None:
        invocation = invocation_of(1)
        open_one(invocation)
        late = open_one(invocation)
        assert not await wait_for_slot_async(invocation, late, 0.0)
        assert (late.state, late.outcome) == ("closed", "failed")
        assert [violation.rule for violation in invocation.violations] == ["connections", "queued-timeout"]

    run(backend, main)


@BACKENDS
def test_the_time_of_a_task_runs_out_while_it_waits(backend: str) -> None:
    async def main() -> None:
        invocation = invocation_of(1)
        open_one(invocation)
        late = open_one(invocation)
        assert not await wait_for_slot_async(invocation, late, 0.001)
        assert invocation.connections.timed_out.total() == 1

    run(backend, main)


@BACKENDS
@pytest.mark.usefixtures("hopeless")
def test_a_task_that_waited_too_long_is_let_through_beyond_the_limit(backend: str) -> None:
    async def main() -> None:
        invocation = invocation_of(1)
        open_one(invocation)
        late = open_one(invocation)
        assert await wait_for_slot_async(invocation, late, None)
        assert (late.state, len(invocation.connections.holders)) == ("waiting", 2)
        assert not invocation.connections.timed_out

    run(backend, main)


@BACKENDS
def test_where_nobody_reads_the_oldest_body_is_closed_and_the_task_goes_on(backend: str) -> None:
    closed: list[object] = []

    async def main() -> None:
        invocation = invocation_of(2)
        for number in range(2):
            connection = streaming(invocation, number)
            connection.cancel = lambda number=number: close(number)
        late = open_one(invocation, "late")
        assert await wait_for_slot_async(invocation, late, None)
        assert late.state == "waiting"

    async def close(number: int) -> None:
        await checkpoint()
        closed.append(number)

    run(backend, main)
    assert closed == [0]


@BACKENDS
def test_a_body_that_cannot_be_closed_is_no_failure_of_the_request_that_waited(backend: str) -> None:
    async def main() -> None:
        invocation = invocation_of(1)
        streaming(invocation).cancel = fail
        late = open_one(invocation)
        assert await wait_for_slot_async(invocation, late, None)
        assert late.state == "waiting"

    async def fail() -> None:
        raise OSError

    run(backend, main)


@BACKENDS
def test_a_body_whose_closing_never_ends_holds_up_nobody_for_ever(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "CLOSE_PATIENCE_S", 0.001)

    async def main() -> None:
        invocation = invocation_of(1)
        body = streaming(invocation)
        body.cancel = anyio.sleep_forever
        assert await wait_for_slot_async(invocation, open_one(invocation), None)
        assert body.outcome == "evicted"

    run(backend, main)


def test_a_task_does_not_evict_at_once_what_a_thread_may_be_about_to_read() -> None:
    """Between its headers and its first read a body of another thread looks as if nobody wanted it."""

    async def main() -> None:
        invocation = invocation_of(1)
        body: list[Connection] = []
        in_threads(lambda: body.append(streaming(invocation)))
        late = open_one(invocation)
        async with anyio.create_task_group() as group:
            group.start_soon(wait_for_slot_async, invocation, late, None)
            await asleep(late)
            invocation.requests.reading(body[0])
            invocation.requests.close(body[0], "consumed")
        assert (body[0].outcome, late.state) == ("consumed", "waiting")

    run("asyncio", main)


@BACKENDS
def test_a_synchronous_body_may_be_closed_from_a_task(backend: str) -> None:
    closed: list[bool] = []

    async def main() -> None:
        invocation = invocation_of(1)
        streaming(invocation).cancel = lambda: closed.append(True)
        assert await wait_for_slot_async(invocation, open_one(invocation), None)

    run(backend, main)
    assert closed == [True]


@BACKENDS
def test_a_waiting_task_is_told_when_the_last_reader_pauses(backend: str) -> None:
    """It went to sleep while there was hope; it must be woken to look again."""

    async def main() -> None:
        invocation = invocation_of(1)
        reader = streaming(invocation)
        invocation.requests.reading(reader)
        late = open_one(invocation)

        async def pause() -> None:
            await asleep(late)
            assert late.state == "queued"
            invocation.requests.paused_reading(reader)

        async with anyio.create_task_group() as group:
            group.start_soon(pause)
            assert await wait_for_slot_async(invocation, late, None)
        assert reader.outcome == "evicted"

    run(backend, main)


async def asleep(connection: Connection) -> None:
    """Wait until the driver of a connection waits."""
    while connection.waiter is None:
        await anyio.lowlevel.checkpoint()
    await anyio.wait_all_tasks_blocked()


@BACKENDS
@pytest.mark.parametrize("outcome", ["consumed", "cancelled", "failed"])
def test_a_slot_comes_back_however_the_connection_ends(backend: str, outcome: Any) -> None:
    async def main() -> None:
        invocation = invocation_of(1)
        first, late = open_one(invocation), open_one(invocation)

        async def end() -> None:
            await asleep(late)
            invocation.requests.close(first, outcome)

        async with anyio.create_task_group() as group:
            group.start_soon(end)
            assert await wait_for_slot_async(invocation, late, None)

    run(backend, main)


@BACKENDS
def test_a_slot_comes_back_from_another_thread(backend: str) -> None:
    async def main() -> None:
        invocation = invocation_of(1)
        first, late = open_one(invocation), open_one(invocation)

        async def end() -> None:
            await asleep(late)
            await anyio.to_thread.run_sync(invocation.requests.abandon, first)

        async with anyio.create_task_group() as group:
            group.start_soon(end)
            assert await wait_for_slot_async(invocation, late, None)

    run(backend, main)


@BACKENDS
def test_a_cancelled_task_leaves_the_queue_and_is_no_timeout(backend: str) -> None:
    async def main() -> None:
        invocation = invocation_of(1)
        first, late = open_one(invocation), open_one(invocation)
        async with anyio.create_task_group() as group:
            group.start_soon(wait_for_slot_async, invocation, late, None)
            await asleep(late)
            group.cancel_scope.cancel()
        assert (late.state, late.outcome) == ("closed", "cancelled")
        assert invocation.connections.queue == ()
        assert not invocation.connections.timed_out
        invocation.requests.close(first, "consumed")
        assert invocation.connections.holders == ()

    run(backend, main)


async def with_asyncio_timeout(wait: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(0.001):
        await wait()


async def with_wait_for(wait: Callable[[], Awaitable[bool]]) -> None:
    await asyncio.wait_for(wait(), 0.001)


async def with_anyio(wait: Callable[[], Awaitable[bool]]) -> None:
    with anyio.fail_after(0.001):
        await wait()


@pytest.mark.parametrize("within", [with_asyncio_timeout, with_wait_for, with_anyio])
def test_a_deadline_of_the_user_in_the_queue_is_a_queued_timeout(
    within: Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]],
) -> None:
    async def main() -> None:
        invocation = invocation_of(1)
        open_one(invocation)
        late = open_one(invocation)
        with pytest.raises(TimeoutError):
            await within(lambda: wait_for_slot_async(invocation, late, None))
        assert invocation.connections.timed_out == {HERE: 1}
        assert late.state == "closed"

    run("asyncio", main)


@pytest.mark.parametrize("name", ["move_on_after", "fail_after"])
def test_a_deadline_of_trio_in_the_queue_is_a_queued_timeout(name: str) -> None:
    async def main() -> None:
        invocation = invocation_of(1)
        open_one(invocation)
        late = open_one(invocation)
        try:
            with getattr(trio, name)(5):
                await wait_for_slot_async(invocation, late, None)
        except trio.TooSlowError:
            pass
        assert invocation.connections.timed_out == {HERE: 1}

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


@BACKENDS
def test_a_cancellation_after_the_slot_was_granted_is_no_queued_timeout(backend: str) -> None:
    async def main() -> None:
        invocation = invocation_of(1)
        first, late = open_one(invocation), open_one(invocation)
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(wait_for_slot_async, invocation, late, None)
                await asleep(late)
                invocation.requests.close(first, "consumed")
                assert late.state == "waiting"
                scope.cancel()
        assert (late.outcome, invocation.connections.holders) == ("cancelled", ())
        assert not invocation.connections.timed_out

    run(backend, main)


async def until_timeout(request: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(0.001):
        await request()


async def until_wait_for(request: Callable[[], Awaitable[object]]) -> None:
    await asyncio.wait_for(request(), 0.001)


async def until_anyio(request: Callable[[], Awaitable[object]]) -> None:
    with anyio.fail_after(0.001):
        await request()


class StillClock(asyncio.SelectorEventLoop):
    """A loop whose time passes only when it is told to, so that all that is due is due in one turn."""

    now = 0.0

    def time(self) -> float:
        return self.now


Within = Callable[[Callable[[], Awaitable[object]]], Awaitable[object]]


async def all_out_of_time(invocation: Invocation, within: Within) -> None:
    """Send twelve requests that nobody answers, each with the same deadline."""

    async def request() -> None:
        connection = open_one(invocation)
        if connection.state == "queued":
            await wait_for_slot_async(invocation, connection, None)
        try:
            await anyio.sleep_forever()
        finally:
            invocation.requests.close(connection, "failed")

    async def one() -> None:
        with contextlib.suppress(TimeoutError, trio.TooSlowError):
            await within(request)

    async with anyio.create_task_group() as group:
        for _ in range(12):
            group.start_soon(one)
        while len(invocation.connections.queue) < 6:
            await checkpoint()
        if not trio.lowlevel.in_trio_task():
            asyncio.get_running_loop().now += 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("within", [until_timeout, until_wait_for, until_anyio])
def test_where_all_run_out_of_time_together_those_in_the_queue_timed_out_there(
    within: Within,
) -> None:
    """The first to end leave their slots to others that have no time left, either."""
    invocation = invocation_of(6)
    with asyncio.Runner(loop_factory=StillClock) as runner:
        runner.run(all_out_of_time(invocation, within))
    assert invocation.connections.timed_out == {HERE: 6}
    assert (invocation.connections.holders, invocation.connections.queue) == ((), ())


def test_where_all_run_out_of_time_together_under_trio_those_in_the_queue_timed_out_there() -> None:
    async def within(request: Callable[[], Awaitable[object]]) -> None:
        with trio.fail_after(5):
            await request()

    invocation = invocation_of(6)
    trio.run(all_out_of_time, invocation, within, clock=trio.testing.MockClock(autojump_threshold=0))
    assert invocation.connections.timed_out == {HERE: 6}


def given_up() -> anyio.CancelScope:
    scope = anyio.CancelScope()
    scope.cancel()
    return scope


async def never() -> None:
    await anyio.sleep_forever()


async def refused() -> None:
    raise ConnectionError


@pytest.mark.parametrize(
    ("scope", "answer", "queued_s", "rules"),
    [
        (lambda: anyio.move_on_after(0), never, 8.0, ["connections", "queued-timeout"]),
        (lambda: anyio.move_on_after(0), never, 7.0, ["connections"]),
        (given_up, never, 8.0, ["connections"]),
        (anyio.CancelScope, refused, 8.0, ["connections"]),
    ],
)
@BACKENDS
def test_a_deadline_that_strikes_after_the_sending_is_a_queued_timeout_where_nearly_all_time_went_to_the_queue(
    backend: str,
    scope: Callable[[], anyio.CancelScope],
    answer: Callable[[], Awaitable[None]],
    queued_s: float,
    rules: list[str],
) -> None:
    async def main() -> None:
        clock = Clock()
        invocation = Invocation(Limits.none().replace(connections=1), clock=clock)
        first, late = open_one(invocation), open_one(invocation)
        clock.now = queued_s
        invocation.requests.close(first, "consumed")
        assert await wait_for_slot_async(invocation, late, None)
        clock.now = 10.0
        with contextlib.suppress(ConnectionError), scope():
            try:
                await answer()
            except BaseException as error:
                admission.fail(invocation, late, error)
                raise
        assert [violation.rule for violation in invocation.violations] == rules
        assert (late.state, late.outcome) == ("closed", "failed")

    run(backend, main)


@BACKENDS
def test_a_round_trip_to_d1_that_was_queued_for_nearly_all_of_its_time_timed_out_there(backend: str) -> None:
    async def main() -> None:
        clock = Clock()
        with contextlib.suppress(CfLimitExceeded), Invocation(Limits.none().replace(connections=1), clock=clock) as own:
            first = open_one(own)

            async def late() -> None:
                with anyio.CancelScope() as scope:
                    async with BUDGET.round_trip(TRIP):
                        scope.deadline = anyio.current_time()
                        clock.now = 10.0
                        await anyio.sleep_forever()

            async with anyio.create_task_group() as group:
                group.start_soon(late)
                while not own.connections.queue:
                    await checkpoint()
                clock.now = 9.0
                own.requests.close(first, "consumed")
        assert [violation.rule for violation in own.violations] == ["connections", "queued-timeout"]

    run(backend, main)


@BACKENDS
def test_a_checkpoint_lets_the_others_go_first(backend: str) -> None:
    async def main() -> None:
        order: list[str] = []

        async def other() -> None:
            order.append("other")

        async with anyio.create_task_group() as group:
            group.start_soon(other)
            await checkpoint()
            await checkpoint()
            order.append("own")
        assert order == ["other", "own"]

    run(backend, main)


def test_a_checkpoint_of_asyncio_takes_one_turn_of_the_loop() -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        turns = 0

        def turn() -> None:
            nonlocal turns
            turns += 1
            loop.call_soon(turn)

        loop.call_soon(turn)
        await checkpoint()
        return turns

    assert run("asyncio", main) == 1


def test_a_task_knows_whether_another_one_is_ready_in_its_loop() -> None:
    async def main() -> None:
        assert not others_are_ready()
        other = asyncio.create_task(checkpoint())
        assert others_are_ready()
        await other
        assert not others_are_ready()

    run("asyncio", main)


def test_with_a_task_factory_another_task_may_always_be_ready() -> None:
    async def main() -> bool:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coroutine, **more: asyncio.Task(coroutine, loop=loop, **more))
        return others_are_ready()

    assert run("asyncio", main)


def test_in_a_loop_that_does_not_tell_another_task_may_always_be_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        def get_task_factory(self) -> None: ...

    monkeypatch.setattr(asyncio, "get_running_loop", Silent)
    assert others_are_ready()


def test_what_a_loop_calls_outside_of_a_task_knows_it_too() -> None:
    async def main() -> None:
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(lambda: answer.set_result(others_are_ready()))
        assert not await answer

    run("asyncio", main)


def test_in_a_guest_run_of_trio_another_task_may_always_be_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    async def guest() -> bool:
        with monkeypatch.context() as patch:
            patch.setattr(asyncio.get_running_loop(), "_ready", ())
            return others_are_ready()

    async def host() -> bool:
        loop, done = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
        trio.lowlevel.start_guest_run(
            guest, run_sync_soon_threadsafe=loop.call_soon_threadsafe, done_callback=done.set_result
        )
        return bool((await done).unwrap())

    assert asyncio.run(host())


def test_in_trio_another_task_may_always_be_ready() -> None:
    async def main() -> bool:
        return others_are_ready()

    assert run("trio", main)


def test_a_waiter_outlives_its_loop() -> None:
    """A slot that comes back after the loop is gone wakes nobody and breaks nothing."""
    invocation = invocation_of(1)
    first, late = open_one(invocation), open_one(invocation)

    async def main() -> None:
        late.waiter = admission._TaskWaiter()

    asyncio.run(main())
    invocation.requests.close(first, "consumed")
    assert late.state == "waiting"


# threads


def test_a_thread_without_time_in_the_queue_is_timed_out() -> None:
    invocation = invocation_of(1)
    in_threads(lambda: open_one(invocation))
    late = open_one(invocation)
    assert not wait_for_slot(invocation, late, 0.0)
    assert invocation.connections.timed_out == {HERE: 1}


@pytest.mark.usefixtures("impatient")
def test_the_time_of_a_thread_runs_out_while_it_waits() -> None:
    invocation = invocation_of(1)
    in_threads(lambda: open_one(invocation))
    assert not wait_for_slot(invocation, open_one(invocation), 0.003)
    assert invocation.connections.timed_out == {HERE: 1}


@pytest.mark.usefixtures("hopeless")
def test_a_thread_that_waited_too_long_is_let_through() -> None:
    invocation = invocation_of(1)
    in_threads(lambda: open_one(invocation))
    late = open_one(invocation)
    assert wait_for_slot(invocation, late, None)
    assert late.state == "waiting"


def test_alone_with_unread_bodies_a_thread_closes_its_oldest_and_goes_on() -> None:
    invocation = invocation_of(6)
    connections = [streaming(invocation, number) for number in range(6)]
    for late in range(6, 12):
        connection = open_one(invocation, late)
        assert wait_for_slot(invocation, connection, None)
        invocation.requests.headers(connection, body=True)
    assert [connection.outcome for connection in connections] == ["evicted"] * 6
    assert invocation.statistics().evicted == 6


def test_alone_with_what_only_it_could_end_a_thread_is_let_through() -> None:
    """A request within the reading of another one, in the same thread: waiting for it would never end."""
    invocation = invocation_of(1)
    reader = streaming(invocation)
    invocation.requests.reading(reader)
    late = open_one(invocation)
    assert wait_for_slot(invocation, late, None)
    assert (reader.state, late.state) == ("streaming", "waiting")


def test_a_thread_never_waits_on_the_thread_of_the_loop_that_holds_the_slots() -> None:
    async def main() -> None:
        invocation = invocation_of(1)
        open_one(invocation)  # a task's, which runs only when this call is back
        late = open_one(invocation)
        assert wait_for_slot(invocation, late, None)

    run("asyncio", main)


def test_a_synchronous_body_is_closed_by_the_thread_that_waits() -> None:
    closed: list[bool] = []
    invocation = invocation_of(1)
    streaming(invocation).cancel = lambda: closed.append(True)
    assert wait_for_slot(invocation, open_one(invocation), None)
    assert closed == [True]


def test_an_asynchronous_body_is_given_up_from_a_thread_without_a_warning() -> None:
    """Its loop cannot run while the thread waits, so nobody can await the closing."""
    invocation = invocation_of(1)
    awaited: list[bool] = []

    async def close() -> None:
        awaited.append(True)

    streaming(invocation).cancel = close
    assert wait_for_slot(invocation, open_one(invocation), None)
    assert not awaited  # and no RuntimeWarning, which the configuration makes an error


def test_a_body_that_cannot_be_closed_is_no_failure_of_the_thread_that_waited() -> None:
    def fail() -> None:
        raise OSError

    invocation = invocation_of(1)
    streaming(invocation).cancel = fail
    assert wait_for_slot(invocation, open_one(invocation), None)


@pytest.mark.usefixtures("impatient")
def test_a_body_of_another_thread_is_closed_when_nobody_reads_it_for_long() -> None:
    invocation = invocation_of(1)
    in_threads(lambda: streaming(invocation))
    late = open_one(invocation)
    in_threads(lambda: wait_for_slot(invocation, late, None))
    assert (late.state, invocation.statistics().evicted) == ("waiting", 1)


def test_a_body_of_another_thread_is_left_alone_while_somebody_may_still_read_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admission, "READ_PATIENCE_S", ENOUGH_S)
    invocation = invocation_of(1)
    in_threads(lambda: streaming(invocation))
    assert not wait_for_slot(invocation, open_one(invocation), 0.001)
    assert [holder.state for holder in invocation.connections.holders] == ["streaming"]


def test_a_wait_lasts_until_its_timeout_and_never_longer_than_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(100.0)
    monkeypatch.setattr(admission, "SystemClock", SimpleNamespace(monotonic=clock))
    waits = [admission._Countdown(timeout_s) for timeout_s in (2.0, 60.0, None)]

    def after(seconds: float) -> list[tuple[float, bool, bool]]:
        clock.now = 100.0 + seconds
        return [(wait.left_s(), wait.is_over(), wait.is_hopeless()) for wait in waits]

    assert admission.LONGEST_WAIT_S == 10.0
    assert after(0.0) == [(2.0, False, False), (10.0, False, False), (10.0, False, False)]
    assert after(1.5) == [(0.5, False, False), (8.5, False, False), (8.5, False, False)]
    assert after(2.0) == [(0.0, True, False), (8.0, False, False), (8.0, False, False)]
    assert after(10.0) == [(0.0, True, True), (0.0, False, True), (0.0, False, True)]
    assert after(60.0) == [(0.0, True, True), (0.0, True, True), (0.0, False, True)]


def test_a_thread_is_woken_by_the_slot_of_another() -> None:
    invocation = invocation_of(1)
    first: list[Connection] = []
    in_threads(lambda: first.append(open_one(invocation)))
    late = open_one(invocation)

    def end() -> None:
        while late.waiter is None:
            pass
        invocation.requests.close(first[0], "consumed")

    in_threads(lambda: wait_for_slot(invocation, late, None), end)
    assert late.state == "waiting"


@pytest.mark.usefixtures("impatient")
def test_many_threads_that_leave_bodies_unread_all_come_back() -> None:
    invocation = invocation_of(3)

    def work() -> None:
        for _ in range(3):
            connection = open_one(invocation)
            if connection.state == "queued":
                assert wait_for_slot(invocation, connection, None)
            invocation.requests.headers(connection, body=True)

    in_threads(*[work] * 8)
    figures = invocation.statistics()
    assert (figures.connections, figures.evicted + figures.unread_bodies) == (24, 24)
    assert len(invocation.connections.holders) == figures.unread_bodies <= 3


def test_many_threads_that_read_all_come_back_and_never_hold_too_many() -> None:
    invocation = invocation_of(3)
    most: list[int] = []

    def work() -> None:
        for _ in range(20):
            connection = open_one(invocation)
            if connection.state == "queued":
                assert wait_for_slot(invocation, connection, None)
            most.append(len(invocation.connections.holders))
            invocation.requests.close(connection, "consumed")

    in_threads(*[work] * 8)
    assert max(most) <= 3
    assert invocation.connections.holders == invocation.connections.queue == ()
    assert invocation.statistics().connections == 160


def test_a_thread_may_be_woken_while_it_is_about_to_wait() -> None:
    """The collector closes bodies at any step of any thread, also within the wait that this ends."""
    waiter = admission._ThreadWaiter()

    def wake(_frame: object, _event: str, _argument: object) -> None:
        waiter.wake()

    def wait() -> None:
        sys.setprofile(wake)
        try:
            waiter.wait(ENOUGH_S)
        finally:
            sys.setprofile(None)

    in_threads(wait)


def test_a_wake_up_before_the_wait_is_not_lost() -> None:
    waiter = admission._ThreadWaiter()
    waiter.wake()
    waiter.wake()
    in_threads(lambda: waiter.wait(2 * ENOUGH_S))


def test_where_going_over_the_limit_is_allowed_the_next_is_let_through_and_nothing_is_cancelled() -> None:
    with Invocation(Limits.plan().replace(connections=1, unread_bodies=None, allow={"connections": "meant"})) as one:
        first = one.requests.open("GET", NOWHERE)
        one.requests.headers(first, body=True)
        second = one.requests.open("GET", NOWHERE)
        assert wait_for_slot(one, second, None)
        assert (first.state, second.state) == ("streaming", "waiting")
