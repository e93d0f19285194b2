"""The engine of memray, where that is installed: the peak to the byte, and the lines that held just that."""

import tempfile
from pathlib import Path
from typing import Any, Final, final

from pytest_cfworkers.guards.memory import HeldLine, Measurement, unmeasured
from pytest_cfworkers.memory.timeline import Samples
from pytest_cfworkers.metering.allocations import ALLOCATIONS, Tracing
from pytest_cfworkers.owner import Owner, owner_of

_TRACING: Final = Tracing("memray", measures=True)


@final
class Profiled:
    """Measures with memray.

    Its figure exists when it ends, so there is none for phases. One memray works at a time: beside `pytest --memray`,
    or inside of another, nothing is measured.

    Args:
        limit: The limit in force, in bytes.
    """

    name = "memray"
    samples: Samples

    def __init__(self, limit: int) -> None:
        del limit  # it does not matter here
        self.samples = Samples()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._tracker: Any = None
        self._why = ""

    def start(self) -> None:
        """Begin."""
        try:
            import memray  # noqa: PLC0415 - only where it is asked for
        except ImportError as error:
            raise OSError("memray is not installed: pip install memray") from error
        self._folder = tempfile.TemporaryDirectory(prefix="pytest-cfworkers-")
        tracker = memray.Tracker(self._file, trace_python_allocators=True)
        try:
            tracker.__enter__()
        except RuntimeError as error:
            self._why = f"another memray is at work: {error}"
            self._folder.cleanup()
        else:
            self._tracker = tracker
            ALLOCATIONS.begin(_TRACING)

    def current(self) -> int:
        """Return 0: memray tells nothing before its end."""
        return 0

    def peak(self) -> Measurement:
        """Return no figure: memray has one when it ends."""
        return unmeasured(self.name, self._why or "memray tells its figure at its end")

    def look(self) -> None:
        """Do nothing: memray sees each allocation."""

    def phase(self) -> Measurement:
        """Return no figure: memray knows no phases."""
        return self.peak()

    def pause(self) -> None:
        """Do nothing: memray knows no pauses."""

    def resume(self) -> None:
        """Do nothing: memray knows no pauses."""

    def stop(self) -> Measurement:
        """End, and return the peak."""
        if self._tracker is None:
            return self.peak()
        self._tracker.__exit__(None, None, None)
        ALLOCATIONS.end(_TRACING)
        try:
            return self._read()
        finally:
            if self._folder is not None:
                self._folder.cleanup()

    @property
    def _file(self) -> Path:
        return Path(self._folder.name if self._folder is not None else "", "memray.bin")

    def _read(self) -> Measurement:
        import memray  # noqa: PLC0415

        held: dict[tuple[str, int], tuple[int, int]] = {}
        with memray.FileReader(self._file) as reader:
            for record in reader.get_high_watermark_allocation_records(merge_threads=True):
                _, path, line = next(iter(record.stack_trace(max_stacks=1)), ("", "<unknown>", 0))
                size, count = held.get((path, line), (0, 0))
                held[path, line] = (size + record.size, count + record.n_allocations)
        lines = [
            HeldLine(path=path, line=line, size=size, count=count, user=owner_of(path) is Owner.USER)
            for (path, line), (size, count) in held.items()
        ]
        peak = sum(line.size for line in lines)
        ordered = tuple(sorted(lines, key=lambda line: (not line.user, -line.size)))
        return Measurement(peak=peak, low=peak, high=peak, engine=self.name, lines=ordered)
