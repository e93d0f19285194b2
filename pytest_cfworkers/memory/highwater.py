"""The cheap engine, on Linux: the kernel's high-water mark, and the allocators' own books for what it cannot tell.

The kernel counts pages, a limit counts what was asked for. Between the two stand, each bounded by what is known:

- memory that was free inside the heap at the start and was used without growth: given back or filled before the start
  (`ballast`), and what remains is known from the books;
- what pymalloc rounds up: known from how many blocks of each size there were near the peak;
- memory that was taken and never touched, such as `bytes(10**8)`: the process's address space grows by it;
- memory of before the start that was freed meanwhile and used again: what the books miss at the end.

So the figure is a range, and a limit inside of the range is "undecided".
"""

import gc
import resource
import tracemalloc
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final, final

from pytest_cfworkers.guards.memory import Measurement, unmeasured
from pytest_cfworkers.memory.ballast import Ballast
from pytest_cfworkers.memory.heap import Books, Heap
from pytest_cfworkers.memory.kernel import Marks, Resident, Watch
from pytest_cfworkers.memory.sizes import Sizes
from pytest_cfworkers.memory.threads import STARTS
from pytest_cfworkers.memory.ticker import Ticker
from pytest_cfworkers.memory.timeline import Samples

MB: Final = 2**20

RESOLUTION: Final = MB // 2
"""Bytes by which the kernel's counters may be off: each processor keeps some pages to itself."""

_SHARE: Final = 0.05
"""The share of the limit that may stay unknown before something is done about it."""

_FREE_SHARE: Final = 0.2
"""The share of the limit that may be free in pymalloc: a look near the peak tells what of it is used."""

_WASTE: Final = {16: 8, 32: 8}
"""Bytes by which pymalloc rounds up a block, at most: 32 bytes or less are a number, or an array of pointers."""

_WASTE_OF_LARGER: Final = 12
"""The same for larger blocks. Most are structures of whole 8 bytes; texts may waste 15, but not all of them do."""

_WASTE_SHARE: Final = 0.25
"""The same as a share of all small blocks where their sizes are not known: a float of 24 bytes takes 32."""

_DECIDING: Final = 0.95
"""The share of the limit from which on what is rounded up may decide, so that it is worth a closer look."""

_DECIDING_NUMBERS: Final = 0.75
"""The same where most blocks are the size of numbers, which waste more than anything else."""

_WORTH_LOOKING: Final = 1.08
"""How much more the process must have grown than at the last look at its heap, to look again."""

_NEAR: Final = 0.8
"""How near to the peak a look must have been to tell about it."""

_SMALL_SHARE: Final = 0.25
_NUMBERS: Final = 32

_ARENA: Final = 64 * MB
"""Address space that glibc takes for a moment when a thread first allocates, and never uses."""

_UNTOUCHED: Final = 0.25
"""The share of the address space that must be unused to say that memory was taken and never touched."""


@final
@dataclass(frozen=True, slots=True)
class _Look:
    """What was seen of the heap near the peak.

    Attributes:
        grown: Bytes by which the process had grown then.
        blocks: How many more small blocks of each size there were than at the start.
        holes: How many bytes were free inside the heap and pages all the same, at most.
        reused: How many less bytes were free in pymalloc than at the start: used without growth.
        held: How many more bytes were handed out than at the start, at this look or one before.
    """

    grown: int
    blocks: Mapping[int, int]
    holes: int
    reused: int
    held: int

    def deciding(self, limit: int) -> bool:
        """Tell whether what blocks waste may decide about a limit."""
        small = sum(size * count for size, count in self.blocks.items())
        numbers = _NUMBERS * self.blocks.get(_NUMBERS, 0)
        share = _DECIDING_NUMBERS if numbers * 2 > small else _DECIDING
        return small > self.grown * _SMALL_SHARE and self.grown > limit * share


