"""What every engine of the memory tracker offers."""

from typing import Protocol

from pytest_cfworkers.guards.memory import Measurement
from pytest_cfworkers.memory.timeline import Samples


class Engine(Protocol):
    """Measures the memory of one stretch of code.

    Attributes:
        name: What it is called in messages.
        samples: Moments, in seconds of `time.monotonic`, and the bytes held then.
    """

    name: str
    samples: Samples

    def start(self) -> None:
        """Begin.

        Raises:
            OSError: It does not work here; the text says why.
        """

    def current(self) -> int:
        """Return the bytes that are held now, beyond what was held at the start."""

    def peak(self) -> Measurement:
        """Return the peak so far."""

    def look(self) -> None:
        """See what is held now, where that is more than was ever seen: it says what the peak is made of."""

    def phase(self) -> Measurement:
        """Return the peak since the last phase ended, or since the start, and begin another phase."""

    def pause(self) -> None:
        """Let what is taken from now on count as held before the start."""

    def resume(self) -> None:
        """End what `pause` began."""

    def stop(self) -> Measurement:
        """End, and return the peak."""
