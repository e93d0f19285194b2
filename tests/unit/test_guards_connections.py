"""The state machine of the connections, against a naive model of the rule."""

import asyncio
import gc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pytest_cfworkers.callsite import Frame, Site
from pytest_cfworkers.carrier import carrier_here
from pytest_cfworkers.choices import CONNECTION_MODELS, ConnectionModel
from pytest_cfworkers.guards.connection import Connection, Outcome
from pytest_cfworkers.guards.connections import KEPT, NEARLY_ALL, ConnectionGuard, Woken
from pytest_cfworkers.guards.peak import Peak

SITES = tuple(Site() for _ in range(3))
HERE = SITES[0]
MAIN = 1
"""The thread that opens what no test says another one about."""
SITE = Site((Frame("app.py", 3, "fetch"),))
OUTCOMES: tuple[Outcome, ...] = ("consumed", "cancelled", "failed", "abandoned")


@dataclass(eq=False)
class Naive:
    """What the rule says about one connection, without any bookkeeping that could be wrong."""

    site: Site
    opened_at: float
    place: str
    beyond: bool
    idle: bool = False
    used: int = 0


class Connections(RuleBasedStateMachine):
    """Drives a guard with random events and compares it with lists that are searched from scratch."""

    @initialize(
        slots=st.sampled_from([1, 2, 3, None]),
        model=st.sampled_from(CONNECTION_MODELS),
        queueing=st.sampled_from([True, True, False]),
        sites=st.lists(st.sampled_from(SITES), max_size=8),
    )
    def begin(self, slots: int | None, model: ConnectionModel, queueing: bool, sites: list[Site]) -> None:
        self.guard = ConnectionGuard(slots, model, queueing=queueing)
        self.open_ones: dict[Connection, Naive] = {}
        self.ended: list[Connection] = []
        self.now = 0.0
        self.events = 0
        self.room = float("inf") if slots is None else slots
        self.opened = self.beyond = self.queued = self.peak = self.peak_services = 0
        self.queued_s = 0.0
        self.peak_sites: Counter[Site] = Counter()
        self.seventh: Connection | None = None
        self.first_timed_out: Connection | None = None
        self.evicted: Counter[Site] = Counter()
        self.timed_out: Counter[Site] = Counter()
        self.abandoned: Counter[Site] = Counter()
        for site in sites:
            self.open(site, waits=True)

    # what the rule says

    def holding(self) -> list[Connection]:
        places = ("waiting", "streaming") if self.guard.model == "body" else ("waiting",)
        return [connection for connection, naive in self.open_ones.items() if naive.place in places]

    def asking(self) -> list[Connection]:
        return [connection for connection, naive in self.open_ones.items() if naive.place == "queued"]

    def victim(self) -> Connection | None:
        holders = self.holding()
        if not self.asking() or not all(self.open_ones[holder].idle for holder in holders):
            return None
        return min(holders, key=lambda holder: self.open_ones[holder].used)

    def touch(self, connection: Connection, *, idle: bool) -> None:
        self.events += 1
        self.open_ones[connection].used = self.events
        self.open_ones[connection].idle = idle

    def settle(self, woken: Woken) -> None:
        """Admit whom the rule admits, and check that exactly those were woken who must look again."""
        granted = []
        while self.asking() and len(self.holding()) < self.room:
            first = self.asking()[0]
            self.queued_s += self.now - self.open_ones[first].opened_at
            self.open_ones[first].place = "waiting"
            assert first.admitted_at == self.now
            granted.append(first)
        expected = granted
        if not granted and self.victim() is not None:
            expected = self.asking()[:1]
        assert list(woken) == expected

    def end(self, connection: Connection) -> Naive:
        naive = self.open_ones.pop(connection)
        self.ended.append(connection)
        if naive.place == "queued":
            self.queued_s += self.now - naive.opened_at
        return naive

    # events

    @rule(
        sites=st.lists(st.sampled_from(SITES), min_size=1, max_size=8),
        waits=st.sampled_from([True, True, False]),
        service=st.booleans(),
    )
    def open_some(self, sites: list[Site], waits: bool, service: bool) -> None:
        for site in sites:
            self.open(site, waits=waits, service=service)

    def open(self, site: Site, *, waits: bool, service: bool = False) -> None:
        self.now += 1
        full = bool(self.asking()) or len(self.holding()) >= self.room
        connection = self.guard.open("GET", site, self.now, thread=7, waits=waits, service=service)
        queued = full and waits and self.guard.queueing
        self.open_ones[connection] = Naive(site, self.now, "queued" if queued else "waiting", full)
        assert (connection.label, connection.thread, connection.opened_at) == ("GET", 7, self.now)
        assert connection.service is service
        assert connection.admitted_at == (None if queued else self.now)
        self.opened += 1
        self.queued += queued
        if full:
            self.beyond += 1
            self.seventh = self.seventh or connection
        wanted = [*self.holding(), *self.asking()]
        if len(wanted) > self.peak:
            self.peak = len(wanted)
            over = wanted if self.peak > self.room else []
            self.peak_sites = Counter(one.site for one in over)
            self.peak_services = sum(one.service for one in over)

    def pick(self, data: st.DataObject, *places: str) -> Connection:
        self.now += 1
        return data.draw(st.sampled_from(self.at(*places)))

    def at(self, *places: str) -> list[Connection]:
        return [connection for connection, naive in self.open_ones.items() if naive.place in places]

    @precondition(lambda self: self.at("waiting"))
    @rule(data=st.data(), body=st.booleans())
    def headers(self, data: st.DataObject, body: bool) -> None:
        self.answer(self.pick(data, "waiting"), body=body)

    @precondition(lambda self: self.at("waiting", "streaming"))
    @rule(evicted=st.integers(0, 3))
    def nobody_reads(self, evicted: int) -> None:
        """Let every body lie unread and some be evicted for it, which would hardly ever happen by chance."""
        for _ in range(evicted + 1):
            if self.victim() is not None:
                self.evict()
            self.now += 1
            for connection in self.at("waiting"):
                self.answer(connection, body=True)
            for connection in self.at("streaming"):
                if not self.open_ones[connection].idle:
                    self.pause(connection)

    def answer(self, connection: Connection, *, body: bool) -> None:
        woken = self.guard.headers(connection, self.now, body=body)
        assert connection.headers_at == self.now
        if body:
            self.open_ones[connection].place = "streaming"
            self.touch(connection, idle=True)
        else:
            self.end(connection)
            assert (connection.outcome, connection.closed_at) == ("consumed", self.now)
        self.settle(woken)

    @precondition(lambda self: self.at("streaming"))
    @rule(data=st.data())
    def reading(self, data: st.DataObject) -> None:
        connection = self.pick(data, "streaming")
        self.guard.reading(connection)
        self.touch(connection, idle=False)

    @precondition(lambda self: self.at("streaming"))
    @rule(data=st.data())
    def paused(self, data: st.DataObject) -> None:
        self.pause(self.pick(data, "streaming"))

    def pause(self, connection: Connection) -> None:
        woken = self.guard.paused(connection, self.now)
        assert connection.idle_since == self.now
        self.touch(connection, idle=True)
        self.settle(woken)

    @precondition(lambda self: self.at("queued", "waiting", "streaming"))
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def close(self, data: st.DataObject, outcome: Outcome) -> None:
        connection = self.pick(data, "queued", "waiting", "streaming")
        woken = self.guard.close(connection, outcome, self.now)
        naive = self.end(connection)
        assert (connection.state, connection.outcome, connection.closed_at) == ("closed", outcome, self.now)
        if outcome == "abandoned" and naive.place == "streaming":
            self.abandoned[naive.site] += 1
        self.settle(woken)

    @precondition(lambda self: self.victim() is not None)
    @rule()
    def evict(self) -> None:
        victim = self.guard.stalled()
        assert victim is not None
        assert victim is self.victim()
        woken = self.guard.evict(victim, self.now)
        self.evicted[self.end(victim).site] += 1
        assert victim.outcome == "evicted"
        self.settle(woken)

    @precondition(lambda self: self.at("queued", "waiting"))
    @rule(data=st.data())
    def time_out(self, data: st.DataObject) -> None:
        connection = self.pick(data, "queued", "waiting")
        woken = self.guard.time_out(connection, self.now)
        self.timed_out[self.end(connection).site] += 1
        self.first_timed_out = self.first_timed_out or connection
        assert connection.outcome == "failed"
        self.settle(woken)

    @precondition(lambda self: self.at("waiting", "streaming"))
    @rule(data=st.data())
    def run_out(self, data: st.DataObject) -> None:
        connection = self.pick(data, "waiting", "streaming")
        woken = self.guard.run_out(connection, self.now)
        assert connection.admitted_at is not None
        opened_at = connection.opened_at
        if self.now > opened_at and connection.admitted_at - opened_at >= NEARLY_ALL * (self.now - opened_at):
            self.timed_out[connection.site] += 1
            self.first_timed_out = self.first_timed_out or connection
        self.end(connection)
        assert connection.outcome == "failed"
        self.settle(woken)

    @precondition(lambda self: self.at("queued"))
    @rule(data=st.data())
    def let_through(self, data: st.DataObject) -> None:
        connection = self.pick(data, "queued")
        self.guard.let_through(connection, self.now)
        naive = self.open_ones[connection]
        naive.place = "waiting"
        self.queued_s += self.now - naive.opened_at

    @precondition(lambda self: self.at("waiting", "streaming"))
    @rule(data=st.data())
    def let_through_one_that_has_a_slot(self, data: st.DataObject) -> None:
        self.guard.let_through(self.pick(data, "waiting", "streaming"), self.now)

    @precondition(lambda self: self.at("queued", "waiting", "streaming"))
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        connection = self.pick(data, "queued", "waiting", "streaming")
        woken = self.guard.withdraw(connection, self.now)
        naive = self.end(connection)
        self.ended.remove(connection)
        assert (connection.outcome, connection.closed_at) == ("consumed", self.now)
        self.opened -= 1
        self.beyond -= naive.beyond
        self.settle(woken)

    @precondition(lambda self: self.ended)
    @rule(data=st.data())
    def an_event_after_the_end_changes_nothing(self, data: st.DataObject) -> None:
        connection = data.draw(st.sampled_from(self.ended))
        before = dict(vars(connection))
        guard, now = self.guard, self.now + 1
        guard.reading(connection)
        guard.let_through(connection, now)
        assert not guard.headers(connection, now, body=True)
        assert not guard.paused(connection, now)
        assert not guard.close(connection, "abandoned", now)
        assert not guard.evict(connection, now)
        assert not guard.time_out(connection, now)
        assert not guard.run_out(connection, now)
        assert not guard.withdraw(connection, now)
        assert dict(vars(connection)) == before

    # what always holds

    @invariant()
    def the_guard_says_what_the_rule_says(self) -> None:
        guard = self.guard
        assert set(guard.holders) == set(self.holding())
        assert list(guard.queue) == self.asking()
        assert set(guard.streaming) == {one for one, naive in self.open_ones.items() if naive.place == "streaming"}
        assert guard.stalled() is self.victim()
        for connection, naive in self.open_ones.items():
            assert connection.state == naive.place
            assert connection.beyond == naive.beyond
            assert connection.outcome is None
            assert (connection.idle_since is not None) == naive.idle

    @invariant()
    def nobody_waits_while_a_slot_is_free(self) -> None:
        assert not self.guard.queue or len(self.guard.holders) >= self.room

    @invariant()
    def the_statistics_are_those_of_the_rule(self) -> None:
        guard = self.guard
        assert (guard.opened, guard.beyond, guard.queued) == (self.opened, self.beyond, self.queued)
        assert (guard.peak, guard.seventh, guard.queued_s) == (self.peak, self.seventh, self.queued_s)
        assert guard.evicted == self.evicted
        assert (guard.timed_out, guard.first_timed_out) == (self.timed_out, self.first_timed_out)
        assert guard.abandoned == self.abandoned
        unread = Counter(naive.site for naive in self.open_ones.values() if naive.place == "streaming")
        assert guard.unread == unread + self.abandoned
        assert guard.unread_for.keys() == guard.unread.keys()
        assert guard.closed == self.ended

    @rule(sites_first=st.booleans())
    def the_peak_is_asked_for(self, sites_first: bool) -> None:
        """Asking in the middle must not disturb what is noted later; see also `teardown`."""
        if sites_first:
            assert self.guard.at_peak.sites == self.peak_sites
        assert self.guard.at_peak.services == self.peak_services
        assert self.guard.at_peak.sites == self.peak_sites

    def teardown(self) -> None:
        if hasattr(self, "guard"):
            assert self.guard.at_peak.services == self.peak_services
        assert self.guard.at_peak.sites == self.peak_sites


