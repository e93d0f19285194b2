"""What was asked for, where only blocks are known: a look of a few milliseconds through tracemalloc.

A block of 32 bytes may hold a float of 24 or a number of 32. Where that decides, what the code asks for while it grows
is traced for a moment, and the sizes seen stand for the rest.
"""

from _tracemalloc import _get_traces, get_traced_memory, get_tracemalloc_memory
from _tracemalloc import start as start_tracing
from _tracemalloc import stop as stop_tracing
from collections import Counter
from time import sleep  # now: a test may replace it, and count its calls
from typing import Final, final

from pytest_cfworkers.metering.allocations import ALLOCATIONS

_MOMENT_S: Final = 0.001
"""Seconds for which other threads may go on; it is some 6 ms until this one has its turn again."""

_MOMENTS: Final = 10
"""How often that is repeated where the code did not get its turn."""

_TELLING: Final = 64 * 2**10
"""Bytes that tell enough."""

_LOOKS: Final = 3
_ENOUGH: Final = 20
"""Blocks of a size that must be seen to say what they waste."""

_TRACE: Final = 256
"""Bytes that a trace takes in a list of all, at most."""

_TABLES: Final = 2.5
"""What the tables of traces take, as a multiple of what tracemalloc says: each trace is a block of the C library's,
with margins, and a table is there twice while it grows. It was 2.1 to 2.5 for 30,000 to 1,000,000 texts."""

_TOO_MUCH: Final = 4 * 2**20
"""Bytes of traces of which no list is made: one call (`json.loads`) may go on for long, and give nobody a turn."""

_MOST: Final = 2_000
_ALIGNMENT: Final = 16

_taken = 0
"""Bytes that all looks of this process took themselves."""


@final
class Sizes:
    """What blocks of each size waste, as far as it was seen."""

    def __init__(self) -> None:
        self._taken_before = _taken
        self._looks = 0
        self._seen: Counter[int] = Counter()
        self._wasted: Counter[int] = Counter()

    @property
    def taken(self) -> int:
        """Bytes that looks took themselves, also those of others, and may be pages still."""
        return _taken - self._taken_before

    def look(self) -> None:
        """Trace for a moment. Called by a thread of its own."""
        global _taken  # noqa: PLW0603 - there is one heap
        if self._looks == _LOOKS:
            return
        with ALLOCATIONS.look() as may:
            if not may:
                return
            self._looks += 1
            start_tracing(1)
            try:
                for _ in range(_MOMENTS):
                    sleep(_MOMENT_S)
                    if get_traced_memory()[0] > _TELLING:
                        break
                tables = get_tracemalloc_memory()
                traces = _get_traces() if tables < _TOO_MUCH else ()
                _taken += int(tables * _TABLES) + len(traces) * _TRACE
                traces = traces[:_MOST]  # now: who looks after this would see them held
            finally:
                stop_tracing()
        for trace in traces:
            size = trace[1]
            block = -(-size // _ALIGNMENT) * _ALIGNMENT
            self._seen[block] += 1
            self._wasted[block] += block - size

    def waste(self, block: int) -> float | None:
        """Return how many bytes of a block of a size are wasted on average; None where it is not known."""
        return self._wasted[block] / self._seen[block] if self._seen[block] >= _ENOUGH else None
