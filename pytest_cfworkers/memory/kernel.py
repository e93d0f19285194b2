"""The kernel's high-water marks of this process, on Linux.

`VmHWM` is the most memory that was resident since it was last reset, which writing 5 to `/proc/self/clear_refs` does.
`VmPeak` is the most address space there ever was. That cannot be reset, so it is levelled: address space that is
never used is reserved until the process is as large as it ever was, and from then on each growth shows.

What is not the allocators' takes address space, too: files, stacks of threads, what glibc reserves for them. How much
that is can be asked at any moment, and not of a moment that has passed. So whoever knows that it changes lets it be
noted before and after: in between, the allocators had no more than all there was without the lesser of the two.

Source: https://docs.kernel.org/filesystems/proc.html (checked 2026-11-24).
"""

import mmap
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import RLock
from typing import Final, final

from pytest_cfworkers.memory.mappings import Mappings
from pytest_cfworkers.memory.watch import Mark, Watch

_FIGURE: Final = re.compile(rb"^(VmPeak|VmSize|VmHWM|VmRSS|RssFile):\s+(\d+) kB$", re.MULTILINE)
_NO_RESERVE: Final = 0x4000  # MAP_NORESERVE, which the module mmap does not name


@final
class Marks:
    """The marks of this process, shared by all who watch. One per process: the kernel has one set.

    Args:
        taken: Tells how many bytes the allocators have from the kernel.
        mappings: The largest blocks of the C library.
    """

    def __init__(self, taken: Callable[[], int], mappings: Mappings) -> None:
        self._taken = taken
        self._mappings = mappings
        self._lock = RLock()  # what is noted makes objects, so garbage may be collected, and that may start a thread
        self._watches: list[Watch] = []
        self._reserve: mmap.mmap | None = None
        self._reserved = 0
        self._noted = self._beside = 0
        self._quiet = False
        os.register_at_fork(after_in_child=self._after_fork)

    def begin(self) -> Watch:
        """Begin to watch.

        Raises:
            OSError: The kernel keeps no marks, or does not let them be reset.
        """
        with self._lock:
            figures, mapped = self._note()
            watch = Watch(Mark.at(figures[b"VmRSS"]), Mark.at(self._noted), Mark.at(mapped))
            watch.file = watch.file_before = figures[b"RssFile"]
            watch.beside_before = self._beside
            self._watches.append(watch)
            return watch

    def note(self) -> None:
        """Bring every watch up to date.

        Where address space is short it cannot be levelled, and what the allocators had seems more than it was.
        """
        with self._lock, suppress(OSError):
            if self._watches:
                self._note()

    @contextmanager
    def starting(self, *, alone: bool) -> Iterator[None]:
        """Note that a thread is about to start, which takes address space, some of it for a moment.

        Args:
            alone: Whether no other code runs until it has: so that nobody else can have taken any meanwhile.
        """
        with self._lock:
            self._note_thread()
            self._quiet = alone
        try:
            yield
        finally:
            self._quiet = False

    def started(self) -> None:
        """Note that it has started, and has run nothing yet."""
        with self._lock:
            self._note_thread()
            self._quiet = False

    def ended(self) -> None:
        """Note that one is about to end, and its stack to go with it."""
        with self._lock:
            self._note_thread()

    def end(self, watch: Watch) -> None:
        """Bring a watch up to date for the last time."""
        with self._lock:
            self.note()
            self._watches = [other for other in self._watches if other is not watch]
            if not self._watches:
                self._release()
                self._mappings.release()

    def _note(self) -> tuple[dict[bytes, int], int]:
        """Note all; return the kernel's figures, and how much is mapped now."""
        figures = _read()
        self._note_taken(figures)
        level = self._mappings.level
        most_mapped, mapped = self._mappings.note()
        for watch in self._watches:
            watch.resident.note(figures[b"VmHWM"], figures[b"VmRSS"])
            watch.mapped.note(most_mapped, mapped)
            watch.file = figures[b"RssFile"]
        self._level(figures if level == self._mappings.level else _read())
        descriptor = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
        os.write(descriptor, b"5")
        os.close(descriptor)
        return figures, mapped

    def _note_thread(self) -> None:
        """Note what changes where a thread begins or ends."""
        with suppress(OSError):
            if self._watches:
                figures = _read()
                self._note_taken(figures)
                self._level(figures)

    def _note_taken(self, figures: dict[bytes, int]) -> None:
        taken = self._taken()
        ours = self._reserved + self._mappings.level
        beside = figures[b"VmSize"] - ours - taken
        most = figures[b"VmPeak"] - ours - min(beside, self._beside)
        if self._quiet:
            most = max(taken, self._noted)
        for watch in self._watches:
            watch.taken.note(most, taken)
            watch.moved = max(watch.moved, abs(beside - watch.beside_before))
        self._noted, self._beside = taken, beside

    def _level(self, figures: dict[bytes, int]) -> None:
        """Reserve address space until there is as much as there ever was."""
        lowest = figures[b"VmPeak"] - (figures[b"VmSize"] - self._reserved)
        if lowest > self._reserved:  # the process was larger than it is now
            self._release()
            self._reserve = mmap.mmap(-1, lowest, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE, prot=0)
            self._reserved = lowest

    def _release(self) -> None:
        if self._reserve is not None:
            self._reserve.close()
        self._reserve, self._reserved = None, 0

    def _after_fork(self) -> None:
        self._lock = RLock()  # the thread that may have held it is not in the child
        self._quiet = False


@final
class Resident:
    """How many bytes are resident now. Kept open, since asking again and again must cost little."""

    def __init__(self) -> None:
        self._file = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)

    def __call__(self) -> tuple[int, int, int]:
        """Ask.

        Returns:
            All of it; how much of it is shared: files, and memory that processes share; and the address space that
            cannot be written: files, and what is reserved.
        """
        size, resident, shared, _, _, writable, _ = map(int, os.pread(self._file, 64, 0).split())
        return resident * mmap.PAGESIZE, shared * mmap.PAGESIZE, (size - writable) * mmap.PAGESIZE

    def close(self) -> None:
        """Ask no more."""
        os.close(self._file)


def _read() -> dict[bytes, int]:
    descriptor = os.open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC)  # a quarter of the time of Path
    try:
        return {name: int(number) << 10 for name, number in _FIGURE.findall(os.read(descriptor, 4096))}
    finally:
        os.close(descriptor)
