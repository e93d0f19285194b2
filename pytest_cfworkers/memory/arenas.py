"""The arenas of the C library: each thread takes larger blocks from one, and leaves it to the next when it ends.

What is free in them must go back to the kernel before code is measured, since using it would be no growth. The main
thread takes from the first one alone.
"""

import _thread
import os
import re
from dataclasses import dataclass
from io import FileIO
from threading import get_native_id
from typing import Final, NamedTuple, Self, final

from pytest_cfworkers.clock import SystemClock
from pytest_cfworkers.memory.c_library import CLibrary

PAGE: Final = 4096

_ARENA: Final = re.compile(rb'<heap nr="(\d+)">(.*?)</heap>', re.DOTALL)
_HOLES: Final = re.compile(rb'<(?:size|unsorted) from="(\d+)" to="(\d+)" total="(\d+)" count="(\d+)"/>')
_REST: Final = re.compile(rb'<total type="rest" count="\d+" size="(\d+)"/>')
_FAST: Final = re.compile(rb'<total type="fast" count="\d+" size="(\d+)"/>')

_SMALL_END: Final = 256 * 2**10
"""Bytes at the end of an arena that stay in any case: twice what glibc takes in advance."""

_ROUNDS: Final = 3
_THREADS: Final = 16
"""Threads of a round, at most. glibc makes eight arenas for each processor."""

_PATIENCE_S: Final = 1.0
"""Seconds after which threads that do not all end are left alone: what they leave counts as free."""


@final
@dataclass(frozen=True, slots=True, order=True)
class Holes:
    """Free blocks of about a size.

    Attributes:
        smallest: Bytes of the smallest.
        largest: Bytes of the largest.
        total: Bytes of all.
        count: How many there are.
    """

    smallest: int
    largest: int
    total: int
    count: int


@final
@dataclass(frozen=True, slots=True)
class Arena:
    """An arena.

    Attributes:
        edges: Bytes of its free blocks that are resident after a trim, at most: only whole pages go back to the kernel,
            so of each block up to two pages stay.
        end: Bytes that are free at its end, which a trim leaves there; 0 for the first arena, where it does not.
        free: Bytes that are free in all, resident or not.
        holes: Its free blocks, by groups of about a size.
    """

    edges: int
    end: int
    free: int
    holes: tuple[Holes, ...] = ()

    @classmethod
    def all(cls, told: bytes) -> list[Self]:
        """Return all arenas, the first one first, of what glibc tells of them."""
        found: list[Self] = []
        for number, text in _ARENA.findall(told):
            holes = tuple(Holes(*map(int, group)) for group in _HOLES.findall(text))
            rest, fast = (int(figure[1]) if (figure := sought.search(text)) else 0 for sought in (_REST, _FAST))
            end = max(rest - sum(group.total for group in holes), 0) if number != b"0" else 0
            edges = sum(min(group.total, group.count * 2 * PAGE) for group in holes)
            found.append(cls(edges, end, rest + fast, holes))
        return found


class Left(NamedTuple):
    """What a trim leaves free.

    Attributes:
        edges: Bytes that are resident, at most.
        main: How many of these are in the arena of the main thread.
        others: Bytes that are free in the arenas of other threads, resident or not.
    """

    edges: int
    main: int
    others: int = 0

    def most(self, later: "Left") -> "Left":
        """Return what may be resident by this or a later trim."""
        return Left(max(self.edges, later.edges), max(self.main, later.main), later.others)


def trim(library: CLibrary, spare: int) -> Left:
    """Give what is free in all arenas back to the kernel.

    Args:
        library: The C library.
        spare: Bytes that may stay at the ends of arenas: they cost threads.
    """
    library.trim()
    arenas = Arena.all(library.arenas())
    for _ in range(_ROUNDS):
        if sum(arena.end for arena in arenas if arena.end > _SMALL_END) <= spare:
            break
        with library.keeping_little():
            _trim_ends(library, min(len(arenas) - 1, _THREADS))
        arenas = Arena.all(library.arenas())
    return left(library)


def left(library: CLibrary) -> Left:
    """Return what a trim has left free."""
    main, *others = Arena.all(library.arenas())
    edges = main.edges + main.end
    return Left(edges + sum(other.edges + other.end for other in others), edges, sum(other.free for other in others))


def _trim_ends(library: CLibrary, count: int) -> None:
    """Let some threads trim the end of an arena, each of another: none ends before all of them have one.

    A thread begins with an arena that no other has; where there is none, with a new one, and from a certain number of
    arenas on with one in turn that it shares. So one round may not come to all of them.

    Raw threads: `threading` does not know them, so that code which lists or counts threads does not meet them.
    Locks are entered: a loop may run in this thread, in which a test refuses what blocks it (`acquire`).
    """
    gate, arrivals = _taken_lock(), []
    started: list[int] = []

    def run(arrived: _thread.LockType) -> None:
        started.append(get_native_id())
        library.trim_end()
        arrived.release()
        with gate:
            pass

    for _ in range(count):
        arrived = _taken_lock()
        try:
            _thread.start_new_thread(run, (arrived,))
        except RuntimeError:  # the system gives no more
            break
        arrivals.append(arrived)
    for arrived in arrivals:
        with arrived:
            pass
    gate.release()
    until = SystemClock.monotonic() + _PATIENCE_S
    while any(map(_lives, started)) and SystemClock.monotonic() < until:
        os.sched_yield()


def _taken_lock() -> _thread.LockType:
    lock = _thread.allocate_lock()
    lock.acquire(blocking=False)
    return lock


def _lives(thread: int) -> bool:
    try:
        FileIO(f"/proc/self/task/{thread}/comm").close()
    except OSError:
        return False
    return True
