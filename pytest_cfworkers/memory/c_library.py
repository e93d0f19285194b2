"""`CLibrary`: glibc, as far as it tells of the memory that it has handed out and holds free, and gives it back."""

import ctypes
import re
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from typing import Any, Final, final

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of malloc.h
_LITTLE: Final = 128 * 2**10
"""Bytes that are kept free at the end of an arena in a process that has just begun."""

_LARGEST: Final = 32 * 2**20
"""Bytes of the largest blocks that glibc takes from an arena, after others of their size were freed."""


_TEXT: Final = 64 * 2**10
"""Bytes in which there is room for what glibc tells of all arenas."""

_FULLY: Final = 0
"""Buffer whole blocks: `_IOFBF` of stdio.h."""

_MOST_MAPPED: Final = re.compile(rb"max mmap bytes += +(\d+)")


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
            self._errors = ctypes.c_void_p.in_dll(self._library, "stderr")
            self._library.fmemopen.restype = ctypes.c_void_p
            self._library.fmemopen.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
            self._library.setvbuf.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
            self._library.rewind.argtypes = self._library.fflush.argtypes = [ctypes.c_void_p]
            self._print_all: Any = ctypes.PyDLL(None).malloc_stats  # keeps the lock of the interpreter
            self._text, self._buffer = (ctypes.create_string_buffer(_TEXT) for _ in range(2))
            self._stream = self._library.fmemopen(self._text, _TEXT, b"w")
            self._library.setvbuf(self._stream, self._buffer, _FULLY, _TEXT)
        except (AttributeError, TypeError, ValueError) as error:
            raise OSError(f"the C library of this process keeps no books: {error}") from error

    def share_one_arena(self) -> None:
        """Let threads that start from now on take from arenas that there are, where glibc has made no more than eight.

        A new one reserves 128 MB of address space for a moment and 64 MB for good, beside which a thread may take as
        much that it never touches. A Worker has one heap, too.
        """
        self._library.mallopt(_ARENA_MAX, 1)

    def take(self, size: int, count: int) -> "array[int]":
        """Take blocks of a size, and return where they are. Nothing is written into them."""
        return array("Q", filter(None, map(self._library.malloc, repeat(size, count))))

    def free(self, blocks: "array[int]") -> None:
        """Give blocks back."""
        for block in blocks:
            self._library.free(block)

    def totals(self) -> Any:
        """Return a `Mallinfo`: the sums of all arenas."""
        return self._library.mallinfo2()

    def most_mapped(self) -> int:
        """Return the most bytes that there ever were in blocks which are mappings of their own.

        Only `malloc_stats(3)` tells, and it writes to the stream of errors. Nothing of Python's does meanwhile. The
        stream that takes its place for a moment has a buffer of its own, since the arena is locked that it would take
        one from; and stays open for whoever has it in hand then.
        """
        errors, self._errors.value = self._errors.value, self._stream
        try:
            self._print_all()
        finally:
            self._errors.value = errors
        self._library.fflush(self._stream)
        text = self._text.value
        self._library.rewind(self._stream)
        return int(found[1]) if (found := _MOST_MAPPED.search(text)) else 0

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
