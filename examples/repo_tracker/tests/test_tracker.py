"""The whole way from GitHub to D1, one invocation a test, on the free plan."""

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from types import SimpleNamespace
from typing import Any, Protocol

import httpx
import pytest
import respx

from pytest_cfworkers.d1 import D1Database
from pytest_cfworkers.plugin.fixtures import Ledger
from repo_tracker.budget import Budget
from repo_tracker.connection_pool import ConnectionPool
from repo_tracker.github import GitHubService
from repo_tracker.invocation import Services, invocation
from repo_tracker.metrics import Metrics
from repo_tracker.models import Repository, Tier
from repo_tracker.storage import StorageService
from repo_tracker.tracker import PAUSE, RepoTracker
from tests.kit.clock import Clock
from tests.kit.github import API, described


@pytest.fixture
def api() -> respx.Router:
    return respx.Router(base_url=API, assert_all_called=False)


class Opener(Protocol):
    """Opens an invocation with other flags."""

    def __call__(self, **env: object) -> AbstractAsyncContextManager[Services]: ...


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def opened(cf_d1: D1Database, metrics: Metrics, api: respx.Router) -> Opener:
    transport = httpx.MockTransport(api.async_handler)

    def opened(**env: object) -> AbstractAsyncContextManager[Services]:
        bound = SimpleNamespace(DB=cf_d1, **env)
        return invocation(bound, "request", metrics, transport=transport, memory=lambda: 64 << 20)

    return opened


