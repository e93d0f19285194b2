"""Who traces allocations, which takes many times the CPU time of the code that allocates, and memory of its own.

Engines of memory do, and code under test may (`tracemalloc.start`). A look of the plugin's own takes some milliseconds
(`memory.sizes`): it disturbs nobody, and must not be taken for the test's.
"""

import tracemalloc
from _tracemalloc import is_tracing
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from threading import RLock
from typing import Any, Final, NamedTuple, final

from pytest_cfworkers.metering.replaced import Replaced

_BEFORE: Final = -1
"""The mark where somebody traced already."""


class Tracing(NamedTuple):
    """Somebody who traces allocations.

    Attributes:
        name: "tracemalloc" or "memray".
        measures: Whether it is an engine that measures memory, and not the code under test.
    """

    name: str
    measures: bool


_OF_THE_TEST: Final = Tracing("tracemalloc", measures=False)


@final
class Allocations:
    """Who traces the allocations of this process.

    Attributes:
        lock: Held while a look goes on, and by who begins to trace: the end of a look would end that, too.
    """

    lock: RLock

    def __init__(self) -> None:
        self.lock = RLock()
        self._begun = 0
        self._latest = _OF_THE_TEST
        self._engines: list[Tracing] = []
        self._looks_begun = self._looks_ended = 0

    @property
    def traced(self) -> bool:
        """Whether tracemalloc is on, and not for a look alone."""
        ended = self._looks_ended  # before: a look that has begun by then, or begins now, makes the counts differ
        return is_tracing() and ended == self._looks_begun

    @property
    def looked_at(self) -> bool:
        """Whether a look goes on, which holds memory of its own."""
        ended = self._looks_ended  # before: see `traced`
        return ended != self._looks_begun

    def mark(self) -> int:
        """Return a mark for `since`."""
        return _BEFORE if self._engines or self.traced else self._begun

    def since(self, mark: int) -> Tracing | None:
        """Return who traces or has traced since a mark; None where nobody did."""
        if self._engines:
            return self._engines[-1]
        if mark not in {_BEFORE, self._begun}:
            return self._latest
        return _OF_THE_TEST if mark == _BEFORE or self.traced else None

    def begin(self, tracing: Tracing) -> None:
        """Note that an engine traces from now on."""
        self._engines.append(tracing)
        self.note(tracing)

    def end(self, tracing: Tracing) -> None:
        """Note that it has ended."""
        self._engines.remove(tracing)

    def note(self, tracing: Tracing) -> None:
        """Note that somebody began to trace."""
        self._begun += 1
        self._latest = tracing

    @contextmanager
    def look(self) -> Iterator[bool]:
        """Let tracing be a look's. Tells whether it may be: nobody else traces or looks."""
        if not self.lock.acquire(blocking=False):
            yield False
            return
        try:
            if is_tracing():
                yield False
                return
            self._looks_begun += 1
            try:
                yield True
            finally:
                self._looks_ended += 1
        finally:
            self.lock.release()


ALLOCATIONS: Final = Allocations()


def watch_allocations(replaced: Replaced) -> None:
    """Note where the code under test begins to trace, which it may have ended again when it is asked for."""
    replaced(tracemalloc, "start", _noted)


def _noted(start: Any) -> Any:
    @wraps(start)
    def noted(*args: Any) -> None:
        with ALLOCATIONS.lock:
            start(*args)
        ALLOCATIONS.note(_OF_THE_TEST)

    return noted
