"""`Preparation`: makes what is free in the heap so little that using it is growth of the process, which is seen.

What all stretches of code in this process share, since they share its heap.
"""

import gc
from threading import Lock
from typing import Final, final

from pytest_cfworkers.memory import arenas
from pytest_cfworkers.memory.arenas import Left
from pytest_cfworkers.memory.ballast import Ballast
from pytest_cfworkers.memory.c_library import CLibrary
from pytest_cfworkers.memory.filling import Filling
from pytest_cfworkers.memory.heap import Books, Heap
from pytest_cfworkers.memory.kernel import Marks
from pytest_cfworkers.memory.threads import is_main

UNKNOWN_SHARE: Final = 0.05
"""The share of the limit that may stay unknown before something is done about it."""

FREE_SHARE: Final = 0.2
"""The share of the limit that may be free in pymalloc: a look near the peak tells what of it is used."""


@final
class Preparation:
    """Prepares the heap of this process, and keeps the books and marks of all who measure it.

    Raises:
        OSError: The allocators keep no books here.
    """

    def __init__(self) -> None:
        self._library = CLibrary()
        self.books: Books = Books(self._library)
        self.marks: Marks = Marks()
        self.lock: Lock = Lock()
        self._ballast = Ballast()
        self._filling = Filling(self._library)
        self._collected: int | None = None
        self._measuring = 0

    def hold(self) -> None:
        """Keep what fills the C library's heap until `release`: called before `prepare` by whoever measures then."""
        with self.lock:
            self._measuring += 1

    def prepare(self, limit: int) -> Left:
        """Prepare the heap.

        Args:
            limit: The limit in force, in bytes: a share of it may stay free.

        Returns:
            What the C library holds free of larger blocks.
        """
        unknown = int(limit * UNKNOWN_SHARE)
        alone = not self.marks.watched  # or whoever watches would see what fills the heap held
        heap = self._collect(unknown)
        left = Left(heap.large_free, heap.large_free)
        if left.edges > unknown:  # pages that are given back must be fetched again, so not for less
            if alone and is_main():
                self._filling.add(spare=unknown // 8)  # first: what is filled need not be given back
            with self.marks.apart():  # the stacks of threads that trim
                left = arenas.trim(self._library, spare=unknown // 2)
            heap = self.books.read()
        if heap.small_free > limit * FREE_SHARE and alone:
            self._fill(heap)
        return left

    def release(self) -> None:
        """End what `hold` began; who is the last gives back what fills the heap."""
        with self.lock:
            self._measuring -= 1
            if not self._measuring:
                self._filling.drop()

    def give_back(self) -> Left:
        """Give what the C library holds free back to the kernel; return what is left free."""
        self._library.trim()
        return arenas.left(self._library)

    def _collect(self, unknown: int) -> Heap:
        """Collect garbage in cycles: freed while code is measured, it would make room that nobody sees used."""
        heap = self.books.read()
        held = heap.in_use - self._filling.size
        if self._collected is None or held - self._collected > unknown:
            gc.collect()
            heap = self.books.read()
            self._collected = heap.in_use - self._filling.size
        return heap

    def _fill(self, heap: Heap) -> None:
        if self._ballast.heavy:
            self._ballast.drop()
            heap = self.books.read()
            self._collected = heap.in_use - self._filling.size
        self._ballast.add(heap)
        self._collected = (self._collected or 0) + self.books.read().in_use - heap.in_use


_preparation: Preparation | None = None


def this_process() -> Preparation:
    """Return that of this process.

    Raises:
        OSError: The allocators keep no books here.
    """
    global _preparation  # noqa: PLW0603 - there is one heap
    if _preparation is None:
        _preparation = Preparation()
    return _preparation
