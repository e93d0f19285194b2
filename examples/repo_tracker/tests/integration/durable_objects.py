"""Durable Objects with alarms, as far as the scheduler sees them, in a time that jumps from alarm to alarm."""

from typing import Any

from repo_tracker.models import Tier
from repo_tracker.scheduler import Step, TierScheduler
from tests.kit.durable_object import Storage


class InterruptedHandlerError(Exception):
    """The isolate went away in the middle of a handler."""


class InterruptedStorage(Storage):
    """The storage of an object whose isolate can be made to go away.

    Attributes:
        interrupt_next: Whether the handler goes away before its next value is kept.
    """

    def __init__(self) -> None:
        super().__init__()
        self.interrupt_next = False

    async def put(self, key: str, value: Any, /) -> None:
        if self.interrupt_next:
            self.interrupt_next = False
            raise InterruptedHandlerError
        await super().put(key, value)


class Objects:
    """The objects of all tiers.

    Attributes:
        now: Seconds since 1970.
        interrupted: How many handlers went away.
    """

    def __init__(self, step: Step, start: float, period: float) -> None:
        self.now = start
        self.interrupted = 0
        self._storages = {tier: InterruptedStorage() for tier in Tier}
        self._schedulers = {
            tier: TierScheduler(storage, step, periods=dict.fromkeys(Tier, period), clock=lambda: self.now)
            for tier, storage in self._storages.items()
        }

    def __call__(self) -> float:
        return self.now

    async def start(self) -> None:
        """Start every tier."""
        for tier, scheduler in self._schedulers.items():
            await scheduler.start(tier)

    def interrupt(self, tier: Tier) -> None:
        """Let the isolate of a tier go away when its next step is done, before that is kept."""
        self._storages[tier].interrupt_next = True

    async def run_until(self, end: float) -> None:
        """Deliver every alarm that is due before a time, in their order; an interrupted one comes again."""
        while (due := self._next())[0] < end:
            at, tier = due
            self.now = max(self.now, at)
            self._storages[tier].alarm = None
            try:
                await self._schedulers[tier].alarm()
            except InterruptedHandlerError:
                self.interrupted += 1
                self._storages[tier].alarm = int(self.now * 1000) + 2000  # as the platform tries again
        self.now = end

    def _next(self) -> tuple[float, Tier]:
        alarms = [(storage.alarm / 1000, tier) for tier, storage in self._storages.items() if storage.alarm is not None]
        return min(alarms)
