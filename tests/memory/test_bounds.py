"""The range that the cheap engine works out of what it has seen."""

from dataclasses import replace
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from pytest_cfworkers.memory.bounds import MB, Seen
from pytest_cfworkers.memory.heap import Free, Heap, SmallClass
from pytest_cfworkers.memory.look import Look
from pytest_cfworkers.memory.sizes import Sizes


def heap(*, used: int = 0, free: int = 0, large: int = 50 * MB, large_free: int = 0) -> Heap:
    return Heap(
        classes=(SmallClass(32, used // 32, free // 32),),
        unused_pools=0,
        arenas=used + free,
        arenas_ever=used + free,
        arenas_most=used + free,
        large_used=large,
        large_free=large_free,
        large_taken=large + large_free,
        mapped=0,
    )


def seen(*, grown: int, before: Heap | None = None, now: Heap | None = None) -> Seen:
    return Seen(
        before=before or heap(),
        now=now or before or heap(),
        free=Free(0, 0),
        look=Look(),
        sizes=Sizes(),
        grown=grown,
        files=False,
        own=0,
        taken=grown,
        mapped_most=0,
        arenas_most=10_000 * MB,
        moved=0,
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
    assert replace(seen(grown=0), free=Free(10 * MB, 0)).range().high >= 10 * MB


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


def test_what_the_allocators_took_and_no_page_stands_for_was_never_touched() -> None:
    low, best, _ = replace(seen(grown=0), taken=200 * MB).range()
    assert best == 200 * MB
    assert low > 199 * MB


def test_what_the_address_space_grew_by_is_no_more_than_the_allocators_tell() -> None:
    """A file that is mapped for a moment is the allocators' as little as the stack of a thread."""
    grown = replace(seen(grown=0, before=heap(large=50 * MB)), taken=200 * MB, arenas_most=58 * MB, mapped_most=9 * MB)
    low, _, high = grown.range()
    assert low <= 17 * MB < high < 18 * MB


def test_what_was_handed_out_in_the_largest_blocks_is_the_least_also_of_threads() -> None:
    low, best, high = replace(seen(grown=MB), taken=100 * MB, mapped_most=64 * MB, threads=3, moved=80 * MB).range()
    assert 61 * MB < low < best == 64 * MB
    assert high > 100 * MB


def test_where_something_else_took_address_space_it_is_open_who_took_it() -> None:
    low, _, high = replace(seen(grown=0), taken=200 * MB, moved=8 * MB).range()
    assert low == 0
    assert high > 200 * MB


def test_untouched_memory_that_fits_into_what_was_free_shows_nowhere() -> None:
    """Of 32 MB in buffers that nobody touches, 3 fit into free memory, and of those that do not, 6 have a page."""
    low, _, high = replace(seen(grown=6 * MB), free=Free(3 * MB, 0), taken=29 * MB).range()
    assert low < 32 * MB <= high


def test_what_is_free_in_the_arenas_of_other_threads_is_used_by_threads_alone() -> None:
    alone = replace(seen(grown=0), free=Free(0, 30 * MB))
    assert alone.range().high < 2 * MB
    assert replace(alone, threads=1).range().high > 30 * MB


def test_a_thread_that_was_started_leaves_it_open_who_took_the_address_space() -> None:
    low, _, high = replace(seen(grown=0), taken=200 * MB, threads=1).range()
    assert low == 0
    assert high > 200 * MB


def test_memory_of_before_the_start_that_was_freed_may_have_been_used_again() -> None:
    freed = seen(grown=5 * MB, before=heap(large=50 * MB), now=heap(large=30 * MB))
    assert freed.range().low >= 4 * MB
    assert freed.range().high >= 25 * MB


def test_pages_of_files_that_were_mapped_for_a_while_are_not_surely_the_tests() -> None:
    mapped = replace(seen(grown=60 * MB), files=True, own=10 * MB)
    assert mapped.range().low <= 10 * MB
    assert mapped.range().high >= 60 * MB


@given(grown=SIZES, free=SIZES, free_large=SIZES, held=SIZES, taken=SIZES, looked=SIZES, threads=st.integers(0, 3))
def test_the_range_is_one_and_what_is_unknown_never_makes_it_narrower(
    grown: int, free: int, free_large: int, held: int, taken: int, looked: int, threads: int
) -> None:
    plain = replace(
        seen(grown=grown, before=heap(free=free)),
        held=held,
        taken=taken,
        threads=threads,
        look=Look(grown=looked, held=min(held, looked)),
    )
    low, best, high = plain.range()
    assert 0 <= low <= best <= high
    unknown = replace(plain, free=Free(free_large, free_large)).range()
    assert unknown.low <= low
    assert unknown.high >= high
