"""Threads that are started while somebody watches: each takes address space for its stack, and perhaps an arena."""

import threading
from functools import wraps
from typing import Any, final

from pytest_cfworkers.memory.kernel import Marks
from pytest_cfworkers.metering.replaced import Replaced


@final
class Starts:
    """Counts the threads that Python starts, and lets what they take be noted, while at least one asks for it.

    `Thread._bootstrap` is what runs first and last in a thread: a private name, which this file alone knows.

    Args:
        marks: Where it is noted.

    Attributes:
        count: How many were started.
    """

    count: int

    def __init__(self, marks: Marks) -> None:
        self.count = 0
        self._marks = marks
        self._watchers = 0
        self._replaced = Replaced()
        self._lock = threading.Lock()

    def begin(self) -> int:
        """Begin to watch; return how many there were so far."""
        with self._lock:
            self._watchers += 1
            if self._watchers == 1:
                self._replaced(threading.Thread, "start", self._counted)
                self._replaced(threading.Thread, "_bootstrap", self._noted)
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
            with self._marks.starting(alone=threading.active_count() == 1):
                start(thread)

        return counted

    def _noted(self, run: Any) -> Any:
        @wraps(run)
        def noted(thread: threading.Thread) -> None:
            self._marks.started()
            try:
                run(thread)
            finally:
                self._marks.ended()

        return noted
