"""The one place that every round trip to the database passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from pytest_cfworkers import attribution
from pytest_cfworkers.guards.queries import Scan

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from pytest_cfworkers.callsite import Site
    from pytest_cfworkers.d1.backend import Answer, Backend, Query, RequestKind
    from pytest_cfworkers.d1.faults import Faults


SCANNED_ROWS: Final = 1_000
"""Rows read from which on a scan of a whole table is worth advising an index."""


@dataclass(slots=True)
class RoundTrip:
    """What a watcher is told about one round trip: what it asks before it starts, what came back at its end.

    Attributes:
        kind: `"query"`, `"batch"`, `"exec"` or `"dump"`.
        queries: The statements, with the values bound to them.
        answer: What came back; None before, and where the lane shapes results itself.
        backend: What answered; None likewise.
    """

    kind: RequestKind
    queries: Sequence[Query]
    answer: Answer | None = None
    backend: Backend | None = None

    @property
    def statements(self) -> tuple[str, ...]:
        """The SQL texts in order."""
        return tuple(sql for sql, _ in self.queries)

    @property
    def parameters(self) -> tuple[int, ...]:
        """The number of bound values for each statement."""
        return tuple(len(params) for _, params in self.queries)

    def scans(self, site: Site) -> Iterator[Scan]:
        """Yield the statements that read a whole table of more than a few rows, where the backend can tell.

        Args:
            site: The line that made the round trip.
        """
        scanned = getattr(self.backend, "scanned_tables", None)
        if scanned is None or self.answer is None or self.kind not in {"query", "batch"}:
            return
        for (sql, _), (_, _, meta) in zip(self.queries, self.answer.results, strict=False):
            rows = meta.get("rows_read", 0)
            if rows >= SCANNED_ROWS:
                for table in scanned(sql):
                    yield Scan(table, rows, sql, site)


class Watcher(Protocol):
    """Whoever counts, delays or times round trips: the budgets of an invocation."""

    def round_trip(self, trip: RoundTrip) -> AbstractAsyncContextManager[object]:
        """Return a context that surrounds the round trip; entering it may wait for a slot."""
        ...


class Channel:
    """What every round trip passes, whatever answers it: whoever watches, and the faults that a test has asked for.

    Attributes:
        watcher: Is told of each round trip in place of the current invocation; None for that.
        faults: What strikes; None for nothing.
    """

    watcher: Watcher | None
    faults: Faults | None

    def __init__(self) -> None:
        self.watcher = None
        self.faults = None

    def watching(self) -> Watcher | None:
        """Return whoever is to be told of a round trip now."""
        if self.watcher is not None or not attribution.anything_runs():
            return self.watcher
        from pytest_cfworkers.d1.budget import BUDGET  # noqa: PLC0415 - only where something is counted

        return BUDGET


class BackendChannel(Channel):
    """Sends requests to a backend.

    Args:
        backend: What answers.
    """

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self._backend = backend

    def send(self, kind: RequestKind, queries: Sequence[Query]) -> Awaitable[Answer]:
        """Make one round trip.

        Raises:
            Refused: The database refused, or a fault was injected.
        """
        watcher = self.watching()
        if watcher is not None:
            return self._send_watched(watcher, kind, queries)
        return self._backend.send(kind, queries) if self.faults is None else self._send_struck(kind, queries)

    async def _send_watched(self, watcher: Watcher, kind: RequestKind, queries: Sequence[Query]) -> Answer:
        __tracebackhide__ = True
        if kind == "rows":
            kind = "query"  # a watcher looks at what was read
        trip = RoundTrip(kind, queries)
        async with watcher.round_trip(trip):
            trip.answer = await self._send_struck(kind, queries)
            trip.backend = self._backend
        return trip.answer

    async def _send_struck(self, kind: RequestKind, queries: Sequence[Query]) -> Answer:
        __tracebackhide__ = True
        fault = None if self.faults is None else self.faults.next(kind, queries)
        if fault is not None and not fault.after:
            raise fault.error()
        answer = await self._backend.send(kind, queries)
        if fault is not None:
            raise fault.error()
        return answer
