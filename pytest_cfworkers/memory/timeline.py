"""The timeline of one stretch of code: how much memory was held when."""

from array import array
from collections.abc import Iterator
from typing import Final, final

from pytest_cfworkers.clock import SystemClock

_MOST: Final = 256
"""Samples that are kept; a longer run keeps fewer of each second."""


@final
class Samples:
    """Moments, in seconds of `time.monotonic`, and the bytes held then; every n-th where there are many.

    Two arrays of a fixed length, made before the first sample: small objects that are made while a test grows would
    keep the arenas that they are in from being freed after it.
    """

    def __init__(self) -> None:
        self._moments = array("d", bytes(8 * _MOST))
        self._sizes = array("q", bytes(8 * _MOST))
        self._count = 0
        self._every = 1
        self._seen = 0

    def add(self, size: int) -> None:
        """Note what is held now."""
        self._seen += 1
        if self._seen % self._every:
            return
        if self._count == _MOST:
            self._count = _MOST // 2
            self._every *= 2
            for place in range(self._count):
                self._moments[place], self._sizes[place] = self._moments[2 * place], self._sizes[2 * place]
        self._moments[self._count] = SystemClock.monotonic()
        self._sizes[self._count] = size
        self._count += 1

    def __iter__(self) -> Iterator[tuple[float, int]]:
        return zip(self._moments[: self._count], self._sizes[: self._count], strict=True)
