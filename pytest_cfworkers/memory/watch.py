"""`Watch`: the high-water marks of one stretch of code."""

from dataclasses import dataclass, field, replace
from typing import final


@final
@dataclass(slots=True)
class Mark:
    """A high-water mark, in bytes.

    Attributes:
        before: What there was when it began.
        most: The most since.
        now: What there was when it was last noted.
        phase_most: The most since the last phase ended.
    """

    before: int = 0
    most: int = 0
    now: int = 0
    phase_most: int = 0

    @classmethod
    def at(cls, now: int) -> "Mark":
        """Begin."""
        return cls(now, now, now)

    def note(self, most: int, now: int) -> None:
        """Bring it up to date.

        Args:
            most: The most since the last note.
            now: What there is now.
        """
        self.most, self.phase_most, self.now = max(self.most, most), max(self.phase_most, most), now

    def grown(self, *, phase: bool = False) -> int:
        """Return by how much it has risen, or how much higher it was in this phase than when it began."""
        return (self.phase_most if phase else self.most) - self.before

    def resume(self, kept: "Mark") -> None:
        """Become what it was at some moment, and let what there is more since count as there before."""
        more = self.now - kept.now
        self.before, self.most, self.phase_most = kept.before + more, kept.most + more, kept.phase_most + more


@final
@dataclass(slots=True)
class Watch:
    """The marks of one stretch of code, in bytes.

    Attributes:
        resident: What was resident.
        taken: What the allocators had from the kernel, touched or not, at most.
        mapped: What was handed out in blocks so large that each is a mapping of its own.
        file_before: How much of what was resident when it began was files.
        file: How much of what is resident now is files.
        beside_before: The address space that was not the allocators' when it began.
        moved: By how much that has changed, at its largest.
    """

    resident: Mark = field(default_factory=Mark)
    taken: Mark = field(default_factory=Mark)
    mapped: Mark = field(default_factory=Mark)
    file_before: int = 0
    file: int = 0
    beside_before: int = 0
    moved: int = 0
    _kept: tuple[Mark, ...] = ()

    @property
    def files(self) -> int:
        """By how much the files have grown that are resident now."""
        return max(self.file - self.file_before, 0)

    def pause(self) -> None:
        """Keep the marks of now."""
        self._kept = tuple(map(replace, self._marks))

    def resume(self) -> None:
        """Take the marks again that were kept, and let what has grown since count as there before."""
        for mark, kept in zip(self._marks, self._kept, strict=False):
            mark.resume(kept)
        self._kept = ()

    def end_phase(self) -> None:
        """Begin another phase."""
        for mark in self._marks:
            mark.phase_most = 0

    @property
    def _marks(self) -> tuple[Mark, ...]:
        return self.resident, self.taken, self.mapped
