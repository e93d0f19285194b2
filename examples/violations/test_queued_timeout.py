"""queued-timeout: the timer of a request runs while it waits for a connection, so some are never sent."""

import asyncio

import httpx
import pytest


class Slow(httpx.AsyncBaseTransport):
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()

    async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
        await self.may_answer.wait()
        return httpx.Response(200)


async def fetch(client: httpx.AsyncClient, number: int) -> httpx.Response | None:
    try:
        return await client.get(f"https://api.example/{number}", timeout=0.05)
    except httpx.TimeoutException:
        return None


@pytest.mark.cf_limits(allow={"connections": "the queue is what this test is about"})
def test_eight_requests_in_a_hurry() -> None:
    async def run() -> None:
        slow = Slow()
        async with httpx.AsyncClient(transport=slow) as client:
            requests = [asyncio.create_task(fetch(client, number)) for number in range(8)]
            assert await asyncio.wait_for(asyncio.gather(*requests[6:]), timeout=10) == [None, None]
            slow.may_answer.set()
            await asyncio.gather(*requests)

    asyncio.run(run())
