"""The cheap engine, on Linux: the kernel's high-water mark, and the allocators' own books for what it cannot tell.

Its figure is a range (`bounds`), and a limit inside of the range is "undecided".
"""

from dataclasses import replace
from threading import Lock
from typing import Final, final

from pytest_cfworkers.guards.memory import Measurement, unmeasured
from pytest_cfworkers.memory.arenas import Left
from pytest_cfworkers.memory.bounds import MB, Seen
from pytest_cfworkers.memory.heap import Heap
from pytest_cfworkers.memory.kernel import Resident, Watch
from pytest_cfworkers.memory.look import Look
from pytest_cfworkers.memory.preparation import FREE_SHARE, UNKNOWN_SHARE, Preparation, this_process
from pytest_cfworkers.memory.sizes import Sizes
from pytest_cfworkers.memory.threads import STARTS, Others
from pytest_cfworkers.memory.ticker import Ticker
from pytest_cfworkers.memory.timeline import Samples
from pytest_cfworkers.metering.allocations import ALLOCATIONS

_TRACED: Final = "the test traces memory itself (tracemalloc), which takes memory of its own"


@final
class HighWater:
    """Measures by the kernel's high-water mark.

    Args:
        limit: The limit in force, in bytes: it says how exact the figure must be.
    """

    name = "high-water"
    samples: Samples

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.samples = Samples()
        self._look = Look()
        self._sizes = Sizes()
        self._size_before = self._shared_before = self._shared = self._own = 0
        self._paused = self._traced = self._ready = self._alone = False
        self._started_before = self._started = 0
        self._ticker = Ticker(self._tick)
        self._lock = Lock()
        self._fell = 0
        self._heap: Heap
        self._phase_heap: Heap
        self._paused_heap: Heap
        self._paused_at: tuple[int, int, int]
        self._left = Left(0, 0)
        self._others: Others
        self._watch: Watch

    def start(self) -> None:
        """Begin."""
        process = self._process = this_process()
        self._traced = ALLOCATIONS.traced
        self._resident = Resident()
        self._started_before = STARTS.begin()
        process.hold()
        try:
            self._begin(process)
        except OSError:
            self._ticker.stop()
            self._resident.close()
            STARTS.end()
            process.release()
            raise

    def _begin(self, process: Preparation) -> None:
        self._alone = not process.marks.watched
        with process.lock:
            self._left = process.prepare(self._limit)
        self._others = Others()
        with process.marks.apart():
            self._ticker.start()  # after that, because its thread takes over an arena of another; and takes memory
        with process.lock:
            self._heap = self._phase_heap = process.books.read()
            self._watch = process.marks.begin()
            size, _, self._shared_before = self._resident()
            self._size_before = size - process.marks.reserved
        self._ready = True

    @property
    def doubtful(self) -> bool:
        """Whether so much is free in the heap that the figure would say little, and tracing disturbs nobody."""
        free = self._heap.small_free > self._limit * FREE_SHARE
        return self._alone and (free or self._left.edges > 2 * self._limit * UNKNOWN_SHARE)

    @property
    def _edges(self) -> int:
        return self._left.main if self._others.idle else self._left.edges

    def current(self) -> int:
        """Return the bytes that are held now, by the books."""
        return max(self._process.books.read().in_use - self._heap.in_use, 0)

    def peak(self) -> Measurement:
        """Return the peak so far."""
        self._process.marks.note()
        return self._measured()

    def look(self) -> None:
        """See how far the process has grown, and ask the books where that is the most yet."""
        with self._lock:
            if self._paused:
                return
            size, resident, shared = self._resident()
            size -= self._size_before + self._process.marks.reserved
            grown = resident - self._watch.resident_before
            self._shared = max(self._shared, shared - self._shared_before)
            self._own = max(self._own, grown - (shared - self._shared_before))
            self._fell = max(self._fell, -grown)
            self.samples.add(max(grown, 0))
            self._traced = self._traced or ALLOCATIONS.traced
            if ALLOCATIONS.looked_at:  # a look at sizes, whose tables the books would call held
                return
            if self._look.worth_another(grown, self._limit):
                self._look = self._look.next(
                    grown, size, self._usable(self._heap), self._usable(self._process.books.read())
                )
            if self._look.worth_a_count(size, self._limit) or self._threads_hold():
                self._look = self._look.counted(size, self._heap, self._process.books.read())

    def phase(self) -> Measurement:
        """Return the peak of the phase that ends here."""
        self._process.marks.note()
        measured = self._measured_phase()
        self._left = self._left.most(self._process.give_back())  # what is kept of this phase is not held in the next
        self._process.marks.note()
        self._watch.begin_phase()
        self._phase_heap = self._process.books.read()
        return measured

    def pause(self) -> None:
        """Keep the marks as they are."""
        with self._lock:
            self._process.give_back()  # or what is freed from now on could not be told from it
            self._process.marks.note()
            self._watch.pause()
            self._paused_heap = self._process.books.read()
            self._paused_at = self._resident()
            self._paused = True

    def resume(self) -> None:
        """Let what was taken meanwhile count as held before the start, and what was freed as free."""
        with self._lock:
            self._left = self._left.most(self._process.give_back())
            self._process.marks.note()
            self._watch.resume()
            heap = self._process.books.read()
            self._heap = self._heap.without(self._paused_heap, heap)
            self._phase_heap = self._phase_heap.without(self._paused_heap, heap)
            (size, _, shared), (size_at, _, shared_at) = self._resident(), self._paused_at
            self._size_before += size - size_at
            self._shared_before += shared - shared_at
            self._paused = False

    def stop(self) -> Measurement:
        """End, and return the peak."""
        self._ticker.stop()
        self.look()  # the last one before may have met a look at sizes
        self._resident.close()
        self._started = STARTS.count - self._started_before
        STARTS.end()
        self._process.marks.end(self._watch)
        measured = self._measured()
        self._process.release()
        return measured

    def _tick(self) -> None:
        if not self._ready:
            self._process.books.read()  # so that the ticker's thread has an arena before the start
            return
        before = self._look
        self.look()
        if self._look.grown > before.grown and self._look.deciding(self._limit) and not self._traced:
            self._sizes.look()

    def _threads_hold(self) -> bool:
        """Tell whether threads hold more than was ever counted: an arena has its address space already."""
        if STARTS.count == self._started_before:
            return False
        return self._look.worth_a_count_of(self._process.books.large_used() - self._heap.large_used, self._limit)

    def _read(self) -> Heap:
        with ALLOCATIONS.lock:  # after a look at sizes, whose tables the books would call held
            return self._process.books.read()

    def _usable(self, heap: Heap) -> Heap:
        """Leave out what is free for other threads alone, while none of them runs."""
        return replace(heap, large_free=max(heap.large_free - self._left.others, 0)) if self._others.idle else heap

    def _measured(self) -> Measurement:
        if self._traced or ALLOCATIONS.traced:
            return unmeasured(self.name, _TRACED)
        watch, now = self._watch, self._usable(self._read())
        files = max(watch.file - watch.file_before, 0)
        seen = Seen(
            before=self._usable(self._heap),
            now=now,
            edges=self._edges,
            look=self._look,
            sizes=self._sizes,
            grown=max(watch.resident - watch.resident_before - files, 0),
            mapped=self._shared - files > MB,
            own=self._own,
            size=watch.size - watch.size_before,
            size_now=watch.size_now - watch.size_before,
            threads=self._started or STARTS.count - self._started_before,
            held=max(now.in_use - self._heap.in_use, self._look.held),
            fell=max(self._fell, watch.resident_before - watch.resident_now),
        )
        low, best, high = seen.range()
        return Measurement(peak=best, low=low, high=high, engine=self.name)

    def _measured_phase(self) -> Measurement:
        """Measure what the phase has taken beyond what was held at its begin."""
        if self._traced or ALLOCATIONS.traced:
            return unmeasured(self.name, _TRACED)
        watch, begun, now = self._watch, self._usable(self._phase_heap), self._usable(self._read())
        files = max(watch.file - watch.phase_file_before, 0)
        seen = Seen(
            before=begun,
            now=now,
            edges=self._edges,
            look=Look(),
            sizes=self._sizes,
            grown=max(watch.phase_resident - watch.phase_resident_before - files, 0),
            mapped=self._shared - files > MB,
            own=0,
            size=watch.phase_size - watch.phase_size_before,
            size_now=watch.size_now - watch.phase_size_before,
            threads=self._started or STARTS.count - self._started_before,
            held=now.in_use - begun.in_use,
        )
        held = max(begun.in_use - self._heap.in_use, 0)
        low, best, high = (held + figure for figure in seen.range())
        return Measurement(peak=best, low=low, high=high, engine=self.name)
