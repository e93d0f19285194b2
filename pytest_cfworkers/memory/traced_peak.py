"""The peak of `tracemalloc`, shared by all who measure: it has one, and each phase resets it.

The code under test may trace by itself. What it does to tracing is noted while somebody measures, and tracing is left
as it leaves it.
"""

import gc
import tracemalloc
from _tracemalloc import _get_object_traceback, get_traced_memory, is_tracing, reset_peak
from _tracemalloc import start as start_tracing
from _tracemalloc import stop as stop_tracing
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from operator import call
from threading import RLock
from typing import Any, Final, Protocol, final

from pytest_cfworkers.metering.allocations import ALLOCATIONS, Tracing
from pytest_cfworkers.metering.replaced import Replaced

_TRACING: Final = Tracing("tracemalloc", measures=True)
_BYTES: Final = b"".__sizeof__()


class Following(Protocol):
    """An engine that is brought up to date.

    Attributes:
        most: The most that was traced since its start.
        phase_most: The same since its last phase.
    """

    most: int
    phase_most: int

    def shift(self, taken: int) -> None:
        """Let what was taken since the last note count as held before the start."""


@final
class Trace:
    """A block of which tracemalloc knows as long as it goes on and nobody clears what it has noted."""

    def __init__(self) -> None:
        self._block = object()

    @property
    def lost(self) -> str:
        """Say what was done to tracing, so that its figures are wrong; "" for nothing."""
        if not is_tracing():
            return "the test stopped tracemalloc, with which its memory was measured"
        if _get_object_traceback(self._block) is None:
            return "the test restarted tracemalloc or cleared its traces, with which its memory was measured"
        return ""


@final
class SharedPeak:
    """The peak of `tracemalloc`, for every engine that follows it."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._engines: list[Following] = []
        self._started_here = False
        self._applications = 0
        self._replaced = Replaced()

    def begin(self, engine: Following) -> None:
        """Trace, and bring an engine up to date from now on.

        Where tracing is on already, it is used as it is: one frame of each block is enough.
        """
        with ALLOCATIONS.lock:  # a look that goes on would end this with itself
            if not is_tracing():
                start_tracing(1)
                self._started_here = True
        ALLOCATIONS.begin(_TRACING)
        if not self._engines:
            self._replaced(tracemalloc, "reset_peak", self._noting)
            self._replaced(tracemalloc, "clear_traces", self._forgetting)
            self._replaced(tracemalloc, "start", self._owning)
            self._replaced(tracemalloc, "stop", lambda stop: self._owning(self._forgetting(stop)))
        self._engines.append(engine)
        self.note()

    def end(self, engine: Following) -> None:
        """Let an engine go. With the last one tracing ends, unless it is the application's."""
        ALLOCATIONS.end(_TRACING)
        self._engines.remove(engine)
        if self._engines:
            return
        self._replaced.restore()
        if self._started_here:
            stop_tracing()
            self._started_here = False
        elif is_tracing():
            self._give_back()
        self._applications = 0

    def see(self) -> None:
        """Bring every engine up to date, and leave the peak as it is."""
        with self._lock:
            self._noted(*get_traced_memory())

    def note(self) -> None:
        """Bring every engine up to date, and begin another peak."""
        with self._lock:
            self._noted(*get_traced_memory())
            reset_peak()

    def apart(self, do: Callable[[], Any]) -> Any:
        """Do something in C, and leave what it takes or frees out of every engine's figures.

        `map` and its unpacking are C, too, so that no other thread has a turn in between: what that takes must count.
        Nor is garbage collected, which calls back whoever asked for it.
        """
        restore = gc.enable if gc.isenabled() else gc.disable
        held = get_traced_memory
        with self._lock:
            _, (before, most), done, (after, _), _, _ = map(call, (gc.disable, held, do, held, reset_peak, restore))
            self._noted(before, most)
            for engine in self._engines:
                engine.shift(after - before)
        return done

    def _noted(self, _held: int, most: int) -> None:
        for engine in self._engines:
            engine.most, engine.phase_most = max(engine.most, most), max(engine.phase_most, most)
        self._applications = 0 if self._started_here else max(self._applications, most)

    def _give_back(self) -> None:
        """Let an application that traces by itself find the peak that it would have found without anybody measuring.

        A peak can be reset, and not set: so as much is taken for a moment, and never touched.
        """
        with self._lock:
            held, most = get_traced_memory()
            if self._applications > most:
                with suppress(MemoryError):
                    bytes(max(self._applications - held - _BYTES, 0))

    def _noting(self, reset: Any) -> Any:
        forgetting = self._forgetting(reset)

        @wraps(reset)
        def noting() -> None:
            with self._lock:
                self.note()
                forgetting()

        return noting

    def _forgetting(self, function: Any) -> Any:
        """Let a function that ends the application's own peak end what is owed to it."""

        @wraps(function)
        def forgetting() -> None:
            function()
            self._applications = 0

        return forgetting

    def _owning(self, function: Any) -> Any:
        """Let tracing that the application begins or ends be its own from then on."""

        @wraps(function)
        def owning(*args: Any) -> None:
            function(*args)
            self._started_here = False

        return owning


PEAK: Final = SharedPeak()
