"""Figures of a Worker, and the thresholds at which somebody should look."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from repo_tracker.connection_pool import PoolStatistics

SAMPLES: Final = 1000
"""How many durations of each kind are kept: the latest, so that memory stays bounded."""


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
        request_seconds: A request: nobody waits longer. The slowest of a hundred (P99) counts; more is a warning.
        alarm_seconds: An alarm, of 15 minutes. The slowest counts; more is critical.
        error_rate: The part of all operations that failed, from 0 to 1; more is a warning.
    """

    connections: int = 5
    memory_bytes: int = 100 << 20
    request_seconds: float = 30.0
    alarm_seconds: float = 14 * 60.0
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
    """How long one kind of operation takes, in seconds; None before the first."""

    p50: float | None
    p95: float | None
    p99: float | None
    slowest: float | None


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
        raise NotImplementedError


class Metrics:
    """Collect figures.

    They are those of one isolate: another one has its own, and a new one starts at nothing.

    Args:
        thresholds: Where alerts begin.
        samples: How many durations of each kind are kept.
    """

    def __init__(self, thresholds: Thresholds | None = None, *, samples: int = SAMPLES) -> None:
        raise NotImplementedError

    def record(self, kind: str, seconds: float, *, failed: bool = False) -> None:
        """Note that an operation ended.

        Args:
            kind: Its kind; `"request"` and `"alarm"` have thresholds.
            seconds: How long it took.
            failed: Whether it failed.
        """
        raise NotImplementedError

    def observe_pool(self, statistics: PoolStatistics) -> None:
        """Note how many connections were open at once."""
        raise NotImplementedError

    def observe_memory(self, used: int | None) -> None:
        """Note how much memory is used, in bytes; None where it cannot be seen."""
        raise NotImplementedError

    def snapshot(self) -> Snapshot:
        """Return the figures so far, with their alerts."""
        raise NotImplementedError
