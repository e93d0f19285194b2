"""`python examples/compare.py`: run the same jobs both ways, measure them, and write the table of README.md.

Each job is one invocation on the free plan, over real sockets and the in-process D1. Times are those of the quickest of
three runs. Peak memory is that of one more under tracemalloc, which slows everything down.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

HERE: Final = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "naive_tracker" / "src"), str(HERE / "repo_tracker" / "src")]

import httpx  # noqa: E402

from github_server.process import GitHub as Server  # noqa: E402
from github_server.process import running  # noqa: E402
from naive_tracker.github import GitHub  # noqa: E402
from naive_tracker.storage import Storage  # noqa: E402
from pytest_cfworkers import CfLimitExceeded, GuardedTransport, Invocation, Limits, MemoryTracker  # noqa: E402
from pytest_cfworkers.d1 import D1Database  # noqa: E402
from pytest_cfworkers.d1.snapshot import Snapshot  # noqa: E402
from repo_tracker.budget import Budget  # noqa: E402
from repo_tracker.connection_pool import ConnectionPool  # noqa: E402
from repo_tracker.github import GitHubService  # noqa: E402
from repo_tracker.storage import StorageService  # noqa: E402
from repo_tracker.tracker import RepoTracker  # noqa: E402

README: Final = HERE / "README.md"
MARKERS: Final = ("<!-- compare -->\n", "<!-- /compare -->\n")
HEADERS: Final = (
    ("job", "way"),
    ("connections at once", "subrequests", "D1 round trips", "breaks"),
    ("waited for a connection", "peak memory", "wall time"),
)
"""Columns: what a row is about, what is the same in each run, what is not."""

LATENCY_S: Final = 0.01
ROWS: Final = 20_000
TOKEN: Final = "a-token"


@dataclass(frozen=True, slots=True)
class Bench:
    """What a job works with.

    Attributes:
        server: The GitHub.
        client: A client for it, whose requests count.
        database: A database with the migrations of the reference.
    """

    server: Server
    client: httpx.AsyncClient
    database: D1Database

    @property
    def naive(self) -> tuple[GitHub, Storage]:
        """The naive services."""
        return GitHub(self.client), Storage(self.database)

    @property
    def tracker(self) -> RepoTracker:
        """The reference."""
        pool = ConnectionPool()
        github = GitHubService(self.client, pool, base_url=self.server.url, token=TOKEN, budget=Budget())
        return RepoTracker(github, StorageService(SimpleNamespace(DB=self.database)))


Work = Callable[[Bench], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job, done both ways.

    Attributes:
        name: What is done.
        naive: How everybody does it first.
        reference: How it fits.
        prepare: What is there before; it is not measured.
    """

    name: str
    naive: Work
    reference: Work
    prepare: Work | None = None


async def _naive_track(bench: Bench) -> None:
    github, storage = bench.naive
    await storage.save_all(await github.repositories(bench.server.names(*range(101, 141))))


async def _track(bench: Bench) -> None:
    await bench.tracker.track(bench.server.names(*range(101, 141)))


async def _naive_discover(bench: Bench) -> None:
    github, storage = bench.naive
    await storage.save_in_turn(await github.search("language:python", pages=4))


async def _discover(bench: Bench) -> None:
    await bench.tracker.discover("language:python")


async def _throttle(bench: Bench) -> None:
    bench.server.fault("secondary-limit", times=None, retry_after=120)


async def _naive_throttled(bench: Bench) -> None:
    github, _ = bench.naive
    await asyncio.gather(*(github.patiently(name) for name in bench.server.names(*range(101, 121))))


async def _throttled(bench: Bench) -> None:
    await bench.tracker.track(bench.server.names(*range(101, 121)))


async def _fill(bench: Bench) -> None:
    await (
        bench.database.prepare(
            "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ?) "
            "INSERT INTO repositories (id, full_name, description, stars, forks, open_issues, archived) "
            "SELECT number, 'owner/' || number, printf('%.300c', 'x'), number, 0, 0, 0 FROM numbers"
        )
        .bind(ROWS)
        .run()
    )


async def _naive_read(bench: Bench) -> None:
    _, storage = bench.naive
    assert sum(row["stars"] > 0 for row in await storage.everything()) == ROWS


