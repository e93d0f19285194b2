"""`Look`: what the books said of the heap near the peak, where alone they tell what of the pages was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self, final

from pytest_cfworkers.memory.heap import Heap

_DECIDING: Final = 0.95
"""The share of the limit from which on what is rounded up may decide, so that it is worth a closer look."""

_DECIDING_NUMBERS: Final = 0.75
"""The same where most blocks are the size of numbers, which waste more than anything else."""

_WORTH_LOOKING: Final = 1.08
"""How much more the process must have grown than at the last look at its heap, to look again."""

_PIECE: Final = 64 * 2**10
"""Bytes of a free piece of the C library's, on average, from which on it is no rest between what is kept: freed blocks
that are neighbours become one."""

_SMALL_SHARE: Final = 0.25
_NUMBERS: Final = 32


@final
@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of the heap near the peak.

    Attributes:
        grown: Bytes by which the process had grown then.
        blocks: How many more small blocks of each size there were than at the start.
        holes: How many bytes were free inside the heap and pages all the same, at most.
        between: How many of these lay in small pieces, between what is kept, and so were most likely free at the peak.
        reused: How many less bytes were free in pymalloc than at the start: used without growth.
        held: How many more bytes were handed out than at the start, at any look.
        held_blocks: How many more small blocks of each size there were at that look.
        size: Bytes by which the address space had grown when what was handed out was last counted.
        size_near: The same when it was looked at.
    """

    grown: int = 0
    blocks: Mapping[int, int] = field(default_factory=dict)
    holes: int = 0
    between: int = 0
    reused: int = 0
    held: int = 0
    held_blocks: Mapping[int, int] = field(default_factory=dict)
    size: int = 0
    size_near: int = 0

    def worth_another(self, grown: int, limit: int) -> bool:
        """Tell whether the process has grown so much since that another look is due."""
        return grown > max(self.grown * _WORTH_LOOKING, limit / 2)

    def worth_a_count(self, size: int, limit: int) -> bool:
        """Tell whether so much address space was added that much may be held which no page shows."""
        return size > max(self.size * _WORTH_LOOKING, limit / 2)

    def worth_a_count_of(self, held: int, limit: int) -> bool:
        """Tell whether so much more is held than was ever counted that it is worth counting all."""
        return held > max(self.held * _WORTH_LOOKING, limit / 2)

    def counted(self, size: int, before: Heap, now: Heap) -> Self:
        """Count what is handed out, and leave the look near the peak as it is.

        Args:
            size: Bytes by which the address space has grown.
            before: The heap at the start.
            now: The heap now.
        """
        held = now.in_use - before.in_use
        if held <= self.held:
            return replace(self, size=size)
        return replace(self, size=size, held=held, held_blocks=now.more_blocks(before))

    def next(self, grown: int, size: int, before: Heap, now: Heap) -> Self:
        """Look again.

        Args:
            grown: Bytes by which the process has grown.
            size: Bytes by which its address space has grown.
            before: The heap at the start.
            now: The heap now.
        """
        held, blocks = max(now.in_use - before.in_use, 0), now.more_blocks(before)
        # What was free at the start was given back; freed again, it is a page, so the sums alone do not tell.
        large = min(now.large_free, max(grown - held, 0))
        small = max(now.small_free - before.small_free, 0)
        is_scattered = (now.large_pieces - before.large_pieces) * _PIECE > large
        most = held > self.held
        return type(self)(
            grown=grown,
            blocks=blocks,
            holes=large + small,
            between=(large if is_scattered else 0) + small,
            reused=max(before.small_free - now.small_free, 0),
            held=held if most else self.held,
            held_blocks=blocks if most else self.held_blocks,
            size=self.size,
            size_near=size,
        )

    def deciding(self, limit: int) -> bool:
        """Tell whether what blocks waste may decide about a limit."""
        small = sum(size * count for size, count in self.blocks.items())
        numbers = _NUMBERS * self.blocks.get(_NUMBERS, 0)
        share = _DECIDING_NUMBERS if numbers * 2 > small else _DECIDING
        return small > self.grown * _SMALL_SHARE and self.grown > limit * share
