"""The GitHub of the examples, for the tests that ask it."""

from collections.abc import Iterator
from typing import Final

import httpx
import pytest

from github_server.process import GitHub, running

PATIENCE_S: Final = 20


@pytest.fixture(scope="session")
def _server() -> Iterator[GitHub]:
    with running(seed=7, size=1_500) as github:
        yield github


@pytest.fixture(scope="session")
def _client(_server: GitHub) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=_server.url, timeout=PATIENCE_S, trust_env=False) as client:
        yield client


@pytest.fixture
def github(_server: GitHub) -> GitHub:
    """GitHub as it was started."""
    _server.reset()
    return _server


@pytest.fixture
def client(github: GitHub, _client: httpx.Client) -> httpx.Client:  # noqa: ARG001 - which is reset
    """A client for it."""
    return _client