async def _read(bench: Bench) -> None:
    storage = StorageService(SimpleNamespace(DB=bench.database))
    seen = 0
    async for page in storage.repositories():
        seen += sum(repository.stars > 0 for repository in page)
    assert seen == ROWS


JOBS: Final = (
    Job(name="fetch and store 40 repositories", naive=_naive_track, reference=_track),
    Job(name="store what a search finds", naive=_naive_discover, reference=_discover),
    Job(
        name="ask for 20 repositories while GitHub throttles",
        naive=_naive_throttled,
        reference=_throttled,
        prepare=_throttle,
    ),
    Job(name=f"go through {ROWS:,} stored repositories", naive=_naive_read, reference=_read, prepare=_fill),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        about: The job and the way.
        stable: What is the same in each run.
        measured: What is not.
    """

    about: tuple[str, ...]
    stable: tuple[str, ...]
    measured: tuple[str, ...]

    def __str__(self) -> str:
        return f"| {' | '.join((*self.about, *self.stable, *self.measured))} |"


@asynccontextmanager
async def _bench(server: Server, schema: Snapshot) -> AsyncIterator[Bench]:
    server.reset()
    headers = {"authorization": f"Bearer {TOKEN}"}
    transport = GuardedTransport(httpx.AsyncHTTPTransport(verify=False, trust_env=False))
    async with httpx.AsyncClient(transport=transport, base_url=server.url, headers=headers, timeout=30) as client:
        yield Bench(server, client, schema.database())


async def _run(
    job: Job, work: Work, server: Server, schema: Snapshot, *, traced: bool = False
) -> tuple[Invocation, float, int]:
    """Do a job once; return its invocation, the seconds it took, and the bytes it held at its peak, if traced."""
    async with _bench(server, schema) as bench:
        if job.prepare is not None:
            await job.prepare(bench)
        invocation = Invocation(Limits.plan("free"))
        tracker = MemoryTracker(engine="trace" if traced else "off")
        started = time.perf_counter()
        with suppress(CfLimitExceeded), tracker, invocation:
            await work(bench)
        return invocation, time.perf_counter() - started, tracker.peak if traced else 0


def measure(*, runs: int = 3, memory: bool = True) -> list[Row]:
    """Do every job both ways.

    Args:
        runs: How often, for the times of the quickest.
        memory: Whether to do each once more, for its memory.
    """
    schema = Snapshot.migrated(HERE / "repo_tracker" / "migrations")
    rows = []
    with running(seed=7, size=500, latency_s=LATENCY_S) as server:
        for job in JOBS:
            for way, work in (("naive", job.naive), ("reference", job.reference)):
                results = [asyncio.run(_run(job, work, server, schema)) for _ in range(runs)]
                invocation, seconds, peak = min(results, key=lambda result: result[1])
                if memory:
                    peak = asyncio.run(_run(job, work, server, schema, traced=True))[2]
                rows.append(_row(job, way, invocation, seconds, peak))
    return rows


def _row(job: Job, way: str, invocation: Invocation, seconds: float, peak: int) -> Row:
    used = invocation.statistics()
    broken = ", ".join(f"`{violation.rule}`" for violation in invocation.violations)
    return Row(
        (job.name if way == "naive" else "", way),
        (f"{used.peak_connections:,}", f"{used.subrequests:,}", f"{used.d1_queries:,}", broken or "nothing"),
        (f"{used.queued_ms:,.0f} ms", f"{peak / 2**20:,.1f} MB", f"{seconds * 1_000:,.0f} ms"),
    )


def table(rows: list[Row]) -> str:
    """Return the table in Markdown."""
    columns = [name for part in HEADERS for name in part]
    alignment = ["---" if name in {"job", "way", "breaks"} else "--:" for name in columns]
    return "\n".join([f"| {' | '.join(columns)} |", f"|{'|'.join(alignment)}|", *map(str, rows)]) + "\n"


def main() -> None:
    """Write the table between its markers."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(MARKERS[0])
    _, _, after = rest.partition(MARKERS[1])
    written = table(measure())
    README.write_text(f"{before}{MARKERS[0]}{written}{MARKERS[1]}{after}", encoding="utf-8")
    print(written, end="")


if __name__ == "__main__":
    main()
