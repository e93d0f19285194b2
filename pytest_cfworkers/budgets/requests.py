"""`RequestBudget`: what one invocation sends, and how it is judged: connections, bodies, subrequests, D1 queries."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from threading import get_ident
from typing import final

from pytest_cfworkers import attribution
from pytest_cfworkers.callsite import Site
from pytest_cfworkers.carrier import carrier_here
from pytest_cfworkers.guards.connection import Connection, Outcome
from pytest_cfworkers.guards.connections import ConnectionGuard, Woken
from pytest_cfworkers.guards.queries import QueryGuard, Scan
from pytest_cfworkers.guards.subrequests import SubrequestGuard
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.violation import Violation
from pytest_cfworkers.wording import d1 as wording_d1
from pytest_cfworkers.wording import requests as wording_requests


@final
class RequestBudget:
    """What one invocation sends: its guards, and the lock around them. Any thread may tell it what happens.

    Args:
        limits: The limits in force.
        clock: Monotonic seconds.
        queueing: Whether connections beyond the limit wait.

    Attributes:
        connections: The guard of the connections, with their times for a timeline.
        external: The guard of the external subrequests.
        internal: The guard of the calls of Cloudflare's services.
        queries: The guard of the D1 queries.
    """

    connections: ConnectionGuard
    external: SubrequestGuard
    internal: SubrequestGuard
    queries: QueryGuard

    def __init__(self, limits: Limits, clock: Callable[[], float], *, queueing: bool) -> None:
        self.connections = ConnectionGuard(limits.connections, limits.connection_model, queueing=queueing)
        self.external = SubrequestGuard(limits.subrequests)
        self.internal = SubrequestGuard(limits.internal_subrequests)
        self.queries = QueryGuard(SubrequestGuard(limits.d1_queries))
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._dropped: deque[Connection] = deque()

    @property
    def forgotten(self) -> int:
        """How many closed connections are counted, but their times not kept."""
        guard = self.connections
        still_open = len({*guard.holders, *guard.queue, *guard.streaming})
        return guard.opened - len(guard.closed) - still_open

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
            self.external.add(site)
            connection = self.connections.open(
                label, site, self._clock(), get_ident(), waits, False, carrier_here() if site.alone else None
            )
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
            self.internal.add(site)
            if statements:
                self.queries.add(site, statements, parameters)
            connection = self.connections.open(
                label,
                site,
                self._clock(),
                get_ident(),
                attribution.sending() is None,
                True,
                carrier_here() if site.alone else None,
            )
        if self._dropped:
            self._sweep()
        return connection

    def note_scan(self, scan: Scan) -> None:
        """Note a D1 statement that read a whole table."""
        with self._lock:
            self.queries.scanned(scan)
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
            self.external.take_back(connection.site)
            woken = self.connections.withdraw(connection, self._clock())
        self._wake(woken)

    def time_out(self, connection: Connection) -> None:
        """End a connection that was queued, and whose own timeout ran out before it was sent."""
        with self._lock:
            woken = self.connections.time_out(connection, self._clock())
        self._wake(woken)

    def run_out(self, connection: Connection) -> None:
        """End a connection whose own timeout ran out after it was sent: perhaps too late, because it was queued."""
        with self._lock:
            woken = self.connections.run_out(connection, self._clock())
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
            if stalled is not None and "connections" in self._limits.allow:
                first = self.connections.queue[0]  # nothing is cancelled where the excess is meant
                self.connections.let_through(first, now)
                stalled, woken = None, (first,)
            elif stalled is not None:
                woken = self.connections.evict(stalled, now)
        self._wake(woken)
        return stalled

    def abandon(self, connection: Connection) -> None:
        """Note that a response was garbage collected with its body unread.

        The collector may call this at any moment, also while this thread holds the lock, so it never waits.
        """
        self._dropped.append(connection)
        self._sweep()

    def broken(self) -> Iterator[Violation]:
        """Yield what is broken."""
        limits, guard = self._limits, self.connections
        if limits.connections is not None and guard.peak > limits.connections:
            yield wording_requests.connections(guard, limits)
        if guard.timed_out:
            yield wording_requests.queued_timeout(guard, limits)
        if limits.unread_bodies is not None and (unread := guard.unread).total() > limits.unread_bodies:
            yield wording_requests.unread_bodies(unread, limits, guard.unread_for)
        if self.external.first_beyond is not None:
            yield wording_requests.subrequests(self.external, limits)
        if self.internal.first_beyond is not None:
            yield wording_requests.internal_subrequests(self.internal, limits)
        if self.queries.budget.first_beyond is not None:
            yield wording_d1.d1_queries(self.queries.budget, limits)

    def advice(self) -> Iterator[Violation]:
        """Yield what should be looked at and fails nothing: D1 statements that should be others."""
        if self._limits.d1_queries is None:
            return
        for repetition in self.queries.repeated():
            yield wording_d1.repeated_statement(repetition, self._limits)
        for scan in self.queries.scans.values():
            yield wording_d1.full_scan(scan, self._limits)

    def _read_elsewhere(self, thread: int | None, since: float) -> bool:
        """Tell whether a thread other than a given one holds a slot and was still reading at a time, or is again."""
        return any(
            holder.thread != thread and (holder.idle_since is None or holder.idle_since > since)
            for holder in self.connections.holders
        )

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
