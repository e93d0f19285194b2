"""GitHub asks to wait, and is asked again at once, ten times each: `RequestQueue` waits, and has a budget."""

import asyncio

from conftest import Opener

from github_server.process import GitHub as Server


def test_six_repositories_while_github_throttles(server: Server, github: Opener) -> None:
    server.fault("secondary-limit", times=None, retry_after=60)

    async def run() -> None:
        async with github() as tracker:
            for name in server.names(*range(1, 7)):
                assert await tracker.patiently(name) is None

    asyncio.run(run())
