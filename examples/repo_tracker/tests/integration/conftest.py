"""GitHub in a process of its own, and the Worker's services for it, over real sockets."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import SimpleNamespace

import httpx
import pytest

from github_server.fixtures import process, server
from github_server.process import GitHub as Server
from pytest_cfworkers.d1 import D1Database
from repo_tracker.backoff import Backoff
from repo_tracker.budget import Budget
from repo_tracker.connection_pool import ConnectionPool
from repo_tracker.github import GitHubService
from repo_tracker.invocation import Services
from repo_tracker.metrics import Metrics
from repo_tracker.monitor import PerformanceMonitor
from repo_tracker.storage import StorageService
from repo_tracker.tracker import RepoTracker

__all__ = ["Opener", "process", "server", "services"]

Opener = Callable[..., AbstractAsyncContextManager[Services]]


def hardly_any() -> float:
    """Draw waits that are a fiftieth of their ceilings, so that a test has them and does not feel them."""
    return 0.02


@pytest.fixture
def services(server: Server) -> Opener:
    """Open the services of one invocation, as `repo_tracker.invocation` does, with short waits between attempts."""

    @asynccontextmanager
    async def opened(
        database: D1Database, clock: Callable[[], float] = time.time, metrics: Metrics | None = None
    ) -> AsyncIterator[Services]:
        pool = ConnectionPool()
        # Nothing here speaks TLS, and loading certificates would take most of the time.
        async with httpx.AsyncClient(verify=False, trust_env=False) as client:  # noqa: S501
            github = GitHubService(
                client, pool, base_url=server.url, token="a-token", budget=Budget(), random=hardly_any
            )
            storage = StorageService(SimpleNamespace(DB=database), backoff=Backoff(random=hardly_any))
            monitor = PerformanceMonitor("alarm")
            count = (metrics or Metrics()).count
            tracker = RepoTracker(github, storage, checkpoint=monitor.checkpoint, count=count, clock=clock)
            yield Services(github=github, storage=storage, tracker=tracker, pool=pool, monitor=monitor)

    return opened
