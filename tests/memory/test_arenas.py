"""What the C library tells of its arenas, and what is given back of them."""

import asyncio
import ctypes
import sys

import pytest
from blockbuster import blockbuster_ctx

if sys.platform != "linux":
    pytest.skip("the books are glibc's", allow_module_level=True)

from pytest_cfworkers.memory.arenas import Arena, Holes, Left, left, trim
from pytest_cfworkers.memory.c_library import CLibrary
from tests.memory.workloads import Keeper, buffers_of_threads, in_new_process

MB = 2**20
LIBRARY = CLibrary()

_M_TRIM_THRESHOLD = -1  # of malloc.h


TOLD = b"""<malloc version="1">
<heap nr="0"><sizes></sizes><total type="rest" count="1" size="7000000"/></heap>
<heap nr="1">
<sizes><size from="33" to="33" total="66" count="2"/><unsorted from="90001" to="90001" total="90001" count="1"/></sizes>
<total type="fast" count="2" size="96"/><total type="rest" count="4" size="1090067"/>
</heap>
<total type="rest" count="5" size="8090067"/></malloc>"""


def test_of_a_large_free_block_two_pages_stay_and_of_a_small_one_all() -> None:
    first, second = Arena.all(TOLD)
    assert (first.edges, first.end) == (0, 0)
    assert (second.edges, second.end) == (66 + 2 * 4096, 1_000_000)


def test_what_is_free_is_told_whole_and_by_the_sizes_of_its_blocks() -> None:
    first, second = Arena.all(TOLD)
    assert (first.free, first.holes) == (7_000_000, ())
    assert second.free == 1_090_067 + 96
    assert second.holes == (Holes(33, 33, 66, 2), Holes(90_001, 90_001, 90_001, 1))


def left_before_and_beside_a_keeper() -> tuple[Left, Left]:
    before = left(LIBRARY)
    with Keeper():
        return before, left(LIBRARY)


def test_what_a_thread_keeps_free_is_not_the_main_threads() -> None:
    before, after = (Left(*figures) for figures in in_new_process(left_before_and_beside_a_keeper))
    assert after.others - before.others > 9 * MB
    assert after.main - before.main < MB
    assert after.edges - before.edges > MB // 2


def ends() -> int:
    return sum(arena.end for arena in Arena.all(LIBRARY.arenas()))


def test_what_threads_left_at_the_ends_of_their_arenas_is_given_back() -> None:
    ctypes.CDLL(None).mallopt(_M_TRIM_THRESHOLD, 64 * MB)  # what large buffers that are freed bring it to
    buffers_of_threads()
    LIBRARY.trim()
    left = ends()
    assert left > 15 * MB
    trim(LIBRARY, spare=MB)
    assert ends() < left / 4


def test_it_may_be_asked_for_in_a_loop_in_which_a_test_refuses_what_blocks_it() -> None:
    async def in_loop() -> int:
        return trim(LIBRARY, spare=-1).edges

    buffers_of_threads()
    with blockbuster_ctx():
        assert asyncio.run(in_loop()) >= 0
