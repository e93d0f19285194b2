"""The HTTP interface."""

import json
from contextlib import AbstractAsyncContextManager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import respx

from pytest_cfworkers.d1 import D1Database
from repo_tracker.app import App, Reply, failure
from repo_tracker.invocation import Services, invocation
from repo_tracker.metrics import Metrics
from repo_tracker.models import Tier
from repo_tracker.service import ServiceError
from tests.kit.github import API, answer, described


class Tiers:
    """The Durable Objects, noting what they are asked."""

    def __init__(self) -> None:
        self.started: list[Tier] = []

    async def start(self, tier: Tier) -> None:
        self.started.append(tier)

    async def metrics(self, tier: Tier) -> Any:
        return {"of": tier}


class Site:
    """The app in an invocation of its own, as each request has one."""

    def __init__(self, database: D1Database) -> None:
        self.env = SimpleNamespace(DB=database)
        self.metrics = Metrics()
        self.tiers = Tiers()
        self.secret: str | None = "s3cret"
        self.bodies_read = 0
        self.api = respx.Router(base_url=API)

    async def __call__(self, method: str, path: str, *, body: object = None, authorization: str = "") -> Reply:
        async def read() -> str:
            self.bodies_read += 1
            return body if isinstance(body, str) else json.dumps(body)

        async with self._invocation() as services:
            app = App(services, self.metrics, tiers=self.tiers, secret=self.secret, log=lambda *_, **__: None)
            url = f"https://tracker.example{path}"
            reply = await app.handle(method, url, authorization=authorization, body=read)
        json.dumps(reply.body)
        return reply

    def _invocation(self) -> AbstractAsyncContextManager[Services]:
        transport = httpx.MockTransport(self.api.async_handler)
        return invocation(self.env, "request", self.metrics, transport=transport, log=lambda *_, **__: None)


KEY = "Bearer s3cret"


@pytest.fixture
def site(cf_d1: D1Database) -> Site:
    return Site(cf_d1)


async def test_repositories_are_tracked_and_then_listed(site: Site) -> None:
    site.api.get("/repos/octo/one").mock(return_value=answer(1, "octo/one", etag='"v"'))
    site.api.get("/repos/octo/gone").respond(404, json={"message": "Not Found"})
    reply = await site("POST", "/repositories", body={"names": ["octo/one", "octo/gone"]}, authorization=KEY)
    assert reply.status == 207
    assert reply.body == {
        "saved": 1,
        "failed": {"octo/gone": "404 Not Found from https://api.github.com/repos/octo/gone"},
    }
    assert await site("GET", "/repositories?tier=warm") == Reply(
        body={"items": [{"id": 1, "full_name": "octo/one", "etag": '"v"'}], "cursor": None}
    )
    assert (await site("GET", "/repositories?tier=warm&after=1")).body["items"] == []


async def test_a_search_is_discovered(site: Site) -> None:
    site.api.get("/search/repositories").respond(200, json={"items": [described(1), described(2)]})
    reply = await site("POST", "/discover", body={"query": "language:python"}, authorization=KEY)
    assert (reply.status, reply.body["items"]) == (200, 2)


async def test_the_tiers_are_started(site: Site) -> None:
    assert (await site("POST", "/start", authorization=KEY)).status == 202
    assert site.tiers.started == list(Tier)


async def test_figures_are_those_of_this_isolate_or_of_a_tier(site: Site) -> None:
    await site("GET", "/repositories")
    assert (await site("GET", "/metrics")).body["operations"] == 1
    assert (await site("GET", "/metrics?tier=hot")).body == {"of": "hot"}


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer s3cre", "Bearer s3cretx", "s3cret", "Bearer ü"])
async def test_a_stranger_changes_nothing_and_is_not_read(site: Site, authorization: str) -> None:
    for path in ("/repositories", "/discover", "/start"):
        assert (await site("POST", path, body={"names": ["octo/one"]}, authorization=authorization)).status == 403
    assert (site.bodies_read, site.tiers.started) == (0, [])


@pytest.mark.parametrize("secret", [None, ""])
async def test_without_a_secret_nobody_changes_anything(site: Site, secret: str | None) -> None:
    site.secret = secret
    for authorization in ("Bearer ", "Bearer None"):
        assert (await site("POST", "/start", authorization=authorization)).status == 403


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nowhere", None, 404),
        ("DELETE", "/repositories", None, 404),
        ("GET", "/repositories?tier=lukewarm", None, 400),
        ("GET", "/repositories?after=-1", None, 400),
        ("GET", "/repositories?after=9007199254740991", None, 400),
        ("GET", f"/repositories?after={'9' * 5000}", None, 400),
        ("GET", "/metrics?tier=lukewarm", None, 400),
        ("POST", "/repositories", "{", 400),
        ("POST", "/repositories", [], 400),
        ("POST", "/repositories", {"names": []}, 400),
        ("POST", "/repositories", {"names": [1]}, 400),
        ("POST", "/repositories", {"names": ["octo/one"] * 41}, 400),
        ("POST", "/discover", {"query": ""}, 400),
    ],
)
async def test_what_makes_no_sense_is_refused(site: Site, method: str, path: str, body: object, status: int) -> None:
    reply = await site(method, path, body=body, authorization=KEY)
    assert reply.status == status
    assert "error" in reply.body


@pytest.mark.parametrize(("transient", "status"), [(True, 503), (False, 500)])
def test_a_failure_says_whether_to_come_again_and_nothing_else(transient: bool, status: int) -> None:
    reply = failure(ServiceError("StorageService.tracked", LookupError("secret detail"), transient=transient))
    assert reply.status == status
    assert "secret" not in reply.body["error"]
