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
from pyodide.ffi import jsnull

import repo_tracker
from repo_tracker.budget import Budget
from repo_tracker.connection_pool import ConnectionPool
from repo_tracker.fetch_transport import transport
from repo_tracker.github import GitHubService
from repo_tracker.invocation import invocation
from repo_tracker.metrics import Metrics
from repo_tracker.models import Tier
from repo_tracker.responses import ResponseError, fetch_json
from repo_tracker.scheduler import TierScheduler

MIGRATIONS: Final = Path(__file__).parents[1] / "migrations"


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


async def failure_of(url: str, *, seconds: float = 5.0) -> str:
    """Fetch what cannot be had, and return the name of the error."""
    async with httpx.AsyncClient(transport=transport(), timeout=seconds) as client:
        try:
            await fetch_json(client, url, max_bytes=100_000)
        except (ResponseError, httpx.TransportError) as error:
            return type(error).__name__
    return "none"


async def name_behind(base_url: str, former: str) -> tuple[str, int]:
    """Fetch a repository by its former name; return its name of today, and how many subrequests that took."""
    budget = Budget()
    async with httpx.AsyncClient(transport=transport()) as client:
        github = GitHubService(client, ConnectionPool(), base_url=base_url, budget=budget)
        repository = await github.get_repository(former)
    return repository.full_name if repository else "", budget.spent


async def run(base_url: str) -> str:
    """Import every module, track forty repositories, refresh them by alarm, and return what came of it as JSON."""
    modules = [module.name for module in pkgutil.iter_modules(repo_tracker.__path__)]
    for module in modules:
        importlib.import_module(f"repo_tracker.{module}")
    env, metrics, storage = SimpleNamespace(DB=Database(), GITHUB_URL=base_url), Metrics(), Storage()

    async with invocation(env, "request", metrics) as services:
        outcome = await services.tracker.track(f"octo/r{number}" for number in range(1, 41))

    async def step(tier: Tier, cursor: int) -> Any:
        async with invocation(env, "alarm", metrics) as services:
            return await services.tracker.refresh(tier, cursor)

    scheduler = TierScheduler(storage, step)
    await scheduler.start(Tier.COLD)
    await scheduler.alarm()

    async with invocation(env, "request", metrics) as services:
        stored = [repository.id async for page in services.storage.repositories() for repository in page]
    former, spent = await name_behind(base_url, "octo/renamed")
    failures = {path: await failure_of(f"{base_url}/{path}") for path in ("endless", "cut-off", "bomb")}
    failures["slow"] = await failure_of(f"{base_url}/slow", seconds=0.05)
    failures["refused"] = await failure_of("http://127.0.0.1:9/")
    return json.dumps(
        {
            "renamed": [former, spent],
            "failures": failures,
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
