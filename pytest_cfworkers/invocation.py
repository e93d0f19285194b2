"""`Invocation`: one run of a Worker for one event, the guards that watch it, and the verdict at its end."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import get_ident
from types import TracebackType
from typing import Self, final

from pytest_cfworkers import attribution, wording
from pytest_cfworkers.callsite import Site
from pytest_cfworkers.children import Children
from pytest_cfworkers.guards.connections import Connection, ConnectionGuard, Outcome, Woken
from pytest_cfworkers.guards.queries import QueryGuard, Scan
from pytest_cfworkers.guards.subrequests import SubrequestGuard
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.memories import Memory
from pytest_cfworkers.metering.account import Account
from pytest_cfworkers.statistics import Statistics
from pytest_cfworkers.times import Times
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
        connections: The guard of the connections, with their times for a timeline.
        times: Its wall and CPU time.
        memory: Its memory.
        pauses: How many blocks of `paused` are open.
        tolerates: Tells of a violation whether it is known already, and so fails nothing.
        children: The requests into an app under test.
        running: Whether it has started and not yet finished.
    """

    limits: Limits
    enforce: bool
    name: str
    connections: ConnectionGuard
    times: Times
    memory: Memory
    pauses: int
    tolerates: Callable[[Violation], bool] | None
    children: Children
    running: bool

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        enforce: bool = True,
        clock: Callable[[], float] = time.monotonic,
        cpu_clock: Callable[[], float] = time.thread_time,
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
        self.connections = ConnectionGuard(self.limits.connections, self.limits.connection_model, queueing=enforce)
        self._subrequests = SubrequestGuard(self.limits.subrequests)
        self._internal = SubrequestGuard(self.limits.internal_subrequests)
        self._queries = QueryGuard(SubrequestGuard(self.limits.d1_queries))
        self.times = Times(self.limits, clock, cpu_clock)
        self.memory = Memory(self.limits, measured=parent is None)
        self._clock = clock
        self._lock = threading.Lock()
        self._dropped: deque[Connection] = deque()
        self._entered: attribution.Entered | None = None
        self._parent = parent
        self._opener: Invocation = self if opener is None else opener._opener  # noqa: SLF001 - its own kind
        self._found: tuple[Violation, ...] | None = None

    def __enter__(self) -> Self:
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
            raise CfLimitExceeded(self.violations)

    @property
    def started_at(self) -> float | None:
        """When it started, in seconds of its clock; None before."""
        return self.times.guard.started_at

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
        if self.started_at is not None:
            raise RuntimeError("This invocation has run before; make a new Invocation for each run.")
        self.memory.start()
        self.running = True
        attribution.begin(self)
        self.times.guard.start()

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
        guard = self.connections
        return Statistics(
            connections=guard.opened,
            peak_connections=guard.peak,
            queued=guard.queued,
            queued_ms=guard.queued_s * 1_000,
            evicted=guard.evicted.total(),
            unread_bodies=guard.unread.total(),
            subrequests=self._subrequests.count,
            internal_subrequests=self._internal.count,
            d1_queries=self._queries.budget.count,
            d1_parameters=self._queries.parameters,
            cpu_ms=self.times.cpu_ms,
            wall_ms=self.times.guard.wall_ms,
            peak_memory=self.memory.peak,
        )

    @property
    def dropped(self) -> int:
        """How many closed connections are counted, but their times not kept."""
        guard = self.connections
        still_open = len({*guard.holders, *guard.queue, *guard.streaming})
        return guard.opened - len(guard.closed) - still_open

    def worst(self) -> Statistics:
        """Return the largest of each figure over this invocation and the requests into an app under test."""
        return self.statistics().worst(self.children.worst)

    def open(self, label: object, site: Site, waits: bool = True) -> Connection:
        """Open a connection for an external request.

        Args:
            label: What it is for; its `str()` holds no secrets, such as "GET https://example.com/".
            site: The user's lines that opened it.
            waits: Whether it may be queued.

        Returns:
            The connection, which may be queued: see `pytest_cfworkers.admission`.
        """
        with self._lock:
            self._subrequests.add(site)
            connection = self.connections.open(label, site, self._clock(), get_ident(), waits)
        if self._dropped:
            self._sweep()
        return connection

    def open_internal(
        self, label: object, site: Site, *, statements: Sequence[str] = (), parameters: Sequence[int] = ()
    ) -> Connection:
        """Open a connection for a call of one of Cloudflare's services: an internal subrequest.

        Args:
            label: What it is, such as "KV get" or "D1 batch".
            site: The user's lines that made it.
            statements: The D1 statements that it carries; with any, it is one D1 query, too.
            parameters: How many values each binds.
        """
        with self._lock:
            self._internal.add(site)
            if statements:
                self._queries.add(site, statements, parameters)
            connection = self.connections.open(
                label,
                site,
                self._clock(),
                get_ident(),
                attribution.underway.get() is None,
                True,
            )
        if self._dropped:
            self._sweep()
        return connection

    def note_scan(self, scan: Scan) -> None:
        """Note a D1 statement that read a whole table."""
        with self._lock:
            self._queries.scanned(scan)
        if self._dropped:
            self._sweep()

    def headers(self, connection: Connection, body: bool) -> None:
        """Note that the response headers of a connection arrived, and whether a body follows."""
        with self._lock:
            woken = self.connections.headers(connection, self._clock(), body)
        if woken or self._dropped:
            self._wake(woken)

    def reading(self, connection: Connection) -> None:
        """Note that somebody waits for the next part of a body."""
        self.connections.reading(connection)

    def paused_reading(self, connection: Connection) -> None:
        """Note that a part of a body arrived and nobody asks for the next one yet."""
        with self._lock:
            woken = self.connections.paused(connection, self._clock())
        self._wake(woken)

    def close(self, connection: Connection, outcome: Outcome) -> None:
        """End a connection."""
        with self._lock:
            woken = self.connections.close(connection, outcome, self._clock())
        self._wake(woken)

    def withdraw(self, connection: Connection) -> None:
        """Uncount an external request that turned out to be made of others."""
        with self._lock:
            if connection.state == "closed":
                return
            self._subrequests.take_back(connection.site)
            woken = self.connections.withdraw(connection, self._clock())
        self._wake(woken)

    def time_out(self, connection: Connection) -> None:
        """End a queued connection whose own timeout ran out."""
        with self._lock:
            woken = self.connections.time_out(connection, self._clock())
        self._wake(woken)

    def let_through(self, connection: Connection) -> None:
        """Admit a queued connection beyond the limit, because waiting for a slot would never end."""
        with self._lock:
            self.connections.let_through(connection, self._clock())
        self._sweep()

    def evict_stalled(self, *, thread: int | None = None, patience_s: float = 0.0) -> Connection | None:
        """Cancel the least recently used unread body, if every slot is held by one and somebody waits.

        Args:
            thread: The thread that waits. While a body that another thread opened was read less than `patience_s`
                ago, that thread may go on, and nothing is cancelled.
            patience_s: Seconds.

        Returns:
            The connection that was cancelled.
        """
        with self._lock:
            now = self._clock()
            stalled = self.connections.stalled()
            if stalled is not None and self._read_elsewhere(thread, now - patience_s):
                stalled = None
            woken: Woken = ()
            if stalled is not None and "connections" in self.limits.allow:
                stalled, woken = None, self.connections.queue[:1]  # nothing is cancelled where the excess is meant
                self.connections.let_through(woken[0], now)
            elif stalled is not None:
                woken = self.connections.evict(stalled, now)
        self._wake(woken)
        return stalled

    def _read_elsewhere(self, thread: int | None, since: float) -> bool:
        """Tell whether a thread other than a given one holds a slot and was still reading at a time, or is again."""
        return any(
            holder.thread != thread and (holder.idle_since is None or holder.idle_since > since)
            for holder in self.connections.holders
        )

    def abandon(self, connection: Connection) -> None:
        """Note that a response was garbage collected with its body unread.

        The collector may call this at any moment, also while this thread holds the lock, so it never waits.
        """
        self._dropped.append(connection)
        self._sweep()

    def _sweep(self) -> None:
        while self._dropped and self._lock.acquire(blocking=False):
            try:
                woken: Woken = self.connections.close(self._dropped.popleft(), "abandoned", self._clock())
            except IndexError:
                woken = ()
            finally:
                self._lock.release()
            self._wake(woken)

    def _wake(self, woken: Woken) -> None:
        for connection in woken:
            if connection.waiter is not None:
                connection.waiter.wake()
        if self._dropped:
            self._sweep()

    def _known(self, found: Violation) -> bool:
        return self.tolerates is not None and self.tolerates(found)

    def _all(self) -> Iterator[Violation]:
        yield from self._broken() if self._found is None else self._found
        yield from self.children.found()

    def _advice(self) -> Iterator[Violation]:
        yield from self.times.advice(opens=self._opener is self)
        yield from self.memory.advice()
        if self.limits.d1_queries is not None:
            for repetition in self._queries.repeated():
                yield wording.repeated_statement(repetition, self.limits)
            for scan in self._queries.scans.values():
                yield wording.full_scan(scan, self.limits)

    def _broken(self) -> Iterator[Violation]:
        limits, guard = self.limits, self.connections
        if limits.connections is not None and guard.peak > limits.connections:
            yield wording.connections(guard, limits)
        if guard.timed_out:
            yield wording.queued_timeout(guard, limits)
        if limits.unread_bodies is not None and (unread := guard.unread).total() > limits.unread_bodies:
            yield wording.unread_bodies(unread, limits)
        if self._subrequests.first_beyond is not None:
            yield wording.subrequests(self._subrequests, limits)
        if self._internal.first_beyond is not None:
            yield wording.internal_subrequests(self._internal, limits)
        if self._queries.budget.first_beyond is not None:
            yield wording.d1_queries(self._queries.budget, limits)
        yield from self.memory.broken()
        yield from self.times.broken()
