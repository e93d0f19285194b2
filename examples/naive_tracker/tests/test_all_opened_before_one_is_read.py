"""Eight bodies are open when the first is read; the platform may have cancelled it by then: read within the slot."""

import asyncio

from conftest import Opener

from github_server.process import GitHub as Server


def test_sizes_of_eight_descriptions(server: Server, github: Opener) -> None:
    async def run() -> None:
        async with github() as tracker:
            await tracker.sizes(server.names(*range(1, 9)))

    asyncio.run(run())
