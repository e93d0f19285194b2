"""`Statistics`: what an invocation has used so far."""

from dataclasses import dataclass, fields
from typing import final


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What an invocation has used so far.

    Attributes:
        connections: Connections opened.
        peak_connections: The most that were open, or asked to be, at once.
        queued: Connections that waited for a slot.
        queued_ms: Milliseconds that they waited, in all.
        evicted: Responses cancelled unread to make room.
        unread_bodies: Responses that are neither read to the end nor closed.
        subrequests: External requests.
        internal_subrequests: Calls of Cloudflare services.
        d1_queries: D1 queries and batches.
        d1_parameters: The most values that one D1 statement bound.
        cpu_ms: Milliseconds of CPU time of the invocation's own threads and tasks, times the scale in force.
        wall_ms: Milliseconds since the invocation was opened, without pauses.
        peak_memory: The most bytes that were held at once, the baseline included; None where memory is not measured.
    """

    connections: int
    peak_connections: int
    queued: int
    queued_ms: float
    evicted: int
    unread_bodies: int
    subrequests: int
    internal_subrequests: int
    d1_queries: int
    cpu_ms: float
    wall_ms: float
    d1_parameters: int = 0
    peak_memory: int | None = None

    def worst(self, other: "Statistics | None") -> "Statistics":
        """Return the larger of each figure of two invocations."""
        if other is None:
            return self
        pairs = {spec.name: (getattr(self, spec.name), getattr(other, spec.name)) for spec in fields(self)}
        return Statistics(**{name: max(pair, key=lambda figure: figure or 0) for name, pair in pairs.items()})

    def used(self, key: str) -> float | None:
        """Return what was used of a limit, by the key of the limit; None where it is not measured."""
        name = {"connections": "peak_connections", "memory": "peak_memory"}.get(key, key)
        return getattr(self, name)  # type: ignore[no-any-return]
