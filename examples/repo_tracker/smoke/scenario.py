"""A refresh as on Workers: Pyodide's event loop, requests through JavaScript's `fetch`, a database shaped as D1 is."""

import importlib
import json
import pkgutil
import sqlite3
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import httpx
import js
from pyodide.ffi import jsnull, to_js

import repo_tracker
from repo_tracker.invocation import invocation
from repo_tracker.metrics import Metrics
from repo_tracker.models import Tier
from repo_tracker.scheduler import TierScheduler

MIGRATIONS: Final = Path(__file__).parents[1] / "migrations"


class FetchTransport(httpx.AsyncBaseTransport):
    """What Workers put below httpx: JavaScript's `fetch`."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        options = {"method": request.method, "headers": dict(request.headers)}
        answer = await js.fetch(str(request.url), to_js(options, dict_converter=js.Object.fromEntries))
        body = (await answer.arrayBuffer()).to_bytes()
        return httpx.Response(answer.status, headers=[(name, value) for name, value in answer.headers], content=body)


class Statement:
    """A statement of D1, in as much as the Worker uses it."""

    def __init__(self, connection: sqlite3.Connection, sql: str, values: tuple[Any, ...] = ()) -> None:
        self.connection, self.sql, self.values = connection, sql, values

    def bind(self, *values: Any) -> "Statement":
        return Statement(self.connection, self.sql, values)

    async def all(self) -> dict[str, Any]:
        return {"results": [dict(row) for row in self.connection.execute(self.sql, self.values)]}


class Database:
    """A D1 database over the SQLite that Pyodide has."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.connection.row_factory = sqlite3.Row
        for migration in sorted(MIGRATIONS.glob("*.sql")):
            self.connection.executescript(migration.read_text())

    def prepare(self, sql: str) -> Statement:
        return Statement(self.connection, sql)

    async def batch(self, statements: list[Statement]) -> list[dict[str, Any]]:
        with self.connection:
            return [await statement.all() for statement in statements]


class Storage(dict[str, Any]):
    """The storage of a Durable Object, which has JavaScript's null for what is not there."""

    async def get(self, key: str) -> Any:  # type: ignore[override]
        return dict.get(self, key, jsnull)

    async def put(self, key: str, value: Any) -> None:
        self[key] = value

    async def getAlarm(self) -> Any:  # noqa: N802 - the platform's name
        return dict.get(self, "alarm", jsnull)

    async def setAlarm(self, at: int) -> None:  # noqa: N802
        self["alarm"] = at


async def run(base_url: str) -> str:
    """Import every module, track forty repositories, refresh them by alarm, and return what came of it as JSON."""
    modules = [module.name for module in pkgutil.iter_modules(repo_tracker.__path__)]
    for module in modules:
        importlib.import_module(f"repo_tracker.{module}")
    env, metrics, storage = SimpleNamespace(DB=Database(), GITHUB_URL=base_url), Metrics(), Storage()

    async with invocation(env, "request", metrics, transport=FetchTransport()) as services:
        outcome = await services.tracker.track(f"octo/r{number}" for number in range(1, 41))

    async def step(tier: Tier, cursor: int) -> Any:
        async with invocation(env, "alarm", metrics, transport=FetchTransport()) as services:
            return await services.tracker.refresh(tier, cursor)

    scheduler = TierScheduler(storage, step)
    await scheduler.start(Tier.COLD)
    await scheduler.alarm()

    async with invocation(env, "request", metrics, transport=FetchTransport()) as services:
        stored = [repository.id async for page in services.storage.repositories() for repository in page]
    return json.dumps(
        {
            "python": sys.version_info[:2],
            "platform": sys.platform,
            "modules": modules,
            "saved": outcome.saved,
            "failed": {name: str(error) for name, error in outcome.failed.items()},
            "stored": stored,
            "round": json.loads(storage["round"]),
            "figures": metrics.snapshot().as_json(),
        }
    )
