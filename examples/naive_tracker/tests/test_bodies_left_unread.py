"""A response is looked at and let go, its body unread: `fetch_with_cleanup` closes what it does not hand on."""

import asyncio

from conftest import Opener

from github_server.process import GitHub as Server


def test_existence_of_three_repositories(server: Server, github: Opener) -> None:
    async def run() -> None:
        async with github() as tracker:
            assert all([await tracker.exists(name) for name in server.names(1, 2, 3)])

    asyncio.run(run())
