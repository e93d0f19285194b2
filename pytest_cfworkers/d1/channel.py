"""The one place that every round trip to the database passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
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
        self._backend = backend
        self._watcher: Watcher | None = None
        self._faults: Faults | None = None
        self.send: Callable[[RequestKind, Sequence[Query]], Awaitable[Answer]] = backend.send
        """Makes one round trip. Raises Refused: the database refused, or a fault was injected."""

    @property
    def backend(self) -> Backend:
        """What answers."""
        return self._backend

    @property
    def watcher(self) -> Watcher | None:
        """Whoever is told of each round trip; None for nobody."""
        return self._watcher

    @watcher.setter
    def watcher(self, watcher: Watcher | None) -> None:
        self._watcher = watcher
        self._choose_way()

    @property
    def faults(self) -> Faults | None:
        """What strikes; None for nothing."""
        return self._faults

    @faults.setter
    def faults(self, faults: Faults | None) -> None:
        self._faults = faults
        self._choose_way()

    def _choose_way(self) -> None:
        # Most round trips are neither watched nor struck; those go straight to the backend.
        plain = self._watcher is None and self._faults is None
        self.send = self._backend.send if plain else self._send_watched

    async def _send_watched(self, kind: RequestKind, queries: Sequence[Query]) -> Answer:
        if self._watcher is None:
            return await self._send_struck(kind, queries)
        queries = [query._replace(counted=True) for query in queries]
        async with self._watcher.round_trip(RoundTrip(kind, queries)):
            return await self._send_struck(kind, queries)

    async def _send_struck(self, kind: RequestKind, queries: Sequence[Query]) -> Answer:
        fault = None if self._faults is None else self._faults.next(kind, queries)
        if fault is not None and not fault.after:
            raise fault.error()
        answer = await self._backend.send(kind, queries)
        if fault is not None:
            raise fault.error()
        return answer
