"""`Seen`: what was seen of a stretch of code, and the range that its peak is in.

The kernel counts pages, a limit counts what was asked for. Between the two stand, each bounded by what is known:

- memory that was free inside the heap at the start and was used without growth: given back or filled before the start
  (`preparation`), and what remains is known from the books;
- what pymalloc rounds up: known from how many blocks of each size there were near the peak, and what they were to hold,
  which takes memory to see (`sizes`);
- memory that was taken and never touched, such as `bytes(10**8)`: the process's address space grows by it;
- memory of before the start that was freed meanwhile and used again: what the books miss at the end.
"""

import resource
from dataclasses import dataclass
from typing import Final, NamedTuple, final

from pytest_cfworkers.memory.heap import Heap
from pytest_cfworkers.memory.look import Look
from pytest_cfworkers.memory.sizes import Sizes

MB: Final = 2**20

_RESOLUTION: Final = MB // 2
"""Bytes by which the kernel's counters may be off: each processor keeps some pages to itself."""

_WASTE: Final = {16: 8, 32: 8}
"""Bytes by which pymalloc rounds up a block, at most: 32 bytes or less are a number, or an array of pointers."""

_WASTE_OF_LARGER: Final = 12
"""The same for larger blocks. Most are structures of whole 8 bytes; texts may waste 15, but not all of them do."""

_WASTE_SHARE: Final = 0.25
"""The same as a share of all small blocks where their sizes are not known: a float of 24 bytes takes 32."""

_NEAR: Final = 0.8
"""How near to the peak a look must have been to tell about it."""

_ARENA: Final = 64 * MB
"""Address space that glibc takes for a moment when a thread first allocates, and never uses."""

_UNTOUCHED: Final = 0.25
"""The share of the address space that must be unused to say that memory was taken and never touched."""


