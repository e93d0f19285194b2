"""`MemoryTracker`: how much memory a block of code takes, and whether that keeps a limit."""

import warnings
from types import TracebackType
from typing import Self, final

from pytest_cfworkers import tracers
from pytest_cfworkers.clock import SystemClock
from pytest_cfworkers.guards.memory import Measurement, unmeasured
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.memory.choice import MODES, SMALLEST, Mode, prepare, start_engine
from pytest_cfworkers.memory.engine import Engine
from pytest_cfworkers.size import format_size, parse_size
from pytest_cfworkers.violation import CfLimitExceeded
from pytest_cfworkers.wording import memory as wording_memory


@final
class UndecidedWarning(UserWarning):
    """An assertion about memory could neither be confirmed nor denied."""


@final
class MemoryTracker:
    """Measures the memory that the code in a block takes, beyond what was held before it. Works without pytest.

    It judges nothing by itself: see `assert_under`, and `Invocation`, which does.

    Trackers may be nested and may overlap, also in other threads and tasks: memory is the process's, as it is the
    isolate's on the platform, so each sees what all the code takes while it runs.

    Args:
        limit: A size, such as "64 MB" or a number of bytes; the platform's 128 MB by default.
        engine: "auto" (cheap, and exact where that cannot tell), "trace" (tracemalloc), "memray", "sample" (psutil), or
            "off".
        baseline: A size that is taken before the code begins, or 0; it counts against the limit.
        traces: Whether "auto" may trace where much is free in the heap. It takes CPU time, which nobody can judge then.

    Attributes:
        limit: Bytes.
        baseline: Bytes.
        checkpoints: The peak of each phase by the name of the checkpoint that ended it, in bytes, with the moment, in
            seconds of `time.monotonic`.
        disturbed_by: What made a figure meaningless meanwhile; "" for nothing.

    Raises:
        ValueError: A size or an engine is none.
    """

    limit: int
    baseline: int
    checkpoints: dict[str, tuple[int, float]]
    disturbed_by: str

    def __init__(
        self, limit: int | str | None = None, *, engine: Mode = "auto", baseline: int | str = 0, traces: bool = True
    ) -> None:
        self.limit = parse_size(limit) if limit is not None else Limits.plan().memory or 0
        self.baseline = parse_size(baseline, least=0)
        self.checkpoints = {}
        if engine not in MODES:
            raise ValueError(f"engine={engine!r} is none: give one of {', '.join(MODES)}")
        self._mode = engine
        self._traces = traces
        self._engine: Engine | None = None
        self._measurement: Measurement | None = None
        self.disturbed_by = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def prepare(self) -> None:
        """Do beforehand what `start` would do else, where it may take long: it collects garbage."""
        if not self._refusal():
            prepare(self._mode, self._room)

    def start(self) -> None:
        """Begin to measure."""
        if self._engine is not None or self._measurement is not None:
            raise RuntimeError("This tracker has run before; make a new MemoryTracker for each run.")
        if why := self._refusal():
            self._measurement = unmeasured(self._mode, why)
            return
        try:
            self._engine = start_engine(self._mode, self._room, traces=self._traces)
        except OSError as error:
            self._measurement = unmeasured(self._mode, str(error))

    def stop(self) -> Measurement:
        """End without a verdict; the figures stay.

        Returns:
            What was measured.
        """
        if self._engine is not None and self._measurement is None:
            self.look()
            self._measurement = self._engine.stop()
            if why := self.disturbed_by or _disturbed():
                self._measurement = unmeasured(self._engine.name, why)
        return self.measurement

    def look(self) -> None:
        """See what is held now: it says what the peak is made of, where nothing more was held before."""
        if self._engine is not None and self.running:
            self._engine.look()

    @property
    def running(self) -> bool:
        """Whether it has started and not yet ended."""
        return self._engine is not None and self._measurement is None

    @property
    def measurement(self) -> Measurement:
        """What was measured so far."""
        if self._measurement is not None:
            return self._measurement
        return unmeasured(self._mode, "it has not started") if self._engine is None else self._engine.peak()

    @property
    def current(self) -> int:
        """Bytes that are held now, beyond what was held at the start."""
        __tracebackhide__ = True
        self._measured()
        return self._engine.current() if self._engine is not None and self.running else 0

    @property
    def peak(self) -> int:
        """The most bytes that were held at once since the start.

        Raises:
            RuntimeError: Memory is not measured; the text says why.
        """
        __tracebackhide__ = True
        return self._measured().peak

    @property
    def headroom(self) -> int:
        """Bytes that are left of the limit at the peak; negative beyond it."""
        __tracebackhide__ = True
        return self.limit - self.baseline - self.peak

    @property
    def samples(self) -> tuple[tuple[float, int], ...]:
        """Moments, in seconds of `time.monotonic`, and the bytes held then."""
        return tuple(self._engine.samples) if self._engine is not None else ()

    def checkpoint(self, name: str) -> int:
        """End a phase.

        Args:
            name: What to call it in reports.

        Returns:
            The most bytes that were held at once since the last checkpoint, or since the start.
        """
        __tracebackhide__ = True
        measured = self._engine.phase() if self._engine is not None and self.running else self._measured()
        self.checkpoints[name] = (measured.peak, SystemClock.monotonic())
        return measured.peak

    def assert_under(self, size: int | str) -> None:
        """Fail unless the peak so far is under a size.

        Args:
            size: A size, such as "64 MB" or a number of bytes.

        Raises:
            CfLimitExceeded: The peak is over it.
            ValueError: That is no size.
        """
        __tracebackhide__ = True
        measurement, limits = self.measurement, Limits.none().replace(memory=parse_size(size))
        verdict = measurement.judge(limits.memory or 0)
        if verdict == "over":
            raise CfLimitExceeded([wording_memory.asserted_memory(measurement, limits)])
        if verdict != "under":
            tell = wording_memory.undecided_memory if verdict == "undecided" else wording_memory.unmeasured_memory
            warnings.warn(f"assert_under({size!r}): {tell(measurement, limits).headline}", UndecidedWarning, 2)

    def pause(self) -> None:
        """Let what is taken from now on count as held before the start."""
        if self._engine is not None and self.running:
            self._engine.pause()

    def resume(self) -> None:
        """End what `pause` began."""
        if self._engine is not None and self.running:
            self._engine.resume()

    @property
    def _room(self) -> int:
        return self.limit - self.baseline

    def _measured(self) -> Measurement:
        __tracebackhide__ = True
        if (measurement := self.measurement).why:
            raise RuntimeError(f"Memory is not measured: {measurement.why}.")
        return measurement

    def _refusal(self) -> str:
        if self._mode == "off":
            return "--cf-memory=off"
        if self.limit < SMALLEST:
            least = f"a limit of {self.limit:,} bytes is less than can be told apart: {SMALLEST:,} bytes"
            return f'{least} (a number alone is bytes; megabytes are "64 MB")'
        if self._room <= 0:
            return f"nothing is left of {format_size(self.limit)} after a baseline of {format_size(self.baseline)}"
        if self._room < SMALLEST:
            left = f"what the baseline leaves of {format_size(self.limit)}, {format_size(self._room)},"
            return f"{left} is less than can be told apart: {format_size(SMALLEST)}"
        return _disturbed()


def _disturbed() -> str:
    """Say what takes so much memory of its own that a figure would be wrong."""
    debugger = tracers.debugger()
    return f"the debugger {debugger} is at work, whose memory cannot be told from the test's" if debugger else ""
