"""The timeline of one stretch of code: how much memory was held when."""

import time
from typing import Final, final

_MOST: Final = 256
"""Samples that are kept; a longer run keeps fewer of each second."""


@final
class Samples(list[tuple[float, int]]):
    """Moments, in seconds of `time.monotonic`, and the bytes held then; every n-th where there are many."""

    def __init__(self) -> None:
        super().__init__()
        self._every = 1
        self._seen = 0

    def add(self, size: int) -> None:
        """Note what is held now."""
        self._seen += 1
        if self._seen % self._every == 0:
            self.append((time.monotonic(), size))
        if len(self) > _MOST:
            del self[::2]
            self._every *= 2
