"""The largest blocks of the C library: each is a mapping of its own, and glibc keeps their high-water mark.

So it is known of them what was handed out, touched or not, in whatever thread, and however short it was. The mark
cannot be reset, so it is levelled: a block that is never touched is taken until there is as much as there ever was.
"""

from array import array
from typing import Final, final

from pytest_cfworkers.memory.c_library import CLibrary

_SMALLEST: Final = 33 * 2**20
"""Bytes of the smallest block that glibc always maps, and from whose size it does not learn."""

_TOLERANCE: Final = 2**18
"""Bytes that may lack from the level."""


@final
class Mappings:
    """The high-water mark of the largest blocks.

    Args:
        library: The C library.

    Attributes:
        level: Bytes that are taken to level the mark. They are no part of any other figure.
    """

    level: int

    def __init__(self, library: CLibrary) -> None:
        self._library = library
        self._block = array("Q")
        self.level = 0

    def note(self) -> tuple[int, int]:
        """Return the most bytes since the last note, and those of now."""
        now = self._mapped()
        most = max(self._library.most_mapped() - self.level, now)
        if most - now > _TOLERANCE:
            level = self.level + most - now
            self.release()
            self._block = self._library.take(max(level, _SMALLEST), 1)
            self.level = self._mapped() - now
        return most, now

    def release(self) -> None:
        """Level it no more."""
        self._library.free(self._block)
        self._block, self.level = array("Q"), 0

    def _mapped(self) -> int:
        return int(self._library.totals().hblkhd) - self.level
