"""Threads that are started while somebody watches: each takes address space for its stack, and perhaps an arena."""

import threading
from functools import wraps
from typing import Any, Final, final

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
