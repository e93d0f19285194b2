"""A filling: what is free inside the main thread's arena of the C library, taken away while code is measured.

Code that fits into it takes pages, but no address space, so that memory which it takes and never touches cannot be told
from it. Nobody writes to the filling, so that it takes no page that was not there before. It lasts only as long as
somebody measures, so that what lives longer fills those places, and not new ones.
"""

from typing import Final, final

from pytest_cfworkers.memory.arenas import Arena
from pytest_cfworkers.memory.c_library import CLibrary

_SMALLEST: Final = 2 * 2**10
"""Bytes of a free block that is filled: above those that each thread keeps to itself."""

_HEADER: Final = 8
_ALIGNMENT: Final = 16

_ROUNDS: Final = 4
"""How often it is filled: of free blocks of about a size only the smallest and the largest are known exactly."""

_MOST: Final = 2_000
"""Free blocks that are filled, the largest ones first: a thousand cost a millisecond, for each test."""


@final
class Filling:
    """What fills it.

    Args:
        library: The C library.

    Attributes:
        size: Its bytes.
    """

    size: int

    def __init__(self, library: CLibrary) -> None:
        self.size = 0
        self._library = library
        self._blocks: list[int] = []

    def add(self, spare: int) -> None:
        """Fill what is free. The main thread must call: any other takes from another arena.

        Args:
            spare: Bytes that may stay free.
        """
        for _ in range(_ROUNDS):
            main = Arena.all(self._library.arenas())[0]
            holes = [group for group in main.holes if group.largest >= _SMALLEST]
            if sum(group.total for group in holes) <= spare or len(self._blocks) == _MOST:
                break
            for group in sorted(holes, reverse=True):
                self._take(group.largest, 1)
                self._take(max(group.smallest, _SMALLEST), group.count - 1)

    def drop(self) -> None:
        """Give it back."""
        blocks, self._blocks, self.size = self._blocks, [], 0
        self._library.free(blocks)

    def _take(self, size: int, count: int) -> None:
        size = size // _ALIGNMENT * _ALIGNMENT
        count = min(count, _MOST - len(self._blocks))
        self._blocks += self._library.take(size - _HEADER, count)
        self.size += size * count
