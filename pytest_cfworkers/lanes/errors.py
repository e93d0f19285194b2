"""What can go wrong with a real runtime. None of these is an answer of D1.

LaneError
├── LaneUnavailable      Node or the runtime is not installed; the message holds the command that mends it
├── InstallationFailed   the installer could not do its work
└── RuntimeFailed        the process died, did not start, or was stopped
    └── RuntimeTimeout   it did not answer in time, and was stopped for that
"""

from __future__ import annotations


class LaneError(Exception):
    """Something about the real runtime, not about the code under test."""


class LaneUnavailable(LaneError):  # noqa: N818 - a state, not a fault
    """The real runtime cannot be used here; the message says why and which command mends it."""


class InstallationFailed(LaneError):  # noqa: N818 - says what happened
    """The runtime could not be installed; the message holds the words of npm."""


class RuntimeFailed(LaneError):  # noqa: N818 - says what happened
    """The process of the runtime ended, or never started.

    Args:
        happened: One sentence.
        log: The last lines that the runtime and the bridge printed.
    """

    def __init__(self, happened: str, log: str = "") -> None:
        tail = log.strip() or "(it printed nothing)"
        super().__init__(f"{happened}\nThe next database gets a new runtime. Log of this one:\n{tail}")
        self.happened = happened
        self.log = log

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way from an xdist worker to its controller."""
        return type(self), (self.happened, self.log)


class RuntimeTimeout(RuntimeFailed):
    """The runtime gave no answer in time; it was stopped."""
