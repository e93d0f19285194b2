"""Telling a timeout from every other cancellation."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from types import ModuleType

import anyio
import anyio.lowlevel
import pytest
import trio
import trio.testing

from pytest_cfworkers import Invocation, Limits
from pytest_cfworkers.deadline import in_trio, is_deadline

BLINK_S = 0.001


class Watched:
    """Waits for ever, and notes what its cancellation was taken for."""

    def __init__(self) -> None:
        self.taken_for: bool | None = None
        self.started = asyncio.Event()

    async def __call__(self) -> None:
        self.started.set()
        await self.through(asyncio.Event().wait())

    async def through(self, waiting: Awaitable[object]) -> None:
        try:
            await waiting
        except BaseException as error:
            self.taken_for = is_deadline(error)
            raise


async def by_timeout(watched: Watched) -> None:
    async with asyncio.timeout(BLINK_S):
        await watched()


async def by_timeout_around_a_gather(watched: Watched) -> None:
    async with asyncio.timeout(BLINK_S):
        await asyncio.gather(watched(), asyncio.Event().wait())


async def by_timeout_around_a_task_group(watched: Watched) -> None:
    async with asyncio.timeout(BLINK_S), asyncio.TaskGroup() as group:
        group.create_task(watched())


async def by_wait_for(watched: Watched) -> None:
    await asyncio.wait_for(watched(), BLINK_S)


async def by_wait_for_a_gather(watched: Watched) -> None:
    async def both() -> None:
        await asyncio.gather(watched(), asyncio.Event().wait())

    await asyncio.wait_for(both(), BLINK_S)


async def by_anyio_fail_after(watched: Watched) -> None:
    with anyio.fail_after(BLINK_S):
        await watched()


async def by_anyio_move_on_after(watched: Watched) -> None:
    with anyio.move_on_after(BLINK_S):
        await watched()


async def by_anyio_around_a_task_group(watched: Watched) -> None:
    with anyio.move_on_after(BLINK_S):
        async with anyio.create_task_group() as group:
            group.start_soon(watched)


async def by_anyio_through_a_scope_that_tells_no_reason(watched: Watched) -> None:
    """As a task group does that connects to a host: it cancels what is left in it in turn."""

    async def cancelled_anew() -> None:
        try:
            await anyio.sleep_forever()
        except asyncio.CancelledError:
            raise asyncio.CancelledError("Cancelled via cancel scope 7f") from None

    with anyio.move_on_after(BLINK_S):
        await watched.through(cancelled_anew())


async def by_scope_cancel_in_time(watched: Watched) -> None:
    with anyio.move_on_after(600) as scope:
        asyncio.get_running_loop().call_soon(scope.cancel)
        await watched()


async def by_task_cancel_in_the_shelter_of_an_expired_scope(watched: Watched) -> None:
    with anyio.move_on_after(0), anyio.CancelScope(shield=True):
        await anyio.lowlevel.checkpoint()
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        await watched()


async def by_sibling_in_task_group(watched: Watched) -> None:
    async def sibling() -> None:
        await watched.started.wait()
        raise LookupError

    async with asyncio.TaskGroup() as group:
        group.create_task(watched())
        group.create_task(sibling())


async def by_sibling_in_anyio(watched: Watched) -> None:
    async def sibling() -> None:
        await watched.started.wait()
        raise LookupError

    async with anyio.create_task_group() as group:
        group.start_soon(watched)
        group.start_soon(sibling)


async def by_task_cancel(watched: Watched) -> None:
    task = asyncio.create_task(watched())
    await watched.started.wait()
    task.cancel()
    await task


async def by_task_cancel_within_a_running_timeout(watched: Watched) -> None:
    async with asyncio.timeout(600):
        await by_task_cancel(watched)


async def by_task_cancel_after_another_timeout_expired(watched: Watched) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0) as expired:
            await asyncio.Event().wait()
    assert expired.expired()
    await by_task_cancel(watched)


class Probe:
    """Gives up at once, and takes its time to end."""

    def __init__(self) -> None:
        self.expired, self.may_end = threading.Event(), threading.Event()

    async def __call__(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                try:
                    await asyncio.Event().wait()
                finally:
                    self.expired.set()
                    await asyncio.to_thread(self.may_end.wait)

    async def during(self, ends: Awaitable[object], meanwhile: Awaitable[object]) -> None:
        """Wait for something while it ends."""
        ending = asyncio.ensure_future(ends)
        await asyncio.to_thread(self.expired.wait)
        try:
            await meanwhile
        finally:
            self.may_end.set()
            await ending


async def by_sibling_while_another_task_ends_by_its_deadline(watched: Watched) -> None:
    probe = Probe()
    await probe.during(probe(), by_sibling_in_task_group(watched))


async def by_sibling_while_a_task_of_another_thread_ends_by_its_deadline(watched: Watched) -> None:
    probe = Probe()
    await probe.during(asyncio.to_thread(lambda: asyncio.run(probe())), by_sibling_in_task_group(watched))


async def by_cancel_of_a_wait_for_in_time(watched: Watched) -> None:
    task = asyncio.create_task(asyncio.wait_for(watched(), 600))
    await watched.started.wait()
    task.cancel()
    await task


async def by_wait_for_of_a_task_that_had_no_time_left(watched: Watched) -> None:
    task = asyncio.create_task(watched())
    await watched.started.wait()
    await asyncio.wait_for(task, 0)


async def by_scope_cancel(watched: Watched) -> None:
    """Its message names the task, whose name may hold any word."""
    task = asyncio.current_task()
    assert task is not None
    task.set_name("deadline")
    async with anyio.create_task_group() as group:
        group.start_soon(watched)
        await watched.started.wait()
        group.cancel_scope.cancel()


@pytest.mark.parametrize(
    "end",
    [
        by_timeout,
        by_timeout_around_a_gather,
        by_timeout_around_a_task_group,
        by_wait_for,
        by_wait_for_a_gather,
        by_wait_for_of_a_task_that_had_no_time_left,
        by_anyio_fail_after,
        by_anyio_move_on_after,
        by_anyio_around_a_task_group,
        by_anyio_through_a_scope_that_tells_no_reason,
    ],
)
def test_under_asyncio_an_expired_deadline_is_told(end: Callable[[Watched], Awaitable[None]]) -> None:
    assert taken_for(end) is True


@pytest.mark.parametrize(
    "end",
    [
        by_sibling_in_task_group,
        by_sibling_in_anyio,
        by_task_cancel,
        by_cancel_of_a_wait_for_in_time,
        by_task_cancel_within_a_running_timeout,
        by_task_cancel_after_another_timeout_expired,
        by_sibling_while_another_task_ends_by_its_deadline,
        by_sibling_while_a_task_of_another_thread_ends_by_its_deadline,
        by_scope_cancel,
        by_scope_cancel_in_time,
        by_task_cancel_in_the_shelter_of_an_expired_scope,
    ],
)
def test_under_asyncio_every_other_cancellation_is_none(end: Callable[[Watched], Awaitable[None]]) -> None:
    assert taken_for(end) is False


def taken_for(end: Callable[[Watched], Awaitable[None]]) -> bool | None:
    async def main() -> bool | None:
        watched = Watched()
        with contextlib.suppress(TimeoutError, asyncio.CancelledError, ExceptionGroup):
            await end(watched)
        return watched.taken_for

    return asyncio.run(main())


@pytest.mark.parametrize("library", [trio, anyio], ids=["trio", "anyio"])
@pytest.mark.parametrize("name", ["move_on_after", "fail_after"])
def test_under_trio_an_expired_deadline_is_told(library: ModuleType, name: str) -> None:
    taken: list[bool] = []

    async def main() -> None:
        try:
            with getattr(library, name)(5):
                await watched_in_trio(taken)
        except (trio.TooSlowError, TimeoutError):
            pass

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert taken == [True]


async def watched_in_trio(taken: list[bool]) -> None:
    try:
        await trio.sleep_forever()
    except BaseException as error:
        taken.append(is_deadline(error))
        raise


def test_under_trio_a_failing_sibling_is_no_deadline() -> None:
    taken: list[bool] = []

    async def sibling() -> None:
        await trio.testing.wait_all_tasks_blocked()
        raise LookupError

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watched_in_trio, taken)
            nursery.start_soon(sibling)

    with pytest.raises(ExceptionGroup):
        trio.run(main)
    assert taken == [False]


@pytest.mark.parametrize("within", [by_timeout, by_timeout_around_a_gather, by_wait_for_a_gather])
def test_while_an_invocation_runs_nobody_looks_through_all_that_lives_for_a_timeout(
    within: Callable[[Watched], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes longer the more lives, and a test whose requests time out one after another would wait for each."""
    monkeypatch.setattr("gc.get_referrers", lambda _: [])
    watched, before = Watched(), asyncio.Timeout.__aenter__

    async def main() -> None:
        with contextlib.suppress(TimeoutError):
            await within(watched)

    with Invocation(Limits.none()):
        asyncio.run(main())
    assert watched.taken_for
    assert asyncio.Timeout.__aenter__ is before


def test_a_timeout_that_was_entered_before_the_invocation_is_told_too() -> None:
    watched = Watched()

    async def main() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BLINK_S):
                with Invocation(Limits.none()):
                    await watched()

    asyncio.run(main())
    assert watched.taken_for


def test_an_error_that_is_no_cancellation_is_no_deadline() -> None:
    assert not is_deadline(TimeoutError("deadline"))
    assert not is_deadline(KeyboardInterrupt())


def test_a_cancellation_where_no_loop_runs_is_no_deadline() -> None:
    assert not is_deadline(asyncio.CancelledError())


def test_under_trio_neither() -> None:
    async def ask() -> bool:
        return is_deadline(TimeoutError("deadline"))

    assert not trio.run(ask)


def test_trio_is_told_from_asyncio_and_from_no_loop() -> None:
    async def ask() -> bool:
        return in_trio()

    assert trio.run(ask)
    assert not asyncio.run(ask())
    assert not in_trio()
