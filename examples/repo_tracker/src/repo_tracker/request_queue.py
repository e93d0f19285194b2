"""Work by priority, tried again with growing waits, within a budget; what failed for good is kept."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from repo_tracker.backoff import Backoff
from repo_tracker.budget import Budget

T = TypeVar("T")

DEFAULT_ATTEMPTS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter(Generic[T]):
    """Work that was given up.

    Attributes:
        key: Its name in the queue.
        work: What was tried; `queue.put(letter.key, letter.work)` tries it anew.
        priority: As it was put.
        attempts: How often it was tried; 0 if the queue stopped before its turn.
        error: Why it was given up.
    """

    key: str
    work: Callable[[], Awaitable[T]]
    priority: int
    attempts: int
    error: Exception


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueReport(Generic[T]):
    """What came of the work in a queue.

    Attributes:
        results: What the work returned, by its key.
        dead: What was given up, by its key.
        attempts: How often anything was tried.
    """

    results: dict[str, T]
    dead: dict[str, DeadLetter[T]]
    attempts: int

    def result(self, key: str) -> T:
        """Return what the work of a key returned.

        Raises:
            Exception: The error for which it was given up.
        """
        if key in self.dead:
            raise self.dead[key].error
        return self.results[key]


def says_transient(error: Exception) -> bool:
    """Whether an error has the attribute `transient`, and it is true."""
    return bool(getattr(error, "transient", False))


class RequestQueue(Generic[T]):
    """Run work against one server: the most urgent first, failures again later, not more at once than allowed.

    An error is tried again if it is transient. If it has an attribute `retry_after`, in seconds, the server asks for
    quiet: nothing of the queue starts before that time is over. If it asks for more than `max_wait`, the queue stops
    and all that is left in it is given up at once with that error, for another invocation to try.

    Args:
        concurrency: How much work runs at once.
        attempts: How often each piece of work is tried at most.
        budget: What each attempt takes one of; None is endless.
        max_wait: The longest quiet that is kept, in seconds.
        backoff: How long to wait after a failure.
        transient: Whether an error is worth another attempt.
        clock: Returns seconds; only differences matter.
        sleep: Waits for a number of seconds.
    """

    def __init__(
        self,
        *,
        concurrency: int = 6,
        attempts: int = DEFAULT_ATTEMPTS,
        budget: Budget | None = None,
        max_wait: float = 60.0,
        backoff: Backoff | None = None,
        transient: Callable[[Exception], bool] = says_transient,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        raise NotImplementedError

    def put(self, key: str, work: Callable[[], Awaitable[T]], *, priority: int = 0) -> None:
        """Add work.

        Args:
            key: Its name in the report.
            work: A function without arguments, called anew for each attempt.
            priority: Smaller is earlier; equal ones run in the order in which they were put.

        Raises:
            ValueError: The key is in the queue already.
        """
        raise NotImplementedError

    async def run(self) -> QueueReport[T]:
        """Run until nothing is left, and report on all that was ever put.

        A run that is cancelled cancels its work and keeps it; the next run tries it again.
        """
        raise NotImplementedError