def test_the_guard_does_what_the_rule_says_whatever_happens() -> None:
    run_state_machine_as_test(Connections, settings=settings(max_examples=250, stateful_step_count=40))


def fill(guard: ConnectionGuard, count: int) -> list[Connection]:
    return [guard.open(f"GET {number}", HERE, 0.0, MAIN) for number in range(count)]


@given(
    slots=st.integers(1, 6),
    model=st.sampled_from(CONNECTION_MODELS),
    steps=st.lists(st.tuples(st.sampled_from(["open", "headers", "close", "evict"]), st.integers(0, 20)), max_size=60),
)
def test_there_are_never_more_holders_than_slots_while_it_queues(
    slots: int, model: ConnectionModel, steps: list[tuple[str, int]]
) -> None:
    guard = ConnectionGuard(slots, model)
    living: list[Connection] = []
    for step, number in steps:
        chosen = living[number % len(living)] if living else None
        if step == "open" or chosen is None:
            living.append(guard.open("GET", HERE, 0.0, MAIN))
        elif step == "headers":
            guard.headers(chosen, 0.0, body=bool(number % 3))
        elif step == "evict":
            if (stalled := guard.stalled()) is not None:
                guard.evict(stalled, 0.0)
        else:
            guard.close(chosen, "consumed", 0.0)
        assert len(guard.holders) <= slots


