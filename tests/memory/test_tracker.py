"""`MemoryTracker` without pytest: figures, phases, nesting, and when it gives none."""

import asyncio
import ctypes
import gc
import mmap
import os
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from pytest_cfworkers import CfLimitExceeded, MemoryTracker
from pytest_cfworkers.guards.memory import Measurement
from pytest_cfworkers.memory.preparation import this_process
from pytest_cfworkers.memory.sizes import Sizes
from pytest_cfworkers.memory.traced import Traced
from pytest_cfworkers.memory.tracker import UndecidedWarning
from pytest_cfworkers.metering.allocations import ALLOCATIONS
from tests.memory.workloads import in_child

MB = 2**20
ENGINES = ("auto", "trace", "sample") if sys.platform == "linux" else ("trace", "sample")
FORKS = pytest.mark.skipif(sys.platform != "linux", reason="forks, and the high-water mark is Linux's")
EXACT = [engine for engine in ENGINES if engine != "sample"]

pytestmark = pytest.mark.skipif(tracemalloc.is_tracing(), reason="tracemalloc is on in this whole run")


_M_MMAP_THRESHOLD = -3  # of malloc.h


@pytest.fixture(autouse=True)
def _same_heap_in_any_order() -> None:
    """Leave little free in the heap, and keep the C library from keeping large blocks when they are freed."""
    if sys.platform == "linux":
        this_process().prepare(16 * MB)
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 128 * 1024)


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start(3)
    yield
    tracemalloc.stop()


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the cheap engine measure, whatever heap the tests before have left it."""
    if sys.platform != "linux":
        pytest.skip("the high-water mark is Linux's")
    monkeypatch.setattr("pytest_cfworkers.memory.highwater.HighWater.doubtful", False)


def near(figure: int, expected: int) -> bool:
    return abs(figure - expected) < 3 * MB


@pytest.mark.parametrize("engine", ENGINES)
def test_a_peak_that_was_freed_is_still_the_peak(engine: Any) -> None:
    with MemoryTracker("128 MB", engine=engine) as tracker:
        held = bytearray(40 * MB)
        during = tracker.current, tracker.peak
        del held
        after = tracker.current
    assert all(near(figure, 40 * MB) for figure in (*during, tracker.peak))
    assert engine == "sample" or near(after, 0)  # pages may stay the process's
    assert tracker.headroom == tracker.limit - tracker.peak


@pytest.mark.parametrize("engine", EXACT)
def test_each_phase_has_a_peak_of_its_own(engine: Any) -> None:
    with MemoryTracker(engine=engine) as tracker:
        bytearray(30 * MB)
        first = tracker.checkpoint("first")
        bytearray(10 * MB)
        second = tracker.checkpoint("second")
    assert near(first, 30 * MB), (first, tracker.measurement)
    assert near(second, 10 * MB), (second, tracker.measurement)
    assert [*tracker.checkpoints] == ["first", "second"]
    assert near(tracker.peak, 30 * MB)


@pytest.mark.parametrize("engine", EXACT)
@pytest.mark.parametrize("inner_engine", EXACT)
def test_a_nested_tracker_sees_its_own_stretch_and_the_outer_one_sees_all(engine: Any, inner_engine: Any) -> None:
    if (engine, inner_engine) == ("auto", "trace"):
        pytest.skip("the cheap engine gives no figure beside tracemalloc: see below")
    with MemoryTracker(engine=engine) as outer:
        bytearray(60 * MB)
        with MemoryTracker(engine=inner_engine) as inner:
            held = bytearray(40 * MB)
            del held
        between = bytearray(50 * MB)
        del between
    assert near(inner.peak, 40 * MB), inner.measurement
    found = outer.measurement  # in a heap with large holes, what is freed may stay the process's
    assert found.low - MB <= 60 * MB <= found.high + MB, found


@pytest.mark.usefixtures("cheap")
def test_what_a_nested_tracker_does_at_its_start_is_not_the_outer_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """It lets threads trim the arenas of others, which makes the process larger, and must fill no free blocks."""
    gc.collect()  # or the nested ones would free what earlier tests have left in cycles
    _leave_arenas(count=12)

    def outer(inner: Callable[[], Any]) -> Measurement:
        with MemoryTracker() as tracker, monkeypatch.context() as patch:
            patch.setattr("pytest_cfworkers.memory.arenas._SMALL_END", -1)
            patch.setattr("pytest_cfworkers.memory.preparation.UNKNOWN_SHARE", 0.0)
            patch.setattr("pytest_cfworkers.memory.preparation.FREE_SHARE", 0.0)
            for _ in range(3):
                small = [object() for _ in range(200_000)]
                del small
                with inner():
                    pass
        return tracker.measurement

    alone, nested = outer(nullcontext), outer(MemoryTracker)
    assert nested.low < 8 * MB, nested
    assert nested.high < alone.high + 22 * MB, (alone, nested)


def _leave_arenas(count: int) -> None:
    """Let threads that live at the same time allocate: each has an arena of its own, which stays."""
    together = threading.Barrier(count)

    def run() -> None:
        held = bytes(100_000)
        together.wait()
        del held

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("engine", EXACT)
def test_trackers_that_overlap_each_see_what_all_take_while_they_run(engine: Any) -> None:
    """Memory is the isolate's, so that concurrent invocations see each other's."""

    async def main() -> tuple[int, int]:
        steps = {name: asyncio.Event() for name in ("a", "b")}
        holds = {f"{name} holds": asyncio.Event() for name in ("a", "b")}

        async def run(name: str) -> int:
            with MemoryTracker(engine=engine) as tracker:
                steps[name].set()
                await asyncio.gather(*(step.wait() for step in steps.values()))
                held = bytearray(15 * MB)
                holds[f"{name} holds"].set()
                await asyncio.gather(*(step.wait() for step in holds.values()))
                del held
            return tracker.peak

        return await asyncio.gather(run("a"), run("b"))

    assert all(near(peak, 30 * MB) for peak in asyncio.run(main()))


@pytest.mark.parametrize("engine", EXACT)
def test_memory_of_a_thread_counts(engine: Any) -> None:
    with MemoryTracker(engine=engine) as tracker:
        thread = threading.Thread(target=lambda: len(b"x" * (40 * MB)))  # more than an arena of a thread keeps free
        thread.start()
        thread.join()
    assert near(tracker.peak, 40 * MB), tracker.measurement


@pytest.mark.parametrize("engine", EXACT)
def test_what_is_taken_in_a_pause_counts_as_there_before(engine: Any) -> None:
    with MemoryTracker(engine=engine) as tracker:
        tracker.pause()
        seeded = bytearray(50 * MB)
        tracker.resume()
        held = bytearray(20 * MB)
        del held
    assert near(tracker.peak, 20 * MB)
    assert len(seeded) == 50 * MB


@pytest.mark.skipif(sys.platform != "linux", reason="the high-water mark is Linux's")
def test_memory_that_was_never_touched_counts() -> None:
    with MemoryTracker() as tracker:
        len(bytes(200 * MB))
    assert tracker.measurement.judge(128 * MB) == "over"


def test_what_a_thread_never_touched_is_not_guessed() -> None:
    """Threads take address space for themselves, so that what they reserve and never touch cannot be told from it."""
    with MemoryTracker() as tracker:
        threads = [threading.Thread(target=lambda: None) for _ in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert tracker.measurement.low < 4 * MB
    assert tracker.measurement.judge(128 * MB) != "over"


def measured_in_a_child(work: Callable[[MemoryTracker], object], *, limit: int, engine: Any) -> Measurement:
    """Measure in a child: what leaves holes in the heap must not decide about other tests."""

    def measure() -> dict[str, Any]:
        with MemoryTracker(limit, engine=engine) as tracker:
            held = work(tracker)
        del held
        found = tracker.measurement
        return {"peak": found.peak, "low": found.low, "high": found.high, "engine": found.engine, "why": found.why}

    return Measurement(**in_child(measure))


def buffers() -> list[bytes]:
    return [b"x" * 100_000 for _ in range(300)]


def rows() -> list[dict[str, int]]:
    return [{"a": number} for number in range(120_000)]


@FORKS
@pytest.mark.parametrize("engine", EXACT)
@pytest.mark.parametrize("kept", [slice(0), slice(0, None, 50)], ids=["freed", "pinned"])
@pytest.mark.parametrize(("seed", "size"), [(buffers, 30_000_000), (rows, 26_900_000)])
def test_what_was_freed_in_a_pause_and_is_used_again_is_never_told_to_be_little(
    engine: Any, kept: slice, seed: Callable[[], list[Any]], size: int
) -> None:
    def work(tracker: MemoryTracker) -> object:
        tracker.pause()
        pins = seed()[kept]
        tracker.resume()
        return pins, seed()

    found = measured_in_a_child(work, limit=20 * MB, engine=engine)
    assert found.judge(20 * MB) in {"over", "undecided"}, found
    assert found.low <= size * 1.06, found
    assert found.high >= size * 0.94, found


@FORKS
@pytest.mark.parametrize("engine", EXACT)
def test_free_memory_between_what_is_kept_is_not_held(engine: Any) -> None:
    """Pages of many small objects stay the process's when nearly all of the objects are freed."""

    def work(_: MemoryTracker) -> object:
        kept = []
        for size in (20, 100, 200, 300, 400, 500):
            page = [bytes(size) for _ in range(25 * MB // (size + 60))]
            kept.append(page[::40])
            del page
        return kept

    found = measured_in_a_child(work, limit=32 * MB, engine=engine)
    assert found.judge(32 * MB) in {"under", "undecided"}, found
    assert found.peak < 40 * MB


@FORKS
def test_what_threads_took_from_an_arena_of_before_counts_though_nobody_touched_it() -> None:
    """The arena has its address space already, and the pages are none: only what is handed out tells."""

    def work(_: MemoryTracker) -> object:
        held: list[bytes] = []
        thread = threading.Thread(target=lambda: held.extend(bytes(100_000) for _ in range(600)))
        thread.start()
        thread.join()
        return held

    _leave_arenas(count=1)
    found = measured_in_a_child(work, limit=40 * MB, engine="auto")
    assert found.judge(40 * MB) == "over", found


@pytest.mark.usefixtures("cheap")
def test_a_mapping_of_before_that_is_closed_makes_room_that_is_not_guessed_about() -> None:
    region = mmap.mmap(-1, 100 * MB)
    region.write(b"x" * (99 * MB))
    with MemoryTracker("40 MB") as tracker:
        region.close()
        held = bytearray(60 * MB)
        del held
    assert tracker.measurement.judge(40 * MB) == "undecided", tracker.measurement


@pytest.mark.parametrize("engine", EXACT)
def test_a_phase_holds_what_was_held_at_its_begin_and_nothing_of_what_was_freed(engine: Any) -> None:
    kept = []
    with MemoryTracker(engine=engine) as tracker:
        for number in range(4):
            buffers = [bytes(100_000) for _ in range(300)]
            kept.append(bytes(100_000))
            del buffers
            # A twentieth of the limit may be free and resident before: what fits into it is no growth.
            assert abs(tracker.checkpoint(f"buffers {number}") - 300 * 100_000) < 8 * MB, tracker.checkpoints
            assert tracker.checkpoint(f"nothing {number}") < MB
        rows = [{"a": row} for row in range(90_000)]
        assert near(tracker.checkpoint("rows"), 19 * MB), tracker.checkpoints
        assert near(tracker.checkpoint("rows are held still"), 19 * MB), tracker.checkpoints
        del rows


@pytest.mark.skipif(sys.platform != "linux", reason="the high-water mark is Linux's")
def test_what_is_held_and_was_never_touched_counts_also_beside_threads() -> None:
    """The address space does not tell, but what is handed out does."""
    with MemoryTracker() as tracker:
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
        held = bytes(100 * MB)
    assert near(tracker.peak, 100 * MB), tracker.measurement
    assert len(held) == 100 * MB


@pytest.mark.skipif(sys.platform != "linux", reason="the high-water mark is Linux's")
def test_what_a_thread_holds_and_never_touched_counts_when_it_is_looked_at() -> None:
    holds, looked = threading.Event(), threading.Event()

    def hold() -> None:
        held = bytes(100 * MB)
        holds.set()
        looked.wait()
        del held

    with MemoryTracker() as tracker:
        thread = threading.Thread(target=hold)
        thread.start()
        holds.wait()
        seen = len(tracker.samples)
        while len(tracker.samples) <= seen + 1:  # the first may have been begun before
            time.sleep(0)
        looked.set()
        thread.join()
    assert near(tracker.peak, 100 * MB), tracker.measurement


@pytest.mark.usefixtures("cheap")
def test_a_file_that_was_mapped_for_a_while_is_not_guessed(tmp_path: Path) -> None:
    """The kernel counts its pages, which are the file's, and tells no more of them when the mapping is gone."""
    file = tmp_path / "data"
    file.write_bytes(bytes(60 * MB))
    with MemoryTracker("40 MB") as tracker:
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert not sum(mapped[:: mmap.PAGESIZE])
            for _ in range(100_000):
                if max((size for _, size in tracker.samples), default=0) >= 55 * MB:
                    break
                time.sleep(0)
        held = bytearray(20 * MB)
        del held
    assert tracker.measurement.low <= 24 * MB
    assert tracker.measurement.judge(40 * MB) == "undecided"


def test_a_limit_too_fine_for_pages_is_traced() -> None:
    with MemoryTracker("1 MB") as tracker:
        len(bytearray(MB // 2))
    assert tracker.measurement.engine == "tracemalloc"
    assert MB // 2 <= tracker.peak < MB // 2 + 50_000


def test_a_limit_below_what_can_be_told_apart_gives_no_figure() -> None:
    with MemoryTracker(1_000) as tracker:
        pass
    assert tracker.measurement.why == (
        "a limit of 1,000 bytes is less than can be told apart: 65,536 bytes "
        '(a number alone is bytes; megabytes are "64 MB")'
    )
    with pytest.raises(RuntimeError, match=r"^Memory is not measured: a limit of 1,000 bytes"):
        tracker.peak  # noqa: B018 - asking is the point


def test_a_baseline_that_leaves_less_than_can_be_told_apart_gives_no_figure() -> None:
    with MemoryTracker("128 MB", baseline=128 * MB - 10_240) as tracker:
        pass
    assert tracker.measurement.why == "what the baseline leaves of 128 MB, 10 KB, is less than can be told apart: 64 KB"


@pytest.mark.usefixtures("traced")
def test_where_tracemalloc_is_on_already_it_is_used_and_left_on() -> None:
    with MemoryTracker() as tracker:
        bytearray(5 * MB)
    assert tracker.measurement.engine == "tracemalloc"
    assert near(tracker.peak, 5 * MB)
    assert tracemalloc.is_tracing()
    assert tracemalloc.get_traceback_limit() == 3


@pytest.mark.usefixtures("traced")
def test_an_application_finds_the_peak_of_its_own_tracing_afterwards() -> None:
    bytearray(50 * MB)
    _, before = tracemalloc.get_traced_memory()
    with MemoryTracker() as tracker:
        bytearray(10 * MB)
    assert near(tracker.peak, 10 * MB)
    assert 0 <= tracemalloc.get_traced_memory()[1] - before < 10_000


@pytest.mark.usefixtures("cheap")
def test_code_that_begins_to_trace_by_itself_gets_no_figure_from_the_cheap_engine() -> None:
    with MemoryTracker() as tracker:
        tracemalloc.start()
    tracemalloc.stop()
    assert tracker.measurement.why == "the test traces memory itself (tracemalloc), which takes memory of its own"


@pytest.fixture
def in_a_look(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Return what does something while a look at the sizes of blocks goes on."""

    def look(do: Callable[[], object]) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("pytest_cfworkers.memory.sizes._MOMENTS", 1)
            patch.setattr("pytest_cfworkers.memory.sizes.sleep", lambda _: do())
            Sizes().look()

    return look


@pytest.mark.usefixtures("cheap")
def test_a_look_at_the_sizes_of_blocks_is_not_taken_for_tracing_of_the_test(in_a_look: Any) -> None:
    """Whoever began it, and whether a tracker begins, ends, looks or is asked meanwhile."""
    asked, ended, begun = MemoryTracker(), MemoryTracker(), MemoryTracker()
    asked.start()
    ended.start()
    peaks: list[int] = []

    def meanwhile() -> None:
        peaks.append(asked.peak)
        asked.look()
        ended.stop()
        begun.start()

    in_a_look(meanwhile)
    assert len(peaks) == 1
    assert asked.stop().why == ended.measurement.why == begun.stop().why == ""
    assert {tracker.measurement.engine for tracker in (asked, ended, begun)} == {"high-water"}


def test_who_begins_to_trace_waits_for_the_end_of_a_look(in_a_look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which would end that tracing, too."""
    asked, let_others_go_on = threading.Event(), time.sleep
    engine = Traced(MB)

    class Lock:
        """Tells that somebody asks for it."""

        inner = threading.RLock()
        acquire, release = inner.acquire, inner.release

        def __enter__(self) -> None:
            asked.set()
            self.inner.acquire()

        def __exit__(self, *_: object) -> None:
            self.inner.release()

    thread = threading.Thread(target=engine.start)

    def meanwhile() -> None:
        thread.start()
        while thread.is_alive() and not asked.is_set():
            let_others_go_on(0)

    monkeypatch.setattr(ALLOCATIONS, "lock", Lock())
    in_a_look(meanwhile)
    thread.join()
    assert tracemalloc.is_tracing()
    bytearray(MB)
    assert near(engine.stop().peak, MB)
    assert not tracemalloc.is_tracing()


def test_code_that_stops_tracemalloc_gets_no_figure() -> None:
    with MemoryTracker(engine="trace") as tracker:
        tracemalloc.stop()
    assert tracker.measurement.why == "the test stopped tracemalloc, with which its memory was measured"
    with MemoryTracker(engine="trace") as again:
        bytearray(MB)
    assert near(again.peak, MB)


@pytest.fixture
def stops_tracing() -> Iterator[None]:
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("stops_tracing")
def test_code_that_restarts_tracemalloc_gets_no_figure_and_goes_on_tracing() -> None:
    with MemoryTracker(engine="trace") as tracker:
        bytearray(10 * MB)
        tracemalloc.stop()
        tracemalloc.start(3)
    assert tracker.measurement.why == (
        "the test restarted tracemalloc or cleared its traces, with which its memory was measured"
    )
    assert tracemalloc.is_tracing()
    assert tracemalloc.get_traceback_limit() == 3


def test_code_that_clears_traces_gets_no_figure() -> None:
    with MemoryTracker(engine="trace") as tracker:
        bytearray(10 * MB)
        tracemalloc.clear_traces()
        with MemoryTracker(engine="trace") as inner:
            bytearray(MB)
    assert tracker.measurement.why.startswith("the test restarted tracemalloc or cleared its traces")
    assert near(inner.peak, MB)
    assert not tracemalloc.is_tracing()


def test_code_that_resets_the_peak_leaves_it_to_who_measures() -> None:
    with MemoryTracker(engine="trace") as tracker:
        bytearray(10 * MB)
        tracemalloc.reset_peak()
        assert tracemalloc.get_traced_memory()[1] < MB
    assert near(tracker.peak, 10 * MB)


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("forget", ["reset_peak", "clear_traces"])
def test_an_application_that_ends_its_own_peak_finds_the_next_one_afterwards(forget: str) -> None:
    bytearray(50 * MB)
    with MemoryTracker():
        bytearray(10 * MB)
        getattr(tracemalloc, forget)()
        bytearray(5 * MB)
    assert near(tracemalloc.get_traced_memory()[1], 5 * MB)


@pytest.mark.usefixtures("stops_tracing")
def test_code_that_begins_to_trace_while_it_is_traced_goes_on_tracing() -> None:
    with MemoryTracker(engine="trace") as tracker:
        tracemalloc.start()
        bytearray(10 * MB)
    assert near(tracker.peak, 10 * MB)
    assert tracemalloc.is_tracing()


def test_nothing_of_tracemalloc_stays_replaced() -> None:
    before = dict(vars(tracemalloc))
    with MemoryTracker(engine="trace"), MemoryTracker(engine="trace"):
        pass
    assert vars(tracemalloc) == before


def test_tracing_ends_with_the_last_tracker() -> None:
    with MemoryTracker(engine="trace"):
        assert tracemalloc.is_tracing()
    assert not tracemalloc.is_tracing()


def test_tracing_names_the_lines_that_held_the_peak_the_users_first() -> None:
    engine = Traced(MB)
    engine.start()
    held = [bytearray(1_000) for _ in range(5_000)]
    few = bytearray(2 * MB)
    sizes = len(held), len(few)
    engine.remember()
    lines = engine.stop().lines
    assert sizes == (5_000, 2 * MB)
    assert [line.user for line in lines[:2]] == [True, True]
    assert lines[0].size > lines[1].size
    assert lines[0].count >= 5_000
    assert {os.path.basename(line.path) for line in lines[:2]} == {"test_tracker.py"}  # noqa: PTH119


def _let_others_go_on(*_: object) -> None:
    time.sleep(0)


def test_looking_at_the_lines_takes_nothing_from_the_peak_and_adds_nothing() -> None:
    """A look takes megabytes of its own, and frees those of an earlier one; others go on where Python lets them."""
    gc.callbacks.append(_let_others_go_on)
    engine = Traced(MB)
    engine.start()
    held: list[bytearray] = []
    for goal in (30_000, 45_000, 70_000, 100_000, 150_000):
        while len(held) < goal:
            held.append(bytearray(10))
        engine.remember()
    peak = engine.stop().peak
    gc.callbacks.remove(_let_others_go_on)
    assert abs(peak - sys.getsizeof(held) - sum(map(sys.getsizeof, held))) < MB / 8


def test_a_tracker_that_pauses_does_not_see_another_look_at_the_lines() -> None:
    outer, inner = Traced(MB), Traced(MB)
    outer.start()
    outer.pause()
    inner.start()
    held = [bytearray(10) for _ in range(30_000)]
    inner.remember()
    outer.resume()
    held += [bytearray(10) for _ in range(30_000)]
    inner.stop()
    assert 2 * MB < outer.stop().peak < 3 * MB
    assert len(held) == 60_000


def test_memray_gives_the_peak_to_the_byte_and_its_lines() -> None:
    pytest.importorskip("memray")
    with MemoryTracker(engine="memray") as tracker:
        bytearray(30 * MB)
    assert near(tracker.peak, 30 * MB)
    assert tracker.measurement.lines[0].user


def test_memray_inside_of_memray_gives_no_figure() -> None:
    pytest.importorskip("memray")
    with MemoryTracker(engine="memray"), MemoryTracker(engine="memray") as inner:
        pass
    assert inner.measurement.why.startswith("another memray is at work: ")


def test_assert_under_names_what_was_held() -> None:
    with MemoryTracker(engine="trace") as tracker:
        bytearray(8 * MB)
        tracker.assert_under("16 MB")
        with pytest.raises(CfLimitExceeded, match=r"^memory: 8 MB held at once, the limit is 4 MB"):
            tracker.assert_under("4 MB")
        with pytest.raises(ValueError, match=r"^'4 bananas' is not a size"):
            tracker.assert_under("4 bananas")


def test_a_baseline_is_a_size_and_takes_of_the_limit() -> None:
    with MemoryTracker("64 MB", baseline="30 MB", engine="trace") as tracker:
        bytearray(4 * MB)
    assert near(tracker.headroom, 30 * MB)
    assert MemoryTracker(baseline="0 MB").baseline == 0
    with pytest.raises(ValueError, match="is not a size"):
        MemoryTracker(baseline=-1)


@pytest.mark.usefixtures("cheap")
def test_assert_under_warns_where_it_cannot_tell() -> None:
    with MemoryTracker() as tracker:
        held = bytearray(40 * MB)
        with pytest.warns(UndecidedWarning, match=r"^assert_under\('40 MB'\): cannot be decided: between "):
            tracker.assert_under("40 MB")
        del held


def test_a_fork_finds_one_thread_and_no_warning() -> None:
    """Python warns where a process with threads forks, and turns that into an error in many suites."""
    with MemoryTracker(engine="sample") as tracker, warnings.catch_warnings():
        warnings.simplefilter("error")
        child = os.fork()
        if not child:
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert status == 0
        assert tracker.running


def test_an_engine_that_there_is_none_of_is_refused() -> None:
    engine: Any = "Auto"
    with pytest.raises(ValueError, match=r"^engine='Auto' is none: give one of auto, trace, memray, sample, off$"):
        MemoryTracker("64 MB", engine=engine)


MEASURE = """
import resource, sys
from pytest_cfworkers import MemoryTracker

if "bounded" in sys.argv:
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
with MemoryTracker("64 MB") as tracker:
    numbers = [number * 1.5 for number in range(100_000)]
print(tracker.measurement.engine)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the cheap engine is Linux's")
@pytest.mark.parametrize(
    ("options", "engine"),
    [
        (["-c", MEASURE], "high-water"),
        (["-X", "dev", "-c", MEASURE], "tracemalloc"),
        (["-c", MEASURE, "bounded"], "tracemalloc"),
    ],
    ids=["as usual", "blocks with margins", "bounded address space"],
)
def test_where_pages_tell_nothing_or_address_space_is_short_auto_traces(options: list[str], engine: str) -> None:
    command = [sys.executable, *options]
    told = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    assert told.stdout.strip() == engine


def test_a_look_at_sizes_in_a_call_that_gives_no_turn_makes_no_list_of_all_that_it_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The moment is as long as the call then, and the list would be larger than what it took."""
    monkeypatch.setattr("pytest_cfworkers.memory.sizes.sleep", lambda _: blocks.extend(map(str, range(150_000))))
    monkeypatch.setattr("pytest_cfworkers.memory.sizes._get_traces", lambda: pytest.fail("a list of all"))
    blocks: list[str] = []
    sizes = Sizes()
    sizes.look()
    assert sizes.taken > 4 * MB
    assert not tracemalloc.is_tracing()


@pytest.mark.usefixtures("cheap")
def test_what_a_look_at_sizes_takes_itself_is_never_told_to_be_the_codes(in_a_look: Any) -> None:
    """A machine may be so busy that it goes on for as long as the code grows, and another look falls into it."""
    true = 0
    held: list[str] = []

    def grow() -> None:
        nonlocal true
        before, _ = tracemalloc.get_traced_memory()
        held.extend(str(number) * 3 for number in range(300_000))
        true = tracemalloc.get_traced_memory()[0] - before
        tracker.look()

    with MemoryTracker("24 MB") as tracker:
        in_a_look(grow)
    assert tracker.measurement.low <= true, (tracker.measurement, true)


def test_a_tracker_runs_once() -> None:
    tracker = MemoryTracker(engine="trace")
    with tracker:
        pass
    with pytest.raises(RuntimeError, match="has run before"):
        tracker.start()
