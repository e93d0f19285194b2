"""Wall time and CPU time of one invocation. Both clocks are passed in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final


@final
@dataclass(slots=True)
class TimeGuard:
    """A stopwatch for wall and CPU time.

    CPU time is that of the thread which starts and stops it, so work in a server thread does not count, and
    invocations that run concurrently on one thread each see all of that thread's work.

    Attributes:
        clock: Monotonic seconds.
        cpu_clock: Seconds of CPU that the calling thread has used.
    """

    clock: Callable[[], float]
    cpu_clock: Callable[[], float]
    started_at: float | None = None
    stopped_at: float | None = None
    _cpu_started: float = 0.0
    _cpu_stopped: float = 0.0

    def start(self) -> None:
        """Start both clocks."""
        self.started_at = self.clock()
        self._cpu_started = self.cpu_clock()

    def stop(self) -> None:
        """Stop both clocks."""
        self._cpu_stopped = self.cpu_clock()
        self.stopped_at = self.clock()

    @property
    def wall_ms(self) -> float:
        """Milliseconds from the start to the end, or to now."""
        if self.started_at is None:
            return 0.0
        end = self.stopped_at if self.stopped_at is not None else self.clock()
        return (end - self.started_at) * 1_000

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of CPU from the start to the end, or to now."""
        if self.started_at is None:
            return 0.0
        end = self._cpu_stopped if self.stopped_at is not None else self.cpu_clock()
        return (end - self._cpu_started) * 1_000
