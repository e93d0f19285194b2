"""The cheap engine, on Linux: the kernel's high-water mark, and the allocators' own books for what it cannot tell.

Its figure is a range (`bounds`), and a limit inside of the range is "undecided".
"""

import tracemalloc
from threading import Lock
from typing import Final, final

from pytest_cfworkers.guards.memory import Measurement, unmeasured
from pytest_cfworkers.memory.bounds import MB, Seen
from pytest_cfworkers.memory.heap import Heap
from pytest_cfworkers.memory.kernel import Resident, Watch
from pytest_cfworkers.memory.look import Look
from pytest_cfworkers.memory.preparation import FREE_SHARE, UNKNOWN_SHARE, this_process
from pytest_cfworkers.memory.sizes import Sizes
from pytest_cfworkers.memory.threads import STARTS
from pytest_cfworkers.memory.ticker import Ticker
from pytest_cfworkers.memory.timeline import Samples

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
        self._heap: Heap
        self._edges = 0
        self._watch: Watch

    def start(self) -> None:
        """Begin."""
        process = self._process = this_process()
        self._traced = tracemalloc.is_tracing()
        self._resident = Resident()
        self._started_before = STARTS.begin()
        self._alone = not process.marks.watched
        with process.lock:
            self._edges = process.prepare(self._limit)
        with process.marks.apart():
            self._ticker.start()  # after that, because its thread takes over an arena of another; and takes memory
        with process.lock:
            self._heap = process.books.read()
            self._watch = process.marks.begin()
            size, _, self._shared_before = self._resident()
            self._size_before = size - process.marks.reserved
        self._ready = True

    @property
    def doubtful(self) -> bool:
        """Whether so much is free in the heap that the figure would say little, and tracing disturbs nobody."""
        free = self._heap.small_free > self._limit * FREE_SHARE
        return self._alone and (free or self._edges > 2 * self._limit * UNKNOWN_SHARE)

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
            size, resident, shared = self._resident()
            size -= self._size_before + self._process.marks.reserved
            grown = resident - self._watch.resident_before
            self._shared = max(self._shared, shared - self._shared_before)
            self._own = max(self._own, grown - (shared - self._shared_before))
            self.samples.add(max(grown, 0))
            self._traced = self._traced or (tracemalloc.is_tracing() and not self._sizes.looking)
            if self._look.worth_another(grown, self._limit):
                self._look = self._look.next(grown, self._heap, self._process.books.read())
            if self._look.worth_a_count(size, self._limit):
                self._look = self._look.counted(size, self._heap, self._process.books.read())

    def phase(self) -> Measurement:
        """Return the peak of the phase that ends here."""
        self._process.marks.note()
        measured = self._measured(phase=True)
        self._process.give_back()  # what the C library keeps of this phase is not held in the next
        self._process.marks.note()
        self._watch.phase_resident = self._watch.phase_size = 0
        return measured

    def pause(self) -> None:
        """Keep the marks as they are."""
        self._process.marks.note()
        self._paused = True
        self._watch.pause()

    def resume(self) -> None:
        """Let what was taken meanwhile count as held before the start."""
        self._process.marks.note()
        self._watch.resume()

    def stop(self) -> Measurement:
        """End, and return the peak."""
        self._ticker.stop()
        self._resident.close()
        self._started = STARTS.count - self._started_before
        STARTS.end()
        self._process.marks.end(self._watch)
        return self._measured()

    def _tick(self) -> None:
        if not self._ready:
            self._process.books.read()  # so that the ticker's thread has an arena before the start
            return
        before = self._look
        self.look()
        if self._look.grown > before.grown and self._look.deciding(self._limit) and not self._traced:
            self._sizes.look()

    def _measured(self, *, phase: bool = False) -> Measurement:
        if self._traced or tracemalloc.is_tracing():
            return unmeasured(self.name, _TRACED)
        watch, now = self._watch, self._process.books.read()
        resident, size = (watch.phase_resident, watch.phase_size) if phase else (watch.resident, watch.size)
        files = max(watch.file - watch.file_before, 0)
        seen = Seen(
            before=self._heap,
            now=now,
            edges=self._edges,
            look=self._look,
            sizes=self._sizes,
            grown=max(resident - watch.resident_before - files, 0),
            mapped=self._shared - files > MB,
            own=0 if self._paused or phase else self._own,
            size=size - watch.size_before,
            size_now=watch.size_now - watch.size_before,
            threads=self._started or STARTS.count - self._started_before,
            held=self._held(now, phase=phase),
        )
        low, best, high = seen.range()
        return Measurement(peak=best, low=low, high=high, engine=self.name)

    def _held(self, now: Heap, *, phase: bool) -> int:
        """Bytes that were handed out at a moment when somebody looked."""
        if self._paused:  # what was taken in the pause is among them
            return 0
        held = now.in_use - self._heap.in_use
        return held if phase else max(held, self._look.held)
