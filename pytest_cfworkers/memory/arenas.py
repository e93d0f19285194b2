"""The arenas of the C library: each thread takes larger blocks from one, and leaves it to the next when it ends.

What is free in them must go back to the kernel before code is measured, since using it would be no growth.
"""

import _thread
import os
import re
from dataclasses import dataclass
from io import FileIO
from threading import get_native_id
from typing import Final, Self, final

from pytest_cfworkers.clock import SystemClock
from pytest_cfworkers.memory.c_library import CLibrary

PAGE: Final = 4096

_ARENA: Final = re.compile(rb'<heap nr="(\d+)">(.*?)</heap>', re.DOTALL)
_HOLE: Final = re.compile(rb'<(?:size|unsorted) from="\d+" to="\d+" total="(\d+)" count="(\d+)"/>')
_REST: Final = re.compile(rb'<total type="rest" count="\d+" size="(\d+)"/>')

_SMALL_END: Final = 256 * 2**10
"""Bytes at the end of an arena that stay in any case: twice what glibc takes in advance."""

_ROUNDS: Final = 3
_THREADS: Final = 16
"""Threads of a round, at most. glibc makes eight arenas for each processor."""

_PATIENCE_S: Final = 1.0
"""Seconds after which threads that do not all end are left alone: what they leave counts as free."""


@final
@dataclass(frozen=True, slots=True)
class Arena:
    """An arena.

    Attributes:
        edges: Bytes of its free blocks that are resident after a trim, at most: only whole pages go back to the kernel,
            so of each block up to two pages stay.
        end: Bytes that are free at its end, which a trim leaves there; 0 for the first arena, where it does not.
    """

    edges: int
    end: int

    @classmethod
    def all(cls, told: bytes) -> list[Self]:
        """Return all arenas, the first one first, of what glibc tells of them."""
        found: list[Self] = []
        for number, text in _ARENA.findall(told):
            holes = [(int(total), int(count)) for total, count in _HOLE.findall(text)]
            rest = _REST.search(text)
            end = int(rest[1]) - sum(total for total, _ in holes) if rest and number != b"0" else 0
            found.append(cls(sum(min(total, count * 2 * PAGE) for total, count in holes), max(end, 0)))
        return found


def trim(library: CLibrary, spare: int) -> int:
    """Give what is free in all arenas back to the kernel.

    Args:
        library: The C library.
        spare: Bytes that may stay at the ends of arenas: they cost threads.

    Returns:
        Bytes that are free and yet resident, at most.
    """
    library.trim()
    arenas = Arena.all(library.arenas())
    for _ in range(_ROUNDS):
        if sum(arena.end for arena in arenas if arena.end > _SMALL_END) <= spare:
            break
        with library.keeping_little():
            _trim_ends(library, min(len(arenas) - 1, _THREADS))
        arenas = Arena.all(library.arenas())
    return resident(library)


def resident(library: CLibrary) -> int:
    """Return how many bytes are free after a trim and yet resident, at most."""
    return sum(arena.edges + arena.end for arena in Arena.all(library.arenas()))


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
