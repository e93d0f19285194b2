"""`MemoryTracker`: how much memory a block of code takes, and whether that keeps a limit."""

import sys
import time
import warnings
from types import TracebackType
from typing import Self, final

from pytest_cfworkers import wording
from pytest_cfworkers.guards.memory import Measurement, unmeasured
from pytest_cfworkers.limits import BY_KEY
from pytest_cfworkers.memory.choice import SMALLEST, Mode, start_engine
from pytest_cfworkers.memory.engine import Engine
from pytest_cfworkers.size import format_size, parse_size
from pytest_cfworkers.violation import CfLimitExceeded


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
        baseline: A size that is taken before the code begins; it counts against the limit.

    Attributes:
        limit: Bytes.
        baseline: Bytes.
        checkpoints: The peak of each phase by the name of the checkpoint that ended it, in bytes, with the moment, in
            seconds of `time.monotonic`.

    Raises:
        ValueError: A size is none.
    """

    limit: int
    baseline: int
    checkpoints: dict[str, tuple[int, float]]

    def __init__(self, limit: int | str | None = None, *, engine: Mode = "auto", baseline: int = 0) -> None:
        self.limit = parse_size(limit) if limit is not None else BY_KEY["memory"].paid or 0
        self.baseline = baseline
        self.checkpoints = {}
        self._mode = engine
        self._engine: Engine | None = None
        self._measurement: Measurement | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to measure."""
        if self._engine is not None or self._measurement is not None:
            raise RuntimeError("This tracker has run before; make a new MemoryTracker for each run.")
        if why := self._refusal():
            self._measurement = unmeasured(self._mode, why)
            return
        try:
            self._engine = start_engine(self._mode, max(self.limit - self.baseline, SMALLEST))
        except OSError as error:
            self._measurement = unmeasured(self._mode, str(error))

    def stop(self) -> Measurement:
        """End without a verdict; the figures stay.

        Returns:
            What was measured.
        """
        if self._engine is not None and self._measurement is None:
            self._measurement = self._engine.stop()
            if why := _disturbed():
                self._measurement = unmeasured(self._engine.name, why)
        return self.measurement

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
        return self._engine.current() if self._engine is not None and self.running else 0

    @property
    def peak(self) -> int:
        """The most bytes that were held at once since the start; 0 where nothing is measured."""
        return self.measurement.peak

    @property
    def headroom(self) -> int:
        """Bytes that are left of the limit at the peak; negative beyond it."""
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
        measured = self._engine.phase() if self._engine is not None and self.running else self.measurement
        self.checkpoints[name] = (measured.peak, time.monotonic())
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
        limit, measurement = parse_size(size), self.measurement
        verdict = measurement.judge(limit)
        if verdict == "over":
            raise CfLimitExceeded([wording.memory(measurement, limit, 0)])
        if verdict != "under":
            text = wording.undecided_memory(measurement, limit, 0).headline
            warnings.warn(f"assert_under({format_size(limit)!r}): {text}", UndecidedWarning, stacklevel=2)

    def _refusal(self) -> str:
        if self._mode == "off":
            return "--cf-memory=off"
        if self.limit < SMALLEST:
            return f"a limit of {format_size(self.limit)} is less than can be told apart: {format_size(SMALLEST)}"
        if self.limit <= self.baseline:
            return f"nothing is left of {format_size(self.limit)} after a baseline of {format_size(self.baseline)}"
        return _disturbed()


def _disturbed() -> str:
    """Say what takes so much memory of its own that a figure would be wrong."""
    tracer = getattr(sys.gettrace(), "__module__", None) or type(sys.gettrace()).__module__
    if tracer.partition(".")[0] in {"bdb", "pdb", "pydevd", "_pydevd_bundle", "_pydevd_sys_monitoring"}:
        return "a debugger is at work, and what it takes cannot be told from what the test takes"
    return ""
