"""The one place that every round trip to the database passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from pytest_cfworkers.d1.backend import Answer, Backend, Query, RequestKind
    from pytest_cfworkers.d1.faults import Faults


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """What a watcher is told about one round trip before it starts.

    Attributes:
        kind: `"query"`, `"batch"`, `"exec"` or `"dump"`.
        queries: the statements, with the values bound to them.
    """

    kind: RequestKind
    queries: Sequence[Query]

    @property
    def statements(self) -> tuple[str, ...]:
        """The SQL texts in order."""
        return tuple(query.sql for query in self.queries)

    @property
    def parameters(self) -> tuple[int, ...]:
        """The number of bound values for each statement."""
        return tuple(len(query.params) for query in self.queries)


class Watcher(Protocol):
    """Whoever counts, delays or times round trips: the budgets of an invocation."""

    def round_trip(self, trip: RoundTrip) -> AbstractAsyncContextManager[object]:
        """Return a context that surrounds the round trip; entering it may wait for a slot."""
        ...


class Channel:
    """Sends requests to a backend, through whoever watches, past the faults that a test has asked for.

    Args:
        backend: what answers.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.watcher: Watcher | None = None
        self.faults: Faults | None = None

    async def send(self, kind: RequestKind, queries: Sequence[Query]) -> Answer:
        """Make one round trip.

        Raises:
            Refused: the database refused, or a fault was injected.
        """
        if self.watcher is None:
            return await self._carry(kind, queries)
        queries = [query._replace(counted=True) for query in queries]
        async with self.watcher.round_trip(RoundTrip(kind, queries)):
            return await self._carry(kind, queries)

    async def _carry(self, kind: RequestKind, queries: Sequence[Query]) -> Answer:
        faults = self.faults
        if faults is None:
            return await self.backend.send(kind, queries)
        fault = faults.next(kind, queries)
        if fault is not None and not fault.after:
            raise fault.error()
        answer = await self.backend.send(kind, queries)
        if fault is not None:
            raise fault.error()
        return answer
