"""`CLibrary`: glibc, as far as it tells of the memory that it has handed out and holds free, and gives it back."""

import ctypes
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import repeat
from typing import Any, Final, final

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h
_LITTLE: Final = 128 * 2**10
"""Bytes that are kept free at the end of an arena in a process that has just begun."""

_LARGEST: Final = 32 * 2**20
"""Bytes of the largest blocks that glibc takes from an arena, after others of their size were freed."""


class Mallinfo(ctypes.Structure):
    """The record of glibc's `mallinfo2(3)`."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


@final
class CLibrary:
    """The C library of this process.

    Raises:
        OSError: It is not glibc, or too old a one.
    """

    def __init__(self) -> None:
        try:
            self._library: Any = ctypes.CDLL(None)
            self._library.mallinfo2.restype = Mallinfo
            self._library.open_memstream.restype = ctypes.c_void_p
            self._library.malloc.restype = ctypes.c_void_p
            self._library.malloc.argtypes = self._library.malloc_trim.argtypes = [ctypes.c_size_t]
            self._library.mallopt.argtypes = [ctypes.c_int, ctypes.c_int]
            self._library.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
            self._library.fclose.argtypes = self._library.free.argtypes = [ctypes.c_void_p]
        except (AttributeError, TypeError) as error:
            raise OSError(f"the C library of this process keeps no books: {error}") from error

    def totals(self) -> Any:
        """Return a `Mallinfo`: the sums of all arenas."""
        return self._library.mallinfo2()

    def arenas(self) -> bytes:
        """Return what glibc tells of each arena, as XML: see `malloc_info(3)`."""
        return self.written(lambda stream: self._library.malloc_info(0, stream))

    @contextmanager
    def keeping_little(self) -> Iterator[None]:
        """Give back what is freed at the end of an arena, for a moment.

        How much glibc kept there before cannot be asked, and it learns no more once it was told. So it is told what it
        comes to in a process that frees large blocks: keeping less makes each further one cost its page faults.
        """
        self._library.mallopt(_TRIM_THRESHOLD, _LITTLE)
        try:
            yield
        finally:
            self._library.mallopt(_MMAP_THRESHOLD, _LARGEST)
            self._library.mallopt(_TRIM_THRESHOLD, 2 * _LARGEST)

    def take(self, size: int, count: int) -> list[int]:
        """Take blocks of a size; return their addresses."""
        return list(map(self._library.malloc, repeat(size, count)))

    def free(self, blocks: Iterable[int]) -> None:
        """Give blocks back that `take` took."""
        for block in blocks:
            self._library.free(block)

    def trim(self) -> None:
        """Give the free pages of all arenas back to the kernel, but for those at their ends."""
        self._library.malloc_trim(0)

    def trim_end(self) -> None:
        """Give back the free pages at the end of this thread's arena.

        They are looked at when a block is freed beside them that is large, and yet not so large that it is a mapping.
        """
        self._library.free(self._library.malloc(_LITTLE * 3 // 4))

    def written(self, write: Callable[[int], object]) -> bytes:
        """Return what is written into a stream of the C library."""
        text, size = ctypes.c_void_p(), ctypes.c_size_t()
        stream = self._library.open_memstream(ctypes.byref(text), ctypes.byref(size))
        write(stream)
        self._library.fclose(stream)
        try:
            return ctypes.string_at(text, size.value)
        finally:
            self._library.free(text)
