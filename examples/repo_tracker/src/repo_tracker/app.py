"""The HTTP interface of the Worker, in plain values, so that tests need no runtime."""

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol, TypeGuard
from urllib.parse import parse_qs, urlsplit

from repo_tracker.invocation import Services
from repo_tracker.logs import Log, log
from repo_tracker.metrics import Metrics
from repo_tracker.models import Tier

MOST_NAMES: Final = 40
"""Repositories in one request: the budget of an invocation has room for them and for some retries."""

MOST_ID: Final = 2**53 - 2
"""The largest number that D1 takes: JavaScript knows no larger one for sure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer.

    Attributes:
        status: The status.
        body: What the JSON of the body says.
    """

    status: int = 200
    body: Any


def failure(error: Exception) -> Reply:
    """Return the answer to a request whose handling failed: whether it is worth another attempt, and no details."""
    transient = bool(getattr(error, "transient", False))
    return Reply(status=503 if transient else 500, body={"error": "try again later" if transient else "it failed"})


class Tiers(Protocol):
    """The Durable Objects of the tiers."""

    async def start(self, tier: Tier) -> None:
        """Start the refreshes of a tier, unless they run."""
        ...

    async def metrics(self, tier: Tier) -> Any:
        """Return the figures of the isolate in which a tier is refreshed, as what JSON can say."""
        ...


class App:
    """Answer requests.

    Args:
        services: What the invocation works with.
        metrics: The figures of this isolate.
        tiers: The refreshes.
        secret: What changes must be authorised with; without one they are all refused.
        log: Where failures are told.
    """

    def __init__(
        self,
        services: Services,
        metrics: Metrics,
        *,
        tiers: Tiers,
        secret: str | None = None,
        log: Log = log,
    ) -> None:
        self._services = services
        self._metrics = metrics
        self._tiers = tiers
        self._secret = secret
        self._log = log

    async def handle(
        self, method: str, url: str, *, authorization: str = "", body: Callable[[], Awaitable[str]]
    ) -> Reply:
        """Answer one request.

        Args:
            method: Such as `GET`.
            url: What was asked for.
            authorization: The header of that name; changes need `Bearer` and the secret.
            body: Reads what was sent along; it is not called for a stranger, whose body may be of any size.
        """
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        match method, parts.path:
            case "GET", "/metrics":
                return await self._figures(query.get("tier"))
            case "GET", "/repositories":
                return await self._list(query)
            case "POST", ("/repositories" | "/discover" | "/start") as path:
                return await self._change(path, authorization, body)
        return Reply(status=404, body={"error": f"there is no {method} {parts.path}"})

    async def _figures(self, tier: str | None) -> Reply:
        if tier is None:
            return Reply(body=self._metrics.snapshot().as_json())
        if tier not in set(Tier):
            return Reply(status=400, body={"error": f"valid: tier={'|'.join(Tier)}"})
        return Reply(body=await self._tiers.metrics(Tier(tier)))

    async def _list(self, query: Mapping[str, str]) -> Reply:
        tier, after = query.get("tier", Tier.HOT), query.get("after", "0")
        if tier not in set(Tier) or not after.isdecimal() or float(after) > MOST_ID:
            return Reply(status=400, body={"error": f"valid: tier={'|'.join(Tier)}, after=a number"})
        page = await self._services.storage.tracked(Tier(tier), after=int(after), limit=100)
        return Reply(body=asdict(page))

    async def _change(self, path: str, authorization: str, body: Callable[[], Awaitable[str]]) -> Reply:
        if not self._secret or not hmac.compare_digest(authorization.encode(), f"Bearer {self._secret}".encode()):
            return Reply(status=403, body={"error": "changes need the secret"})
        if path == "/start":
            for tier in Tier:
                await self._tiers.start(tier)
            return Reply(status=202, body={"started": list(Tier)})
        wanted = _read(await body())
        names, query = wanted.get("names"), wanted.get("query")
        if path == "/discover" and isinstance(query, str) and query:
            return Reply(body=asdict(await self._services.tracker.discover(query)))
        if path == "/repositories" and _are_names(names):
            return await self._track(names)
        wrong = f'valid: {{"names": [up to {MOST_NAMES}]}} for /repositories, {{"query": "..."}} for /discover'
        return Reply(status=400, body={"error": wrong})

    async def _track(self, names: list[str]) -> Reply:
        outcome = await self._services.tracker.track(names)
        for name, error in outcome.failed.items():
            self._log("not tracked", name=name, error=error)
        failed = {name: str(error) for name, error in outcome.failed.items()}
        return Reply(status=207 if failed else 200, body={"saved": outcome.saved, "failed": failed})


def _read(body: str) -> Mapping[str, Any]:
    try:
        wanted = json.loads(body)
    except ValueError:
        return {}
    return wanted if isinstance(wanted, dict) else {}


def _are_names(names: object) -> TypeGuard[list[str]]:
    return isinstance(names, list) and 0 < len(names) <= MOST_NAMES and all(isinstance(name, str) for name in names)
