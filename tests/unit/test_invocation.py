"""One run of a Worker: its ledger, its verdict, and the requests into an app under test."""

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cfworkers import CfLimitExceeded, Invocation, Limits, Statistics, attribution
from pytest_cfworkers.budgets.memory import MemoryBudget
from pytest_cfworkers.callsite import Frame, Site
from pytest_cfworkers.guards.connection import Connection
from pytest_cfworkers.guards.connections import KEPT
from pytest_cfworkers.guards.memory import unmeasured
from pytest_cfworkers.guards.queries import REPEATED, Scan
from pytest_cfworkers.limits import BY_KEY, Rule
from pytest_cfworkers.report.timeline import Timeline

HERE = Site((Frame("app.py", 3, "fetch"),))
THERE = Site((Frame("app.py", 9, "load"),))

NOTHING = Statistics(
    connections=0,
    peak_connections=0,
    queued=0,
    queued_ms=0.0,
    evicted=0,
    unread_bodies=0,
    subrequests=0,
    internal_subrequests=0,
    d1_queries=0,
    d1_parameters=0,
    cpu_ms=0.0,
    wall_ms=0.0,
)


class Clock:
    """A clock that stands until it is turned; what is done at its next reading may be given."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self.then: Callable[[], object] | None = None

    def __call__(self) -> float:
        then, self.then = self.then, None
        if then is not None:
            then()
        return self.now


def invocation_of(**limits: object) -> Invocation:
    return Invocation(Limits.none().replace(**limits), clock=Clock(), cpu_clock=Clock())


def fetch(invocation: Invocation, site: Site = HERE) -> None:
    """Make a request that is answered and read at once."""
    invocation.requests.headers(invocation.requests.open("GET", site), body=False)


def leave_unread(invocation: Invocation, site: Site = HERE) -> Connection:
    connection = invocation.requests.open("GET", site)
    invocation.requests.headers(connection, body=True)
    return connection


def query(invocation: Invocation, *statements: str) -> Connection:
    """Make a round trip to D1 that carries statements of two values each."""
    sent = statements or ("SELECT 1",)
    return invocation.requests.open_internal("D1 query", HERE, statements=sent, parameters=[2] * len(sent))


def rules(invocation: Invocation) -> list[Rule]:
    return [violation.rule for violation in invocation.violations]


# life


def test_without_limits_those_of_the_paid_plan_are_in_force() -> None:
    assert Invocation().limits == Limits.plan("paid")


def test_it_runs_from_its_start_to_its_end() -> None:
    invocation = Invocation()
    assert not invocation.running
    with invocation:
        assert invocation.running
    assert not invocation.running


def test_it_runs_only_once() -> None:
    with Invocation() as invocation:
        pass
    with pytest.raises(RuntimeError, match="make a new Invocation for each run"):
        invocation.start()


def test_finishing_again_or_before_the_start_changes_nothing() -> None:
    invocation = invocation_of(subrequests=0)
    invocation.finish()
    invocation.start()
    fetch(invocation)
    invocation.finish()
    found = invocation.violations
    assert [violation.rule for violation in found] == ["subrequests"]
    invocation.finish()
    assert invocation.violations == found


def test_what_happens_after_the_end_is_not_judged() -> None:
    invocation = invocation_of(subrequests=0, unread_bodies=0)
    with invocation:
        pass
    fetch(invocation)
    leave_unread(invocation)
    assert invocation.violations == ()


# the verdict


def test_leaving_the_block_raises_what_was_broken() -> None:
    invocation = invocation_of(subrequests=1)
    with pytest.raises(CfLimitExceeded) as caught, invocation:  # noqa: PT012 - the block is what is tested
        fetch(invocation)
        fetch(invocation)
    assert caught.value.violations == invocation.violations
    assert rules(invocation) == ["subrequests"]


def test_where_nothing_was_broken_nothing_is_raised() -> None:
    with invocation_of(subrequests=1) as invocation:
        fetch(invocation)
    assert invocation.violations == invocation.allowed == invocation.advice == ()


def test_the_failure_of_the_body_wins_and_the_violations_stay() -> None:
    invocation = invocation_of(subrequests=0)
    with pytest.raises(LookupError), invocation:  # noqa: PT012 - the block is what is tested
        fetch(invocation)
        raise LookupError
    assert rules(invocation) == ["subrequests"]


def test_without_enforcing_nothing_is_raised_and_nobody_waits() -> None:
    limits = Limits.none().replace(connections=1, subrequests=0, unread_bodies=0)
    with Invocation(limits, enforce=False) as invocation:
        connections = [leave_unread(invocation) for _ in range(3)]
        assert [connection.state for connection in connections] == ["streaming"] * 3
        assert invocation.requests.evict_stalled() is None
        child = invocation.child("GET /")
        assert not child.enforce
    assert rules(invocation) == ["connections", "unread-body", "subrequests"]
    assert invocation.statistics().queued == 0


@pytest.mark.parametrize("rule", ["subrequests", "unread-body"])
def test_an_allowed_rule_fails_nothing_and_is_told_as_allowed(rule: Rule) -> None:
    invocation = invocation_of(subrequests=0, unread_bodies=0, allow={rule: "on purpose"})
    with pytest.raises(CfLimitExceeded) as caught, invocation:
        leave_unread(invocation)
    assert [violation.rule for violation in invocation.allowed] == [rule]
    assert {violation.rule for violation in caught.value.violations} == {"subrequests", "unread-body"} - {rule}


# each rule


def broken_by(number: int) -> dict[str, Callable[[Invocation], object]]:
    def times(event: Callable[[Invocation], object]) -> Callable[[Invocation], object]:
        return lambda invocation: [event(invocation) for _ in range(number)]

    return {
        "connections": times(lambda invocation: invocation.requests.open("GET", HERE)),
        "unread_bodies": times(leave_unread),
        "subrequests": times(fetch),
        "internal_subrequests": times(query),
        "d1_queries": times(query),
    }


@pytest.mark.parametrize("key", list(broken_by(0)))
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_limit_may_be_reached_and_the_next_one_breaks_it(key: str, limit: int) -> None:
    for number, expected in ((limit, []), (limit + 1, [BY_KEY[key].rule])):
        invocation = invocation_of(**{key: limit})
        broken_by(number)[key](invocation)
        assert rules(invocation) == expected
        for violation in invocation.violations:
            assert (violation.observed, violation.limit, violation.frames) == (limit + 1, limit, HERE.frames)


@pytest.mark.parametrize("key", list(broken_by(0)))
def test_a_limit_that_is_off_is_not_broken(key: str) -> None:
    invocation = invocation_of()
    broken_by(500)[key](invocation)
    assert invocation.violations == ()


@pytest.mark.parametrize(("used_s", "expected"), [(0.010, []), (0.011, ["wall-time"])])
def test_wall_time_is_judged_by_the_clock(used_s: float, expected: list[str]) -> None:
    clock = Clock()
    invocation = Invocation(Limits.none().replace(wall_ms=10), clock=clock, cpu_clock=Clock())
    invocation.start()
    clock.now = used_s
    invocation.finish()
    assert rules(invocation) == expected


@pytest.mark.parametrize(("used_s", "broken"), [(0.010, False), (0.011, True)])
@pytest.mark.parametrize("given_here", [True, False])
def test_cpu_time_fails_where_it_was_given_and_only_warns_where_the_plan_says_it(
    used_s: float, broken: bool, given_here: bool
) -> None:
    clock = Clock()
    limits = Limits.plan("free").replace(cpu_ms=10) if given_here else Limits.plan("free")
    invocation = Invocation(limits, clock=Clock(), cpu_clock=clock)
    invocation.start()
    clock.now = used_s
    invocation.finish()
    assert rules(invocation) == (["cpu-time"] if broken and given_here else [])
    assert [violation.rule for violation in invocation.advice] == (["cpu-time"] if broken and not given_here else [])


def test_cpu_time_that_is_off_neither_fails_nor_warns() -> None:
    clock = Clock()
    invocation = Invocation(Limits.plan("free").replace(cpu_ms=None), clock=Clock(), cpu_clock=clock)
    invocation.start()
    clock.now = 100.0
    assert invocation.violations == invocation.advice == ()
    invocation.finish()


def test_a_request_that_ran_out_of_time_in_the_queue_is_told_with_its_line() -> None:
    invocation = invocation_of(connections=1, allow={"connections": "this is about the other rule"})
    invocation.requests.open("GET", HERE)
    invocation.requests.time_out(invocation.requests.open("GET", THERE))
    (violation,) = invocation.violations
    assert (violation.rule, violation.observed, violation.limit, violation.unit) == ("queued-timeout", 1, 0, "requests")
    assert violation.frames == THERE.frames


def test_the_unread_body_of_a_line_that_sends_many_requests_is_told_with_its_request() -> None:
    invocation = invocation_of(unread_bodies=0)
    invocation.requests.headers(invocation.requests.open("GET https://example.com/left", HERE), body=True)
    (violation,) = invocation.violations
    assert any("GET https://example.com/left" in line for line in violation.evidence)


# what was used


def test_the_statistics_say_what_was_used() -> None:
    clock, cpu = Clock(100.0), Clock(5.0)
    invocation = Invocation(Limits.none().replace(connections=1), clock=clock, cpu_clock=cpu)
    assert invocation.statistics() == NOTHING
    invocation.start()
    first = leave_unread(invocation)
    second = invocation.requests.open("GET", HERE)
    clock.now += 2.0
    cpu.now += 0.5
    assert invocation.requests.evict_stalled() is first
    invocation.requests.headers(second, body=True)
    third = query(invocation, "SELECT 1", "SELECT 2", "SELECT 3")
    invocation.requests.close(second, "consumed")
    leave_unread(invocation)
    invocation.requests.close(third, "consumed")
    assert invocation.statistics() == Statistics(
        connections=4,
        peak_connections=2,
        queued=3,
        queued_ms=2_000.0,
        evicted=1,
        unread_bodies=0,
        subrequests=3,
        internal_subrequests=1,
        d1_queries=1,
        d1_parameters=2,
        cpu_ms=500.0,
        wall_ms=2_000.0,
    )
    invocation.finish()


def test_the_same_figures_may_be_asked_by_the_key_of_a_limit() -> None:
    figures = Statistics(
        connections=100, peak_connections=7, queued=0, queued_ms=0, evicted=0, unread_bodies=1, subrequests=2,
        internal_subrequests=3, d1_queries=4, d1_parameters=7, cpu_ms=5.0, wall_ms=6.0, peak_memory=8,
    )  # fmt: skip
    used = {key: figures.used(key) for key in BY_KEY}
    assert list(used.values()) == [7, 1, 2, 3, 4, 8, 5.0, 6.0]


figures = st.builds(
    Statistics,
    **{name: st.integers(0, 100) for name in NOTHING.__dataclass_fields__ if name != "peak_memory"},
    peak_memory=st.none() | st.integers(0, 100),
)


@given(first=figures, second=figures)
def test_the_worst_of_two_is_the_larger_of_each_figure(first: Statistics, second: Statistics) -> None:
    worst = first.worst(second)
    assert worst == second.worst(first) or None in {first.peak_memory, second.peak_memory}
    for name in NOTHING.__dataclass_fields__:
        pair = [value for value in (getattr(first, name), getattr(second, name)) if value is not None]
        assert (getattr(worst, name) or 0) == max(pair, default=0)
    assert first.worst(None) is first


def test_connections_whose_times_are_not_kept_are_told() -> None:
    invocation = invocation_of(connections=6, connection_model="headers")
    for _ in range(KEPT + 5):
        fetch(invocation)
    assert invocation.requests.forgotten == 5
    leave_unread(invocation)
    invocation.requests.open("GET", HERE)
    assert invocation.requests.forgotten == 5


# events


def test_a_connection_tells_what_it_is_for_who_opened_it_and_whether_it_leads_to_a_service() -> None:
    invocation = invocation_of()
    request = invocation.requests.open("GET https://example.com/", HERE)
    call = invocation.requests.open_internal("KV get", THERE)
    assert (request.label, request.site, request.service) == ("GET https://example.com/", HERE, False)
    assert (call.label, call.site, call.service) == ("KV get", THERE, True)
    assert request.thread == call.thread == threading.get_ident()


def test_a_call_of_another_service_than_d1_is_no_query() -> None:
    invocation = invocation_of()
    invocation.requests.open_internal("KV get", HERE)
    assert (invocation.statistics().internal_subrequests, invocation.statistics().d1_queries) == (1, 0)


def test_what_another_request_waits_for_is_not_queued() -> None:
    """The other one would not end before it, and so never give its slot back."""
    invocation = invocation_of(connections=1)
    invocation.requests.open("GET", HERE)
    assert invocation.requests.open("GET", HERE).state == "queued"
    assert invocation.requests.open("GET inner", HERE, waits=False).state == "waiting"
    assert invocation.requests.open_internal("KV get", HERE).state == "queued"
    token = attribution.underway.set(SimpleNamespace(is_sent=False))
    assert invocation.requests.open_internal("KV get", HERE).state == "waiting"
    attribution.underway.reset(token)


def test_a_withdrawn_request_counts_for_nothing() -> None:
    invocation = invocation_of(subrequests=0)
    invocation.requests.withdraw(invocation.requests.open("GET", HERE))
    assert not invocation.requests.external.sites
    assert (invocation.statistics(), rules(invocation)) == (
        NOTHING.worst(Statistics(**{name: name == "peak_connections" for name in vars_of(NOTHING)})),
        [],
    )


def vars_of(figures: Statistics) -> list[str]:
    return [name for name in figures.__dataclass_fields__ if name != "peak_memory"]


def test_a_request_that_ended_cannot_be_withdrawn() -> None:
    invocation = invocation_of()
    connection = invocation.requests.open("GET", HERE)
    invocation.requests.close(connection, "failed")
    invocation.requests.withdraw(connection)
    assert (invocation.statistics().subrequests, invocation.statistics().connections) == (1, 1)


@pytest.mark.parametrize(("model", "next_one"), [("body", "queued"), ("headers", "waiting")])
def test_an_unread_body_holds_its_slot_by_the_model_in_force(model: str, next_one: str) -> None:
    invocation = invocation_of(connections=1, connection_model=model)
    leave_unread(invocation)
    assert invocation.requests.open("GET", HERE).state == next_one


def test_reading_a_body_keeps_it_from_being_evicted() -> None:
    invocation = invocation_of(connections=1)
    reader = leave_unread(invocation)
    late = invocation.requests.open("GET", HERE)
    invocation.requests.reading(reader)
    assert invocation.requests.evict_stalled() is None
    invocation.requests.paused_reading(reader)
    assert invocation.requests.evict_stalled() is reader
    assert late.state == "waiting"


@pytest.mark.parametrize("start_s", [0.0, 50.0])
def test_the_body_of_another_thread_is_given_time_to_be_read(start_s: float) -> None:
    clock = Clock(start_s)
    invocation = Invocation(Limits.none().replace(connections=1), clock=clock)
    body = leave_unread(invocation)
    invocation.requests.open("GET", HERE)
    assert invocation.requests.evict_stalled(thread=-1, patience_s=2.0) is None
    clock.now += 1.9
    assert invocation.requests.evict_stalled(thread=-1, patience_s=2.0) is None
    clock.now = start_s + 2.0
    assert invocation.requests.evict_stalled(thread=-1, patience_s=2.0) is body


def test_the_body_of_the_same_thread_is_given_none() -> None:
    invocation = invocation_of(connections=1)
    body = leave_unread(invocation)
    invocation.requests.open("GET", HERE)
    assert invocation.requests.evict_stalled(thread=threading.get_ident(), patience_s=2.0) is body


def test_while_another_thread_reads_between_two_parts_no_body_is_evicted() -> None:
    """One body has lain unread for long, but the other may free its slot at any moment."""
    clock = Clock()
    invocation = Invocation(Limits.none().replace(connections=2), clock=clock)
    forgotten, read = leave_unread(invocation), leave_unread(invocation)
    invocation.requests.open("GET", HERE)
    clock.now = 10.0
    invocation.requests.reading(read)
    invocation.requests.paused_reading(read)
    assert invocation.requests.evict_stalled(thread=-1, patience_s=2.0) is None
    clock.now = 12.0
    assert invocation.requests.evict_stalled(thread=-1, patience_s=2.0) is forgotten


def test_where_going_over_the_limit_is_allowed_the_first_in_the_queue_goes_on_and_no_body_is_evicted() -> None:
    invocation = invocation_of(connections=1, allow={"connections": "meant"})
    body = leave_unread(invocation)
    first, second = (invocation.requests.open("GET", HERE) for _ in range(2))
    woken = waited_for(first)
    assert invocation.requests.evict_stalled() is None
    assert (body.state, first.state, second.state, woken) == ("streaming", "waiting", "queued", [first])


def test_also_where_going_over_the_limit_is_allowed_a_request_waits_while_somebody_reads() -> None:
    invocation = invocation_of(connections=1, allow={"connections": "meant"})
    invocation.requests.reading(leave_unread(invocation))
    late = invocation.requests.open("GET", HERE)
    assert invocation.requests.evict_stalled() is None
    assert late.state == "queued"


def waited_for(connection: Connection) -> list[Connection]:
    """Let somebody wait for a connection, and return what will hold it once that one was woken."""
    woken: list[Connection] = []

    class Noting:
        def wake(self) -> None:
            woken.append(connection)

    connection.waiter = Noting()
    return woken


@pytest.mark.parametrize(
    "give_back",
    [
        lambda invocation, holder: invocation.requests.headers(holder, body=False),
        lambda invocation, holder: invocation.requests.close(holder, "failed"),
        lambda invocation, holder: invocation.requests.withdraw(holder),
        lambda invocation, holder: invocation.requests.abandon(holder),
        lambda invocation, holder: (
            invocation.requests.headers(holder, body=True),
            invocation.requests.evict_stalled(),
        ),
    ],
    ids=["no body", "closed", "withdrawn", "abandoned", "evicted"],
)
def test_whoever_waits_for_a_slot_is_woken_however_it_comes_back(
    give_back: Callable[[Invocation, Connection], object],
) -> None:
    invocation = invocation_of(connections=1)
    holder, late = (invocation.requests.open("GET", HERE) for _ in range(2))
    woken = waited_for(late)
    give_back(invocation, holder)
    assert late.state == "waiting"
    assert late in woken


# garbage collection


def test_an_abandoned_body_is_unread_and_its_slot_comes_back() -> None:
    invocation = invocation_of(connections=1, unread_bodies=0, allow={"connections": "this is about bodies"})
    body = leave_unread(invocation)
    late = invocation.requests.open("GET", HERE)
    invocation.requests.abandon(body)
    assert (late.state, body.outcome, rules(invocation)) == ("waiting", "abandoned", ["unread-body"])
    invocation.requests.abandon(body)
    assert invocation.statistics().unread_bodies == 1


EVENTS: dict[str, Callable[[Invocation, Connection], object]] = {
    "open": lambda invocation, _: invocation.requests.open("GET", HERE),
    "open a query": lambda invocation, _: query(invocation),
    "headers": lambda invocation, other: invocation.requests.headers(other, body=True),
    "paused": lambda invocation, other: invocation.requests.paused_reading(other),
    "close": lambda invocation, other: invocation.requests.close(other, "consumed"),
    "withdraw": lambda invocation, other: invocation.requests.withdraw(other),
    "time out": lambda invocation, other: invocation.requests.time_out(other),
    "let through": lambda invocation, other: invocation.requests.let_through(other),
    "evict": lambda invocation, _: invocation.requests.evict_stalled(),
}


@pytest.mark.parametrize("event", list(EVENTS))
def test_a_body_that_is_collected_within_an_event_gives_its_slot_back_after_it(event: str) -> None:
    """The collector runs anywhere, also while this thread holds the lock of the invocation."""
    clock = Clock()
    invocation = Invocation(Limits.none().replace(connections=2, unread_bodies=None), clock=clock)
    collected = invocation.requests.open("GET collected", HERE)
    other = invocation.requests.open("GET other", HERE)
    late = invocation.requests.open("GET late", HERE)
    assert (collected.state, other.state, late.state) == ("waiting", "waiting", "queued")
    clock.then = lambda: invocation.requests.abandon(collected)
    EVENTS[event](invocation, other)
    assert clock.then is None
    assert (collected.outcome, late.state) == ("abandoned", "waiting")


def test_a_body_that_is_collected_while_another_is_swept_is_swept_too() -> None:
    clock = Clock()
    invocation = Invocation(Limits.none().replace(connections=1), clock=clock)
    first = leave_unread(invocation)
    second = invocation.requests.open("GET", HERE)
    clock.then = lambda: invocation.requests.abandon(second)
    invocation.requests.abandon(first)
    assert (first.outcome, second.outcome) == ("abandoned", "abandoned")
    assert invocation.connections.holders == invocation.connections.queue == ()


def test_a_body_that_is_collected_while_another_thread_is_at_work_never_waits_for_it() -> None:
    clock = Clock()
    invocation = Invocation(Limits.none(), clock=clock)
    body = leave_unread(invocation)

    def collect_elsewhere() -> None:
        thread = threading.Thread(target=invocation.requests.abandon, args=(body,), daemon=True)
        thread.start()
        thread.join(20.0)
        assert not thread.is_alive()

    clock.then = collect_elsewhere
    fetch(invocation)
    assert body.outcome == "abandoned"


# requests into an app under test


def test_a_child_has_budgets_of_its_own() -> None:
    with invocation_of(subrequests=2) as invocation:
        for name in "ab":
            child = invocation.child(f"GET /{name}")
            child.start()
            fetch(child)
            fetch(child)
            child.finish()
        assert invocation.statistics().subrequests == 0
        assert invocation.worst().subrequests == 2
    assert invocation.violations == ()


def test_what_a_child_broke_is_judged_with_its_parent_and_names_the_request() -> None:
    invocation = invocation_of(subrequests=0)
    with pytest.raises(CfLimitExceeded), invocation:  # noqa: PT012 - the block is what is tested
        child = invocation.child("GET /orders")
        child.start()
        fetch(child)
        child.finish()
    (violation,) = invocation.violations
    assert violation.evidence[0] == "while the app handled GET /orders"
    assert violation.frames == HERE.frames


def test_children_that_broke_a_rule_in_the_same_place_are_one_violation() -> None:
    invocation = invocation_of(subrequests=0)
    invocation.start()
    for site in (HERE, THERE, HERE, HERE):
        child = invocation.child("GET /")
        child.start()
        fetch(child, site)
        child.finish()
    invocation.finish()
    assert [violation.frames for violation in invocation.violations] == [HERE.frames, THERE.frames]
    assert [violation.evidence[0] for violation in invocation.violations] == [
        "while the app handled GET /, and 2 more requests like it",
        "while the app handled GET /",
    ]


def test_what_a_child_may_break_is_allowed_in_its_parent_too() -> None:
    with invocation_of(subrequests=0, allow={"subrequests": "on purpose"}) as invocation:
        child = invocation.child("GET /")
        child.start()
        fetch(child)
        child.finish()
    assert invocation.violations == ()
    assert [violation.rule for violation in invocation.allowed] == ["subrequests"]


def test_children_that_still_run_end_with_their_parent() -> None:
    invocation = invocation_of(subrequests=0)
    invocation.start()
    outer = invocation.child("GET /outer")
    outer.start()
    inner = outer.child("GET /inner")
    inner.start()
    fetch(inner)
    invocation.finish()
    assert not outer.running
    assert not inner.running
    assert rules(invocation) == ["subrequests"]
    outer.finish()
    inner.finish()
    assert rules(invocation) == ["subrequests"]


def test_a_child_goes_by_the_clocks_of_its_parent() -> None:
    clock, cpu = Clock(), Clock()
    invocation = Invocation(Limits.none().replace(cpu_ms=10, wall_ms=10), clock=clock, cpu_clock=cpu)
    invocation.start()
    clock.now, cpu.now = 1.0, 2.0
    child = invocation.child("GET /")
    child.start()
    clock.now, cpu.now = 4.0, 2.5
    assert (child.statistics().wall_ms, child.statistics().cpu_ms) == (3_000.0, 500.0)
    invocation.finish()


def test_the_worst_figures_are_taken_one_by_one_over_parent_and_children() -> None:
    invocation = invocation_of()
    invocation.start()
    fetch(invocation)
    for bodies, internal in ((3, 1), (1, 4)):
        child = invocation.child("GET /")
        child.start()
        for _ in range(bodies):
            leave_unread(child)
        for _ in range(internal):
            query(child)
        child.finish()
    worst = invocation.worst()
    assert (worst.subrequests, worst.unread_bodies, worst.internal_subrequests) == (3, 3, 4)
    invocation.finish()


def test_a_statement_that_was_sent_again_and_again_is_worth_a_batch() -> None:
    invocation = invocation_of(d1_queries=100)
    for _ in range(REPEATED):
        query(invocation, "SELECT 1", "SELECT 2")
        assert invocation.advice == ()
    for _ in range(REPEATED):
        query(invocation, "SELECT 3")
    (advice,) = invocation.advice
    assert (advice.rule, advice.observed, advice.frames) == ("d1-queries", REPEATED, HERE.frames)
    assert invocation.violations == ()


def test_a_scan_of_a_whole_table_is_told_once() -> None:
    invocation = invocation_of(d1_queries=100)
    for _ in range(2):
        invocation.requests.note_scan(Scan("orders", 1_200, "SELECT * FROM orders", THERE))
    (advice,) = invocation.advice
    assert "1,200 rows" in advice.headline
    assert advice.frames == THERE.frames


def test_a_scan_gives_back_the_slot_of_what_is_collected_meanwhile() -> None:
    invocation = invocation_of(connections=1)
    collected = invocation.requests.open("GET", HERE)
    late = invocation.requests.open("GET", HERE)

    class Collecting(str):  # noqa: SLOT000 - a text whose hash is asked for while the lock is held
        def __hash__(self) -> int:
            invocation.requests.abandon(collected)
            return 1

    invocation.requests.note_scan(Scan("orders", 1, Collecting("SELECT"), HERE))
    assert late.state == "waiting"


def test_where_d1_is_not_limited_nothing_is_advised_about_it() -> None:
    invocation = invocation_of()
    for _ in range(10):
        query(invocation)
    invocation.requests.note_scan(Scan("orders", 1_200, "SELECT * FROM orders", THERE))
    assert invocation.advice == ()


# how long


def test_it_took_as_long_as_its_clock_says() -> None:
    clock = Clock()
    with Invocation(Limits.none(), clock=clock, cpu_clock=Clock()) as invocation:
        clock.now = 0.5
    assert invocation.walls_ms == (500.0,)


def test_where_it_drives_an_app_the_requests_into_it_are_what_took_time() -> None:
    clock = Clock()
    with Invocation(Limits.none(), clock=clock, cpu_clock=Clock()) as invocation:
        for seconds in (0.25, 0.5):
            with invocation.child("GET /"):
                clock.now += seconds
        clock.now = 9.0
    assert invocation.walls_ms == (250.0, 500.0)


# what is known


def test_what_is_tolerated_is_known_and_fails_nothing() -> None:
    invocation = invocation_of(subrequests=0, unread_bodies=0)
    invocation.tolerates = lambda found: found.rule == "subrequests"
    with pytest.raises(CfLimitExceeded) as raised, invocation:
        leave_unread(invocation)
    assert [found.rule for found in raised.value.violations] == ["unread-body"]
    assert [found.rule for found in invocation.known] == ["subrequests"]


def test_what_is_allowed_is_not_known_besides() -> None:
    invocation = invocation_of(subrequests=0, allow={"subrequests": "the reason"})
    invocation.tolerates = lambda _: True
    with invocation:
        fetch(invocation)
    assert (len(invocation.allowed), invocation.known) == (1, ())


# the timeline


class Samples:
    """What measures memory, with samples made up; it was ready a minute before the invocation began."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self.started_at = 0.0
        self.baseline = 0
        self.measurement = unmeasured("none", "it is made up")

    def start(self) -> None:
        self.started_at = time.monotonic() - 60

    def stop(self) -> None:
        """Nothing is to be ended."""

    @property
    def samples(self) -> tuple[tuple[float, int], ...]:
        start = self._budget.started_at
        return (start - 30, 5), (start + 0.25, 10)


def test_the_timeline_of_memory_begins_with_the_invocation_and_not_with_getting_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def made(budget: MemoryBudget) -> Samples:
        return Samples(budget)

    monkeypatch.setattr(MemoryBudget, "_made", made)
    with Invocation(Limits.none().replace(memory="64 MB")) as invocation:
        pass
    assert [(round(moment), size) for moment, size in Timeline.of(invocation).memory] == [(0, 5), (250, 10)]
