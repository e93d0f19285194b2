"""The GitHub that the tracker talks to, and a client for it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest

from github_server.catalogue import Catalogue
from github_server.process import GitHub as Server
from github_server.process import running
from github_server.shapes import minimal
from naive_tracker.github import GitHub, Repository

Opener = Callable[..., AbstractAsyncContextManager[GitHub]]


@pytest.fixture(scope="session")
def process() -> Iterator[Server]:
    with running(seed=7, size=500) as server:
        yield server


@pytest.fixture
def server(process: Server) -> Server:
    process.reset()
    return process


@pytest.fixture
def github(server: Server) -> Opener:
    """Open the tracker's GitHub; a client belongs to one event loop."""

    @asynccontextmanager
    async def opened(timeout_s: float = 30.0) -> AsyncIterator[GitHub]:
        headers = {"authorization": "Bearer a-token"}
        async with httpx.AsyncClient(base_url=server.url, headers=headers, trust_env=False) as client:
            yield GitHub(client, timeout_s)

    return opened


def listed(numbers: range) -> list[Repository]:
    """Return repositories as GitHub describes them, without asking."""
    catalogue = Catalogue(7, numbers.stop)
    return [minimal(repository, "") for repository in catalogue if repository.id in numbers]
