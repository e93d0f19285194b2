"""All start at once with a short timeout, and who waits for a connection is never sent: wait first, then time."""

import asyncio

from conftest import Opener

from github_server.process import GitHub as Server


def test_eight_repositories_of_a_slow_github(server: Server, github: Opener) -> None:
    server.fault("slow-headers", times=None)

    async def run() -> None:
        async with github(timeout_s=0.2) as tracker:
            assert await tracker.whichever_come(server.names(*range(1, 9))) == []

    asyncio.run(run())
