"""What was measured of memory, and whether it keeps a limit. A figure of memory is a range: see docs/memory.md."""

from dataclasses import dataclass
from typing import Literal, final

Verdict = Literal["over", "under", "undecided", "unmeasured"]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLine:
    """One line of code and what it held.

    Attributes:
        path: The file; for what stands in for the platform, the package.
        line: The line number, from 1; 0 for a package.
        size: Bytes.
        count: Blocks.
        user: Whether it is the user's own code.
    """

    path: str
    line: int
    size: int
    count: int
    user: bool


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The most memory that a stretch of code held, beyond what was held before it. Sizes are bytes.

    Attributes:
        peak: The best figure.
        low: What it was at least.
        high: What it was at most.
        engine: What measured it: "high-water", "tracemalloc", "memray" or "sampling".
        lines: The lines that held the peak, the user's first, the largest first; () where nobody asked.
        why: Why there is no figure; "" where there is one.
    """

    peak: int
    low: int
    high: int
    engine: str
    lines: tuple[HeldLine, ...] = ()
    why: str = ""

    @property
    def exact(self) -> bool:
        """Whether every allocation was counted."""
        return self.low == self.high

    def judge(self, limit: int, baseline: int = 0) -> Verdict:
        """Tell whether the peak keeps a limit.

        Args:
            limit: Bytes.
            baseline: Bytes that are taken before the test's own code.
        """
        if self.why:
            return "unmeasured"
        if self.low + baseline > limit:
            return "over"
        return "under" if self.high + baseline <= limit else "undecided"


def unmeasured(engine: str, why: str) -> Measurement:
    """Make what stands in the place of a figure that would be wrong."""
    return Measurement(peak=0, low=0, high=0, engine=engine, why=why)
