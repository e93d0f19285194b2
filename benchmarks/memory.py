"""What the guard keeps after 100,000 requests in one invocation: `python -m benchmarks memory`."""

import gc
import tracemalloc

import httpx

from pytest_cfworkers import Invocation, Limits
from pytest_cfworkers.clients.watch import watch

REQUESTS = 100_000
STEP = 25_000


def figures() -> dict[int, int]:
    """Return the bytes that are in use after so many requests."""
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    after: dict[int, int] = {}
    with watch(), Invocation(Limits.plan().replace(subrequests=None)):
        for _ in range(2_000):  # warm: the first hundred connections are kept for the timeline
            client.get("https://api.example/")
        tracemalloc.start()
        for number in range(1, REQUESTS + 1):
            client.get("https://api.example/")
            if number % STEP == 0:
                gc.collect()
                after[number], _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return after


def main() -> None:
    """Print the figures."""
    for number, size in figures().items():
        print(f"after {number:>7,} requests: {size / 1024:,.0f} KiB more than after the first 2,000")
