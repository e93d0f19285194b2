"""`Invocation`: one run of a Worker for one event: its budgets, its begin and end, and the verdict."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self, final

from pytest_cfworkers import attribution
from pytest_cfworkers.budgets.memory import MemoryBudget
from pytest_cfworkers.budgets.requests import RequestBudget
from pytest_cfworkers.budgets.time import TimeBudget
from pytest_cfworkers.children import Children
from pytest_cfworkers.clock import SystemClock
from pytest_cfworkers.guards.connections import ConnectionGuard
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.metering.account import Account
from pytest_cfworkers.statistics import Statistics
from pytest_cfworkers.violation import CfLimitExceeded, Violation


@final
class Invocation:
    """One run of a Worker for one event. All budgets belong to it.

    Use it as a context manager. Work done in the block, in tasks started there and in threads is measured;
    leaving the block raises `CfLimitExceeded` when a limit was broken.

    Args:
        limits: The limits in force; those of the paid plan by default.
        enforce: Without it limits are only recorded: nothing waits, nothing is cancelled, nothing is raised.
        clock: Monotonic seconds.
        cpu_clock: Seconds of CPU of the calling thread.
        name: What it is called in reports.
        opener: The invocation in which it is opened and whose percentiles it counts for.
        parent: The invocation of the test, for one that is a request into an app under test.

    Attributes:
        limits: The limits in force.
        enforce: Whether limits are enforced.
        name: What it is called in reports.
        requests: What it sends.
        times: Its wall and CPU time.
        memory: Its memory.
        pauses: How many blocks of `paused` are open.
        tolerates: Tells of a violation whether it is known already, and so fails nothing.
        children: The requests into an app under test.
        running: Whether it has started and not yet finished.
        raised: Whether leaving the block raised `CfLimitExceeded`.
    """

    limits: Limits
    enforce: bool
    name: str
    requests: RequestBudget
    times: TimeBudget
    memory: MemoryBudget
    pauses: int
    tolerates: Callable[[Violation], bool] | None
    children: Children
    running: bool
    raised: bool

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        enforce: bool = True,
        clock: Callable[[], float] = SystemClock.monotonic,
        cpu_clock: Callable[[], float] = SystemClock.thread_time,
        name: str = "",
        opener: "Invocation | None" = None,
        parent: "Invocation | None" = None,
    ) -> None:
        self.limits = limits if limits is not None else Limits.plan()
        self.enforce = enforce
        self.name = name
        self.pauses = 0
        self.tolerates = None
        self.children = Children()
        self.running = False
        self.raised = False
        self.requests = RequestBudget(self.limits, clock, queueing=enforce)
        self.times = TimeBudget(self.limits, clock, cpu_clock)
        self.memory = MemoryBudget(self.limits, measured=parent is None)
        self._clock = clock
        self._entered: attribution.Entered | None = None
        self._parent = parent
        self._opener: Invocation = self if opener is None else opener._opener  # noqa: SLF001 - its own kind
        self._found: tuple[Violation, ...] | None = None

    def __enter__(self) -> Self:
        __tracebackhide__ = True
        self.start()
        self._entered = attribution.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        if self._entered is not None:
            attribution.leave(self._entered)
        self.finish()
        if self.enforce and error is None and self.violations:
            self.raised = True
            raise CfLimitExceeded(self.violations)

    @property
    def started_at(self) -> float | None:
        """When it started, in seconds of its clock; None before."""
        return self.times.guard.started_at

    @property
    def connections(self) -> ConnectionGuard:
        """The guard of its connections, with their times for a timeline."""
        return self.requests.connections

    @property
    def account(self) -> Account:
        """The CPU time that is charged to it."""
        return self.times.account

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What was broken so far and is neither allowed nor known, by requests into an app under test included."""
        return tuple(found for found in self._all() if found.rule not in self.limits.allow and not self._known(found))

    @property
    def known(self) -> tuple[Violation, ...]:
        """What was broken so far and is known already."""
        return tuple(found for found in self._all() if found.rule not in self.limits.allow and self._known(found))

    @property
    def allowed(self) -> tuple[Violation, ...]:
        """What was broken so far and is allowed."""
        return tuple(found for found in self._all() if found.rule in self.limits.allow)

    @property
    def advice(self) -> tuple[Violation, ...]:
        """What should be looked at and fails nothing.

        CPU time over the plan's own number, times and memory that could not be judged, D1 statements that a batch would
        replace, and scans of whole tables.
        """
        return tuple(self._advice())

    @property
    def walls_ms(self) -> tuple[float, ...]:
        """How long the event took; where it only sends requests into an app under test, how long each of those did."""
        return tuple(self.children.walls_ms) or (self.times.guard.wall_ms,)

    def start(self) -> None:
        """Start the invocation without a block; `attribution` decides which work belongs to it."""
        __tracebackhide__ = True
        if self.started_at is not None:
            raise RuntimeError("This invocation has run before; make a new Invocation for each run.")
        self.memory.start()
        self.running = True
        attribution.begin(self)
        self.times.start()

    def finish(self) -> None:
        """End the invocation without a verdict; what it found stays in `violations`."""
        if not self.running:
            return
        for child in tuple(self.children.open):
            child.finish()
        self.times.stop()
        self.memory.stop()
        self.running = False
        attribution.end(self)
        if self._opener is not self and self._opener.limits.percentiles:
            self._opener.times.opened.append((self.name, self.times.guard.wall_ms))
        self._found = tuple(self._broken())
        if self._parent is not None:
            self._parent.children.adopt(self)

    def child(self, name: str) -> "Invocation":
        """Make the invocation for a request into an app under test: the same limits, budgets of its own.

        What it breaks is judged with this one; or with the one that this is a child of, since a request whose
        thread is unknown may be taken for part of another request, which must not end it.
        """
        parent = self._parent or self
        child = Invocation(
            self.limits,
            enforce=self.enforce,
            clock=self._clock,
            cpu_clock=self.account.clock,
            name=name,
            opener=self,
            parent=parent,
        )
        parent.children.open.append(child)
        return child

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let what is done in the block not count: it arranges the test and is not the Worker's own work."""
        self.pauses += 1
        self.times.guard.pause()
        self.memory.pause()
        try:
            with attribution.uncounted():
                yield
        finally:
            self.memory.resume()
            self.times.guard.resume()
            self.pauses -= 1

    def note_breakpoint(self) -> None:
        """Note that the program stands until a debugger lets it go on: its times and its memory mean nothing."""
        self.times.stopped_by = "a breakpoint"
        if (tracker := self.memory.tracker) is not None:
            tracker.disturbed_by = "a breakpoint was hit, and the debugger takes memory, too"

    def checkpoint(self, name: object) -> None:
        """Give a name to this moment, for a timeline, by its `str()`."""
        self.times.checkpoints.append((str(name), self.times.guard.elapsed_ms))

    def statistics(self) -> Statistics:
        """Return what was used so far."""
        requests, guard = self.requests, self.connections
        return Statistics(
            connections=guard.opened,
            peak_connections=guard.peak,
            queued=guard.queued,
            queued_ms=guard.queued_s * 1_000,
            evicted=guard.evicted.total(),
            unread_bodies=guard.unread.total(),
            subrequests=requests.external.count,
            internal_subrequests=requests.internal.count,
            d1_queries=requests.queries.budget.count,
            d1_parameters=requests.queries.parameters,
            cpu_ms=self.times.cpu_ms,
            wall_ms=self.times.guard.wall_ms,
            peak_memory=self.memory.peak,
        )

    def worst(self) -> Statistics:
        """Return the largest of each figure over this invocation and the requests into an app under test."""
        return self.statistics().worst(self.children.worst)

    def _known(self, found: Violation) -> bool:
        return self.tolerates is not None and self.tolerates(found)

    def _all(self) -> Iterator[Violation]:
        yield from self._broken() if self._found is None else self._found
        yield from self.children.found()

    def _advice(self) -> Iterator[Violation]:
        yield from self.times.advice(opens=self._opener is self)
        yield from self.memory.advice()
        yield from self.requests.advice()

    def _broken(self) -> Iterator[Violation]:
        yield from self.requests.broken()
        yield from self.memory.broken()
        yield from self.times.broken()
