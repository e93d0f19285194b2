"""The services against a GitHub that answers over real sockets, and fails there."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from github_server.catalogue import RENAMED_EVERY
from github_server.process import GitHub as Server
from pytest_cfworkers.d1 import D1Database
from pytest_cfworkers.plugin.fixtures import Ledger
from repo_tracker.invocation import invocation
from repo_tracker.metrics import Metrics
from repo_tracker.models import Tier
from repo_tracker.monitor import OperationTimeoutError, PerformanceMonitor
from repo_tracker.rate_limit import RateLimitError
from repo_tracker.responses import StatusError
from tests.integration.conftest import Opener


async def rows(database: D1Database, sql: str) -> list[dict[str, Any]]:
    result = await database.prepare(sql).all()
    return [dict(row) for row in result["results"]]


async def test_tracking_stores_what_is_there_and_names_what_is_not(
    server: Server, services: Opener, cf_d1: D1Database
) -> None:
    async with services(cf_d1) as worker:
        outcome = await worker.tracker.track([*server.names(1, 2, 3), "nobody/nothing"])
    assert outcome.saved == 3
    assert [str(error) for error in outcome.failed.values()] == [
        f"404 Not Found from {server.url}/repos/nobody/nothing"
    ]
    stored = await rows(cf_d1, "SELECT id, full_name FROM repositories ORDER BY id")
    assert [row["full_name"] for row in stored] == server.names(1, 2, 3)
    assert await cf_d1.prepare("SELECT count(*) AS n FROM repository_metrics").first("n") == 3


async def test_renamed_repository_is_followed_and_kept_under_its_new_name(
    server: Server, services: Opener, cf_d1: D1Database, cf_ledger: Ledger
) -> None:
    (name,) = server.names(RENAMED_EVERY)
    async with services(cf_d1) as worker:
        await worker.tracker.track([f"{name.partition('/')[0]}/old-{RENAMED_EVERY}"])
    assert await cf_d1.prepare("SELECT full_name FROM repositories").first("full_name") == name
    assert cf_ledger.statistics().subrequests == 2


async def test_refresh_stores_what_changed_and_costs_nothing_for_the_rest(
    server: Server, services: Opener, cf_d1: D1Database
) -> None:
    async with services(cf_d1) as worker:
        await worker.tracker.track(server.names(*range(1, 11)))
    server.change(4, open_issues=4_000)
    server.limit(100)
    async with services(cf_d1) as worker:
        progress = [await worker.tracker.refresh(tier, 0) for tier in Tier]
        assert worker.github.rate_limit is not None
        assert worker.github.rate_limit.remaining == 99
    assert [(step.cursor, step.not_before) for step in progress] == [(None, 0.0)] * 3
    assert await cf_d1.prepare("SELECT open_issues AS n FROM repositories WHERE id = 4").first("n") == 4_000
    assert server.statuses() == {200: 11, 304: 9}


async def test_search_follows_the_links_up_to_the_thousandth_result(
    services: Opener, cf_d1: D1Database, cf_ledger: Ledger
) -> None:
    async with services(cf_d1) as worker:
        report = await worker.tracker.discover("size:>0")
    assert report.items == 1_000
    assert await cf_d1.prepare("SELECT count(*) AS n FROM repositories").first("n") == 1_000
    used = cf_ledger.statistics()
    assert (used.subrequests, used.peak_connections) == (10, 1)
    assert used.d1_parameters <= 100


@pytest.mark.parametrize("kind", ["status", "reset", "truncated-body"])
async def test_failure_of_the_server_or_the_network_is_tried_again(
    server: Server, services: Opener, cf_d1: D1Database, cf_ledger: Ledger, kind: str
) -> None:
    server.fault(kind, times=3)
    async with services(cf_d1) as worker:
        outcome = await worker.tracker.track(server.names(1, 2))
    assert (outcome.saved, outcome.failed) == (2, {})
    assert cf_ledger.statistics().subrequests == 5


async def test_failure_that_stays_costs_the_others_nothing(server: Server, services: Opener, cf_d1: D1Database) -> None:
    broken, *fine = server.names(1, 2, 3, 4)
    server.fault("status", path=f"/repos/{broken}", status=503, times=None)
    async with services(cf_d1) as worker:
        outcome = await worker.tracker.track([broken, *fine])
    assert outcome.saved == 3
    (error,) = outcome.failed.values()
    assert isinstance(error, StatusError)
    assert error.status == 503
    assert server.statuses() == {503: 4, 200: 3}


async def test_used_up_rate_limit_is_not_argued_with(server: Server, services: Opener, cf_d1: D1Database) -> None:
    server.limit(5)
    async with services(cf_d1) as worker:
        outcome = await worker.tracker.track(server.names(*range(1, 31)))
    assert outcome.saved == 5
    assert {type(error) for error in outcome.failed.values()} == {RateLimitError}
    assert len(outcome.failed) == 25
    assert server.statuses()[403] <= 6


async def test_silence_that_github_asks_for_is_kept(server: Server, services: Opener, cf_d1: D1Database) -> None:
    server.fault("secondary-limit", retry_after=1)
    async with services(cf_d1) as worker:
        outcome = await worker.tracker.track(server.names(*range(1, 13)))
    assert (outcome.saved, outcome.failed) == (12, {})
    assert server.statuses() == {403: 1, 200: 12}


@pytest.mark.parametrize("kind", ["slow-headers", "slow-body"])
async def test_answer_that_does_not_come_is_given_up_and_its_connection_with_it(
    server: Server, services: Opener, cf_d1: D1Database, kind: str
) -> None:
    server.fault(kind)
    (name,) = server.names(1)
    async with services(cf_d1) as worker:
        monitor = PerformanceMonitor("refresh")
        with pytest.raises(OperationTimeoutError, match="the first repository did not finish within"):
            await monitor.with_timeout("the first repository", lambda: worker.github.get_repository(name), 0.2)
        assert worker.pool.statistics().active == 0
        again = await worker.github.get_repository(name)
    assert again is not None
    assert again.full_name == name


async def test_forty_repositories_take_six_connections_as_the_server_sees_it(
    server: Server, services: Opener, cf_d1: D1Database
) -> None:
    server.fault("slow-headers", times=None, seconds=0.01)
    async with services(cf_d1) as worker:
        await worker.tracker.track(server.names(*range(1, 41)))
        assert worker.pool.statistics().peak == 6
    assert server.journal()["peak_running"] == 6


async def test_invocation_of_the_worker_leaves_its_figures_behind(server: Server, cf_d1: D1Database) -> None:
    env = SimpleNamespace(DB=cf_d1, GITHUB_URL=server.url, GITHUB_TOKEN="a-token", POOLING="off", BATCHING="off")
    metrics = Metrics()
    lines: list[dict[str, Any]] = []
    transport = httpx.AsyncHTTPTransport(verify=False)
    async with invocation(
        env, "request", metrics, transport=transport, log=lambda event, **fields: lines.append({event: fields})
    ) as worker:
        await asyncio.gather(*(worker.tracker.track([name]) for name in server.names(1, 2, 3)))
    figures = metrics.snapshot()
    assert (figures.operations, figures.errors, figures.peak_connections) == (1 + 3, 0, 1)
    assert json.loads(json.dumps(lines[0]["invocation"], default=str))["requests"] == 3
    assert server.journal()["peak_running"] == 1
