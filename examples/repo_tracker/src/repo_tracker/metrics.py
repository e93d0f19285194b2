"""Figures of a Worker, and the thresholds at which somebody should look."""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, Self

SAMPLES: Final = 1000
"""How many durations of each kind are kept: the latest, so that memory stays bounded."""

REQUEST_SECONDS: Final = 30.0
"""How long a request may take: nobody waits longer."""

ALARM_SECONDS: Final = 14 * 60.0
"""How long an alarm may take: the platform gives it 15 minutes.

https://developers.cloudflare.com/workers/platform/limits/#duration (checked 2026-11-24)
"""


class Severity(StrEnum):
    """How soon to look."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Where each alert begins; each is somewhat below what the platform takes.

    Attributes:
        connections: Open at once, of six; more is a warning.
        memory_bytes: Of 128 MB; more is critical.
        request_seconds: A request. The slowest of a hundred (P99) counts; more is a warning.
        alarm_seconds: An alarm. The slowest counts; more is critical.
        error_rate: The part of all operations that failed, from 0 to 1; more is a warning.
    """

    connections: int = 5
    memory_bytes: int = 100 << 20
    request_seconds: float = REQUEST_SECONDS
    alarm_seconds: float = ALARM_SECONDS
    error_rate: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A figure beyond its threshold.

    Attributes:
        figure: Which figure.
        severity: How soon to look.
        value: What it is.
        threshold: What it should not exceed.
    """

    figure: str
    severity: Severity
    value: float
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How long one kind of operation took, in seconds.

    Attributes:
        p50: Half of them took no longer.
        p95: Of a hundred, ninety-five took no longer.
        p99: Of a hundred, ninety-nine took no longer.
        slowest: None took longer.
    """

    p50: float
    p95: float
    p99: float
    slowest: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Self:
        """Work them out by nearest rank, so each is a duration that was measured.

        Args:
            seconds: At least one duration.
        """
        ordered = sorted(seconds)
        p50, p95, p99 = (ordered[math.ceil(len(ordered) * percent / 100) - 1] for percent in (50, 95, 99))
        return cls(p50=p50, p95=p95, p99=p99, slowest=ordered[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The figures at one moment.

    Attributes:
        operations: How many ended.
        errors: How many of them failed.
        error_rate: Their part, from 0 to 1.
        peak_connections: The most that were open at once.
        peak_memory_bytes: The most memory that was seen; None if nobody looked.
        durations: By kind of operation.
        alerts: What is beyond its threshold.
    """

    operations: int
    errors: int
    error_rate: float
    peak_connections: int
    peak_memory_bytes: int | None
    durations: Mapping[str, Durations]
    alerts: tuple[Alert, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the figures as what JSON can say."""
        return asdict(self)


class Metrics:
    """Collect figures.

    They are those of one isolate: another one has its own, and a new one starts at nothing.

    Args:
        thresholds: Where alerts begin.
        samples: How many durations of each kind are kept.
    """

    def __init__(self, thresholds: Thresholds | None = None, *, samples: int = SAMPLES) -> None:
        self._thresholds = thresholds or Thresholds()
        self._samples = samples
        self._durations: dict[str, deque[float]] = {}
        self._operations = 0
        self._errors = 0
        self._peak_connections = 0
        self._peak_memory: int | None = None

    def record(self, kind: str, seconds: float, *, failed: bool = False) -> None:
        """Note that an operation ended.

        Args:
            kind: Its kind; `"request"` and `"alarm"` have thresholds.
            seconds: How long it took.
            failed: Whether it failed.
        """
        self._durations.setdefault(kind, deque(maxlen=self._samples)).append(seconds)
        self.count(1, int(failed))

    def count(self, operations: int, failed: int) -> None:
        """Note that operations ended whose time nobody took, such as each repository of a refresh.

        Args:
            operations: How many.
            failed: How many of them failed.
        """
        self._operations += operations
        self._errors += failed

    def observe_connections(self, peak: int) -> None:
        """Note how many connections were open at once."""
        self._peak_connections = max(self._peak_connections, peak)

    def observe_memory(self, used: int | None) -> None:
        """Note how much memory is used, in bytes; None where it cannot be seen."""
        if used is not None:
            self._peak_memory = max(self._peak_memory or 0, used)

    def snapshot(self) -> Snapshot:
        """Return the figures so far, with their alerts."""
        durations = {kind: Durations.of(seconds) for kind, seconds in self._durations.items()}
        error_rate = self._errors / self._operations if self._operations else 0.0
        return Snapshot(
            operations=self._operations,
            errors=self._errors,
            error_rate=error_rate,
            peak_connections=self._peak_connections,
            peak_memory_bytes=self._peak_memory,
            durations=durations,
            alerts=tuple(self._alerts(durations, error_rate)),
        )

    def _alerts(self, durations: Mapping[str, Durations], error_rate: float) -> Iterator[Alert]:
        limits = self._thresholds
        request, alarm = durations.get("request"), durations.get("alarm")
        for figure, severity, value, threshold in (
            ("connections", Severity.WARNING, self._peak_connections, limits.connections),
            ("memory_bytes", Severity.CRITICAL, self._peak_memory, limits.memory_bytes),
            ("request_seconds", Severity.WARNING, request.p99 if request else None, limits.request_seconds),
            ("alarm_seconds", Severity.CRITICAL, alarm.slowest if alarm else None, limits.alarm_seconds),
            ("error_rate", Severity.WARNING, error_rate, limits.error_rate),
        ):
            if value is not None and value > threshold:
                yield Alert(figure=figure, severity=severity, value=value, threshold=threshold)
