"""The server as fixtures: a conftest imports `process` and `server` from here. Nothing else here needs pytest."""

from collections.abc import Iterator

import pytest

from .process import GitHub, running

__all__ = ["process", "server"]


@pytest.fixture(scope="session")
def process() -> Iterator[GitHub]:
    """One server for all tests of a session, as starting it takes a while."""
    with running(seed=7, size=1_500) as github:
        yield github


@pytest.fixture
def server(process: GitHub) -> GitHub:
    """GitHub as it was started: without faults, with all of its rate limits, and nothing in its journal."""
    process.reset()
    return process
