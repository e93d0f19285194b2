"""Ballast: the free memory inside the heap, taken away, so that whatever a test takes is growth of the process.

A test that fits into memory which an earlier one freed does not make the process grow, so the kernel sees nothing of
it. Where there is much of it, each free block of pymalloc is filled with an object of just its size. The ballast is
kept from test to test, so that only what was freed since is filled again.
"""

from itertools import repeat
from typing import Final, final

from pytest_cfworkers.memory.heap import Heap

_CAP: Final = 256 * 2**20
"""Bytes of ballast from which on it is dropped and made anew: blocks that it holds keep arenas from being freed."""

_POOL_HEADER: Final = 48
_POOL: Final = 16 * 2**10
_LARGEST: Final = 512
_BYTES: Final = b"".__sizeof__()


@final
class Ballast:
    """What fills the free blocks of pymalloc.

    Attributes:
        size: Bytes that it fills.
    """

    size: int

    def __init__(self) -> None:
        self.size = 0
        self._held: list[list[object]] = []

    @property
    def heavy(self) -> bool:
        """Whether it should be dropped before more is added."""
        return self.size > _CAP

    def drop(self) -> None:
        """Give back what it fills."""
        self._held.clear()
        self.size = 0

    def add(self, heap: Heap) -> None:
        """Fill what is free by the books."""
        for row in heap.classes:
            if row.free:
                self._held.append(_blocks(row.size, row.free))
        pools = heap.unused_pools // _POOL
        self._held.append(_blocks(_LARGEST, pools * ((_POOL - _POOL_HEADER) // _LARGEST)))
        self.size += heap.small_free


def _blocks(size: int, count: int) -> list[object]:
    """Make objects that take a block of a size each."""
    if size >= _BYTES:
        return list(map(bytes, repeat(size - _BYTES, count)))
    # Smaller than any bytes object: a float takes a block of 32, a bare object one of 16.
    return list(map(float, range(count))) if size > object.__sizeof__(object()) else [object() for _ in range(count)]
