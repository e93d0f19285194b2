"""`Memory`: what the fixture `cf_memory` gives a test."""

from typing import final

import pytest

from pytest_cfworkers.invocation import Invocation
from pytest_cfworkers.memory.tracker import MemoryTracker
from pytest_cfworkers.plugin.guard import Guard


@final
class Memory:
    """The memory of the test's function, in bytes beyond what was held before it.

    Args:
        guard: The guard of the test.
    """

    def __init__(self, guard: Guard) -> None:
        if guard.limits.memory_mode == "off":
            pytest.skip("cf_memory: memory is not measured, by --cf-memory=off")
        if guard.limits.memory_mode == "memray":
            pytest.skip("cf_memory: memray tells its figure at its end only; --cf-memory=trace tells it at any time")
        self._invocation: Invocation | None = None
        self._tracker: MemoryTracker | None = None
        guard.measures_memory = True
        guard.starters.append(self._follow)

    @property
    def current(self) -> int:
        """Bytes that are held now."""
        __tracebackhide__ = True
        return self._measured.current

    @property
    def peak(self) -> int:
        """The most bytes that were held at once so far."""
        __tracebackhide__ = True
        return self._measured.peak

    @property
    def limit(self) -> int:
        """The limit in force; the platform's where the test has none."""
        __tracebackhide__ = True
        return self._measured.limit

    @property
    def headroom(self) -> int:
        """Bytes that are left of the limit at the peak; negative beyond it."""
        __tracebackhide__ = True
        return self._measured.headroom

    def checkpoint(self, name: object) -> int:
        """End a phase and name it.

        Args:
            name: What reports call it, by its `str()`.

        Returns:
            The most bytes that were held at once in the phase: since the last checkpoint, or since the start.
        """
        __tracebackhide__ = True
        if self._invocation is not None:
            self._invocation.checkpoint(name)
        return self._measured.checkpoint(str(name))

    def assert_under(self, size: int | str) -> None:
        """Fail unless the peak so far is under a size.

        Args:
            size: A size, such as "64 MB" or a number of bytes.
        """
        __tracebackhide__ = True
        self._measured.assert_under(size)

    @property
    def _measured(self) -> MemoryTracker:
        __tracebackhide__ = True
        if self._tracker is None:
            raise RuntimeError("The memory of a test is measured from its function on, after its fixtures are set up.")
        return self._tracker

    def _follow(self, invocation: Invocation) -> None:
        """Show what an invocation of the test's function measures."""
        self._invocation, self._tracker = invocation, invocation.memory.tracker
