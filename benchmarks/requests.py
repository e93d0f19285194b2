"""What a guarded request costs, beside respx: `python -m benchmarks requests`."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any

import httpx
import respx

from benchmarks.ratio import Ratio, compare
from pytest_cfworkers import Invocation, Limits
from pytest_cfworkers.clients.watch import watch

REQUESTS = 200
ROUNDS = 250
URL = "https://api.example/repos/one"


def guarded() -> ExitStack:
    stack = ExitStack()
    stack.enter_context(watch())
    stack.enter_context(Invocation(Limits.plan()))
    return stack


def mocked() -> ExitStack:
    stack = ExitStack()
    router = stack.enter_context(respx.mock)
    router.get(URL).mock(return_value=httpx.Response(200, json={"name": "one"}))
    return stack


def answer(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"name": "one"})


def sync_run(client: httpx.Client, context: Callable[[], AbstractContextManager[Any]]) -> float:
    with context():
        start = time.thread_time()
        for _ in range(REQUESTS):
            client.get(URL)
        return time.thread_time() - start


def async_run(client: httpx.AsyncClient, context: Callable[[], AbstractContextManager[Any]]) -> float:
    async def run() -> float:
        with context():
            start = time.thread_time()
            for _ in range(REQUESTS):
                await client.get(URL)
            return time.thread_time() - start

    return asyncio.run(run())


def figures() -> dict[str, Ratio]:
    """Compare the CPU time of sequential requests with that of unguarded ones on `MockTransport`."""
    client = httpx.Client(transport=httpx.MockTransport(answer))
    async_client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    network, async_network = httpx.Client(), httpx.AsyncClient()

    def ratio(measured: Callable[[], float], base: Callable[[], float]) -> Ratio:
        return compare(measured, base, rounds=ROUNDS, repeats=REQUESTS)

    return {
        "guarded, sync": ratio(lambda: sync_run(client, guarded), lambda: sync_run(client, nullcontext)),
        "guarded, async": ratio(lambda: async_run(async_client, guarded), lambda: async_run(async_client, nullcontext)),
        "respx, sync": ratio(lambda: sync_run(network, mocked), lambda: sync_run(client, nullcontext)),
        "respx, async": ratio(lambda: async_run(async_network, mocked), lambda: async_run(async_client, nullcontext)),
    }


def main() -> None:
    """Print the figures."""
    for name, ratio in figures().items():
        print(f"{name:16} {ratio}")
