"""`MemoryBudget`: the memory of one invocation, and how it is judged."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, final

from pytest_cfworkers.clock import SystemClock
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.violation import Violation

if TYPE_CHECKING:
    from pytest_cfworkers.guards.memory import Verdict
    from pytest_cfworkers.memory.tracker import MemoryTracker


@final
class MemoryBudget:
    """The memory of one invocation.

    Args:
        limits: The limits in force.
        measured: Whether it is measured, where it is limited: memory is the isolate's, so that a request into an app
            under test has none of its own.

    Attributes:
        measured: Whether it is measured. Who wants figures where there is no limit says so before the start.
        tracker: What measures it, from the start on; None where it is not measured.
        started_at: When the invocation started, in seconds of `time.monotonic`, as those of the tracker's samples.
    """

    measured: bool
    tracker: "MemoryTracker | None"
    started_at: float

    def __init__(self, limits: Limits, *, measured: bool = True) -> None:
        self.measured = measured and limits.memory is not None and limits.memory_mode != "off"
        self.tracker = None
        self.started_at = 0.0
        self._limits = limits
        self._paused = 0

    @property
    def peak(self) -> int | None:
        """The most bytes that were held at once, the baseline included; None where memory is not measured."""
        if self.tracker is None or (measured := self.tracker.measurement).why:
            return None
        return measured.peak + self.tracker.baseline

    def prepare(self) -> None:
        """Do beforehand what would take the invocation's time at its start."""
        if self.measured:
            self._made().prepare()

    def start(self) -> None:
        """Begin to measure, if there is anything to. It may take long, and is no time of the invocation's."""
        if self.measured:
            self.tracker = self._made()
            self.tracker.start()
        self.started_at = SystemClock.monotonic()

    def stop(self) -> None:
        """End."""
        if self.tracker is not None:
            self.tracker.stop()

    def pause(self) -> None:
        """Let what is taken from now on not count."""
        self._paused += 1
        if self.tracker is not None and self._paused == 1:
            self.tracker.pause()

    def resume(self) -> None:
        """End what `pause` began."""
        self._paused -= 1
        if self.tracker is not None and not self._paused:
            self.tracker.resume()

    def broken(self) -> Iterator[Violation]:
        """Yield what is broken."""
        if self._verdict() == "over":
            yield from self._told("memory")

    def advice(self) -> Iterator[Violation]:
        """Yield what should be known and fails nothing: no figure, or one that cannot decide."""
        if (verdict := self._verdict()) in {"undecided", "unmeasured"}:
            yield from self._told(f"{verdict}_memory")

    def _made(self) -> "MemoryTracker":
        from pytest_cfworkers.memory.tracker import MemoryTracker  # noqa: PLC0415 - only where memory is limited

        limits = self._limits
        mode = "trace" if limits.trace and limits.memory_mode == "auto" else limits.memory_mode
        # Of two limits the one that somebody gave is to be judged: tracing would leave CPU time without a verdict.
        traces = "memory" in limits.given or "cpu_ms" not in limits.given
        return MemoryTracker(limits.memory, engine=mode, baseline=limits.memory_baseline, traces=traces)

    def _verdict(self) -> "Verdict | None":
        limits = self._limits
        if self.tracker is None or limits.memory is None:
            return None
        return self.tracker.measurement.judge(limits.memory, limits.memory_baseline)

    def _told(self, what: str) -> Iterator[Violation]:
        from pytest_cfworkers.wording import memory as wording_memory  # noqa: PLC0415 - only where it is told

        if self.tracker is not None:
            yield getattr(wording_memory, what)(self.tracker.measurement, self._limits)
