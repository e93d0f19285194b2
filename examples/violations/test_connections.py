"""connections: a Worker has six at a time, and a `gather` asks for as many as there are URLs."""

import asyncio

import httpx
import pytest


async def refresh(client: httpx.AsyncClient, names: list[str]) -> list[httpx.Response]:
    return await asyncio.gather(*(client.get(f"https://api.example/repos/{name}") for name in names))


@pytest.mark.cf_limits
def test_refresh_twenty_repositories() -> None:
    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
            responses = await refresh(client, [f"repo-{number}" for number in range(20)])
        assert len(responses) == 20

    asyncio.run(run())
