"""The heap of this process: what its allocators have handed out, and what they hold free, by their own books.

Small objects (up to 512 bytes) are CPython's own allocator's, pymalloc; the rest is the C library's. Both are asked
through `ctypes`, which takes some 50 µs: pymalloc prints its table into a stream in memory, glibc fills a record.
"""

import ctypes
import re
from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple, final

from pytest_cfworkers.memory.c_library import CLibrary

_CLASS: Final = re.compile(rb"^ +\d+ +(\d+) +\d+ +(\d+) +(\d+)$", re.MULTILINE)
_TOTALS: Final = re.compile(
    rb"# arenas allocated total += +(?P<ever>[\d,]+)\n"
    rb".*?highwater mark += +(?P<most>[\d,]+)\n"
    rb".*?\n(?P<arenas>\d+) arenas \* (?P<arena>\d+) bytes/arena"
    rb".*?\n(?P<pools>\d+) unused pools \* (?P<pool>\d+) bytes",
    re.DOTALL,
)


class SmallClass(NamedTuple):
    """The blocks of one size that pymalloc holds.

    Attributes:
        size: Bytes of a block.
        used: Blocks handed out.
        free: Blocks free in pools of this size.
    """

    size: int
    used: int
    free: int


@final
@dataclass(frozen=True, slots=True)
class Heap:
    """The books of both allocators at one moment.

    Attributes:
        classes: The blocks of small objects, by size.
        unused_pools: Bytes of pools that any size may take.
        arenas: Bytes of all arenas, in which the pools are.
        arenas_ever: Bytes of all arenas that were ever taken.
        arenas_most: Bytes of the most arenas there ever were at once.
        large_used: Bytes of larger blocks handed out.
        large_free: Bytes of larger blocks that are held free, also where the kernel has the pages back.
        large_taken: Bytes that the C library took from the kernel.
        large_pieces: How many pieces what it holds free is in.
    """

    classes: tuple[SmallClass, ...]
    unused_pools: int
    arenas: int
    arenas_ever: int
    arenas_most: int
    large_used: int
    large_free: int
    large_taken: int
    large_pieces: int

    @property
    def in_use(self) -> int:
        """Bytes handed out."""
        return self.large_used + sum(row.size * row.used for row in self.classes)

    @property
    def small_free(self) -> int:
        """Bytes that small objects can take without any growth of the process."""
        return self.unused_pools + sum(row.size * row.free for row in self.classes)

    def more_blocks(self, before: "Heap") -> dict[int, int]:
        """Return how many more blocks of small objects of each size are handed out than before."""
        used = {row.size: row.used for row in before.classes}
        return {row.size: row.used - used.get(row.size, 0) for row in self.classes if row.used > used.get(row.size, 0)}

    def without(self, since: "Heap", until: "Heap") -> "Heap":
        """Return these books as they would be had what was done between two moments been done before them."""
        earlier, later = ({row.size: row for row in heap.classes} for heap in (since, until))
        nothing = SmallClass(0, 0, 0)
        rows = {row.size: row for row in self.classes}
        classes = (
            SmallClass(
                size,
                max(rows.get(size, nothing).used + later.get(size, nothing).used - earlier.get(size, nothing).used, 0),
                max(rows.get(size, nothing).free + later.get(size, nothing).free - earlier.get(size, nothing).free, 0),
            )
            for size in sorted({*rows, *earlier, *later})
        )
        names = (spec.name for spec in fields(self) if spec.name != "classes")
        figures = {name: getattr(self, name) + getattr(until, name) - getattr(since, name) for name in names}
        return Heap(tuple(classes), **{name: max(figure, 0) for name, figure in figures.items()})

    @property
    def taken(self) -> int:
        """Bytes that both allocators have from the kernel."""
        return self.arenas + self.large_taken


@final
class Books:
    """Reads the books.

    Args:
        library: The C library.

    Raises:
        OSError: This Python keeps none.
    """

    def __init__(self, library: CLibrary) -> None:
        self._library = library
        try:
            self._print: Any = ctypes.pythonapi._PyObject_DebugMallocStats  # noqa: SLF001 - sys has it for stderr only
        except AttributeError as error:
            raise OSError(f"the allocator of this Python keeps no books: {error}") from error
        self._print.argtypes = [ctypes.c_void_p]

    def large_used(self) -> int:
        """Read how much of larger blocks is handed out alone, which takes a few microseconds."""
        large = self._library.totals()
        return int(large.uordblks + large.hblkhd)

    def read(self) -> Heap:
        """Read what both allocators hold."""
        text = self._library.written(self._print)
        large = self._library.totals()
        found = _TOTALS.search(text)
        figures = found.groupdict() if found else dict.fromkeys(_TOTALS.groupindex, b"0")
        totals = {name: int(figure.replace(b",", b"")) for name, figure in figures.items()}
        return Heap(
            classes=tuple(SmallClass(*map(int, row)) for row in _CLASS.findall(text)),
            unused_pools=totals["pools"] * totals["pool"],
            arenas=totals["arenas"] * totals["arena"],
            arenas_ever=totals["ever"] * totals["arena"],
            arenas_most=totals["most"] * totals["arena"],
            large_used=large.uordblks + large.hblkhd,
            large_free=large.fordblks,
            large_taken=large.arena + large.hblkhd,
            large_pieces=large.ordblks,
        )
