"""What fits: the same refresh, bounded, over real sockets. Run it with `pytest --cf-limits=enforce --cf-plan=free`."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from pytest_cfworkers.plugin.fixtures import Ledger


class Api(BaseHTTPRequestHandler):
    """An API that renames one repository."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(301 if self.path == "/repos/old" else 200)
        if self.path == "/repos/old":
            self.send_header("location", "/repos/new")
        body = self.path.encode()
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the output of the tests clean."""


@pytest.fixture
def api() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Pool:
    """At most six connections at once, for the whole invocation."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._slots = asyncio.Semaphore(6)

    async def get(self, url: str) -> str:
        async with self._slots:
            response = await self._client.get(url)  # reads the whole body before it gives the slot back
        return response.text


@asynccontextmanager
async def pool(api: str) -> AsyncIterator[Pool]:
    async with httpx.AsyncClient(base_url=api, follow_redirects=True) as client:
        yield Pool(client)


def test_refresh_of_forty_repositories_fits(api: str) -> None:
    async def run() -> list[str]:
        async with pool(api) as connections:
            return await asyncio.gather(*(connections.get(f"/repos/{number}") for number in range(40)))

    assert asyncio.run(run()) == [f"/repos/{number}" for number in range(40)]


def test_a_renamed_repository_is_followed(api: str) -> None:
    async def run() -> str:
        async with pool(api) as connections:
            return await connections.get("/repos/old")

    assert asyncio.run(run()) == "/repos/new"


def test_a_large_body_is_read_in_parts_and_closed_early(api: str) -> None:
    async def run() -> bytes:
        async with httpx.AsyncClient(base_url=api) as client, client.stream("GET", "/repos/large") as response:
            return await anext(response.aiter_bytes(4))

    assert asyncio.run(run()) == b"/rep"


def test_budgets_can_be_watched(api: str, cf_ledger: Ledger) -> None:
    with httpx.Client(base_url=api) as client:
        with cf_ledger.paused():
            client.get("/repos/arranged")  # arranging the test is not the Worker's work
        client.get("/repos/one")
    assert cf_ledger.statistics().subrequests == 1