@pytest.fixture
async def patient(cf_d1: D1Database, metrics: Metrics, api: respx.Router, clock: Clock) -> AsyncIterator[RepoTracker]:
    """A tracker that waits between attempts without taking any time."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(api.async_handler)) as client:
        github = GitHubService(client, ConnectionPool(), budget=Budget(), clock=clock, sleep=clock.sleep)
        yield RepoTracker(github, StorageService(SimpleNamespace(DB=cf_d1)), count=metrics.count)


async def stored(services: Services) -> dict[int, Repository]:
    return {item.id: item async for page in services.storage.repositories() for item in page}


def reply(request: httpx.Request) -> httpx.Response:
    """Answer for `octo/r<number>`, with the number as its id and a hundred times as many stars."""
    number = int(request.url.path.rpartition("r")[2])
    if request.headers.get("if-none-match") == f'"{number}"':
        return httpx.Response(304)
    body = described(number, f"octo/r{number}", stargazers_count=number * 100)
    return httpx.Response(200, json=body, headers={"etag": f'"{number}"'})


def names(count: int) -> list[str]:
    return [f"octo/r{number}" for number in range(1, count + 1)]


@pytest.mark.cf_limits(subrequests=40, d1_queries=1)  # tighter than the plan: what this step needs, and no more
async def test_forty_repositories_are_forty_requests_and_one_round_trip(opened: Opener, api: respx.Router) -> None:
    api.get(path__startswith="/repos/").mock(side_effect=reply)
    async with opened() as services:
        outcome = await services.tracker.track(names(40))
    assert (outcome.saved, outcome.failed) == (40, {})


async def test_a_refresh_asks_only_for_what_changed(opened: Opener, api: respx.Router, cf_ledger: Ledger) -> None:
    route = api.get(path__startswith="/repos/").mock(side_effect=reply)
    async with opened() as services:
        with cf_ledger.paused():
            await services.tracker.track(names(4))
            before = await stored(services)
        progress = await services.tracker.refresh(Tier.COLD, 0)
        assert all(call.response.status_code == 304 for call in list(route.calls)[4:])
        assert cf_ledger.statistics().d1_queries == 1  # the page; nothing had to be saved
        with cf_ledger.paused():
            assert await stored(services) == before
    assert progress.cursor is None


async def test_a_tier_of_a_hundred_is_refreshed_in_three_steps(
    opened: Opener, api: respx.Router, cf_ledger: Ledger, cf_invocation: Any
) -> None:
    route = api.get(path__startswith="/repos/").mock(side_effect=reply)
    async with opened() as services:
        with cf_ledger.paused():
            seeded = [Repository(id=number, full_name=f"octo/r{number}") for number in range(1, 101)]
            await services.storage.save_repositories(seeded)
    cursor: int | None = 0
    steps = 0
    while cursor is not None:
        with cf_invocation():
            async with opened() as services:
                cursor = (await services.tracker.refresh(Tier.COLD, cursor)).cursor
        steps += 1
    async with opened() as services:
        with cf_ledger.paused():
            assert {item.stars for item in (await stored(services)).values()} == {n * 100 for n in range(1, 101)}
    assert (steps, route.call_count) == (3, 100)


async def test_what_the_rate_limit_left_is_where_the_next_step_starts(opened: Opener, api: respx.Router) -> None:
    def limited(request: httpx.Request) -> httpx.Response:
        number = int(request.url.path.rpartition("r")[2])
        return httpx.Response(403, headers={"retry-after": "900"}) if number > 10 else reply(request)

    api.get(path__startswith="/repos/").mock(side_effect=limited)
    async with opened() as services:
        await services.storage.save_repositories(
            Repository(id=number, full_name=f"octo/r{number}") for number in range(1, 31)
        )
        progress = await services.tracker.refresh(Tier.COLD, 0)
        assert [item.id for item in (await stored(services)).values() if item.stars] == list(range(1, 11))
    assert progress.cursor == 10
    assert progress.not_before == pytest.approx(900.0, abs=5.0)


@pytest.mark.parametrize(("hops", "fewest"), [(1, 20), (3, 8)])
async def test_renames_that_use_up_the_budget_cost_no_repository_its_turn(
    opened: Opener, api: respx.Router, cf_ledger: Ledger, hops: int, fewest: int
) -> None:
    def renamed(request: httpx.Request) -> httpx.Response:
        *_, done, name = request.url.path.split("/")
        hop = int(done) + 1 if done.isdecimal() else 1
        path = f"/repositories/{name}" if hop == hops else f"/repos/octo/{hop}/{name}"
        return httpx.Response(301, headers={"location": API + path})

    api.get(path__startswith="/repos/").mock(side_effect=renamed)
    api.get(path__startswith="/repositories/").mock(side_effect=reply)
    async with opened() as services:
        await services.storage.save_repositories(
            Repository(id=number, full_name=f"octo/r{number}") for number in range(1, 41)
        )
        progress = await services.tracker.refresh(Tier.COLD, 0)
        done = [item.id for item in (await stored(services)).values() if item.stars]
    assert cf_ledger.statistics().subrequests <= 50
    assert done == list(range(1, len(done) + 1))
    assert fewest <= len(done) < 40
    assert (progress.cursor, progress.not_before) == (len(done), 0.0)


async def test_a_github_that_is_down_is_left_alone_for_a_while(
    patient: RepoTracker, cf_d1: D1Database, api: respx.Router, capsys: pytest.CaptureFixture[str]
) -> None:
    api.get(path__startswith="/repos/").respond(502)
    storage = StorageService(SimpleNamespace(DB=cf_d1))
    await storage.save_repositories(Repository(id=number, full_name=f"octo/r{number}") for number in range(1, 41))
    progress = await patient.refresh(Tier.COLD, 0)
    assert (progress.cursor, progress.not_before) == (0, PAUSE)
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["repositories"], line["seconds"]) == ("postponed", 40, PAUSE)
    assert line["reasons"] == ["BudgetSpentError: all 50 subrequests of this invocation are spent"]


async def test_what_is_gone_stays_as_it_was_stored_and_the_round_goes_on(
    opened: Opener, api: respx.Router, capsys: pytest.CaptureFixture[str]
) -> None:
    api.get("/repos/octo/r2").respond(404, headers={"retry-after": "900"})
    api.get(path__startswith="/repos/").mock(side_effect=reply)
    async with opened() as services:
        await services.storage.save_repositories(Repository(id=n, full_name=f"octo/r{n}") for n in (1, 2, 3))
        progress = await services.tracker.refresh(Tier.COLD, 0)
        assert {item.id: item.stars for item in (await stored(services)).values()} == {1: 100, 2: 0, 3: 300}
    assert progress.cursor is None
    assert json.loads(capsys.readouterr().out.splitlines()[0]) == {
        "event": "not refreshed",
        "tier": "cold",
        "name": "octo/r2",
        "error": f"StatusError: 404 Not Found from {API}/repos/octo/r2",
    }


async def test_a_stranger_who_took_a_name_over_is_not_tracked_in_the_place_of_the_one_who_had_it(
    opened: Opener, api: respx.Router, capsys: pytest.CaptureFixture[str]
) -> None:
    api.get("/repos/octo/r2").mock(return_value=httpx.Response(200, json=described(99, "octo/r2")))
    api.get(path__startswith="/repos/").mock(side_effect=reply)
    async with opened() as services:
        known = [Repository(id=n, full_name=f"octo/r{n}") for n in (1, 2, 3)]
        await services.storage.save_repositories([*known, Repository(id=4, full_name="octo/r3")])
        progress = await services.tracker.refresh(Tier.COLD, 0)
        assert {item.id: item.stars for item in (await stored(services)).values()} == {1: 100, 2: 0, 3: 300, 4: 0}
    assert progress.cursor is None
    line = json.loads(capsys.readouterr().out.splitlines()[0])
    assert line["error"] == "NameTakenOverError: octo/r2 is another repository now, number 99"


async def test_a_search_is_stored_a_page_after_the_other(opened: Opener, api: respx.Router) -> None:
    def page(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("page", "1"))
        items = [described(number * 100 + n, f"octo/r{n}") for n in range(100)]
        link = f'<{API}/search/repositories?q=x&page={number + 1}>; rel="next"' if number < 10 else ""
        return httpx.Response(200, json={"items": items}, headers={"link": link})

    api.get("/search/repositories").mock(side_effect=page)
    async with opened() as services:
        report = await services.tracker.discover("x")
        assert len(await stored(services)) == 1000
    assert (report.items, report.batches) == (1000, 2)


@pytest.mark.parametrize(
    ("flags", "peak", "queries", "batches"),
    [
        ({}, 6, 3, 2),
        ({"POOLING": "off"}, 1, 3, 2),
        ({"BATCHING": "off"}, 6, 102, 2),
        ({"STREAMING": "off"}, 6, 3, 1),
    ],
)
async def test_each_flag_switches_its_own_pattern(
    opened: Opener,
    api: respx.Router,
    metrics: Metrics,
    cf_ledger: Ledger,
    flags: dict[str, str],
    peak: int,
    queries: int,
    batches: int,
) -> None:
    found = httpx.Response(200, json={"items": [described(n, f"octo/r{n}") for n in range(1, 601)]})
    api.get(path__startswith="/repos/").mock(side_effect=reply)
    api.get("/search/repositories").mock(return_value=found)
    async with opened(**flags) as services:
        await services.tracker.track(names(12))
        before = cf_ledger.statistics().d1_queries
        report = await services.tracker.discover("x")
    assert metrics.snapshot().peak_connections == peak
    assert report.batches == batches
    assert cf_ledger.statistics().d1_queries - before == queries


async def test_an_invocation_tells_where_its_time_went(
    opened: Opener, api: respx.Router, capsys: pytest.CaptureFixture[str]
) -> None:
    api.get(path__startswith="/repos/").mock(side_effect=reply)
    async with opened() as services:
        await services.tracker.track(names(7))
        await services.tracker.refresh(Tier.COLD, 0)
    line = json.loads(capsys.readouterr().out)
    assert list(line["steps"]) == ["fetched", "saved", "listed"]
    assert (line["requests"], line["peak_connections"], line["memory_bytes"]) == (11, 6, 64 << 20)
    assert line["alerts"] == {"connections": "warning"}


async def test_a_repository_that_github_fails_at_is_an_error_and_one_that_is_gone_is_none(
    patient: RepoTracker, api: respx.Router, metrics: Metrics
) -> None:
    api.get("/repos/octo/r2").respond(404)
    api.get("/repos/octo/r4").respond(502)
    api.get(path__startswith="/repos/").mock(side_effect=reply)
    outcome = await patient.track(["octo/r1", "octo/r2", "octo/r4", "no name"])
    assert list(outcome.failed) == ["octo/r2", "octo/r4", "no name"]
    assert (metrics.snapshot().operations, metrics.snapshot().errors) == (4, 1)


async def test_an_invocation_that_fails_is_recorded_and_told(
    opened: Opener, metrics: Metrics, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(LookupError):
        async with opened():
            raise LookupError
    snapshot = metrics.snapshot()
    assert (snapshot.operations, snapshot.errors, snapshot.peak_memory_bytes) == (1, 1, 64 << 20)
    assert '"event": "invocation", "kind": "request"' in capsys.readouterr().out
