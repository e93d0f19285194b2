"""Many requests share one deadline: those beyond the six spend theirs in the queue, and time out there."""

import asyncio
import contextlib
import itertools
import selectors
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
import trio

from pytest_cfworkers import Invocation
from pytest_cfworkers.admission import LONGEST_WAIT_S
from pytest_cfworkers.clients.watch import watch

DEADLINE_S = 0.2
STEPS_S = [0.0, 1e-6, 3e-6, 1e-5, 2e-5, 1e-4]
"""How long each look at the clock takes: which turns of the loop lie between the deadlines depends on it."""

Send = Callable[[], Any]


class Time:
    """A clock that goes on by a step with each look, and to what is due next when nothing is left to do."""

    def __init__(self, step_s: float) -> None:
        self.now = 0.0
        self._step_s = step_s

    def __call__(self) -> float:
        self.now += self._step_s
        return self.now


class Selector(selectors.DefaultSelector):
    """Lets time go on in the place of waiting for it."""

    def __init__(self, time: Time) -> None:
        super().__init__()
        self._time = time

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0 if timeout is not None else None)
        if not ready and timeout is not None:
            self._time.now += timeout
        return ready


class Loop(asyncio.SelectorEventLoop):
    """A loop of asyncio in which time is the test's."""

    def __init__(self, time: Time) -> None:
        super().__init__(Selector(time))
        self.time = time  # type: ignore[method-assign]


class TrioClock(trio.abc.Clock):
    """The same for trio."""

    def __init__(self, time: Time) -> None:
        self._time = time

    def start_clock(self) -> None:
        pass

    def current_time(self) -> float:
        return self._time()

    def deadline_to_sleep_time(self, deadline: float) -> float:
        if deadline > self._time.now + LONGEST_WAIT_S:
            return deadline - self._time.now
        self._time.now = max(self._time.now, deadline)
        return 0.0


async def by_wait_for(send: Send) -> None:
    await asyncio.wait_for(send(), DEADLINE_S)


async def by_asyncio_timeout(send: Send) -> None:
    async with asyncio.timeout(DEADLINE_S):
        await send()


async def by_fail_after(send: Send) -> None:
    with anyio.fail_after(DEADLINE_S):
        await send()


async def by_move_on_after(send: Send) -> None:
    with anyio.move_on_after(DEADLINE_S):
        await send()


async def by_fail_after_of_trio(send: Send) -> None:
    with trio.fail_after(DEADLINE_S):
        await send()


async def by_move_on_after_of_trio(send: Send) -> None:
    with trio.move_on_after(DEADLINE_S):
        await send()


OF_ASYNCIO = [by_wait_for, by_asyncio_timeout, by_fail_after, by_move_on_after]
OF_TRIO = [by_fail_after, by_move_on_after, by_fail_after_of_trio, by_move_on_after_of_trio]


async def slow(_: httpx.Request) -> httpx.Response:
    """Answer long after every deadline."""
    await anyio.sleep(5)
    return httpx.Response(200)


class SlowBody(httpx.AsyncByteStream):
    """A body that comes long after every deadline; its headers come at once."""

    async def __aiter__(self) -> Any:
        await anyio.sleep(5)
        yield b""


def slow_body(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, stream=SlowBody())


def timed_out(backend: str, step_s: float, within: Any, handle: Any, count: int) -> int:
    """Send requests with one deadline each, at the same time, and tell how many timed out in the queue."""
    time = Time(step_s)

    async def scenario() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(handle), timeout=None) as client:  # noqa: S113

            async def one() -> None:
                with contextlib.suppress(TimeoutError, trio.TooSlowError):
                    await within(lambda: client.get("http://mock/"))

            async with anyio.create_task_group() as tasks:
                for _ in range(count):
                    tasks.start_soon(one)

    invocation = Invocation(enforce=True, clock=lambda: time.now)
    with watch(incoming=True), contextlib.suppress(Exception), invocation:
        if backend == "asyncio":
            with asyncio.Runner(loop_factory=lambda: Loop(time)) as runner:
                runner.run(scenario())
        else:
            trio.run(scenario, clock=TrioClock(time))
    assert (invocation.connections.holders, invocation.connections.queue) == ((), ())
    assert invocation.statistics().connections == count
    return invocation.connections.timed_out.total()


@pytest.mark.parametrize("handle", [slow, slow_body])
@pytest.mark.parametrize(
    ("backend", "within"),
    [*itertools.product(["asyncio"], OF_ASYNCIO), *itertools.product(["trio"], OF_TRIO)],
)
def test_all_beyond_the_six_time_out_in_the_queue_where_all_share_one_deadline(
    backend: str, within: Any, handle: Any
) -> None:
    """However the turns of the loop fall: a slot that comes a moment before the deadline comes too late."""
    for count, step_s in [*((8, step_s) for step_s in STEPS_S), (40, 1e-5)]:
        assert (count, step_s, timed_out(backend, step_s, within, handle, count)) == (count, step_s, count - 6)
