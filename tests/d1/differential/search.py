"""Searches for programs that the two lanes answer differently: each kind of disagreement once, reduced."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.d1.differential.comparison import Disagreement, disagreement
from tests.d1.differential.programs import Operation, programs
from tests.d1.differential.reduction import reduced

if TYPE_CHECKING:
    from pytest_cfworkers.lanes.lane import WorkerdLane


class _Found(Exception):  # noqa: N818 - how hypothesis is told
    def __init__(self, found: Disagreement) -> None:
        super().__init__(str(found))
        self.found = found


class Search:
    """A search that goes on after each find.

    Args:
        lane: The real runtime.
        seed: Another one makes other programs.
        apart: Whether rows read, rows written and sizes count.
    """

    def __init__(self, lane: WorkerdLane, *, seed: int, apart: bool = False) -> None:
        self.examples = 0
        self.found: dict[str, Disagreement] = {}
        self._lane = lane
        self._seed = seed
        self._apart = apart
        self._rounds = 0

    def next(self, most: int) -> Disagreement | None:
        """Run programs until two answers differ in a way not seen before.

        Args:
            most: How many programs to run at most; reducing a find runs more.

        Returns:
            The smallest program that was found for it, or None.
        """
        self._rounds += 1

        @seed(self._seed * 1000 + self._rounds)
        @settings(
            max_examples=most,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )
        @given(programs())
        def search(program: list[Operation]) -> None:
            self.examples += 1
            found = asyncio.run(disagreement(self._lane, program, apart=self._apart))
            if found is not None and found.signature not in self.found:
                raise _Found(found)

        try:
            search()
        except _Found as caught:
            found = asyncio.run(reduced(self._lane, caught.found, apart=self._apart))
            self.found[found.signature] = found
            return found
        return None
