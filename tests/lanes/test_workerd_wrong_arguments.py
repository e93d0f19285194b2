"""What the fake says about wrong arguments is what the real binding says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tests.d1.wrong_arguments import CALLS, outcome

if TYPE_CHECKING:
    from pytest_cfworkers.lanes.lane import WorkerdLane


def test_wrong_arguments_are_refused_as_on_the_fake(lane: WorkerdLane) -> None:
    async def main() -> dict[str, str]:
        database = lane.fresh_database()
        return {expression: await outcome(database, expression) for expression, _ in CALLS}

    assert anyio.run(main) == dict(CALLS)
