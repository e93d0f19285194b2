"""`Children`: the requests into an app under test that an invocation drives, and what became of them."""

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, final

from pytest_cfworkers.callsite import Frame
from pytest_cfworkers.limits import Rule
from pytest_cfworkers.statistics import Statistics
from pytest_cfworkers.violation import Violation
from pytest_cfworkers.wording.requests import repeated, within

if TYPE_CHECKING:
    from pytest_cfworkers.invocation import Invocation

KEPT: Final = 20
"""Requests whose connections are kept for timelines; others are only counted."""


@final
class Children:
    """The requests into an app under test of one invocation; each is an invocation of its own.

    Attributes:
        open: Those that have not ended.
        kept: The first `KEPT` that opened connections, for timelines.
        worst: The largest of each figure over those that have ended; None before the first.
        walls_ms: How long each took.
    """

    def __init__(self) -> None:
        self.open: list[Invocation] = []
        self.kept: list[Invocation] = []
        self.worst: Statistics | None = None
        self.walls_ms: list[float] = []
        self._found: dict[tuple[Rule, tuple[Frame, ...]], tuple[Violation, int]] = {}
        self._lock = threading.RLock()  # the collector may end a request while another one ends in this thread

    def adopt(self, child: "Invocation") -> None:
        """Take over what a request that has ended used and broke."""
        self.open.remove(child)
        with self._lock:
            used = child.statistics()
            self.worst = used.worst(self.worst)
            self.walls_ms.append(used.wall_ms)
            if child.connections.opened and len(self.kept) < KEPT:
                self.kept.append(child)
            for found in child.violations + child.allowed:
                key = (found.rule, found.frames)
                first, times = self._found.get(key, (within(found, child.name), 0))
                self._found[key] = (first, times + 1)

    def found(self) -> Iterator[Violation]:
        """Yield what they broke, each place once."""
        for violation, times in self._found.values():
            yield repeated(violation, times)
