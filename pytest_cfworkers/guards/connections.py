"""The six places for connections: who holds one, who waits for one, and who must give one up.

A pure state machine. Each event changes the state and returns the connections whose drivers must look again,
because they were given a slot or may now ask for the oldest unread body to be cancelled.

    QUEUED ──> WAITING ──> STREAMING ──> CLOSED
    no slot    for its     its body is    consumed, cancelled, failed,
               headers     unread         evicted or abandoned

A connection holds its slot while WAITING and, in the `body` model, while STREAMING.
Prior art: the pool of httpcore; the rule: https://developers.cloudflare.com/workers/platform/limits/
#simultaneous-open-connections (checked 2026-11-24).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final, final

from pytest_cfworkers.callsite import Site
from pytest_cfworkers.carrier import Carrier
from pytest_cfworkers.choices import ConnectionModel
from pytest_cfworkers.guards.connection import Connection, Outcome
from pytest_cfworkers.guards.peak import Peak

KEPT: Final = 100
"""Closed connections whose times are kept for a timeline, which nobody reads by the thousand; others are counted."""

NEARLY_ALL: Final = 0.8
"""The share of its time that a request spends in the queue to time out there, though it is sent in the end."""

Woken = Sequence[Connection]
"""Connections whose drivers must look again."""


@final
@dataclass(slots=True)
class ConnectionGuard:
    """The state of every connection of one invocation.

    Attributes:
        slots: How many places there are, at least 1; None for no limit.
        model: Which states hold a slot.
        queueing: Whether a connection beyond the limit waits. Without it the excess is only recorded, so that
            watching changes no outcome.
        opened: Connections ever opened.
        beyond: Connections opened when every slot was taken.
        peak: The most that held a slot or asked for one at the same time.
        seventh: The connection that was the first to ask for more slots than there are.
        queued: Connections that had to wait for a slot.
        queued_s: Seconds that they waited, in all.
        evicted: Connections cancelled to make room, by the line that opened them.
        timed_out: Connections whose own timeout ran out in the queue, by line.
        first_timed_out: The first of those.
        abandoned: Connections whose response was garbage collected with its body unread, by line.
        closed: The first `KEPT` closed connections, for a timeline.
    """

    slots: int | None
    model: ConnectionModel
    queueing: bool = True
    opened: int = 0
    beyond: int = 0
    peak: int = 0
    _at_peak: Peak = field(default_factory=Peak)
    seventh: Connection | None = None
    queued: int = 0
    queued_s: float = 0.0
    evicted: Counter[Site] = field(default_factory=Counter)
    timed_out: Counter[Site] = field(default_factory=Counter)
    first_timed_out: Connection | None = None
    abandoned: Counter[Site] = field(default_factory=Counter)
    closed: list[Connection] = field(default_factory=list)
    _holders: dict[Connection, None] = field(default_factory=dict)
    _queue: dict[Connection, None] = field(default_factory=dict)
    _abandoned_for: dict[Site, Connection] = field(default_factory=dict)
    _streaming: dict[Connection, None] = field(default_factory=dict)
    _peaking: bool = False
    """What is open is the most that ever was beyond the limit, and is to be noted before it gets less."""
    _uses: Iterator[int] = field(default_factory=count)

    @property
    def holders(self) -> tuple[Connection, ...]:
        """The connections that hold a slot, in the order in which they got it."""
        return tuple(self._holders)

    @property
    def queue(self) -> tuple[Connection, ...]:
        """The connections that wait for a slot, first in first out."""
        return tuple(self._queue)

    @property
    def streaming(self) -> tuple[Connection, ...]:
        """The connections whose body is unread, in the order in which their headers arrived."""
        return tuple(self._streaming)

    @property
    def at_peak(self) -> Peak:
        """What was open at the peak."""
        if self._peaking:
            self._note_peak()
        return self._at_peak

    @property
    def unread(self) -> Counter[Site]:
        """The responses whose body was neither read to its end nor closed, by the line that opened them."""
        # Copies first: another thread may open and close connections meanwhile.
        return self.abandoned.copy() + Counter(connection.led() for connection in self.streaming)

    @property
    def unread_for(self) -> dict[Site, Connection]:
        """The first connection of each line whose response was left unread."""
        first = self._abandoned_for.copy()
        for connection in self.streaming:
            first.setdefault(connection.led(), connection)
        return first

    def open(
        self,
        label: object,
        site: Site,
        now: float,
        thread: int,
        waits: bool = True,
        service: bool = False,
        carrier: Carrier | None = None,
    ) -> Connection:
        """Open a connection.

        Args:
            label: What it is for; its `str()` is such as "GET https://example.com/".
            site: The lines that opened it.
            now: Seconds of the clock.
            thread: The thread that opened it.
            waits: Whether it may be queued; one that another connection waits for may not.
            service: Whether it leads to one of Cloudflare's services.
            carrier: What carries the work that opened it.

        Returns:
            The connection: WAITING if it got a slot, else QUEUED.
        """
        connection = Connection(label, site, thread, now)
        if service:
            connection.service = True
        if carrier is not None:
            connection.carrier = carrier
        self.opened += 1
        if self.slots is not None and len(self._holders) >= self.slots:
            self._open_beyond(connection, now, waits=waits)
        else:
            connection.state, connection.admitted_at = "waiting", now
            self._holders[connection] = None
        wanted = len(self._holders) + len(self._queue)
        if wanted > self.peak:
            self.peak = wanted
            self._peaking = self.slots is not None and wanted > self.slots
        return connection

    def headers(self, connection: Connection, now: float, body: bool) -> Woken:
        """Note that the response headers arrived.

        Args:
            connection: The connection, WAITING.
            now: Seconds of the clock.
            body: Whether a body follows. Without one the connection is consumed.

        Returns:
            The connections to wake.
        """
        if connection.state != "waiting":
            return ()
        connection.headers_at = now
        if not body:
            return self.close(connection, "consumed", now)
        connection.state = "streaming"
        self._streaming[connection] = None
        self._leave_idle(connection, now)
        if self.model == "headers":
            if self._peaking:
                self._note_peak()
            del self._holders[connection]
            return self._refill(now)
        return self._asked_again()

    def reading(self, connection: Connection) -> None:
        """Note that somebody waits for the next part of the body."""
        if connection.state == "streaming":
            connection.idle_since = None

    def paused(self, connection: Connection, now: float) -> Woken:
        """Note that a part of the body arrived and nobody asks for the next; return the connections to wake."""
        if connection.state != "streaming":
            return ()
        self._leave_idle(connection, now)
        return self._asked_again()

    def close(self, connection: Connection, outcome: Outcome, now: float) -> Woken:
        """End a connection in any state; a second end changes nothing. Return the connections to wake."""
        state = connection.state
        if state == "closed":
            return ()
        if self._peaking:
            self._note_peak()
        connection.state, connection.outcome, connection.closed_at = "closed", outcome, now
        if len(self.closed) < KEPT:
            self.closed.append(connection)
        if state == "streaming":
            del self._streaming[connection]
            if outcome == "abandoned":
                self.abandoned[connection.led()] += 1
                self._abandoned_for.setdefault(connection.led(), connection)
        elif state == "queued":
            self.queued_s += now - connection.opened_at
            del self._queue[connection]
        self._holders.pop(connection, None)
        return self._refill(now)

    def stalled(self) -> Connection | None:
        """Return the connection that must be cancelled so that the queue moves; None while there is hope.

        That is the least recently used one, when every slot is held by a body that nobody reads and another
        connection waits.
        """
        if not self._queue or any(holder.idle_since is None for holder in self._holders):
            return None
        return min(self._holders, key=lambda holder: holder.used)

    def evict(self, connection: Connection, now: float) -> Woken:
        """Cancel a stalled connection; return the connections to wake."""
        if connection.state != "closed":
            self.evicted[connection.led()] += 1
        return self.close(connection, "evicted", now)

    def let_through(self, connection: Connection, now: float) -> None:
        """Admit a queued connection beyond the limit: waiting for a slot would never end."""
        if connection.state == "queued":
            self._admit_queued(connection, now)

    def time_out(self, connection: Connection, now: float) -> Woken:
        """End a connection whose own timeout ran out before it was sent; return the connections to wake.

        It may have its slot already: where many run out of time together, the first to end make room for the others.
        """
        if connection.state in {"queued", "waiting"}:
            self._note_timed_out(connection)
        return self.close(connection, "failed", now)

    def run_out(self, connection: Connection, now: float) -> Woken:
        """End a connection whose own timeout ran out after it was sent; return the connections to wake.

        It timed out in the queue if it spent nearly all of its time there: where many share one deadline, those that
        hold the slots end a moment before those that wait, and leave them slots that come too late.
        """
        if connection.state in {"waiting", "streaming"}:
            queued_s = connection.queued_s
            if queued_s >= NEARLY_ALL * (now - connection.opened_at) > 0:
                self._note_timed_out(connection)
        return self.close(connection, "failed", now)

    def withdraw(self, connection: Connection, now: float) -> Woken:
        """Take a connection out of the count: it turned out to be made of others that count themselves."""
        if connection.state == "closed":
            return ()
        self.opened -= 1
        if connection.beyond:
            self.beyond -= 1
        kept = len(self.closed)
        woken = self.close(connection, "consumed", now)
        del self.closed[kept:]
        return woken

    def _note_timed_out(self, connection: Connection) -> None:
        self.timed_out[connection.led()] += 1
        self.first_timed_out = self.first_timed_out or connection

    def _note_peak(self) -> None:
        self._at_peak = Peak.of((*self._holders, *self._queue))
        self._peaking = False

    def _open_beyond(self, connection: Connection, now: float, *, waits: bool) -> None:
        connection.beyond = True
        self.beyond += 1
        if len(self._holders) == self.slots:  # who waits for a task is known only until it ends
            for holder in self._holders:
                holder.led()
        connection.led()
        if self.seventh is None:
            self.seventh = connection
        if waits and self.queueing:
            self.queued += 1
            self._queue[connection] = None
        else:
            self._admit(connection, now)

    def _admit(self, connection: Connection, now: float) -> None:
        connection.state, connection.admitted_at = "waiting", now
        self._holders[connection] = None

    def _admit_queued(self, connection: Connection, now: float) -> None:
        del self._queue[connection]
        self.queued_s += now - connection.opened_at
        self._admit(connection, now)

    def _refill(self, now: float) -> Woken:
        """Give the slot that may have come back to the head of the queue. While anybody waits, no other is free."""
        if not self._queue:
            return ()
        if self.slots is not None and len(self._holders) >= self.slots:
            return self._asked_again()
        first = next(iter(self._queue))
        self._admit_queued(first, now)
        return (first,)

    def _asked_again(self) -> Woken:
        """The head of the queue, if it may now ask for the least recently used body to be cancelled."""
        return (next(iter(self._queue)),) if self.stalled() is not None else ()

    def _leave_idle(self, connection: Connection, now: float) -> None:
        connection.idle_since = now
        connection.used = next(self._uses)
