"""The way in from the platform, with a stand-in for the SDK, which exists on Workers only."""

import json
import runpy
import sys
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final

import pytest

from pytest_cfworkers.d1 import D1Database
from tests.kit.durable_object import Storage

SOURCE: Final = Path(__file__).parents[1] / "src"


class Base:
    """What the SDK's base classes do: keep what the platform hands in."""

    def __init__(self, ctx: Any, env: Any) -> None:
        self.ctx = ctx
        self.env = env


class Request:
    """The part of the SDK's request that is read."""

    def __init__(self, method: str, url: str, body: str = "", **headers: str) -> None:
        self.method = method
        self.url = url
        self.headers = Message()
        for name, value in headers.items():
            self.headers[name] = value
        self._body = body

    async def text(self) -> str:
        return self._body


class Response:
    """The part of the SDK's response that is used."""

    def __init__(self, body: str, *, status: int, headers: dict[str, str]) -> None:
        self.body = json.loads(body)
        self.status = status
        self.headers = headers


class Namespace:
    """The Durable Objects, each with its storage."""

    def __init__(self, kind: Any, env: Any) -> None:
        self._kind = kind
        self._env = env
        self.objects: dict[str, Any] = {}

    def getByName(self, name: str) -> Any:  # noqa: N802 - the platform's name
        if name not in self.objects:
            self.objects[name] = self._kind(SimpleNamespace(storage=Storage()), self._env)
        return self.objects[name]


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    sdk = ModuleType("workers")
    for name, value in {
        "DurableObject": Base,
        "WorkerEntrypoint": Base,
        "Request": Request,
        "Response": Response,
    }.items():
        setattr(sdk, name, value)
    monkeypatch.setitem(sys.modules, "workers", sdk)
    return runpy.run_path(str(SOURCE / "entry.py"))  # type: ignore[return-value]


@pytest.fixture
def env(entry: dict[str, Any], cf_d1: D1Database) -> Any:
    env = SimpleNamespace(DB=cf_d1, ADMIN_TOKEN="s3cret")
    env.TIERS = Namespace(entry["TierObject"], env)
    return env


async def test_a_request_is_answered_as_json(entry: dict[str, Any], env: Any) -> None:
    response = await entry["Default"](None, env).fetch(Request("GET", "https://tracker.example/repositories"))
    assert (response.status, response.body) == (200, {"items": [], "cursor": None})
    assert response.headers == {"content-type": "application/json"}


async def test_starting_sets_the_alarm_of_each_tier_and_an_alarm_refreshes(entry: dict[str, Any], env: Any) -> None:
    request = Request("POST", "https://tracker.example/start", authorization="Bearer s3cret")
    assert (await entry["Default"](None, env).fetch(request)).status == 202
    assert sorted(env.TIERS.objects) == ["cold", "hot", "warm"]
    hot = env.TIERS.objects["hot"]
    first = hot.ctx.storage.alarm
    await hot.alarm({"retryCount": 0})
    assert hot.ctx.storage.alarm > first
    response = await entry["Default"](None, env).fetch(Request("GET", "https://tracker.example/metrics?tier=hot"))
    assert response.body["durations"].keys() == {"request", "alarm"}


async def test_a_failure_is_told_to_the_log_and_not_to_the_visitor(
    entry: dict[str, Any], env: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    env.POOLING = "perhaps"
    response = await entry["Default"](None, env).fetch(Request("GET", "https://tracker.example/metrics"))
    assert (response.status, response.body) == (500, {"error": "it failed"})
    assert "ValueError: POOLING = 'perhaps' is no switch" in capsys.readouterr().out
