"""Where the platform comes in: the only module that needs the Workers SDK. It translates, and nothing else."""

import json
from functools import partial
from typing import Any

from workers import DurableObject, Request, Response, WorkerEntrypoint

from repo_tracker.app import App, Reply, failure
from repo_tracker.invocation import SECONDS, invocation
from repo_tracker.logs import log
from repo_tracker.metrics import Metrics
from repo_tracker.models import Tier
from repo_tracker.scheduler import Progress, TierScheduler

METRICS = Metrics()
"""Of this isolate. It holds figures only, nothing of a request."""


class Default(WorkerEntrypoint):
    """The Worker."""

    async def fetch(self, request: Request) -> Response:
        """Answer a request."""
        try:
            reply = await self._answer(request)
        except Exception as error:  # noqa: BLE001 - or the visitor gets the platform's page for error 1101
            log("request failed", method=str(request.method), url=request.url, error=error)
            reply = failure(error)
        text = json.dumps(reply.body)
        return Response(text, status=reply.status, headers={"content-type": "application/json"})

    async def _answer(self, request: Request) -> Reply:
        async with invocation(self.env, "request", METRICS) as services:
            secret = getattr(self.env, "ADMIN_TOKEN", None)
            app = App(services, METRICS, tiers=Objects(self.env.TIERS), secret=secret)
            authorization = request.headers.get("authorization") or ""
            work = partial(app.handle, str(request.method), request.url, authorization=authorization, body=request.text)
            return await services.monitor.with_timeout("answered", work, SECONDS["request"])


class Objects:
    """The Durable Objects of the tiers, each by the name of its tier."""

    def __init__(self, namespace: Any) -> None:
        self._namespace = namespace

    async def start(self, tier: Tier) -> None:
        """Start the refreshes of a tier, unless they run."""
        await self._namespace.getByName(tier.value).start(tier.value)

    async def metrics(self, tier: Tier) -> Any:
        """Return the figures of the isolate in which a tier is refreshed."""
        return json.loads(await self._namespace.getByName(tier.value).metrics())


class TierObject(DurableObject):
    """The alarm of one tier."""

    async def start(self, tier: str) -> None:
        """Set the first alarm."""
        await self._scheduler().start(Tier(tier))

    async def metrics(self) -> str:
        """Return the figures of this isolate, as JSON."""
        return json.dumps(METRICS.snapshot().as_json())

    async def alarm(self, _alarm_info: object = None) -> None:
        """Do the next step."""
        await self._scheduler().alarm()

    def _scheduler(self) -> TierScheduler:
        return TierScheduler(self.ctx.storage, self._refresh)

    async def _refresh(self, tier: Tier, cursor: int) -> Progress:
        async with invocation(self.env, "alarm", METRICS) as services:
            work = partial(services.tracker.refresh, tier, cursor)
            return await services.monitor.with_timeout("refreshed", work, SECONDS["alarm"])
