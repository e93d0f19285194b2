"""The GitHub that the tracker talks to, and a client for it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest

from github_server.catalogue import Catalogue
from github_server.fixtures import process, server
from github_server.process import GitHub as Server
from github_server.shapes import minimal
from naive_tracker.github import GitHub, Repository

__all__ = ["Opener", "github", "listed", "process", "server"]

Opener = Callable[..., AbstractAsyncContextManager[GitHub]]


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
