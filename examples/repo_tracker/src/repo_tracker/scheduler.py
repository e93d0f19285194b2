"""Refreshes by alarm: one Durable Object for each tier, no cron trigger, no run lost."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from repo_tracker.backoff import Backoff
from repo_tracker.models import Tier

PERIODS: Final[Mapping[Tier, float]] = {Tier.HOT: 15 * 60.0, Tier.WARM: 3600.0, Tier.COLD: 24 * 3600.0}
"""How long from the start of one round to the start of the next, in seconds."""


class AlarmStorage(Protocol):
    """The part of a Durable Object's storage that is used: `ctx.storage`."""

    async def get(self, key: str, /) -> Any:
        """Return the value of a key, None if there is none."""
        ...

    async def put(self, key: str, value: Any, /) -> Any:
        """Keep a value."""
        ...

    async def getAlarm(self) -> Any:  # noqa: N802 - the platform's name
        """Return when the alarm is due, in milliseconds since 1970; None if there is none or it is being handled."""
        ...

    async def setAlarm(self, scheduled_time: int, /) -> Any:  # noqa: N802
        """Set the one alarm that an object has, in milliseconds since 1970."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a round has come.

    Attributes:
        cursor: Where the next step continues; None if the round is complete.
        not_before: How long to wait before the next step at least, in seconds, such as for a rate limit.
    """

    cursor: int | None
    not_before: float = 0.0


Step = Callable[[Tier, int], Awaitable[Progress]]
"""Does a part of a round that fits into one invocation, from a cursor on (0 is the start). It must be idempotent."""


class TierScheduler:
    """Refresh a tier in rounds, each of as many steps as it needs; each step is an invocation with budgets of its own.

    An alarm comes at least once, so a step may run twice; the cursor is kept when it is done, so a step that failed
    runs again and those before it do not. The platform drops an alarm after its sixth retry, and with it the tier.
    So the next alarm is set before the step: even if the isolate dies, the tier goes on.

    https://developers.cloudflare.com/durable-objects/api/alarms/ (checked 2026-11-24)

    Args:
        tier: Which tier.
        storage: The storage of the Durable Object of that tier.
        step: Does the work.
        period: How long from the start of one round to the start of the next, in seconds.
        backoff: How long to wait after a failure.
        clock: Returns seconds since 1970.
    """

    def __init__(
        self,
        tier: Tier,
        storage: AlarmStorage,
        step: Step,
        *,
        period: float | None = None,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        raise NotImplementedError

    async def start(self) -> None:
        """Set the first alarm, unless there is one; may be called at any time, by anybody."""
        raise NotImplementedError

    async def alarm(self) -> None:
        """Handle an alarm: do a step, keep its cursor, set the next alarm. It raises no error of the step."""
        raise NotImplementedError
