"""A thousand refreshes of a hundred repositories, ten days long, while GitHub and D1 fail now and then."""

import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from github_server.process import GitHub as Server
from pytest_cfworkers import Invocation, MemoryTracker, Statistics
from pytest_cfworkers.d1 import D1Database
from pytest_cfworkers.d1.faults import NETWORK_LOST, STORAGE_RESET, Fault, Faults, inject
from repo_tracker.metrics import Metrics
from repo_tracker.models import Tier
from repo_tracker.scheduler import Progress
from tests.integration.conftest import Opener
from tests.integration.durable_objects import Objects

Invocations = Callable[..., Invocation]

DAY = 24 * 3600.0
START = 1_764_000_000.0 // DAY * DAY
REPOSITORIES = range(1, 101)
ROUNDS = 10


def resident() -> int | None:
    """Return how many bytes this process has in memory; None where the kernel does not say."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else None


class Load:
    """The Worker under load.

    Attributes:
        metrics: Its figures.
        used: What each invocation used.
        objects: The Durable Objects of its tiers.
    """

    def __init__(self, services: Opener, database: D1Database, invocations: Invocations) -> None:
        self.metrics = Metrics()
        self.used: list[Statistics] = []
        self.objects = Objects(self.step, START, DAY)
        self._resident = resident()
        self._services = services
        self._database = database
        self._invocations = invocations

    async def step(self, tier: Tier, cursor: int) -> Progress:
        """Do a step of a tier in an invocation of its own, whose limits are enforced."""
        with self._invocations() as invocation:
            async with self._services(self._database, self.objects, self.metrics) as services:
                failed = True
                try:
                    progress = await services.tracker.refresh(tier, cursor)
                    failed = False
                finally:
                    self.metrics.record("alarm", services.monitor.report().seconds, failed=failed)
                    self.metrics.observe_connections(services.pool.statistics().peak)
                    self.metrics.observe_memory(self._growth())
                    self.used.append(invocation.statistics())
        return progress

    def _growth(self) -> int | None:
        """Return by how many bytes this process has grown, with all that it keeps for later."""
        now = resident()
        return None if now is None or self._resident is None else now - self._resident

    async def track(self, names: list[str]) -> None:
        """Begin to track repositories, forty in an invocation."""
        for start in range(0, len(names), 40):
            with self._invocations():
                async with self._services(self._database, self.objects) as services:
                    assert (await services.tracker.track(names[start : start + 40])).failed == {}


@pytest.fixture
def load(services: Opener, cf_d1: D1Database, cf_invocation: Invocations) -> Load:
    return Load(services, cf_d1, cf_invocation)


async def stored(database: D1Database) -> list[tuple[int, str, int]]:
    """Every row of the metrics."""
    result = await database.prepare("SELECT repository_id, day, open_issues FROM repository_metrics").all()
    return [(int(row["repository_id"]), str(row["day"]), int(row["open_issues"])) for row in result["results"]]


def day(number: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(START + number * DAY))


@pytest.mark.cf_limits(memory="100 MB")
async def test_thousand_refreshes_lose_nothing_store_nothing_twice_and_stay_inside(
    server: Server, load: Load, cf_d1: D1Database
) -> None:
    issues = {repository.id: repository.open_issues for repository in server.catalogue if repository.id in REPOSITORIES}
    await load.track(server.names(*REPOSITORIES))
    expected = {(number, day(0)): count for number, count in issues.items()}
    for kind, probability in (("status", 0.03), ("reset", 0.02), ("truncated-body", 0.02)):
        server.fault(kind, path="/repo*", times=None, probability=probability)
    for kind in ("slow-headers", "slow-body"):
        server.fault(kind, path="/repo*", times=None, probability=0.02, seconds=0.02)
    server.fault("secondary-limit", path="/repo*", skip=500, retry_after=1)
    faults = Faults(Fault(NETWORK_LOST, at=5, after=True, times=3), Fault(STORAGE_RESET, probability=0.05, seed=7))

    with inject(cf_d1, faults):
        await load.objects.start()
        for number in range(1, ROUNDS + 1):
            load.objects.now = START + number * DAY
            for changed in REPOSITORIES[number % 2 :: 2]:
                issues[changed] += 1
                server.change(changed, open_issues=issues[changed])
                expected[changed, day(number)] = issues[changed]
            if number % 4 == 0:
                load.objects.interrupt(Tier.COLD)
            await load.objects.run_until(START + (number + 1) * DAY - 1)

    # Nothing lost, nothing stored twice, nothing stored that was not so, though some steps ran twice.
    assert load.objects.interrupted == 2
    rows = await stored(cf_d1)
    assert {row[:2]: row[2] for row in rows} == expected
    assert len(rows) == len(expected)
    assert await cf_d1.prepare("SELECT count(*) AS n FROM repositories").first("n") == len(REPOSITORIES)
    # Every limit held in every invocation, or `cf_invocation` would have failed; and the server saw it so.
    journal = server.journal()
    answered = Counter(entry["status"] for entry in journal["entries"] if entry["fault"] != "truncated-body")
    assert answered[200] + answered[304] >= ROUNDS * len(REPOSITORIES)
    assert answered[304] >= ROUNDS * len(REPOSITORIES) // 2
    assert Counter(entry["fault"] for entry in journal["entries"])["secondary-limit"] == 1
    assert journal["peak_running"] <= 6
    assert max(used.peak_connections for used in load.used) <= 6
    assert max(used.subrequests for used in load.used) <= 50
    assert faults.struck
    # The figures of the Worker itself.
    figures = load.metrics.snapshot()
    assert figures.peak_connections == 6
    assert figures.operations > ROUNDS * len(REPOSITORIES)  # each refresh, and the steps that they were done in
    assert figures.error_rate < 0.01
    assert figures.durations["alarm"].p95 < 5
    assert (figures.peak_memory_bytes or 0) < 100 << 20
    assert {alert.figure for alert in figures.alerts} == {"connections"}  # six of six, which is a warning


async def test_used_up_rate_limit_stops_the_round_until_github_says_so(
    server: Server, load: Load, cf_d1: D1Database
) -> None:
    await load.track(server.names(*REPOSITORIES))
    server.reset()
    server.limit(30, window_s=3_600)
    for number in REPOSITORIES:
        server.change(number, open_issues=number)

    await load.objects.start()
    await load.objects.run_until(START + 3_000)
    sent = server.statuses()
    assert sent[200] == 30
    assert sent[403] <= 6 * len(Tier)  # what was on its way, in each of three isolates

    server.limit(5_000)
    await load.objects.run_until(START + DAY - 1)
    assert server.statuses()[403] == sent[403]
    assert {row[0]: row[2] for row in await stored(cf_d1)} == {number: number for number in REPOSITORIES}


async def test_secondary_rate_limit_is_met_with_silence(server: Server, load: Load, cf_d1: D1Database) -> None:
    await load.track(server.names(*REPOSITORIES))
    server.reset()
    server.fault("secondary-limit", status=429, times=None, retry_after=600)
    await load.objects.start()
    await load.objects.run_until(START + 500)
    assert set(server.statuses()) == {429}
    assert server.statuses()[429] <= 6 * len(Tier)

    server.reset()
    await load.objects.run_until(START + DAY - 1)
    assert server.statuses()[304] == len(REPOSITORIES)
    assert len(await stored(cf_d1)) == len(REPOSITORIES)


async def test_a_round_takes_a_few_megabytes(server: Server, load: Load) -> None:
    await load.track(server.names(*REPOSITORIES))
    for changed in REPOSITORIES[::2]:
        server.change(changed, open_issues=1_000)
    await load.objects.start()
    with MemoryTracker(engine="trace") as tracker:
        await load.objects.run_until(START + DAY - 1)
    tracker.assert_under("4 MB")
