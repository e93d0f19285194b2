"""The engine where the kernel has no high-water mark that can be reset: it looks every few milliseconds (psutil)."""

from typing import Any, Final, final

from pytest_cfworkers.guards.memory import Measurement
from pytest_cfworkers.memory.ticker import Ticker
from pytest_cfworkers.memory.timeline import Samples

_ROUNDED_SHARE: Final = 0.25
"""The share of the growth that the allocators may have rounded up, at most."""


@final
class Sampled:
    """Measures by looking at the process every 10 ms.

    What it saw is what there was at least. Between two looks there may have been more; what there was at most is the
    most memory that the whole process ever had, where the system knows that.

    Args:
        limit: The limit in force, in bytes.
    """

    name = "sampling"
    samples: Samples

    def __init__(self, limit: int) -> None:
        del limit  # it does not matter here
        import psutil  # noqa: PLC0415 - only where it is needed

        try:
            self._process: Any = psutil.Process()
        except psutil.Error as error:  # a test may hide the files of the kernel: pyfakefs
            raise OSError(f"this process cannot be looked at: {error}") from error
        self.samples = Samples()
        self._before = self._most = self._phase_most = 0
        self._paused: tuple[int, int, int] | None = None
        self._ticker = Ticker(self.look)

    def start(self) -> None:
        """Begin."""
        self._before = self._most = self._phase_most = self._process.memory_info().rss
        self._ticker.start()

    def current(self) -> int:
        """Return by how many bytes the process is larger than at the start."""
        return max(int(self._process.memory_info().rss) - self._before, 0)

    def peak(self) -> Measurement:
        """Return the peak so far."""
        self.look()
        return self._measured(self._most)

    def look(self) -> None:
        """See how large the process is now."""
        now = self._process.memory_info().rss
        self._most, self._phase_most = max(self._most, now), max(self._phase_most, now)
        self.samples.add(max(now - self._before, 0))

    def phase(self) -> Measurement:
        """Return the peak of the phase that ends here."""
        self.look()
        measured = self._measured(self._phase_most)
        self._phase_most = 0
        return measured

    def pause(self) -> None:
        """Keep the peak as it is."""
        self.look()
        self._paused = self._process.memory_info().rss, self._most, self._phase_most

    def resume(self) -> None:
        """Let what was taken meanwhile count as held before the start."""
        if self._paused is not None:
            held, most, phase_most = self._paused
            taken = self._process.memory_info().rss - held
            self._before, self._most, self._phase_most = self._before + taken, most + taken, phase_most + taken
            self._paused = None

    def stop(self) -> Measurement:
        """End, and return the peak."""
        self._ticker.stop()
        return self.peak()

    def _measured(self, most: int) -> Measurement:
        grown = max(most - self._before, 0)
        low = int(grown * (1 - _ROUNDED_SHARE))
        return Measurement(peak=grown, low=low, high=max(self._ever(), grown), engine=self.name)

    def _ever(self) -> int:
        """Return the most memory that the process ever had."""
        info = self._process.memory_info()
        if hasattr(info, "peak_wset"):  # Windows
            return int(info.peak_wset)
        import resource  # noqa: PLC0415 - Windows has none
        import sys  # noqa: PLC0415

        unit = 1 if sys.platform == "darwin" else 1024
        return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit
