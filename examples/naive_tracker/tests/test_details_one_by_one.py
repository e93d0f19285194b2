"""A page of a search has all that is stored, and still each of its thirty repositories is asked for again."""

import asyncio

from conftest import Opener


def test_two_pages_with_details(github: Opener) -> None:
    async def run() -> None:
        async with github() as tracker:
            assert len(await tracker.search("language:python", pages=2)) == 60

    asyncio.run(run())
