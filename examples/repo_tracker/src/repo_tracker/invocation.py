"""What one invocation works with: made when an event comes, gone when it is handled."""

import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Literal

import httpx

from repo_tracker.budget import FREE_SUBREQUESTS, Budget
from repo_tracker.connection_pool import CONNECTIONS, ConnectionPool
from repo_tracker.d1 import Environment
from repo_tracker.fetch_transport import transport as own_transport
from repo_tracker.flags import Flags
from repo_tracker.github import BASE_URL, GitHubService
from repo_tracker.logs import Log, log
from repo_tracker.memory import wasm_memory
from repo_tracker.metrics import ALARM_SECONDS, REQUEST_SECONDS, Metrics
from repo_tracker.models import Repository
from repo_tracker.monitor import PerformanceMonitor
from repo_tracker.service import STATEMENTS_PER_BATCH
from repo_tracker.storage import StorageService
from repo_tracker.stream import StreamProcessor
from repo_tracker.tracker import RepoTracker

Kind = Literal["request", "alarm"]

SECONDS: Final[Mapping[Kind, float]] = {"request": REQUEST_SECONDS, "alarm": ALARM_SECONDS}
"""How long each kind of event may take."""

MAX_WAIT: Final[Mapping[Kind, float]] = {"request": 5.0, "alarm": 60.0}
"""How long GitHub may ask each kind of event to wait, in seconds; more is for a later alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The services of one invocation.

    Attributes:
        github: Asks GitHub.
        storage: Asks D1.
        tracker: Brings both together.
        pool: The connections.
        monitor: Notes where the time goes.
    """

    github: GitHubService
    storage: StorageService
    tracker: RepoTracker
    pool: ConnectionPool
    monitor: PerformanceMonitor


@asynccontextmanager
async def invocation(
    env: Environment,
    kind: Kind,
    metrics: Metrics,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    memory: Callable[[], int | None] = wasm_memory,
    clock: Callable[[], float] = time.monotonic,
    log: Log = log,
) -> AsyncIterator[Services]:
    """Make the services of one invocation, and record what it used when it ends.

    Nothing of it may live longer: the platform refuses I/O on behalf of another request.

    Args:
        env: What the Worker is bound to: `DB`, and, where they are set, `GITHUB_TOKEN`, `GITHUB_URL` and the flags.
        kind: What kind of event it handles.
        metrics: Where the figures go.
        transport: What the client sends with; None is `fetch` on Workers, and httpx's own everywhere else.
        memory: Tells how much memory is used, in bytes.
        clock: Returns seconds; only differences matter.
        log: Where the invocation is told, in one line, with the alerts of the isolate.
    """
    flags = Flags.from_environment(env)
    pool = ConnectionPool(CONNECTIONS if flags.pooling else 1)
    monitor = PerformanceMonitor(kind, clock=clock)
    failed = True
    try:
        async with httpx.AsyncClient(transport=transport or own_transport()) as client:
            yield _services(env, kind, flags, client, monitor, pool, metrics)
        failed = False
    finally:
        report, used, statistics = monitor.report(), memory(), pool.statistics()
        metrics.record(kind, report.seconds, failed=failed)
        metrics.observe_connections(statistics.peak)
        metrics.observe_memory(used)
        log(
            "invocation",
            kind=kind,
            seconds=report.seconds,
            steps={checkpoint.name: checkpoint.since_previous for checkpoint in report.checkpoints},
            failed=failed,
            requests=statistics.served,
            peak_connections=statistics.peak,
            memory_bytes=used,
            alerts={alert.figure: alert.severity for alert in metrics.snapshot().alerts},
        )


def _services(
    env: Environment,
    kind: Kind,
    flags: Flags,
    client: httpx.AsyncClient,
    monitor: PerformanceMonitor,
    pool: ConnectionPool,
    metrics: Metrics,
) -> Services:
    github = GitHubService(
        client,
        pool,
        base_url=getattr(env, "GITHUB_URL", None) or BASE_URL,
        token=getattr(env, "GITHUB_TOKEN", None) or None,
        budget=Budget(FREE_SUBREQUESTS),
        max_wait=MAX_WAIT[kind],
    )
    storage = StorageService(env, statements_per_batch=STATEMENTS_PER_BATCH if flags.batching else 1)
    everything: StreamProcessor[Repository] = StreamProcessor(batch_size=sys.maxsize, memory_budget=sys.maxsize)
    tracker = RepoTracker(
        github,
        storage,
        stream=None if flags.streaming else everything,
        checkpoint=monitor.checkpoint,
        count=metrics.count,
    )
    return Services(github=github, storage=storage, tracker=tracker, pool=pool, monitor=monitor)
