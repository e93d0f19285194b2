"""The range that the cheap engine works out of what it has seen."""

from dataclasses import replace
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from pytest_cfworkers.memory.bounds import MB, Seen
from pytest_cfworkers.memory.heap import Heap, SmallClass
from pytest_cfworkers.memory.look import Look
from pytest_cfworkers.memory.sizes import Sizes


def heap(*, used: int = 0, free: int = 0, large: int = 50 * MB, large_free: int = 0, pieces: int = 0) -> Heap:
    return Heap(
        classes=(SmallClass(32, used // 32, free // 32),),
        unused_pools=0,
        arenas=used + free,
        arenas_ever=used + free,
        arenas_most=used + free,
        large_used=large,
        large_free=large_free,
        large_taken=large + large_free,
        large_pieces=pieces,
    )


def seen(*, grown: int, before: Heap | None = None, now: Heap | None = None) -> Seen:
    return Seen(
        before=before or heap(),
        now=now or before or heap(),
        edges=0,
        look=Look(),
        sizes=Sizes(),
        grown=grown,
        mapped=False,
        own=0,
        size=grown,
        size_now=0,
        threads=0,
        held=0,
    )


SIZES: Final = st.integers(0, 500 * MB)


def test_one_buffer_is_known_as_exactly_as_the_kernel_counts() -> None:
    low, best, high = seen(grown=40 * MB).range()
    assert best == 40 * MB
    assert high - low == MB


def test_what_was_free_and_is_not_growth_may_have_been_used() -> None:
    assert seen(grown=0, before=heap(free=30 * MB)).range().high >= 30 * MB
    assert replace(seen(grown=0), edges=10 * MB).range().high >= 10 * MB


def test_a_look_near_the_peak_tells_what_of_the_free_memory_was_used() -> None:
    """The books said that 20 of 30 MB were free still."""
    looked = replace(
        seen(grown=10 * MB, before=heap(free=30 * MB)),
        look=Look(grown=10 * MB, reused=10 * MB, held=20 * MB),
        held=20 * MB,
    )
    low, best, high = looked.range()
    assert low >= 19 * MB
    assert best == 20 * MB
    assert high < 23 * MB


def test_what_grew_after_a_look_may_be_as_free_inside_as_what_was_looked_at() -> None:
    looked = replace(seen(grown=280 * MB), look=Look(grown=240 * MB, holes=200 * MB, held=40 * MB), held=40 * MB)
    assert looked.range().low <= 40 * MB


def test_what_lies_free_between_what_is_kept_was_most_likely_free_at_the_peak_too() -> None:
    """Whether the look was near to it or not: a busy machine looks late."""
    scattered = heap(large=55 * MB, large_free=75 * MB, pieces=20_000)
    for grown in (80 * MB, 120 * MB):
        found = replace(seen(grown=grown), look=Look().next(80 * MB, 80 * MB, heap(), scattered), held=5 * MB)
        low, best, high = found.range()
        assert low <= 5 * MB
        assert best <= 10 * MB
        assert high >= grown


def test_what_was_freed_as_a_whole_was_most_likely_held() -> None:
    """All of it was freed before anybody looked, so that nothing is sure; and freed neighbours are one piece."""
    freed = heap(large_free=30 * MB, pieces=2)
    low, best, high = replace(seen(grown=30 * MB), look=Look().next(30 * MB, 30 * MB, heap(), freed)).range()
    assert low == 0
    assert best == 30 * MB
    assert high >= 30 * MB


def test_what_blocks_waste_is_that_of_the_look_at_which_the_most_was_held() -> None:
    """A later look, when all was freed and the process larger for other reasons, knows of no blocks."""
    before, most = heap(), heap(used=32 * 1_000_000)
    look = Look().next(34 * MB, 34 * MB, before, most).next(40 * MB, 40 * MB, before, before)
    freed = replace(seen(grown=0), look=look, held=look.held)
    assert look.held == 32 * 1_000_000
    assert freed.range().low < 24 * 1_000_000


def test_what_was_looked_at_near_the_peak_tells_whether_pages_came_back_into_what_was_free() -> None:
    """One buffer, and much is free that is no page: is it new address space, or as much of that and never touched?"""
    free = heap(large_free=40 * MB)
    buffer = seen(grown=40 * MB, before=free)
    assert buffer.range().high >= 80 * MB
    looked = replace(buffer, look=Look(grown=40 * MB, held=40 * MB, size_near=40 * MB), held=40 * MB)
    assert looked.range().high < 45 * MB
    untouched = replace(buffer, look=Look(grown=40 * MB, held=80 * MB, size_near=40 * MB), held=80 * MB)
    assert untouched.range().high >= 80 * MB
    since = replace(buffer, look=Look(grown=40 * MB, held=40 * MB, size_near=0), held=40 * MB)
    assert since.range().high >= 80 * MB


def test_address_space_that_no_page_stands_for_was_taken_and_never_touched() -> None:
    low, best, _ = replace(seen(grown=0), size=200 * MB).range()
    assert best == 200 * MB
    assert low > 199 * MB


def test_an_arena_that_was_trimmed_meanwhile_takes_nothing_from_what_was_never_touched() -> None:
    trimmed = replace(seen(grown=0, before=heap(large_free=5 * MB), now=heap()), size=200 * MB)
    assert trimmed.range().low > 199 * MB


def test_what_the_c_library_held_free_makes_no_small_test_undecided() -> None:
    """Gigabytes may be free and no pages; what is taken of them is cleared, and so grows."""
    assert seen(grown=MB, before=heap(large_free=2_000 * MB)).range().high <= 3 * MB


def test_pages_inside_of_free_memory_leave_room_for_as_much_untouched_memory_beside_them() -> None:
    """Of 32 MB in buffers that are cleared and not touched 3 fitted into free memory, and 3 are the ends of others."""
    low, _, high = replace(seen(grown=6 * MB, before=heap(large_free=3 * MB)), size=29 * MB).range()
    assert low < 32 * MB <= high


def test_a_thread_that_was_started_leaves_it_open_who_took_the_address_space() -> None:
    low, _, high = replace(seen(grown=0), size=200 * MB, threads=1).range()
    assert low == 0
    assert high > 100 * MB


def test_memory_of_before_the_start_that_was_freed_may_have_been_used_again() -> None:
    freed = seen(grown=5 * MB, before=heap(large=50 * MB), now=heap(large=30 * MB))
    assert freed.range().low >= 4 * MB
    assert freed.range().high >= 25 * MB


def test_pages_of_files_that_were_mapped_for_a_while_are_not_surely_the_tests() -> None:
    mapped = replace(seen(grown=60 * MB), mapped=True, own=10 * MB)
    assert mapped.range().low <= 10 * MB
    assert mapped.range().high >= 60 * MB


@given(grown=SIZES, free=SIZES, edges=SIZES, held=SIZES, size=SIZES, looked=SIZES, threads=st.integers(0, 3))
def test_the_range_is_one_and_what_is_unknown_never_makes_it_narrower(
    grown: int, free: int, edges: int, held: int, size: int, looked: int, threads: int
) -> None:
    plain = replace(
        seen(grown=grown, before=heap(free=free)),
        held=held,
        size=size,
        threads=threads,
        look=Look(grown=looked, held=min(held, looked)),
    )
    low, best, high = plain.range()
    assert 0 <= low <= best <= high
    unknown = replace(plain, edges=edges).range()
    assert unknown.low <= low
    assert unknown.high >= high