def test_the_queue_is_served_first_in_first_out() -> None:
    guard = ConnectionGuard(1, "body")
    first, *others = fill(guard, 5)
    served = []
    running = first
    while others:
        served += (woken := list(guard.close(running, "consumed", 0.0)))
        (running,) = woken
        others.remove(running)
    assert [connection.label for connection in served] == ["GET 1", "GET 2", "GET 3", "GET 4"]


def test_a_connection_that_may_not_wait_passes_those_that_do() -> None:
    guard = ConnectionGuard(1, "body")
    _, queued = fill(guard, 2)
    inner = guard.open("GET inner", HERE, 0.0, MAIN, waits=False)
    assert (queued.state, inner.state, guard.queued, guard.beyond, guard.peak) == ("queued", "waiting", 1, 2, 3)


def test_a_newcomer_does_not_overtake_the_queue_where_more_hold_than_there_are_slots() -> None:
    guard = ConnectionGuard(2, "body")
    holders = fill(guard, 4)
    guard.let_through(holders[2], 0.0)
    assert not guard.close(holders[0], "consumed", 0.0)  # three held two slots; now two do
    assert guard.open("GET late", HERE, 0.0, MAIN).state == "queued"
    assert list(guard.close(holders[1], "consumed", 0.0)) == [holders[3]]


