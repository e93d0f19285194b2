"""The kernel's high-water marks of this process, on Linux.

`VmHWM` is the most memory that was resident since it was last reset, which writing 5 to `/proc/self/clear_refs` does.
`VmPeak` is the most address space there ever was. That cannot be reset, so it is levelled: address space that is
never used is reserved until the process is as large as it ever was, and from then on each growth shows.

What the module asks of the system it takes when it is imported: a test may put something of its own in the place of
`open` or of a function of `os`.

Source: https://docs.kernel.org/filesystems/proc.html (checked 2026-11-24).
"""

import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import FileIO
from os import O_CLOEXEC, O_RDONLY, close, open, pread  # noqa: A004 - not the builtin one
from threading import Lock
from typing import Final, final

_FIGURE: Final = re.compile(rb"^(VmPeak|VmSize|VmHWM|VmRSS|RssFile):\s+(\d+) kB$", re.MULTILINE)
_NO_RESERVE: Final = 0x4000  # MAP_NORESERVE, which the module mmap does not name


@final
@dataclass(slots=True)
class Watch:
    """The marks of one stretch of code, in bytes.

    Attributes:
        resident_before: What was resident when it began.
        file_before: How much of that was files.
        size_before: The address space when it began.
        resident: The most that was resident.
        file: How much of what is resident now is files.
        size: The most address space.
        size_now: The address space now.
        phase_resident: The most that was resident since the phase began.
        phase_size: The same for the address space.
        phase_resident_before: What was resident when the phase began.
        phase_size_before: The same for the address space.
        phase_file_before: How much of what was resident when the phase began was files.
        resident_now: What is resident now.
    """

    resident_before: int
    file_before: int
    size_before: int
    resident: int
    file: int
    size: int
    size_now: int
    phase_resident: int = 0
    phase_size: int = 0
    phase_resident_before: int = 0
    phase_size_before: int = 0
    phase_file_before: int = 0
    resident_now: int = 0
    _paused: "Watch | None" = None

    def begin_phase(self) -> None:
        """Let the marks of the phase begin with what is there now."""
        self.phase_resident = self.phase_resident_before = self.resident_now
        self.phase_size = self.phase_size_before = self.size_now
        self.phase_file_before = self.file

    def pause(self) -> None:
        """Keep the marks of now."""
        self._paused = replace(self)

    def resume(self) -> None:
        """Take the marks again that were kept, and let what has grown since count as there before."""
        if (kept := self._paused) is None:
            return
        self.take(kept, self.resident_now - kept.resident_now, self.size_now - kept.size_now)
        self._paused = None

    def take(self, kept: "Watch", resident: int, size: int) -> None:
        """Take marks that were kept, and let what has grown since count as there before."""
        self.resident_before, self.size_before = kept.resident_before + resident, kept.size_before + size
        self.resident, self.size = kept.resident + resident, kept.size + size
        self.phase_resident, self.phase_size = kept.phase_resident + resident, kept.phase_size + size
        self.phase_resident_before = kept.phase_resident_before + resident
        self.phase_size_before = kept.phase_size_before + size


@final
class Marks:
    """The marks of this process, shared by all who watch. One per process: the kernel has one set.

    Attributes:
        reserved: Bytes of address space that are reserved and never used.
    """

    reserved: int

    def __init__(self) -> None:
        self.reserved = 0
        self._lock = Lock()
        self._watches: list[Watch] = []
        self._reserve: mmap.mmap | None = None

    def begin(self) -> Watch:
        """Begin to watch.

        Raises:
            OSError: The kernel keeps no marks, or does not let them be reset.
        """
        with self._lock:
            figures = self._note()
            resident, file, size = figures[b"VmRSS"], figures[b"RssFile"], figures[b"VmSize"] - self.reserved
            watch = Watch(resident, file, size, resident, file, size, size, resident_now=resident)
            watch.begin_phase()
            self._watches.append(watch)
            return watch

    def note(self) -> None:
        """Bring every watch up to date."""
        with self._lock:
            self._note()

    def end(self, watch: Watch) -> None:
        """Bring a watch up to date for the last time."""
        with self._lock:
            self._note()
            self._watches = [other for other in self._watches if other is not watch]
            if not self._watches:
                self._release()

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Leave what the process grows by meanwhile, and for a moment, out of every watch: it is not the code's.

        Where it becomes smaller instead, that was the code's, and free.
        """
        with self._lock:
            if self._watches:
                self._note()
            kept = [(watch, replace(watch)) for watch in self._watches]
        try:
            yield
        finally:
            with self._lock:
                if kept:
                    self._note()
                for watch, marks in kept:
                    resident, size = watch.resident_now - marks.resident_now, watch.size_now - marks.size_now
                    watch.take(marks, max(resident, 0), max(size, 0))

    @property
    def watched(self) -> bool:
        """Whether anybody watches."""
        return bool(self._watches)

    def _note(self) -> dict[bytes, int]:
        figures = _read()
        for watch in self._watches:
            most, size = figures[b"VmHWM"], figures[b"VmPeak"] - self.reserved
            watch.resident, watch.phase_resident = max(watch.resident, most), max(watch.phase_resident, most)
            watch.size, watch.phase_size = max(watch.size, size), max(watch.phase_size, size)
            watch.resident_now = figures[b"VmRSS"]
            watch.file = figures[b"RssFile"]
            watch.size_now = figures[b"VmSize"] - self.reserved
        lowest = figures[b"VmPeak"] - (figures[b"VmSize"] - self.reserved)
        if lowest > self.reserved:  # the process was larger than it is now: level again
            self._release()
            self._reserve = mmap.mmap(-1, lowest, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE, prot=0)
            figures[b"VmSize"] += lowest - self.reserved
            self.reserved = lowest
        with FileIO("/proc/self/clear_refs", "wb") as file:
            file.write(b"5")
        return figures

    def _release(self) -> None:
        if self._reserve is not None:
            self._reserve.close()
        self._reserve, self.reserved = None, 0


@final
class Resident:
    """How many bytes the process takes now. Kept open, since asking again and again must cost little."""

    def __init__(self) -> None:
        self._file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)

    def __call__(self) -> tuple[int, int, int]:
        """Ask; return the address space, what of it is resident, and what of that is shared, as files are."""
        size, resident, shared, _ = pread(self._file, 64, 0).split(None, 3)
        return int(size) * mmap.PAGESIZE, int(resident) * mmap.PAGESIZE, int(shared) * mmap.PAGESIZE

    def close(self) -> None:
        """Ask no more."""
        close(self._file)


def _read() -> dict[bytes, int]:
    with FileIO("/proc/self/status") as file:
        return {name: int(number) << 10 for name, number in _FIGURE.findall(file.read())}
