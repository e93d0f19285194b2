"""A gather over everything asks for as many connections as there are repositories: `ConnectionPool` has six."""

import asyncio

from conftest import Opener

from github_server.process import GitHub as Server


def test_twenty_repositories_at_once(server: Server, github: Opener) -> None:
    async def run() -> None:
        async with github() as tracker:
            assert len(await tracker.repositories(server.names(*range(1, 21)))) == 20

    asyncio.run(run())
