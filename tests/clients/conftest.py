"""The clients under test: each library, synchronous and asynchronous, under asyncio and trio."""

from collections.abc import Iterator
from importlib import import_module

import pytest

from tests.clients.kit import Kit
from tests.clients.loopback import Loopback, serving

LIBRARIES = ("httpx", "httpx2")
MODES = ("sync", "asyncio", "trio")


@pytest.fixture(params=[f"{library}-{mode}" for library in LIBRARIES for mode in MODES])
def kit(request: pytest.FixtureRequest) -> Kit:
    """The clients of one library in one mode."""
    return _kit(request)


@pytest.fixture(params=[f"{library}-{mode}" for library in LIBRARIES for mode in MODES[1:]])
def async_kit(request: pytest.FixtureRequest) -> Kit:
    """The asynchronous clients of one library under one event loop."""
    return _kit(request)


@pytest.fixture(params=[f"{library}-sync" for library in LIBRARIES])
def sync_kit(request: pytest.FixtureRequest) -> Kit:
    """The synchronous clients of one library."""
    return _kit(request)


@pytest.fixture(params=[f"httpx-{mode}" for mode in MODES])
def httpx_kit(request: pytest.FixtureRequest) -> Kit:
    """The clients of httpx, for what knows no other library."""
    return _kit(request)


@pytest.fixture
def server() -> Iterator[Loopback]:
    """A server whose answers the test controls."""
    with serving() as server:
        yield server


def _kit(request: pytest.FixtureRequest) -> Kit:
    library, mode = request.param.split("-")
    return Kit(import_module(library), mode)
