"""What is free in the C library's heap is filled while code is measured, and costs no memory."""

import sys
import threading

import pytest

if sys.platform != "linux":
    pytest.skip("the heap is glibc's", allow_module_level=True)

from pytest_cfworkers import MemoryTracker
from pytest_cfworkers.memory.arenas import Arena
from pytest_cfworkers.memory.c_library import CLibrary
from pytest_cfworkers.memory.filling import Filling
from pytest_cfworkers.memory.kernel import Resident
from pytest_cfworkers.memory.preparation import this_process
from pytest_cfworkers.memory.threads import Others
from tests.memory.workloads import Keeper, in_new_process

MB = 2**20


def holes_of_main(library: CLibrary) -> int:
    return sum(group.total for group in Arena.all(library.arenas())[0].holes)


def with_holes() -> object:
    """Keep every other of some blocks, between which 20 MB are free."""
    return [bytes([number % 256]) * 100_000 for number in range(400)][::2]


def taken_and_given_back() -> list[int]:
    library, filling, resident = CLibrary(), Filling(CLibrary()), Resident()
    kept = with_holes()
    library.trim()
    free, (_, pages, _) = holes_of_main(library), resident()
    filling.add(spare=MB)
    filled, size, grown = holes_of_main(library), filling.size, resident()[1] - pages
    filling.drop()
    after = holes_of_main(library)
    del kept
    return [free, filled, size, grown, after, filling.size]


def test_it_takes_what_is_free_and_no_page_and_gives_it_back() -> None:
    free, filled, size, grown, after, nothing = in_new_process(taken_and_given_back)
    assert free > 18 * MB
    assert filled < 2 * MB
    assert size > 17 * MB
    assert grown < 2 * MB
    assert after > 17 * MB
    assert nothing == 0


def sizes_while_two_measure(first: str) -> list[int]:
    filling = this_process()._filling
    kept, found = with_holes(), []
    outer, inner = MemoryTracker("32 MB"), MemoryTracker("32 MB")
    for tracker in (outer, inner):
        tracker.start()
        found.append(filling.size)
    for tracker in (outer, inner) if first == "outer" else (inner, outer):
        tracker.stop()
        found.append(filling.size)
    del kept
    return found


@pytest.mark.parametrize("first", ["outer", "inner"])
def test_it_lasts_until_the_last_one_who_measures_ends(first: str) -> None:
    *during, after = in_new_process(sizes_while_two_measure, first)
    assert all(size > 17 * MB for size in during)
    assert after == 0


def sizes_before_one_begins() -> list[int]:
    process = this_process()
    kept = with_holes()
    with MemoryTracker("32 MB"):
        process.hold()
        process.prepare(32 * MB)
    found = process._filling.size
    process.release()
    del kept
    return [found, process._filling.size]


def test_it_lasts_for_one_who_is_about_to_begin_when_another_ends() -> None:
    """Its pages are not given back first, so that who uses them then would not grow."""
    during, after = in_new_process(sizes_before_one_begins)
    assert during > 17 * MB
    assert after == 0


def range_of(tracker: MemoryTracker) -> list[int]:
    found = tracker.measurement
    assert found.engine == "high-water", found
    return [found.low, found.high]


def range_beside_holes() -> list[int]:
    kept = with_holes()
    with MemoryTracker("32 MB") as tracker:
        buffer = b"x" * (20 * MB)
    del kept, buffer
    return range_of(tracker)


def test_what_is_free_in_the_heap_makes_no_range_wide() -> None:
    low, high = in_new_process(range_beside_holes)
    assert low <= 20 * MB <= high
    assert high - low < 5 * MB


def size_in_another_thread() -> int:
    kept, sizes = with_holes(), []

    def measure() -> None:
        with MemoryTracker("32 MB"):
            sizes.append(this_process()._filling.size)

    thread = threading.Thread(target=measure)
    thread.start()
    thread.join()
    del kept
    return sizes[0]


def test_another_thread_fills_nothing() -> None:
    """It would take from an arena of its own."""
    assert in_new_process(size_in_another_thread) == 0


def range_beside_a_keeper(idle: bool) -> list[int]:
    """Let the main thread take 20 MB beside another that keeps 10 MB free, and is said to be idle or not."""
    Others.idle = property(lambda _: idle)  # type: ignore[assignment,method-assign]
    with Keeper(), MemoryTracker("100 MB") as tracker:
        buffer = b"x" * (20 * MB)
        del buffer
    return range_of(tracker)


def test_what_another_thread_keeps_free_counts_unless_it_is_idle() -> None:
    """It may have taken as much, or the main thread new memory of that size that it never touched."""
    (_, most), (_, most_if_idle) = (in_new_process(range_beside_a_keeper, idle) for idle in (False, True))
    assert most > most_if_idle + 7 * MB
