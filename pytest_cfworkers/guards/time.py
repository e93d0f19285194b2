"""Wall time and CPU time of one invocation. Both clocks are passed in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final


@final
@dataclass(slots=True)
class TimeGuard:
    """Measures wall and CPU time from a start to an end.

    Attributes:
        clock: Monotonic seconds.
        cpu_clock: Seconds of CPU that the invocation has used, from whatever threads and tasks.
        started_at: When it was started; None before.
        stopped_at: When it was stopped; None before.
    """

    clock: Callable[[], float]
    cpu_clock: Callable[[], float]
    started_at: float | None = None
    stopped_at: float | None = None
    _cpu_started: float = 0.0
    _cpu_stopped: float = 0.0
    _pauses: int = 0
    _paused_at: float = 0.0
    _paused: float = 0.0

    def start(self) -> None:
        """Start both clocks. A pause that goes on counts from here, and one that is over for nothing."""
        self.started_at = self._paused_at = self.clock()
        self._paused = 0.0
        self._cpu_started = self.cpu_clock()

    def stop(self) -> None:
        """Stop both clocks."""
        self._cpu_stopped = self.cpu_clock()
        self.stopped_at = self.clock()

    def pause(self) -> None:
        """Let wall time not count until `resume`. Several pauses may overlap."""
        if not self._pauses:
            self._paused_at = self._now
        self._pauses += 1

    def resume(self) -> None:
        """End a pause."""
        self._pauses -= 1
        if not self._pauses:
            self._paused += self._now - self._paused_at

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds from the start to the end, or to now, pauses included."""
        if self.started_at is None:
            return 0.0
        return (self._now - self.started_at) * 1_000

    @property
    def wall_ms(self) -> float:
        """Milliseconds from the start to the end, or to now, without pauses."""
        if self.started_at is None:
            return 0.0
        paused = self._paused + (self._now - self._paused_at if self._pauses else 0.0)
        return self.elapsed_ms - paused * 1_000

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of CPU from the start to the end, or to now."""
        if self.started_at is None:
            return 0.0
        end = self._cpu_stopped if self.stopped_at is not None else self.cpu_clock()
        return (end - self._cpu_started) * 1_000

    @property
    def _now(self) -> float:
        return self.stopped_at if self.stopped_at is not None else self.clock()
