"""Refreshes by alarm, against a platform that is as unkind as the real one may be."""

import asyncio
import json
from contextlib import suppress
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repo_tracker.backoff import Backoff
from repo_tracker.models import Tier
from repo_tracker.scheduler import LEASE, LONGEST_QUIET, PERIODS, Progress, TierScheduler
from tests.kit.clock import Clock
from tests.kit.durable_object import Storage

PAGES: Final[dict[int, int | None]] = {0: 40, 40: 80, 80: None}
"""The cursors of a tier with three pages."""


class EvictedError(BaseException):
    """The isolate died: nothing of Python catches it."""


class Platform:
    """Delivers the alarm of one object when it is due.

    Attributes:
        steps: The cursors of the steps that were begun, with the seconds since the start.
    """

    def __init__(self, clock: Clock, **options: Any) -> None:
        self.clock = clock
        self.begin = clock.now
        self.storage = Storage()
        self.options = options
        self.steps: list[tuple[int, float]] = []
        self.plan: list[BaseException | Progress | None] = []

    def scheduler(self) -> TierScheduler:
        """Return a new object, as after an eviction."""
        return TierScheduler(
            self.storage,
            self.step,
            clock=self.clock,
            backoff=Backoff(base=2.0, cap=900.0, random=lambda: 1.0),
            **self.options,
        )

    async def step(self, tier: Tier, cursor: int) -> Progress:
        assert tier is Tier.HOT
        self.steps.append((cursor, self.clock.now - self.begin))
        planned = self.plan.pop(0) if self.plan else None
        if isinstance(planned, BaseException):
            raise planned
        return planned or Progress(cursor=PAGES.get(cursor))

    async def deliver(self) -> None:
        """Wait for the alarm and hand it to a new object; an eviction leaves what was stored."""
        assert self.storage.alarm is not None, "the tier has lost its alarm"
        self.clock.now = max(self.clock.now, self.storage.alarm / 1000)
        self.storage.alarm = None
        with suppress(EvictedError):
            await self.scheduler().alarm()


@pytest.fixture
def platform(clock: Clock) -> Platform:
    return Platform(clock)


async def test_a_round_is_as_many_steps_as_there_are_pages_and_the_next_begins_a_period_later(
    platform: Platform,
) -> None:
    await platform.scheduler().start(Tier.HOT)
    for _ in range(4):
        await platform.deliver()
    assert platform.steps == [(0, 0.0), (40, 0.0), (80, 0.0), (0, PERIODS[Tier.HOT])]


async def test_starting_again_changes_nothing(platform: Platform) -> None:
    await platform.scheduler().start(Tier.HOT)
    await platform.deliver()
    kept = (dict(platform.storage.values), platform.storage.alarm)
    await platform.scheduler().start(Tier.HOT)
    assert (platform.storage.values, platform.storage.alarm) == kept


async def test_starting_brings_a_lost_alarm_back_where_the_round_was(platform: Platform) -> None:
    await platform.scheduler().start(Tier.HOT)
    await platform.deliver()
    platform.storage.alarm = None
    await platform.scheduler().start(Tier.HOT)
    await platform.deliver()
    assert [cursor for cursor, _ in platform.steps] == [0, 40]


async def test_a_step_that_fails_runs_again_with_growing_waits_and_the_others_do_not(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.plan = [None, LookupError("no"), LookupError("still no")]
    await platform.scheduler().start(Tier.HOT)
    for _ in range(5):
        await platform.deliver()
    assert platform.steps == [(0, 0.0), (40, 0.0), (40, 2.0), (40, 6.0), (80, 6.0)]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["step failed", "step failed", "round complete"]
    assert lines[1] == {
        "event": "step failed",
        "tier": "hot",
        "cursor": 40,
        "failures": 2,
        "error": "LookupError: still no",
    }


async def test_a_tier_outlives_more_failures_than_the_platform_has_retries(platform: Platform) -> None:
    platform.plan = [LookupError("no")] * 20
    await platform.scheduler().start(Tier.HOT)
    for _ in range(21):
        await platform.deliver()
    assert len(platform.steps) == 21
    assert platform.storage.alarm is not None


async def test_an_isolate_that_dies_in_a_step_leaves_an_alarm_behind(platform: Platform) -> None:
    platform.plan = [EvictedError()]
    await platform.scheduler().start(Tier.HOT)
    await platform.deliver()
    await platform.deliver()
    assert platform.steps == [(0, 0.0), (0, LEASE)]


async def test_an_alarm_that_comes_twice_does_not_begin_a_round_early(platform: Platform) -> None:
    await platform.scheduler().start(Tier.HOT)
    for _ in range(3):
        await platform.deliver()
    await platform.scheduler().alarm()
    assert len(platform.steps) == 3
    await platform.deliver()
    assert platform.steps[-1] == (0, PERIODS[Tier.HOT])


async def test_a_step_can_ask_for_quiet(platform: Platform) -> None:
    platform.plan = [Progress(cursor=12, not_before=1800.0)]
    await platform.scheduler().start(Tier.HOT)
    await platform.deliver()
    await platform.deliver()
    assert platform.steps == [(0, 0.0), (12, 1800.0)]


@pytest.mark.parametrize("seconds", [1e15, float("inf")])
async def test_no_quiet_is_for_ever(platform: Platform, seconds: float) -> None:
    platform.plan = [Progress(cursor=12, not_before=seconds)]
    await platform.scheduler().start(Tier.HOT)
    await platform.deliver()
    await platform.deliver()
    assert platform.steps == [(0, 0.0), (12, LONGEST_QUIET)]


async def test_a_round_that_takes_longer_than_its_period_is_followed_by_the_next_at_once(clock: Clock) -> None:
    platform = Platform(clock, periods={Tier.HOT: 10.0})
    platform.plan = [Progress(cursor=80, not_before=60.0)]
    await platform.scheduler().start(Tier.HOT)
    for _ in range(3):
        await platform.deliver()
    assert platform.steps == [(0, 0.0), (80, 60.0), (0, 60.0)]


async def test_what_another_version_kept_does_not_end_the_tier(platform: Platform) -> None:
    await platform.scheduler().start(Tier.HOT)
    kept = json.loads(platform.storage.values["round"])
    del kept["failures"]
    platform.storage.values["round"] = json.dumps({**kept, "cursor": 40, "unknown": 1})
    await platform.deliver()
    assert platform.steps == [(40, 0.0)]


async def test_an_alarm_of_an_emptied_object_is_the_last(platform: Platform) -> None:
    await platform.scheduler().alarm()
    assert (platform.storage.alarm, platform.steps) == (None, [])


@given(faults=st.lists(st.sampled_from(["fine", "error", "evicted", "twice"]), max_size=25))
def test_whatever_fails_each_round_visits_every_page_and_the_alarm_is_never_lost(faults: list[str]) -> None:
    async def scenario() -> None:
        platform = Platform(Clock(), log=lambda *_, **__: None)
        await platform.scheduler().start(Tier.HOT)
        for fault in [*faults, *["fine"] * 8]:
            platform.plan = {"error": [LookupError()], "evicted": [EvictedError()]}.get(fault, [])  # type: ignore[assignment]
            await platform.deliver()
            platform.plan = []
            if fault == "twice":
                await platform.scheduler().alarm()
        pages = [cursor for cursor, _ in platform.steps]
        following = set(pairwise(pages))
        assert following <= {(0, 0), (0, 40), (40, 40), (40, 80), (80, 80), (80, 0)}
        assert {0, 40, 80} <= set(pages[-8:])
        assert platform.storage.alarm is not None

    asyncio.run(scenario())