class Range(NamedTuple):
    """Where a peak is, in bytes: at least, most likely, at most."""

    low: int
    best: int
    high: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a stretch of code. Sizes are bytes.

    Attributes:
        before: The heap at its start.
        now: The heap at its end.
        edges: What of the heap was free at the start and yet resident, besides what pymalloc keeps.
        look: The last look at the heap.
        sizes: What blocks waste, as far as it was seen.
        grown: By how much the process had grown at its largest, without the files that are mapped now.
        mapped: Whether files were mapped for a while, so that pages may have been theirs.
        own: By how much it was seen to have grown without any file.
        size: By how much its address space had grown at its largest.
        size_now: By how much it is larger now.
        threads: How many threads were started.
        held: What was surely handed out at some moment: the peak is no less.
        fell: By how much the process was smaller than at its start when it was smallest.
    """

    before: Heap
    now: Heap
    edges: int
    look: Look
    sizes: Sizes
    grown: int
    mapped: bool
    own: int
    size: int
    size_now: int
    threads: int
    held: int
    fell: int = 0

    def range(self) -> Range:
        """Work out the range."""
        least, most = self._wasted()
        surely_untouched, untouched = self._untouched()
        reused, hidden = self._hidden()
        reused += surely_untouched
        surely_grown = min(self.grown, self.own) if self.mapped else self.grown
        freed = max(self.before.in_use - self.now.in_use, self.fell, 0)
        held_wasted = self._held_wasted()
        low = max(surely_grown - most - self._holes() - self.sizes.taken + reused, self.held - held_wasted)
        waste = (least + most) // 2
        likely = self.grown - self._mostly_free() - self.sizes.taken - waste + reused
        best = max(likely, self.held - min(waste, held_wasted), low)
        high = max(self.grown - least + hidden + untouched + freed, best)
        return Range(max(min(low, best) - _RESOLUTION, 0), best, high + _RESOLUTION)

    def _hidden(self) -> tuple[int, int]:
        """Bytes that were used without growth, at least and at most: of what was free in the heap before."""
        look, free = self.look, self.before.small_free
        if look.grown < self.grown * _NEAR or not self.grown:
            return 0, free + self.edges
        return look.reused, min(free, look.reused + self.grown // 10) + self.edges

    def _holes(self) -> int:
        """Bytes that were free inside the heap at the peak, and pages all the same, at most."""
        look, free, grown = self.look, self.before.large_free, self.grown
        since = max(
            grown - look.grown, 0
        )  # where much was free when it was looked at, more may have been left free since
        holes = look.holes + (min(since, since * 2 * look.holes // look.grown) if look.grown else 0)
        if look.grown < grown * _NEAR and free > grown // 4:
            return max(holes, min(free, grown))
        return holes

    def _held_wasted(self) -> int:
        """Bytes of what was held that nobody asked for, at most."""
        now, look = self.now.more_blocks(self.before), self.look.held_blocks
        counts = {size: max(now.get(size, 0), look.get(size, 0)) for size in now.keys() | look.keys()}
        wasted = sum(count * _WASTE.get(size, _WASTE_OF_LARGER) for size, count in counts.items())
        return min(wasted, int(self.held * _WASTE_SHARE))

    def _mostly_free(self) -> int:
        """Bytes of the growth that lay free between what is kept, where most of it did when it was looked at."""
        look = self.look
        return self.grown * look.between // look.grown if look.between * 2 > look.grown else 0

    def _wasted(self) -> tuple[int, int]:
        """Bytes of the growth that nobody asked for, since they were rounded up, at least and at most."""
        before, now, look = self.before, self.now, self.look
        arenas = now.arenas_ever - before.arenas_ever
        if now.arenas_most > before.arenas_most or arenas > now.arenas_most - before.arenas:
            arenas = now.arenas_most - before.arenas
        small = min(self.grown, max(arenas, 0))
        if not look.grown:
            return 0, int(small * _WASTE_SHARE)
        seen = min(self.grown / look.grown, 1.5)
        least = most = 0.0
        for size, count in look.blocks.items():
            sampled = self.sizes.waste(size)
            if sampled is None:
                most += count * _WASTE.get(size, _WASTE_OF_LARGER)
            else:
                least += count * sampled * 0.75
                most += count * sampled * 1.25
        unseen = max(small - int(seen * sum(size * count for size, count in look.blocks.items())), 0)
        most = min(most * seen + unseen * _WASTE_SHARE, small * _WASTE_SHARE * 1.25)
        return int(min(least * seen, most)), int(most)

    def _untouched(self) -> tuple[int, int]:
        """Bytes that were taken and never touched, at least and at most.

        Threads and imports take address space, too. What they leave behind is known, since it is not the allocators';
        what they give back is not. So it is sure only where no thread was started.
        """
        # An arena of a thread that is trimmed keeps its address space.
        foreign = self.size_now - max(self.now.taken - self.before.taken, 0)
        unused = self.size - max(foreign, 0) - self.grown
        most = unused + self._refilled()
        if self.threads:
            return 0, max(most - _ARENA - self.threads * _stack_size(), 0)
        # A little may be the ends of arenas and of growing lists.
        surely = foreign <= MB and unused >= max(4 * MB, self.size * _UNTOUCHED)
        return unused if surely else 0, max(most, 0)

    def _refilled(self) -> int:
        """Bytes that came back as pages into what the C library held free, at most: they use no new address space.

        So as much of the new one may have been taken and never touched. Where it was looked at near the peak, what was
        handed out then tells, but for the address space that came since or was given back before.
        """
        refilled, look = min(self.grown, max(self.before.large_free - self.edges, 0)), self.look
        if not look.grown or look.grown < self.grown * _NEAR:
            return refilled
        untouched = max(look.held - look.grown, 0) + max(self.size - look.size_near, 0)
        return min(refilled, untouched + self.grown // 10)


def _stack_size() -> int:
    size, _ = resource.getrlimit(resource.RLIMIT_STACK)
    return size if 0 < size < _ARENA else _ARENA
