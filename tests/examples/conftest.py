"""The GitHub of the examples, for the tests that ask it."""

from collections.abc import Iterator
from typing import Final

import httpx
import pytest

from github_server.fixtures import process, server
from github_server.process import GitHub

__all__ = ["client", "github", "process", "server"]

PATIENCE_S: Final = 20


@pytest.fixture(scope="session")
def _client(process: GitHub) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=process.url, timeout=PATIENCE_S, trust_env=False) as client:
        yield client


@pytest.fixture
def github(server: GitHub) -> GitHub:
    """The server, by the name that its own tests have for it."""
    return server


@pytest.fixture
def client(github: GitHub, _client: httpx.Client) -> httpx.Client:  # noqa: ARG001 - which is reset
    """A client for it."""
    return _client
