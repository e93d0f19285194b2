"""Awaits the result of another thread, under asyncio and trio alike."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")


async def wait_for(future: Future[T], *, seconds: float = math.inf) -> T:
    """Wait for a future that a thread completes; cancelling the wait leaves the future alone.

    Args:
        future: What a thread will complete.
        seconds: How long to wait at most.

    Returns:
        The result.

    Raises:
        TimeoutError: There was none in time.
        BaseException: What the thread set.
    """
    __tracebackhide__ = True
    with anyio.fail_after(seconds):
        await _done(future)
    failure = future.exception()
    if failure is not None:
        raise failure  # here, so that no traceback shows the frames of the future
    return future.result()


async def _done(future: Future[Any]) -> None:
    event = anyio.Event()
    wake = _waker(event)

    def completed(_: Future[Any]) -> None:
        try:
            wake()
        except RuntimeError:  # the loop has gone; so has whoever waited
            return

    future.add_done_callback(completed)
    await event.wait()


def _waker(event: anyio.Event) -> Any:
    """Return a function for any thread that sets an event of the running loop."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        import trio  # noqa: PLC0415 - no asyncio loop runs, so trio's does

        token = trio.lowlevel.current_trio_token()
        return lambda: token.run_sync_soon(event.set)
    return lambda: loop.call_soon_threadsafe(event.set)
