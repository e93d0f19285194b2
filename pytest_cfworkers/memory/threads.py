"""Threads beside the one that is measured: one that starts takes address space for its stack, and perhaps an arena.

One that lived before and used no CPU time since has allocated nothing.
"""

import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import wraps
from os import getpid
from posix import listdir  # that of `os` may be the test's own, or refuse to work in a loop
from time import clock_gettime
from typing import Any, Final, final

from pytest_cfworkers.memory.ticker import tickers
from pytest_cfworkers.metering.replaced import Replaced


@final
class Starts:
    """Counts the threads that Python starts, while at least one asks for it."""

    def __init__(self) -> None:
        self.count = 0
        self._watchers = 0
        self._replaced: Final = Replaced()
        self._lock: Final = threading.Lock()

    def begin(self) -> int:
        """Begin to watch; return how many there were so far."""
        with self._lock:
            self._watchers += 1
            if self._watchers == 1:
                self._replaced(threading.Thread, "start", self._counted)
            return self.count

    def end(self) -> None:
        """End what `begin` began."""
        with self._lock:
            self._watchers -= 1
            if not self._watchers:
                self._replaced.restore()

    def _counted(self, start: Any) -> Any:
        @wraps(start)
        def counted(thread: threading.Thread) -> None:
            self.count += 1
            start(thread)

        return counted


STARTS: Final = Starts()
"""Those of this process."""

_CLOCK: Final = 6
"""What the number of a clock ends with that is one thread's CPU time: clock_gettime(2), `CPUCLOCK_PERTHREAD_MASK`."""


@final
class Others:
    """The threads of now but for this one and tickers, and those that Python starts from now on. Linux only."""

    def __init__(self) -> None:
        self._starts = STARTS.count
        try:
            self._used = dict(_cpu_times()) if is_main() else None
        except OSError:  # the files of the system are hidden
            self._used = None

    @property
    def idle(self) -> bool:
        """Whether none of them ran, and so the main thread alone allocated. False where this is another thread."""
        if self._used is None or STARTS.count != self._starts:
            return False
        try:
            return all(_cpu_time(thread) == used for thread, used in self._used.items())
        except OSError:  # it has ended
            return False


def is_main() -> bool:
    """Tell whether this is the thread that the process began with."""
    return threading.get_native_id() == getpid()


def _cpu_times() -> Iterator[tuple[int, float]]:
    own = {threading.get_native_id(), *tickers()}
    for thread in set(map(int, listdir("/proc/self/task"))) - own:
        with suppress(OSError):  # it has ended by now
            yield thread, _cpu_time(thread)


def _cpu_time(thread: int) -> float:
    return clock_gettime(~thread << 3 | _CLOCK)