@final
class _Process:
    """What all stretches of code in this process share."""

    def __init__(self) -> None:
        self.books = Books()
        self.marks = Marks()
        self.ballast = Ballast()
        self.collected: int | None = None
        self.lock = Lock()

    def prepare(self, unknown: int) -> Heap:
        """Make what is free in the heap so little that its use is growth.

        Args:
            unknown: Bytes that may stay.
        """
        heap = self.books.read()
        if self.collected is None or heap.in_use - self.collected > unknown:
            # Garbage in cycles of before the test would be freed in it, and make room that nobody sees used.
            gc.collect()
            heap = self.books.read()
            self.collected = heap.in_use
        if heap.large_free > unknown // 2:  # pages that are given back must be fetched again, so not for less
            self.books.give_back()
            heap = self.books.read()
        if heap.small_free > unknown * (_FREE_SHARE / _SHARE):
            if self.ballast.heavy:
                self.ballast.drop()
                heap = self.books.read()
                self.collected = heap.in_use
            self.ballast.add(heap)
            filled = self.books.read()
            self.collected += filled.in_use - heap.in_use
            heap = filled
        return heap


_process: _Process | None = None


def _this_process() -> _Process:
    global _process  # noqa: PLW0603 - there is one heap
    if _process is None:
        _process = _Process()
    return _process


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
        self._look = _Look(0, {}, 0, 0, 0)
        self._shared_before = self._shared = self._own = 0
        self._paused = False
        self._sizes = Sizes()
        self._started_before = self._started = 0
        self._traced = False
        self._ticker = Ticker(self._tick)
        self._heap: Heap
        self._edges = 0
        self._watch: Watch
        self._ready = False

    def start(self) -> None:
        """Begin."""
        process = self._process = _this_process()
        self._traced = tracemalloc.is_tracing()
        self._resident = Resident()
        self._started_before = STARTS.begin()
        self._ticker.start()  # first, because the thread takes memory
        with process.lock:
            self._heap = process.prepare(int(self._limit * _SHARE))
            few = self._heap.large_free <= int(self._limit * _SHARE) // 2
            self._edges = self._heap.large_free if few else process.books.edges()
            self._watch = process.marks.begin()
            _, self._shared_before = self._resident()
        self._ready = True

    @property
    def doubtful(self) -> bool:
        """Whether so much is free in the heap that the figure would say little."""
        return self._heap.small_free > self._limit * _FREE_SHARE or self._edges > 2 * self._limit * _SHARE

    def current(self) -> int:
        """Return the bytes that are held now, by the books."""
        return max(self._process.books.read().in_use - self._heap.in_use, 0)

    def peak(self) -> Measurement:
        """Return the peak so far."""
        self._process.marks.note()
        return self._measured()

    def phase(self) -> Measurement:
        """Return the peak of the phase that ends here."""
        self._process.marks.note()
        measured = self._measured(phase=True)
        self._process.books.give_back()  # what the C library keeps of this phase is not held in the next
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
        """Look how far the process has grown, and at its heap where that is the most yet."""
        if not self._ready:
            return
        resident, shared = self._resident()
        grown = resident - self._watch.resident_before
        self._shared = max(self._shared, shared - self._shared_before)
        self._own = max(self._own, grown - (shared - self._shared_before))
        self.samples.add(max(grown, 0))
        self._traced = self._traced or (tracemalloc.is_tracing() and not self._sizes.looking)
        if grown > max(self._look.grown * _WORTH_LOOKING, self._limit / 2):
            before, now = self._heap, self._process.books.read()
            used = {row.size: row.used for row in before.classes}
            held = max(now.in_use - before.in_use, 0)
            # What was free at the start was given back; freed again, it is a page, so the sums alone do not tell.
            large = min(now.large_free, max(grown - held, 0))
            self._look = _Look(
                grown,
                {row.size: row.used - used.get(row.size, 0) for row in now.classes if row.used > used.get(row.size, 0)},
                large + max(now.small_free - before.small_free, 0),
                max(before.small_free - now.small_free, 0),
                max(held, self._look.held),
            )
            if self._look.deciding(self._limit) and not self._traced:
                self._sizes.look()

    def _hidden(self, grown: int) -> tuple[int, int]:
        """Bytes that were used without growth, at least and at most: of what was free in the heap before."""
        look, free = self._look, self._heap.small_free
        if look.grown < grown * _NEAR or not grown:
            return 0, free + self._edges
        return look.reused, min(free, look.reused + grown // 10) + self._edges

    def _measured(self, *, phase: bool = False) -> Measurement:
        if self._traced or tracemalloc.is_tracing():
            return unmeasured(self.name, "the test traces memory itself (tracemalloc), which takes memory of its own")
        watch, before, now = self._watch, self._heap, self._process.books.read()
        resident, size = (watch.phase_resident, watch.phase_size) if phase else (watch.resident, watch.size)
        files = max(watch.file - watch.file_before, 0)
        grown = max(resident - watch.resident_before - files, 0)
        least, most = self._wasted(grown, now)
        untouched, surely = self._untouched(grown, size - watch.size_before, now)
        freed = max(before.in_use - now.in_use, 0)
        reused, hidden = self._hidden(grown)
        reused += untouched if surely else 0
        holes = self._holes(grown)
        surely_grown = grown
        if self._shared - files > MB:  # files were mapped for a while, perhaps at the peak, perhaps more than was seen
            surely_grown = 0 if self._paused or phase else min(grown, self._own)
        low = max(surely_grown - most - holes + reused, self._held(now, phase=phase) - most)
        high = grown - least + hidden + untouched + freed
        best = max(grown - (least + most) // 2 + reused, low)
        return Measurement(
            peak=best, low=max(min(low, best) - RESOLUTION, 0), high=max(high, best) + RESOLUTION, engine=self.name
        )

    def _holes(self, grown: int) -> int:
        """Bytes that were free inside the heap at the peak, and pages all the same, at most."""
        look, free = self._look, self._heap.large_free
        if look.held >= grown // 2 and look.grown >= grown * _NEAR:
            return look.holes
        if free > grown // 4:
            return max(look.holes, min(free, grown))
        return min(
            look.holes, grown // 4
        )  # a look that came too late: most of it was held at the peak, and freed since

    def _held(self, now: Heap, *, phase: bool) -> int:
        """Bytes that were handed out at a moment when somebody looked: the peak is no less."""
        if self._paused:  # what was taken in the pause is among them
            return 0
        held = now.in_use - self._heap.in_use
        return held if phase else max(held, self._look.held)

    def _wasted(self, grown: int, now: Heap) -> tuple[int, int]:
        """Bytes of the growth that nobody asked for, since they were rounded up, at least and at most."""
        before, look = self._heap, self._look
        arenas = now.arenas_ever - before.arenas_ever
        if now.arenas_most > before.arenas_most or arenas > now.arenas_most - before.arenas:
            arenas = now.arenas_most - before.arenas
        small = min(grown, max(arenas, 0))
        if not look.grown:
            return 0, int(small * _WASTE_SHARE)
        seen = min(grown / look.grown, 1.5)
        least = most = 0.0
        for size, count in look.blocks.items():
            sampled = self._sizes.waste(size)
            if sampled is None:
                most += count * _WASTE.get(size, _WASTE_OF_LARGER)
            else:
                least += count * sampled * 0.75
                most += count * sampled * 1.25
        unseen = max(small - int(seen * sum(size * count for size, count in look.blocks.items())), 0)
        most = min(most * seen + unseen * _WASTE_SHARE, small * _WASTE_SHARE * 1.25)
        return int(min(least * seen, most)), int(most)

    def _untouched(self, grown: int, size: int, now: Heap) -> tuple[int, bool]:
        """Bytes that were taken and perhaps never touched, and whether that is sure.

        Threads and imports take address space, too. What they leave behind is known, since it is not the allocators';
        what they give back is not. So it is sure only where no thread was started.
        """
        watch = self._watch
        foreign = (watch.size_now - watch.size_before) - (now.taken - self._heap.taken)
        unused = size - max(foreign, 0) - grown
        if started := self._started or STARTS.count - self._started_before:
            return max(unused - _ARENA - started * _stack_size(), 0), False
        # A little may be the ends of arenas and of growing lists.
        return max(unused, 0), foreign <= MB and unused >= max(4 * MB, size * _UNTOUCHED)


def _stack_size() -> int:
    size, _ = resource.getrlimit(resource.RLIMIT_STACK)
    return size if 0 < size < _ARENA else _ARENA
