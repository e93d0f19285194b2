"""The holes in the heap of the C library, and what fills them."""

import ctypes
import sys

import pytest

if sys.platform != "linux":
    pytest.skip("the books are glibc's", allow_module_level=True)

from pytest_cfworkers.memory.arenas import trim
from pytest_cfworkers.memory.c_library import CLibrary
from pytest_cfworkers.memory.holes import Filling

MB = 2**20
LIBRARY = CLibrary()

_M_MMAP_THRESHOLD = -3  # of malloc.h


def test_holes_are_filled_without_a_page_for_it_and_come_back_when_that_is_dropped() -> None:
    ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 32 * MB)
    kept = [bytes([number % 256]) * (MB // 8 + number * 64) for number in range(300)][::2]
    first, *_ = trim(LIBRARY, MB)
    assert first.free > 15 * MB
    filling = Filling(LIBRARY)
    taken, resident = LIBRARY.totals().arena, resident_pages()
    filling.add(first, MB)
    assert LIBRARY.totals().fordblks < 4 * MB
    assert LIBRARY.totals().arena - taken < 4 * MB
    assert (resident_pages() - resident) * 4096 < 3 * MB
    filling.drop()
    assert LIBRARY.totals().fordblks > 15 * MB
    assert len(kept) == 150


def test_a_hole_much_larger_than_others_is_filled_whole() -> None:
    ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 32 * MB)
    blocks = [LIBRARY.take(size * MB, 1) for size in (20, 1, 25, 1, 2, 1, 3, 1)]
    for block in blocks[::2]:
        LIBRARY.free(block)
    first, *_ = trim(LIBRARY, MB)
    assert first.free > 45 * MB
    filling = Filling(LIBRARY)
    filling.add(first, MB)
    assert LIBRARY.totals().fordblks < 4 * MB
    filling.drop()
    for block in blocks[1::2]:
        LIBRARY.free(block)


def resident_pages() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - nothing to import
        return int(file.read().split()[1])
