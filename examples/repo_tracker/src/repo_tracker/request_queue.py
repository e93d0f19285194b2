"""Work by priority, tried again with growing waits, within a budget; what failed for good is kept."""

import asyncio
import heapq
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
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


class WorkCancelledError(Exception):
    """Work ended as if it had been cancelled, though nobody cancelled the queue."""


@dataclass(slots=True, order=True)
class _Entry(Generic[T]):
    """Work on its way; entries are in the order in which they should run."""

    priority: int
    number: int
    key: str = field(compare=False)
    work: Callable[[], Awaitable[T]] = field(compare=False)
    attempts: int = field(default=0, compare=False)


def says_transient(error: Exception) -> bool:
    """Whether an error has the attribute `transient`, and it is true."""
    return bool(getattr(error, "transient", False))


class RequestQueue(Generic[T]):
    """Run work against one server: the most urgent first, failures again later, not more at once than allowed.

    An error is tried again if it is transient. If such a one has an attribute `retry_after`, in seconds, the server
    asks for quiet: nothing of the queue starts before that time is over. If it asks for more than `max_wait`, the queue
    stops and all that is left in it is given up at once with that error, for another invocation to try.

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
        self._concurrency = concurrency
        self._attempts = attempts
        self._budget = budget
        self._max_wait = max_wait
        self._backoff = backoff or Backoff()
        self._transient = transient
        self._clock = clock
        self._sleep = sleep
        self._numbers = count()
        self._keys: set[str] = set()
        self._ready: list[_Entry[T]] = []  # a heap
        self._delayed: list[tuple[float, _Entry[T]]] = []  # a heap, by when they are due
        self._quiet_until = -math.inf
        self._stopped_by: Exception | None = None
        self._results: dict[str, T] = {}
        self._dead: dict[str, DeadLetter[T]] = {}
        self._tried = 0
        self._group: asyncio.TaskGroup | None = None  # while it runs
        self._lanes = 0

    def put(self, key: str, work: Callable[[], Awaitable[T]], *, priority: int = 0) -> None:
        """Add work, also while the queue runs.

        Args:
            key: Its name in the report; that of a dead letter may be put again.
            work: A function without arguments, called anew for each attempt.
            priority: Smaller is earlier; equal ones run in the order in which they were put.

        Raises:
            ValueError: The key is in the queue already, or has its result.
        """
        if key in self._keys:
            raise ValueError(f"{key} is in the queue already")
        self._keys.add(key)
        self._dead.pop(key, None)
        entry = _Entry(priority, next(self._numbers), key, work)
        if self._stopped_by is not None:
            self._bury(entry, self._stopped_by)
            return
        heapq.heappush(self._ready, entry)
        self._open_lane()

    async def run(self) -> QueueReport[T]:
        """Run until nothing is left, and report on all that was ever put.

        A run that is cancelled cancels its work and keeps it; the next run tries it again.
        """
        try:
            async with asyncio.TaskGroup() as self._group:
                for _ in range(len(self._ready) + len(self._delayed)):
                    self._open_lane()
        finally:
            self._group = self._stopped_by = None
        return QueueReport(results=dict(self._results), dead=dict(self._dead), attempts=self._tried)

    def _open_lane(self) -> None:
        """Begin to work on one piece more at once, if the queue runs and there may be more."""
        if self._group is not None and self._lanes < self._concurrency:
            self._lanes += 1
            self._group.create_task(self._lane()).add_done_callback(self._close_lane)

    def _close_lane(self, _: asyncio.Task[None]) -> None:
        self._lanes -= 1

    async def _lane(self) -> None:
        """Do one piece of work after the other, until none is left that is not in another lane's hands."""
        while self._ready or self._delayed:
            entry = self._next()
            if entry is None:
                await self._sleep(self._seconds_to_wait())  # with nothing in hand, so nothing can get lost
            else:
                await self._attempt(entry)

    def _next(self) -> _Entry[T] | None:
        """Take the most urgent entry that may run now, if there is one."""
        now = self._clock()
        while self._delayed and self._delayed[0][0] <= now:
            heapq.heappush(self._ready, heapq.heappop(self._delayed)[1])
        return heapq.heappop(self._ready) if self._ready and self._quiet_until <= now else None

    def _seconds_to_wait(self) -> float:
        due = -math.inf if self._ready else self._delayed[0][0]
        return max(due, self._quiet_until) - self._clock()

    async def _attempt(self, entry: _Entry[T]) -> None:
        try:
            if self._budget is not None:
                self._budget.take()
            entry.attempts += 1
            self._tried += 1
            self._results[entry.key] = await entry.work()
        except Exception as error:  # noqa: BLE001 - what is not worth another attempt becomes a dead letter
            self._failed(entry, error)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or not task.cancelling():
                self._bury(entry, WorkCancelledError(f"{entry.key} was cancelled from inside"))
                return
            heapq.heappush(self._ready, entry)
            raise

    def _failed(self, entry: _Entry[T], error: Exception) -> None:
        if not self._transient(error):
            self._bury(entry, error)
            return
        quiet: float = getattr(error, "retry_after", None) or 0.0
        if quiet > self._max_wait:
            self._stop(entry, error)
            return
        now = self._clock()
        self._quiet_until = max(self._quiet_until, now + quiet) if quiet else self._quiet_until
        if self._stopped_by or entry.attempts >= self._attempts:
            self._bury(entry, error)
            return
        # The jitter comes on top of the quiet, so that not all of them come back in its first moment.
        heapq.heappush(self._delayed, (now + quiet + self._backoff.delay(entry.attempts), entry))

    def _stop(self, entry: _Entry[T], error: Exception) -> None:
        """Give up all that waits, because the server wants no more for too long; what runs has its last attempt."""
        self._stopped_by = error
        for left in (entry, *self._ready, *(entry for _, entry in self._delayed)):
            self._bury(left, error)
        self._ready.clear()
        self._delayed.clear()

    def _bury(self, entry: _Entry[T], error: Exception) -> None:
        self._keys.discard(entry.key)
        self._dead[entry.key] = DeadLetter(
            key=entry.key, work=entry.work, priority=entry.priority, attempts=entry.attempts, error=error
        )
