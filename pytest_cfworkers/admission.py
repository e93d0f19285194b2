"""Waiting for a slot: first in first out, under asyncio and trio and in threads, and never for ever.

The guard decides who gets a slot; here its decision is waited for. Three things end a wait: a slot, the
request's own timeout, and the certainty or long suspicion that no slot will ever come.
"""

import asyncio
import contextlib
import inspect
import threading
from _thread import start_new_thread
from asyncio import sleep  # now: tests of pauses between tries replace it
from collections.abc import Callable, Iterator
from typing import Final, final

import anyio
import anyio.lowlevel

from pytest_cfworkers.clock import SystemClock
from pytest_cfworkers.deadline import in_trio, is_deadline
from pytest_cfworkers.guards.connection import Connection
from pytest_cfworkers.invocation import Invocation

READ_PATIENCE_S: Final = 0.1
"""How long a body that another thread opened may lie unread before it counts as read by nobody, in seconds."""

CLOSE_PATIENCE_S: Final = 1.0
"""How long closing the response of an evicted connection may take before it is cancelled, in seconds."""

LONGEST_WAIT_S: Final = 10.0
"""After so long in the queue a connection is let through beyond the limit: the test must end, in seconds."""


@final
class _ThreadWaiter:
    """Wakes a thread, from any thread, by releasing a lock that it waits for.

    An event will not do: the collector may close a body at any step of a thread, also where that thread holds
    the event's own lock, and waking it would then wait for ever.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # it is awake already
            self._lock.release()

    def wait(self, timeout_s: float) -> None:
        self._lock.acquire(timeout=timeout_s)


@final
class _TaskWaiter:
    """Wakes a task from any thread, always through the loop: the running task goes on until it waits itself."""

    def __init__(self) -> None:
        self._event = anyio.Event()
        if in_trio():
            import trio  # noqa: PLC0415 - only where trio runs

            self._soon: Callable[[Callable[[], object]], object] = trio.lowlevel.current_trio_token().run_sync_soon
        else:
            self._soon = asyncio.get_running_loop().call_soon_threadsafe

    def wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, and with it whoever waited
            self._soon(self._event.set)

    async def wait(self, timeout_s: float) -> None:
        with anyio.move_on_after(timeout_s), self._alarm(timeout_s):
            await self._event.wait()
        self._event = anyio.Event()

    @contextlib.contextmanager
    def _alarm(self, timeout_s: float) -> Iterator[None]:
        """Wake it after some seconds of the system's, where a test has a clock of its own: a loop may stand still."""
        if not SystemClock.is_replaced():
            yield
            return
        over = threading.Lock()
        over.acquire(blocking=False)

        def ring() -> None:
            if not over.acquire(timeout=timeout_s):
                self.wake()

        start_new_thread(ring, ())
        try:
            yield
        finally:
            over.release()


@final
class _Countdown:
    def __init__(self, timeout_s: float | None) -> None:
        self._start = SystemClock.monotonic()
        self._timeout_s = timeout_s

    def is_over(self) -> bool:
        return self._timeout_s is not None and self._passed_s() >= self._timeout_s

    def is_hopeless(self) -> bool:
        return self._passed_s() >= LONGEST_WAIT_S

    def left_s(self) -> float:
        end = LONGEST_WAIT_S if self._timeout_s is None else min(self._timeout_s, LONGEST_WAIT_S)
        return max(0.0, end - self._passed_s())

    def _passed_s(self) -> float:
        return SystemClock.monotonic() - self._start


def wait_for_slot(invocation: Invocation, connection: Connection, timeout_s: float | None) -> bool:
    """Block until a connection has a slot.

    Args:
        invocation: The invocation that it belongs to.
        connection: The connection.
        timeout_s: The request's own timeout for this, in seconds; None for none.

    Returns:
        False if the timeout ran out; the connection is closed then.
    """
    thread = threading.get_ident()
    waiter = connection.waiter = _ThreadWaiter()
    countdown = _Countdown(timeout_s)
    while connection.state == "queued":
        if (evicted := invocation.requests.evict_stalled(thread=thread, patience_s=READ_PATIENCE_S)) is not None:
            _close(evicted)
        elif countdown.is_over():
            invocation.requests.time_out(connection)
        elif countdown.is_hopeless() or _is_alone(invocation, thread):
            invocation.requests.let_through(connection)
        else:
            waiter.wait(min(READ_PATIENCE_S, countdown.left_s()))
    return connection.state != "closed"


