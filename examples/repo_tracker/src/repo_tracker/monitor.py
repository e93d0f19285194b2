"""Where the time of an invocation goes, and which operation took too long."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


class OperationTimeoutError(Exception):
    """An operation took longer than it may.

    Attributes:
        operation: Which one.
        seconds: How long it was given.
        transient: True: it may be quicker next time.
    """

    transient = True

    def __init__(self, operation: str, seconds: float) -> None:
        super().__init__(f"{operation} did not finish within {seconds:g} s")
        self.operation = operation
        self.seconds = seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A moment of an invocation.

    Attributes:
        name: What was done then.
        at: Seconds since the start.
        since_previous: Seconds since the checkpoint before, or since the start.
    """

    name: str
    at: float
    since_previous: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceReport:
    """Where the time went.

    Attributes:
        operation: What was watched.
        seconds: How long it took so far.
        checkpoints: Its moments, in their order.
    """

    operation: str
    seconds: float
    checkpoints: tuple[Checkpoint, ...]

    @property
    def slowest(self) -> Checkpoint | None:
        """The checkpoint that took longest to reach; None without any."""
        return max(self.checkpoints, key=lambda checkpoint: checkpoint.since_previous, default=None)


class PerformanceMonitor:
    """Note the moments of one operation.

    On Workers the clock stands still while code runs and moves on when it waits: what is measured is waiting.
    https://developers.cloudflare.com/workers/runtime-apis/performance/ (checked 2026-11-24)

    Args:
        operation: What is watched.
        clock: Returns seconds; only differences matter.
    """

    def __init__(self, operation: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._operation = operation
        self._clock = clock
        self._start = clock()
        self._checkpoints: list[Checkpoint] = []

    def checkpoint(self, name: str) -> Checkpoint:
        """Note a moment.

        Args:
            name: What is done now.
        """
        at = self._clock() - self._start
        previous = self._checkpoints[-1].at if self._checkpoints else 0.0
        checkpoint = Checkpoint(name=name, at=at, since_previous=at - previous)
        self._checkpoints.append(checkpoint)
        return checkpoint

    def report(self) -> PerformanceReport:
        """Return the moments so far."""
        seconds = self._clock() - self._start
        return PerformanceReport(operation=self._operation, seconds=seconds, checkpoints=tuple(self._checkpoints))

    async def with_timeout(self, operation: str, work: Callable[[], Awaitable[T]], seconds: float) -> T:
        """Run `work`, cancel it when its time is over, and note a checkpoint when it is done.

        Args:
            operation: What `work` does.
            work: A function without arguments, so that its time begins here.
            seconds: How long it may take.

        Returns:
            What `work` returns.

        Raises:
            OperationTimeoutError: It took longer. A TimeoutError of its own is passed on as it is.
        """
        try:
            async with asyncio.timeout(seconds) as deadline:
                result = await work()
        except TimeoutError as error:
            if deadline.expired():
                raise OperationTimeoutError(operation, seconds) from error
            raise
        self.checkpoint(operation)
        return result
