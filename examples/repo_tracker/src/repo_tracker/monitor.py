"""Where the time of an invocation goes, and which operation took too long."""

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
        raise NotImplementedError

    def checkpoint(self, name: str) -> Checkpoint:
        """Note a moment."""
        raise NotImplementedError

    def report(self) -> PerformanceReport:
        """Return the moments so far."""
        raise NotImplementedError

    async def with_timeout(self, operation: str, work: Callable[[], Awaitable[T]], seconds: float) -> T:
        """Run `work`, cancel it when its time is over, and note a checkpoint when it is done.

        Raises:
            OperationTimeoutError: It took longer. A TimeoutError of its own is passed on as it is.
        """
        raise NotImplementedError
