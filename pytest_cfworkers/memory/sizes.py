"""What was asked for, where only blocks are known: a look of a few milliseconds through tracemalloc.

A block of 32 bytes may hold a float of 24 or a number of 32. Where that decides, what the code asks for while it grows
is traced for a moment, and the sizes seen stand for the rest.
"""

import time
import tracemalloc
from collections import Counter
from itertools import islice
from typing import Final, final

_MOMENT_S: Final = 0.001
"""Seconds for which other threads may go on; it is some 6 ms until this one has its turn again."""

_MOMENTS: Final = 10
"""How often that is repeated where the code did not get its turn."""

_TELLING: Final = 64 * 2**10
"""Bytes that tell enough."""

_LOOKS: Final = 3
_ENOUGH: Final = 20
"""Blocks of a size that must be seen to say what they waste."""

_TRACE: Final = 128
"""Bytes that a trace takes in a snapshot."""

_MOST: Final = 2_000
_ALIGNMENT: Final = 16


@final
class Sizes:
    """What blocks of each size waste, as far as it was seen.

    Attributes:
        looking: Whether it looks just now, so that tracing is its own.
        taken: Bytes that its looks took themselves, and may be pages still.
    """

    looking: bool
    taken: int

    def __init__(self) -> None:
        self.looking = False
        self.taken = 0
        self._looks = 0
        self._seen: Counter[int] = Counter()
        self._wasted: Counter[int] = Counter()

    def look(self) -> None:
        """Trace for a moment. Called by a thread of its own."""
        if self._looks == _LOOKS or tracemalloc.is_tracing():
            return
        self._looks += 1
        self.looking = True
        tracemalloc.start(1)
        try:
            for _ in range(_MOMENTS):
                time.sleep(_MOMENT_S)
                if tracemalloc.get_traced_memory()[0] > _TELLING:
                    break
            traces = tracemalloc.take_snapshot().traces
            self.taken += tracemalloc.get_tracemalloc_memory() + len(traces) * _TRACE
        finally:
            tracemalloc.stop()
            self.looking = False
        for trace in islice(traces, _MOST):
            block = -(-trace.size // _ALIGNMENT) * _ALIGNMENT
            self._seen[block] += 1
            self._wasted[block] += block - trace.size

    def waste(self, block: int) -> float | None:
        """Return how many bytes of a block of a size are wasted on average; None where it is not known."""
        return self._wasted[block] / self._seen[block] if self._seen[block] >= _ENOUGH else None
