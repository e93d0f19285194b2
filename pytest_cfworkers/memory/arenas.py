"""The arenas of the C library: each thread takes larger blocks from one, and leaves it to the next when it ends.

What is free in them must go back to the kernel before code is measured, since using it would be no growth.
"""

import _thread
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from threading import Barrier, BrokenBarrierError, get_native_id
from typing import Final, NamedTuple, Self, final

from pytest_cfworkers.memory.c_library import CLibrary

PAGE: Final = 4096

_ARENA: Final = re.compile(rb'<heap nr="(\d+)">(.*?)</heap>', re.DOTALL)
_HOLES: Final = re.compile(rb'<(?:size|unsorted) from="(\d+)" to="(\d+)" total="(\d+)" count="(\d+)"/>')
_REST: Final = re.compile(rb'<total type="rest" count="\d+" size="(\d+)"/>')

_SMALL_END: Final = 256 * 2**10
"""Bytes at the end of an arena that stay in any case: twice what glibc takes in advance."""

_ROUNDS: Final = 3
_THREADS: Final = 16
"""Threads of a round, at most. glibc makes eight arenas for each processor."""

_PATIENCE_S: Final = 1.0
"""Seconds after which threads that do not all begin, or end, are left alone: what they leave counts as free."""


class Holes(NamedTuple):
    """Free blocks between others: about one size, but for the largest.

    Attributes:
        smallest: Bytes of the smallest.
        largest: Bytes of the largest.
        total: Bytes of all.
        blocks: How many there are.
    """

    smallest: int
    largest: int
    total: int
    blocks: int


@final
@dataclass(frozen=True, slots=True)
class Arena:
    """An arena.

    Attributes:
        holes: Its free blocks, but for the one at its end.
        edges: Bytes of its free blocks that are resident after a trim, at most: only whole pages go back to the kernel,
            so of each block up to two pages stay.
        end: Bytes that are free at its end, which a trim leaves there; 0 for the first arena, where it does not.
    """

    holes: tuple[Holes, ...]
    edges: int
    end: int

    @property
    def free(self) -> int:
        """Bytes that are free in it, whoever has their pages, but for those at the end of the first arena."""
        return self.end + sum(holes.total for holes in self.holes)

    @classmethod
    def all(cls, told: bytes) -> list[Self]:
        """Return all arenas, the first one first, of what glibc tells of them."""
        found: list[Self] = []
        for number, text in _ARENA.findall(told):
            holes = tuple(Holes(*map(int, row)) for row in _HOLES.findall(text))
            rest = _REST.search(text)
            end = int(rest[1]) - sum(total for _, _, total, _ in holes) if rest and number != b"0" else 0
            edges = sum(min(total, count * 2 * PAGE) for _, _, total, count in holes)
            found.append(cls(holes, edges, max(end, 0)))
        return found


def trim(library: CLibrary, spare: int) -> list[Arena]:
    """Give what is free in all arenas back to the kernel.

    Args:
        library: The C library.
        spare: Bytes that may stay at the ends of arenas: they cost threads.

    Returns:
        What the arenas are then.
    """
    library.trim()
    arenas = Arena.all(library.arenas())
    for _ in range(_ROUNDS):
        if sum(arena.end for arena in arenas if arena.end > _SMALL_END) <= spare:
            break
        with library.keeping_little():
            _trim_ends(library, min(len(arenas) - 1, _THREADS))
        arenas = Arena.all(library.arenas())
    return arenas


def _trim_ends(library: CLibrary, count: int) -> None:
    """Let some threads trim the end of an arena, each of another: none ends before all of them have one.

    A thread begins with an arena that no other has; where there is none, with a new one, and from a certain number of
    arenas on with one in turn that it shares. So one round may not come to all of them.

    Raw threads: `threading` does not know them, so that code which lists or counts threads does not meet them.
    """
    together = Barrier(count + 1, timeout=_PATIENCE_S)
    started: set[str] = set()

    def run() -> None:
        started.add(str(get_native_id()))
        library.trim_end()
        with suppress(BrokenBarrierError):
            together.wait()

    for _ in range(count):
        _thread.start_new_thread(run, ())
    with suppress(BrokenBarrierError):
        together.wait()
    until = time.monotonic() + _PATIENCE_S
    while started & _threads() and time.monotonic() < until:
        os.sched_yield()


def _threads() -> set[str]:
    return set(os.listdir("/proc/self/task"))  # noqa: PTH208 - names are enough
