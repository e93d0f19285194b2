"""The timeline of one invocation: what was open when, and how much memory was held."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self, final

from pytest_cfworkers.callsite import Frame, inside
from pytest_cfworkers.choices import ConnectionModel
from pytest_cfworkers.guards.connection import Connection
from pytest_cfworkers.invocation import Invocation
from pytest_cfworkers.report.redaction import redact


@final
@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class Span:
    """One connection from its start to its end. Times are milliseconds after its invocation began.

    Nobody changes one; it is not frozen because making a frozen one takes three times as long, and a report of a
    large run has hundreds of thousands.

    It is queued from `opened_ms` to `admitted_ms`, waits for its headers until `headers_ms`, and streams until
    `closed_ms`. None stands for what never happened.

    Attributes:
        label: What it was for, without secrets, such as "GET https://example.com/".
        internal: Whether it led to one of Cloudflare's services.
        beyond: Whether it was opened when every slot was taken.
        opened_ms: When it was opened.
        admitted_ms: When it got its slot.
        headers_ms: When its headers came.
        closed_ms: When it ended.
        outcome: How it ended: consumed, cancelled, failed, evicted or abandoned; "" while it is open.
        frames: The user's lines that opened it, the innermost first.
    """

    label: str
    internal: bool
    beyond: bool
    opened_ms: float
    admitted_ms: float | None
    headers_ms: float | None
    closed_ms: float | None
    outcome: str
    frames: tuple[Frame, ...]

    @classmethod
    def of(cls, connection: Connection, start: float, root: str = "") -> Self:
        """Derive the span of a connection.

        Args:
            connection: The connection.
            start: When its invocation began, in seconds of its clock.
            root: The folder that paths are written from; "" to leave them as they are.
        """
        admitted, headers, closed = connection.admitted_at, connection.headers_at, connection.closed_at
        frames = connection.site.frames
        return cls(
            label=str(connection.label),
            internal=connection.service,
            beyond=connection.beyond,
            # Whole microseconds; without a call, because this is done for every connection of a run.
            opened_ms=(connection.opened_at - start) * 1e6 // 1 / 1_000,
            admitted_ms=None if admitted is None else (admitted - start) * 1e6 // 1 / 1_000,
            headers_ms=None if headers is None else (headers - start) * 1e6 // 1 / 1_000,
            closed_ms=None if closed is None else (closed - start) * 1e6 // 1 / 1_000,
            outcome=connection.outcome or "",
            frames=inside(frames, root) if root else frames,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON and other processes."""
        return {
            "label": self.label,
            "internal": self.internal,
            "beyond": self.beyond,
            "opened_ms": self.opened_ms,
            "admitted_ms": self.admitted_ms,
            "headers_ms": self.headers_ms,
            "closed_ms": self.closed_ms,
            "outcome": self.outcome,
            "frames": _plain(self.frames),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make the span that `to_dict` wrote."""
        span = cls(**data)
        span.frames = _frames(tuple(map(tuple, span.frames)))
        return span


@lru_cache(maxsize=4_096)
def _plain(frames: tuple[Frame, ...]) -> tuple[tuple[str, int, str], ...]:
    return tuple((frame.path, frame.line, frame.function) for frame in frames)


@lru_cache(maxsize=4_096)
def _frames(plain: tuple[tuple[Any, ...], ...]) -> tuple[Frame, ...]:
    """Make frames of plain data; most connections of a run come from a few places, which they share."""
    return tuple(Frame(*frame) for frame in plain)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What happened in one invocation.

    Attributes:
        name: What it is called.
        slots: How many connections it may hold at once; None for no limit.
        connection_model: Which states of a connection hold a slot.
        wall_ms: How long it ran, pauses included.
        cpu_ms: How much CPU time it used.
        spans: Its connections, in the order in which they were opened.
        dropped: Connections that are counted and not among `spans`.
        memory: Moments, in milliseconds after it began, and the bytes held then.
        checkpoints: Names that the test gave to moments, in milliseconds after it began.
    """

    name: str
    slots: int | None
    connection_model: ConnectionModel
    wall_ms: float
    cpu_ms: float
    spans: tuple[Span, ...] = ()
    dropped: int = 0
    memory: tuple[tuple[float, int], ...] = ()
    checkpoints: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, invocation: Invocation, root: str = "") -> Self:
        """Derive the timeline of an invocation.

        Args:
            invocation: The invocation.
            root: The folder that paths are written from; "" to leave them as they are.
        """
        statistics, guard = invocation.statistics(), invocation.connections
        start = invocation.started_at or 0.0
        unfinished = {*guard.holders, *guard.queue, *guard.streaming}
        spans = [Span.of(connection, start, root) for connection in (*guard.closed, *unfinished)]
        return cls(
            name=redact(invocation.name),
            slots=invocation.limits.connections,
            connection_model=invocation.limits.connection_model,
            wall_ms=invocation.times.guard.elapsed_ms,
            cpu_ms=statistics.cpu_ms,
            spans=tuple(sorted(spans, key=lambda span: span.opened_ms)),
            dropped=invocation.requests.forgotten,
            memory=tuple(_memory(invocation)),
            checkpoints=tuple((name, round(moment, 3)) for name, moment in invocation.times.checkpoints),
        )

    def wanted(self) -> Iterator[tuple[float, int]]:
        """Yield when the number of connections that hold a slot or wait for one changes, and to what.

        What ends and what begins at one moment came one after the other: a slot that is given back is free again.
        """
        events: list[tuple[float, int, int]] = []
        for span in self.spans:
            events.append((span.opened_ms, 1, 1))
            freed = span.headers_ms if self.connection_model == "headers" else None
            freed = span.closed_ms if freed is None else freed
            if freed is not None:
                events.append((freed, 0 if freed > span.opened_ms else 2, -1))
        count = 0
        for moment, _, change in sorted(events):
            count += change
            yield moment, count

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON and other processes."""
        data = {name: getattr(self, name) for name in self.__slots__}
        lists = {"memory": self.memory, "checkpoints": self.checkpoints}
        return {
            **data,
            "spans": [span.to_dict() for span in self.spans],
            **{key: [list(pair) for pair in pairs] for key, pairs in lists.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make the timeline that `to_dict` wrote."""
        lists = {key: tuple(tuple(pair) for pair in data[key]) for key in ("memory", "checkpoints")}
        return cls(**{**data, "spans": tuple(map(Span.from_dict, data["spans"])), **lists})


def _memory(invocation: Invocation) -> Iterator[tuple[float, int]]:
    """Yield when how much memory was held, in milliseconds after the start."""
    if (tracker := invocation.memory.tracker) is not None:
        start = invocation.memory.started_at
        for moment, size in tracker.samples:
            yield round(max(moment - start, 0.0) * 1_000, 3), size
