"""Six connections at once, first come, first served."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

CONNECTIONS: Final = 6
"""https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections (checked 2026-11-24)"""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStatistics:
    """How a pool was used.

    Attributes:
        size: How many connections it allows at once.
        active: How many are in use now.
        queued: How many wait for one now.
        peak: The most that were ever in use at once.
        served: How many were handed out in all.
    """

    size: int
    active: int
    queued: int
    peak: int
    served: int


class ConnectionPool:
    """Hand out a fixed number of connections, in the order in which they were asked for.

    Make one for each invocation: the limit is the invocation's, and an object of asyncio belongs to one event loop.
    The platform queues a seventh request as well, but a request that waits there has its timeout running already;
    one that waits here has not started.

    Hold a connection until the body is read or closed. Who holds one is refused a second one: six tasks that ask for
    it at the same time would wait for each other for ever, and that would show in production first.

    Args:
        size: How many connections may be in use at once.

    Raises:
        ValueError: `size` is less than one.
    """

    def __init__(self, size: int = CONNECTIONS) -> None:
        if size < 1:
            raise ValueError(f"a pool needs at least one connection, not {size}")
        self._size = size
        self._active = 0
        self._peak = 0
        self._served = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._holders: set[asyncio.Task[Any] | None] = set()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        """Wait for a connection, and give it back at the end of the block, however it ends.

        Raises:
            RuntimeError: This task holds one already.
        """
        task = asyncio.current_task()
        if task in self._holders:
            raise RuntimeError("this task holds a connection of the pool; give it back before you take the next")
        await self._acquire()
        self._holders.add(task)
        try:
            yield
        finally:
            self._holders.discard(task)
            self._release()

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Wait for a connection, and hold it while `work` runs.

        Args:
            work: A function without arguments. It is called when the connection is there, not before, so that
                timeouts inside of it start late enough.

        Returns:
            What `work` returns.
        """
        async with self.connection():
            return await work()

    def statistics(self) -> PoolStatistics:
        """Return how the pool was used so far."""
        return PoolStatistics(
            size=self._size,
            active=self._active,
            queued=sum(not turn.done() for turn in self._waiting),
            peak=self._peak,
            served=self._served,
        )

    async def _acquire(self) -> None:
        # A free connection means that nobody waits: `_release` hands over as long as anybody does.
        if self._active < self._size:
            self._take()
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except BaseException:
            # Nobody waits any more. If it was handed over in this very moment, it must not get lost.
            if not turn.cancel() and not turn.cancelled():
                self._release()
            raise

    def _release(self) -> None:
        self._active -= 1
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # or it was cancelled, and nobody waits for it any more
                self._take()  # for the one who waited, at once, so that nobody comes in between
                turn.set_result(None)
                return

    def _take(self) -> None:
        self._active += 1
        self._served += 1
        self._peak = max(self._peak, self._active)