@pytest.mark.parametrize(("model", "holders"), [("body", 1), ("headers", 0)])
def test_a_body_holds_its_slot_only_in_the_body_model(model: ConnectionModel, holders: int) -> None:
    guard = ConnectionGuard(6, model)
    guard.headers(guard.open("GET", HERE, 0.0, MAIN), 0.0, body=True)
    assert (len(guard.holders), len(guard.streaming)) == (holders, 1)


def test_in_the_headers_model_unread_bodies_stop_nobody_and_are_never_evicted() -> None:
    guard = ConnectionGuard(1, "headers")
    for number in range(1, 9):
        connection = guard.open("GET", HERE, 0.0, MAIN)
        assert connection.state == "waiting"
        guard.headers(connection, 0.0, body=True)
        assert guard.stalled() is None
        assert (guard.peak, guard.unread[HERE]) == (1, number)
    assert guard.at_peak.sites == Counter()


def test_the_sites_of_the_peak_are_kept_when_it_falls_by_arriving_headers() -> None:
    guard = ConnectionGuard(1, "headers")
    first, second = fill(guard, 2)
    guard.headers(first, 0.0, body=True)
    guard.headers(second, 0.0, body=True)
    assert guard.at_peak.sites == Counter({HERE: 2})


def test_the_sites_of_the_peak_are_told_while_it_lasts() -> None:
    guard = ConnectionGuard(1, "body")
    fill(guard, 2)
    assert guard.at_peak.sites == Counter({HERE: 2})


