"""Nothing overlaps, so the time of every answer adds up: six at once take a sixth of it."""

import asyncio

import pytest
from conftest import Opener

from github_server.process import GitHub as Server


@pytest.mark.cf_limits(wall_ms=300)
def test_ten_repositories_in_turn(server: Server, github: Opener) -> None:
    server.fault("slow-headers", times=None, seconds=0.04)

    async def run() -> None:
        async with github() as tracker:
            assert len(await tracker.repositories_in_turn(server.names(*range(1, 11)))) == 10

    asyncio.run(run())
