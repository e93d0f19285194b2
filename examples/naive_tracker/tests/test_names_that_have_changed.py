"""Repositories are kept by a name that was changed, so each refresh is two requests: keep the name of the answer."""

import asyncio

from conftest import Opener

from github_server.process import GitHub as Server


def test_thirty_renamed_repositories(server: Server, github: Opener) -> None:
    names = server.names(*range(101, 131))
    for number in range(101, 131):
        server.change(number, name=f"renamed-{number}")

    async def run() -> None:
        async with github() as tracker:
            assert len(await tracker.repositories_in_turn(names)) == 30

    asyncio.run(run())