def test_while_the_limit_is_kept_no_site_of_a_peak_is_noted() -> None:
    guard = ConnectionGuard(2, "body")
    fill(guard, 2)
    assert (guard.peak, guard.at_peak.sites, guard.seventh, guard.beyond) == (2, Counter(), None, 0)


def stalled_guard(slots: int = 3) -> tuple[ConnectionGuard, list[Connection], Connection]:
    """Make a guard all of whose slots are held by unread bodies while one connection waits."""
    guard = ConnectionGuard(slots, "body")
    holders = fill(guard, slots)
    for holder in holders:
        guard.headers(holder, 0.0, body=True)
    return guard, holders, guard.open("GET late", HERE, 0.0, MAIN)


def test_the_least_recently_used_body_is_evicted_not_the_oldest() -> None:
    guard, (oldest, middle, _), late = stalled_guard()
    guard.reading(oldest)
    guard.paused(oldest, 0.0)
    assert guard.stalled() is middle
    assert list(guard.evict(middle, 0.0)) == [late]
    assert (middle.outcome, late.state, guard.evicted) == ("evicted", "waiting", Counter({HERE: 1}))


def test_nobody_is_evicted_while_somebody_reads() -> None:
    guard, (_, reader, _), late = stalled_guard()
    guard.reading(reader)
    assert guard.stalled() is None
    assert list(guard.paused(reader, 0.0)) == [late]


def test_nobody_is_evicted_while_headers_are_awaited() -> None:
    guard = ConnectionGuard(2, "body")
    first, second, late = fill(guard, 3)
    assert not guard.headers(first, 0.0, body=True)
    assert guard.stalled() is None
    assert list(guard.headers(second, 0.0, body=True)) == [late]
    assert guard.stalled() is first


def test_nobody_is_evicted_while_nobody_waits() -> None:
    guard, holders, late = stalled_guard()
    guard.close(late, "cancelled", 0.0)
    assert guard.stalled() is None
    assert guard.streaming == tuple(holders)


def test_where_the_first_of_the_queue_gives_up_the_next_is_told_that_it_may_evict() -> None:
    guard, _, late = stalled_guard()
    later = guard.open("GET later", HERE, 0.0, MAIN)
    assert list(guard.time_out(late, 0.0)) == [later]


def test_an_evicted_body_is_not_counted_as_unread_too() -> None:
    guard, holders, _ = stalled_guard()
    guard.evict(holders[0], 0.0)
    assert guard.unread == Counter({HERE: 2})


def test_without_queueing_the_excess_is_recorded_and_nobody_waits() -> None:
    guard = ConnectionGuard(2, "body", queueing=False)
    connections = fill(guard, 5)
    assert {connection.state for connection in connections} == {"waiting"}
    assert (guard.peak, guard.beyond, guard.queued, guard.queued_s) == (5, 3, 0, 0.0)


def test_the_first_connection_beyond_the_limit_is_remembered() -> None:
    guard = ConnectionGuard(1, "body")
    opened = [guard.open("GET", site, 0.0, MAIN) for site in SITES]
    assert guard.seventh is opened[1]