async def wait_for_slot_async(invocation: Invocation, connection: Connection, timeout_s: float | None) -> bool:
    """Wait in a task until a connection has a slot, and let the other tasks have their turn; see `wait_for_slot`.

    A cancellation on the way closes the connection; one by a deadline is the request's own timeout, too. It is so also
    where the slot came in the same turn of the loop: those that held one ran out of time together with this one.
    """
    waiter = connection.waiter = _TaskWaiter()
    countdown = _Countdown(timeout_s)
    thread = threading.get_ident()
    try:
        while connection.state == "queued":
            if (evicted := invocation.requests.evict_stalled(thread=thread, patience_s=READ_PATIENCE_S)) is not None:
                await _close_async(evicted)
            elif countdown.is_over():
                invocation.requests.time_out(connection)
            elif countdown.is_hopeless():
                invocation.requests.let_through(connection)
            elif _threads_hold(invocation, thread):
                await waiter.wait(min(READ_PATIENCE_S, countdown.left_s()))
            else:
                await waiter.wait(countdown.left_s())
        await checkpoint()
    except BaseException as error:
        if is_deadline(error):
            invocation.requests.time_out(connection)
        invocation.requests.close(connection, "cancelled")
        raise
    return connection.state != "closed"


def fail(invocation: Invocation, connection: Connection, error: BaseException) -> None:
    """End a connection whose request failed, before its response came or while that was read.

    Args:
        invocation: The invocation that it belongs to.
        connection: The connection.
        error: What it failed with, while that passes: a deadline may have been used up in the queue.
    """
    if connection.beyond and is_deadline(error):
        invocation.requests.run_out(connection)
    else:
        invocation.requests.close(connection, "failed")


def others_are_ready() -> bool:
    """Tell whether another task may be ready to run; only a loop that knows that none is says no.

    Giving way to nobody is half the cost of a guarded request. With a task factory what comes next may be unknown
    to the loop: an eager task runs before its siblings are made.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return in_trio()  # or a coroutine is driven by hand
    if asyncio.current_task(loop) is None and in_trio():  # a guest in the loop; to ask trio takes twenty times as long
        return True
    return bool(getattr(loop, "_ready", True)) or loop.get_task_factory() is not None


async def checkpoint() -> None:
    """Give the other tasks that are ready their turn, as waiting for a network does."""
    if in_trio():
        await anyio.lowlevel.checkpoint()
    else:
        await sleep(0)  # as anyio does, without asking again what runs


def _is_alone(invocation: Invocation, thread: int) -> bool:
    """Tell whether nobody but the waiting thread could free a slot, which it cannot while it waits."""
    return not _threads_hold(invocation, thread)


def _threads_hold(invocation: Invocation, thread: int) -> bool:
    """Tell whether a thread other than a given one holds a slot, whose reading wakes nobody in time."""
    return any(holder.thread != thread for holder in invocation.connections.holders)


def _close(evicted: Connection) -> None:
    """Close the response of an evicted connection. That it cannot be closed is no failure of the one that waits."""
    with contextlib.suppress(Exception):
        closing = evicted.cancel() if evicted.cancel is not None else None
        if inspect.iscoroutine(closing):
            closing.close()  # its loop does not run while this thread waits, or runs in another thread


async def _close_async(evicted: Connection) -> None:
    """Close the response of an evicted connection, in a task; see `_close`."""
    with contextlib.suppress(Exception):
        closing = evicted.cancel() if evicted.cancel is not None else None
        if inspect.isawaitable(closing):
            with anyio.move_on_after(CLOSE_PATIENCE_S):
                await closing
