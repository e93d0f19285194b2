"""The holes in the heap of the C library, filled, so that whatever a test takes is growth of the process.

A free block between others is used without any growth of the address space, and without any of the pages where nobody
touches what was taken. So where there is much of them, they are taken away: not written to, they cost no pages.
"""

from array import array
from typing import Final, final

from pytest_cfworkers.memory.arenas import Arena
from pytest_cfworkers.memory.c_library import CLibrary

_CAP: Final = 256 * 2**20
"""Bytes from which on all is given back and taken anew, if it is twice what it was after the last time."""

_ROUNDS: Final = 64
"""Blocks of nearly one size are taken as the smallest of them, and of many sizes the largest alone. So a round leaves
what others had more."""

_NEARLY: Final = 1.25

_MOST: Final = 100_000
"""Blocks that are taken in one go; some 50 ms."""

_HEADER: Final = 8
_ALIGNMENT: Final = 16
_SMALLEST: Final = 64
"""Bytes of the smallest holes that are filled."""


@final
class Filling:
    """What fills the holes of the first arena.

    Args:
        library: The C library.
    """

    def __init__(self, library: CLibrary) -> None:
        self._library = library
        self._blocks: list[array[int]] = []
        self._size = self._size_anew = 0

    @property
    def heavy(self) -> bool:
        """Whether it should be dropped before more is added."""
        return self._size > max(_CAP, 2 * self._size_anew)

    def drop(self) -> None:
        """Give back what it has taken."""
        for blocks in self._blocks:
            self._library.free(blocks)
        self._blocks.clear()
        self._size = self._size_anew = 0

    def add(self, arena: Arena, spare: int) -> None:
        """Fill holes, the largest first.

        Args:
            arena: The first arena.
            spare: Bytes of holes that may stay.
        """
        anew = not self._size
        for _ in range(_ROUNDS):
            if arena.free <= spare:
                break
            asked, taken = self._take(arena)
            before, arena = arena.free, Arena.all(self._library.arenas())[0]
            if before - arena.free < asked // 2:  # this thread takes from another arena
                for blocks in taken:
                    self._library.free(blocks)
                self._library.trim()
                break
            self._blocks += taken
            self._size += before - arena.free
        if anew:
            self._size_anew = self._size

    def _take(self, arena: Arena) -> tuple[int, list["array[int]"]]:
        """Take blocks; return how many bytes were asked for, too."""
        left, asked, taken = _MOST, 0, []
        for holes in sorted(arena.holes, reverse=True):
            size, count = holes.smallest, min(holes.blocks, left)
            if holes.largest > holes.smallest * _NEARLY:
                size, count = holes.largest, 1
            size = size // _ALIGNMENT * _ALIGNMENT - _HEADER
            if size < _SMALLEST or not count:
                break
            taken.append(self._library.take(size, count))
            left -= count
            asked += size * count
        return asked, taken