@pytest.mark.parametrize(("admitted_at", "timed_out"), [(1.5, 1), (1.62, 1), (1.49, 0), (1.0, 0)])
@pytest.mark.parametrize("body", [False, True])
def test_one_whose_deadline_strikes_timed_out_in_the_queue_if_it_spent_four_fifths_of_its_time_there(
    admitted_at: float, timed_out: int, body: bool
) -> None:
    guard = ConnectionGuard(1, "body")
    first = guard.open("GET", HERE, 0.0, MAIN)
    late = guard.open("GET", HERE, 1.0, MAIN)
    guard.close(first, "consumed", admitted_at)
    if body:
        guard.headers(late, admitted_at, body=True)
    guard.run_out(late, 1.625)
    assert guard.timed_out == Counter({HERE: timed_out} if timed_out else {})
    assert guard.first_timed_out is (late if timed_out else None)
    assert (late.state, late.outcome, late.closed_at) == ("closed", "failed", 1.625)


def test_one_that_never_waited_did_not_time_out_in_the_queue_however_short_its_time() -> None:
    guard = ConnectionGuard(1, "body", queueing=False)
    guard.run_out(fill(guard, 2)[1], 0.0)
    assert not guard.timed_out


def test_the_first_that_timed_out_is_remembered() -> None:
    guard = ConnectionGuard(1, "body")
    _, *queued = (guard.open("GET", site, 0.0, MAIN) for site in SITES)
    for connection in queued:
        guard.time_out(connection, 0.0)
    assert guard.first_timed_out is queued[0]


@pytest.mark.parametrize("threads", [[1, 1, 1], [1, 2, 1], [3, 2, 1]])
def test_the_threads_of_the_peak_are_counted_once_each(threads: list[int]) -> None:
    guard = ConnectionGuard(1, "body")
    assert guard.at_peak.threads == 0
    for thread in threads:
        guard.open("GET", HERE, 0.0, thread=thread)
    assert guard.at_peak.threads == len(set(threads))


def test_lines_beyond_the_limit_are_told_with_what_handed_over_their_work() -> None:
    fetch, pool = (Site((Frame("app.py", line, name),)) for line, name in [(3, "fetch"), (9, "main")])
    guard = ConnectionGuard(1, "body")
    held = guard.open("", fetch, 0, MAIN, carrier=pool)
    queued = guard.open("", fetch, 1, MAIN, carrier=pool)
    both = fetch.frames + pool.frames
    assert guard.seventh is not None
    assert guard.seventh.led().frames == both
    assert {site.frames: count for site, count in guard.at_peak.sites.items()} == {both: 2}
    guard.time_out(queued, 2)
    assert [site.frames for site in guard.timed_out] == [both]
    guard.headers(held, 3, body=True)
    assert [site.frames for site in guard.unread] == [both]
    guard.close(held, "abandoned", 4)
    assert [site.frames for site in guard.unread] == [site.frames for site in guard.unread_for] == [both]
    assert held.site is queued.site is fetch


def test_who_waits_for_those_that_hold_the_slots_is_asked_before_they_end() -> None:
    """A task may end with its response unread, and then nobody waits for it any more."""

    async def fetch() -> None:
        guard.open("", SITE, 0, MAIN, carrier=carrier_here())
        await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*(fetch() for _ in range(3)))

    guard = ConnectionGuard(2, "body")
    asyncio.run(main())
    gc.collect()
    assert [[frame.function for frame in site.frames] for site in guard.at_peak.sites] == [["fetch", "main"]]


def test_the_time_in_the_queue_is_that_until_the_slot_or_the_end() -> None:
    guard = ConnectionGuard(1, "body")
    first = guard.open("GET", HERE, 10.0, MAIN)
    granted = guard.open("GET", HERE, 11.0, MAIN)
    given_up = guard.open("GET", HERE, 12.0, MAIN)
    assert (first.queued_s, granted.queued_s) == (0.0, 0.0)
    guard.close(first, "consumed", 14.0)
    guard.time_out(given_up, 20.0)
    guard.close(granted, "consumed", 30.0)
    assert (first.queued_s, granted.queued_s, given_up.queued_s) == (0.0, 3.0, 8.0)
    assert guard.queued_s == 11.0


def test_a_withdrawn_connection_leaves_no_trace_in_the_timeline() -> None:
    guard = ConnectionGuard(6, "body")
    guard.close(guard.open("GET kept", HERE, 0.0, MAIN), "consumed", 0.0)
    guard.withdraw(guard.open("GET outer", HERE, 0.0, MAIN), 0.0)
    assert [connection.label for connection in guard.closed] == ["GET kept"]
    assert (guard.opened, guard.holders) == (1, ())


