"""Refreshes by alarm: one Durable Object for each tier, no cron trigger, no run lost."""

import json
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Protocol

from repo_tracker.backoff import Backoff
from repo_tracker.logs import Log, log
from repo_tracker.models import Tier

PERIODS: Final[Mapping[Tier, float]] = {Tier.HOT: 15 * 60.0, Tier.WARM: 3600.0, Tier.COLD: 24 * 3600.0}
"""How long from the start of one round to the start of the next, in seconds."""

LEASE: Final = 60.0
"""How long after a step began the tier goes on if nothing is heard of it, in seconds. Alarms of one object never
overlap, so a step that takes longer is not disturbed."""

LONGEST_QUIET: Final = 24 * 3600.0
"""Seconds that a step may ask for at most. A number from outside must not put a tier to sleep for ever."""

_KEY: Final = "round"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What is kept between alarms.

    Attributes:
        tier: Which tier is refreshed.
        cursor: Where the next step starts; 0 at the start of a round.
        started: When the round started, in seconds since 1970.
        due: When the next step is due, in seconds since 1970.
        failures: How often that step failed.
    """

    tier: Tier
    cursor: int = 0
    started: float = 0.0
    due: float = 0.0
    failures: int = 0


class TierScheduler:
    """Refresh a tier in rounds, each of as many steps as it needs; each step is an invocation with budgets of its own.

    An alarm comes at least once, so a step may run twice. The cursor is kept when a step is done, so a step that
    failed runs again, and those before it do not. The platform drops an alarm after its sixth retry, and the tier with
    it: so errors become an alarm of our own, with growing waits, and the alarm after a step is set before the step, so
    that the tier goes on even if the isolate dies.

    https://developers.cloudflare.com/durable-objects/api/alarms/ (checked 2026-11-24)

    Args:
        storage: The storage of the Durable Object of one tier.
        step: Does the work.
        periods: How long from the start of one round to the start of the next, in seconds.
        backoff: How long to wait after a failure.
        clock: Returns seconds since 1970.
        log: Where failures and rounds are told.
    """

    def __init__(
        self,
        storage: AlarmStorage,
        step: Step,
        *,
        periods: Mapping[Tier, float] = PERIODS,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.time,
        log: Log = log,
    ) -> None:
        self._storage = storage
        self._step = step
        self._periods = periods
        self._backoff = backoff or Backoff(base=2.0, cap=900.0)
        self._clock = clock
        self._log = log

    async def start(self, tier: Tier) -> None:
        """Set the first alarm, unless there is one; may be called at any time, by anybody.

        Args:
            tier: The tier that this object is for.
        """
        if await self._load() is None:
            await self._keep(_State(tier=tier))
        if not await self._storage.getAlarm():  # JavaScript's null is not None, but it is false
            await self._set_alarm(self._clock())

    async def alarm(self) -> None:
        """Handle an alarm: do a step, keep its cursor, set the next alarm. It raises no error of the step."""
        state = await self._load()
        if state is None:
            return  # the storage was emptied: there is nothing to go on with
        now = self._clock()
        if now < state.due:
            await self._set_alarm(state.due)  # delivered twice, or too early
            return
        if not state.cursor:
            state = replace(state, started=now)
        await self._set_alarm(now + LEASE)
        try:
            progress = await self._step(state.tier, state.cursor)
        except Exception as error:  # noqa: BLE001 - whatever it is, the tier must go on
            await self._after_failure(state, error)
        else:
            await self._after(state, progress)

    async def _after(self, state: _State, progress: Progress) -> None:
        now = self._clock()
        if progress.cursor is None:
            due = max(state.started + self._periods[state.tier], now)
            self._log("round complete", tier=state.tier, seconds=now - state.started)
        else:
            due = now + min(progress.not_before, LONGEST_QUIET)
        await self._keep(replace(state, cursor=progress.cursor or 0, due=due, failures=0))
        await self._set_alarm(due)

    async def _after_failure(self, state: _State, error: Exception) -> None:
        failures = state.failures + 1
        due = self._clock() + self._backoff.delay(failures)
        self._log("step failed", tier=state.tier, cursor=state.cursor, failures=failures, error=error)
        await self._keep(replace(state, due=due, failures=failures))
        await self._set_alarm(due)

    async def _load(self) -> _State | None:
        kept = await self._storage.get(_KEY)
        if not kept:
            return None
        values = json.loads(kept)
        # Another version of this code may have kept other values: an error here would be the end of the tier.
        known = {field.name: values[field.name] for field in fields(_State) if field.name in values}
        return _State(**{**known, "tier": Tier(values["tier"])})

    async def _keep(self, state: _State) -> None:
        # As text, which is the same on both sides of the border between Python and JavaScript.
        await self._storage.put(_KEY, json.dumps(asdict(state)))

    async def _set_alarm(self, at: float) -> None:
        await self._storage.setAlarm(math.ceil(at * 1000))