def test_the_state_stays_small_over_100000_connections_in_sequence() -> None:
    """What is open is what costs memory: closed connections are capped, and nothing else grows."""
    guard = ConnectionGuard(6, "body")
    for number in range(100_000):
        connection = guard.open("GET", SITES[number % 3], number, MAIN)
        guard.headers(connection, number, body=True)
        guard.reading(connection)
        guard.close(connection, "consumed", number)
    names = [spec.name for spec in fields(guard)]
    sizes = {name: len(value) for name in names if hasattr(value := getattr(guard, name), "__len__")}
    assert sizes.pop("closed") == KEPT
    assert sizes.pop("model") == len("body")
    assert len(sizes) == 7
    assert set(sizes.values()) == {0}
    assert guard.at_peak == Peak()
    assert guard.opened == 100_000


def test_the_first_connections_are_those_whose_times_are_kept() -> None:
    guard = ConnectionGuard(6, "body")
    for number in range(KEPT + 5):
        guard.close(guard.open(number, HERE, 0.0, MAIN), "consumed", 0.0)
    assert [connection.label for connection in guard.closed] == list(range(KEPT))


def test_a_connection_is_an_external_request_unless_it_is_said_to_lead_to_a_service() -> None:
    guard = ConnectionGuard(1, "body")
    fill(guard, 2)
    assert guard.at_peak.services == 0
    guard.open("D1 query", HERE, 0.0, MAIN, service=True)
    assert guard.at_peak.services == 1


def test_bodies_that_one_line_drops_are_counted_together() -> None:
    guard = ConnectionGuard(6, "body")
    for dropped in fill(guard, 2):
        guard.headers(dropped, 0.0, body=True)
        guard.close(dropped, "abandoned", 0.0)
    assert guard.abandoned == guard.unread == Counter({HERE: 2})


def test_a_body_that_is_still_open_is_named_by_what_it_answers() -> None:
    guard = ConnectionGuard(6, "body")
    left, last = (guard.open(label, HERE, 0.0, MAIN) for label in ("GET left", "GET last"))
    for connection in (left, last):
        guard.headers(connection, 0.0, body=True)
    assert guard.unread_for == {HERE: left}


def test_a_connection_shows_its_label_and_state() -> None:
    connection = ConnectionGuard(6, "body").open("GET https://a/", HERE, 0.0, MAIN)
    assert repr(connection) == "<Connection GET https://a/ waiting>"


class Interrupting(Site):  # type: ignore[misc]
    """A site that lets something happen while it is counted, as another thread may."""

    __slots__ = ("happens",)

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__()
        self.happens = happens

    def __hash__(self) -> int:
        self.happens()
        return 1

    def __eq__(self, other: object) -> bool:
        return self is other


def test_of_the_unread_bodies_of_a_line_the_first_is_named_that_was_not_closed() -> None:
    guard = ConnectionGuard(6, "body")
    for label in ("GET read", "GET dropped", "GET left", "GET last"):
        connection = guard.open(label, HERE, 0.0, MAIN)
        guard.headers(connection, 0.0, body=True)
        if label in {"GET read", "GET dropped"}:
            guard.close(connection, "consumed" if label == "GET read" else "abandoned", 0.0)
    assert {site: connection.label for site, connection in guard.unread_for.items()} == {HERE: "GET dropped"}


def test_the_unread_bodies_may_be_counted_while_another_thread_closes_one() -> None:
    guard = ConnectionGuard(6, "body")
    second: list[Connection] = []
    interrupting = Interrupting(lambda: [guard.close(one, "consumed", 0.0) for one in second])
    guard.headers(guard.open("GET", interrupting, 0.0, MAIN), 0.0, body=True)
    second.append(guard.open("GET", HERE, 0.0, MAIN))
    guard.headers(second[0], 0.0, body=True)
    assert guard.unread.total() == 2
    assert guard.unread.total() == 1
