"""What a user reads: each message says what happened, where, what the platform does, the fix and the way out."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_cfworkers.callsite import NOWHERE, Frame, Site
from pytest_cfworkers.guards.connection import Connection
from pytest_cfworkers.guards.connections import ConnectionGuard
from pytest_cfworkers.guards.memory import Measurement
from pytest_cfworkers.guards.subrequests import SubrequestGuard
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.limits import BY_RULE, RULES
from pytest_cfworkers.timing_keys import timed
from pytest_cfworkers.violation import Violation
from pytest_cfworkers.wording import d1, lines, memory, requests, time


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site in a file of the current folder."""
    (tmp_path / "app.py").write_text("a = 1\nresponse = get(url)\nhelper()\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    path = str(tmp_path / "app.py")
    return Site((Frame(path, 2, "fetch"), Frame(path, 3, "main"), Frame(path, 1, "test")))


def too_many_connections(site: Site, limits: Limits) -> Violation:
    guard = ConnectionGuard(limits.connections, limits.connection_model)
    connections = [guard.open("GET", site, 0.0, thread=1) for _ in range(7)]
    for connection in connections[:6]:
        guard.headers(connection, 0.0, body=True)
    if (stalled := guard.stalled()) is not None:
        guard.evict(stalled, 0.5)
    return requests.connections(guard, limits)


def timed_out_in_the_queue(site: Site, limits: Limits) -> Violation:
    guard = ConnectionGuard(1, "body")
    guard.open("GET", site, 0.0, thread=1)
    guard.time_out(guard.open("GET", site, 0.0, thread=1), 0.0)
    return requests.queued_timeout(guard, limits)


def spent(site: Site, limit: float | None) -> SubrequestGuard:
    assert limit is not None
    guard = SubrequestGuard(int(limit))
    guard.add(site, int(limit) + 1)
    return guard


LIMITS = Limits.plan("free").replace(wall_ms=5_000)

BROKEN: dict[str, Callable[[Site], Violation]] = {
    "connections": lambda site: too_many_connections(site, LIMITS),
    "queued-timeout": lambda site: timed_out_in_the_queue(site, LIMITS),
    "unread-body": lambda site: requests.unread_bodies(Counter({site: 1}), LIMITS),
    "subrequests": lambda site: requests.subrequests(spent(site, LIMITS.subrequests), LIMITS),
    "internal-subrequests": lambda site: requests.internal_subrequests(
        spent(site, LIMITS.internal_subrequests), LIMITS
    ),
    "d1-queries": lambda site: d1.d1_queries(spent(site, LIMITS.d1_queries), LIMITS),
    "cpu-time": lambda _: time.cpu_time(1_012.34, 0.0, LIMITS),
    "wall-time": lambda _: time.wall_time(6_012.34, LIMITS),
}
HEADLINES = {
    "connections": "7 connections at once, the limit is 6",
    "queued-timeout": "1 request timed out in the queue, the limit is 0",
    "unread-body": "1 response body neither read nor closed, the limit is 0",
    "subrequests": "51 subrequests, the limit is 50 (free plan)",
    "internal-subrequests": "1,001 calls of services, the limit is 1,000 (free plan)",
    "d1-queries": "1,001 D1 queries, the limit is 1,000 (free plan)",
    "cpu-time": "1,012.3 ms of CPU time, the limit is 10 ms (free plan)",
    "wall-time": "6,012.3 ms from start to end, the limit is 5,000 ms",
}
EACH_RULE = pytest.mark.parametrize("rule", list(BROKEN))


def test_every_rule_but_memory_has_a_message() -> None:
    """Memory is measured elsewhere; its message comes with its guard."""
    assert set(RULES) - set(BROKEN) <= {"memory"}


@EACH_RULE
def test_the_headline_says_observed_and_limit_in_the_same_unit(rule: str, app: Site) -> None:
    violation = BROKEN[rule](app)
    assert (violation.rule, violation.headline) == (rule, HEADLINES[rule])
    numbers = [
        float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?:\.\d+)?(?! queries)", HEADLINES[rule])
    ]
    assert {violation.observed, violation.limit} <= set(numbers)
    assert violation.observed > violation.limit


@EACH_RULE
def test_the_unit_and_the_source_are_those_of_the_limit(rule: str, app: Site) -> None:
    violation = BROKEN[rule](app)
    row = BY_RULE.get(rule, BY_RULE["connections"])
    assert violation.source == row.source
    assert violation.unit == ("requests" if rule == "queued-timeout" else row.unit)
    assert str(violation).endswith(f"\n  {row.source}")


@EACH_RULE
def test_the_remedy_is_the_platform_a_fix_of_two_lines_and_the_way_to_allow_it(rule: str, app: Site) -> None:
    lines = BROKEN[rule](app).remedy.splitlines()
    fix = lines.index("Fix:")
    assert fix >= 1  # what the platform does comes first
    assert all(line.startswith("    ") for line in lines[fix + 1 : fix + 3])
    assert lines[fix + 3 :] == [f'On purpose? @pytest.mark.cf_limits(allow={{"{rule}": "the reason"}})']
    assert not re.search(r"\{limit|\{\{|\}\}", "\n".join(lines[: fix + 3]))


@EACH_RULE
def test_the_evidence_names_the_line_with_its_text_and_who_called_it(rule: str, app: Site) -> None:
    violation = BROKEN[rule](app)
    if rule in {"cpu-time", "wall-time"}:
        assert violation.frames == ()
        return
    assert violation.frames == app.frames
    where = next(number for number, line in enumerate(violation.evidence) if "app.py" in line)
    assert violation.evidence[where].endswith("app.py:2 in fetch: response = get(url)")
    assert violation.evidence[where + 1 : where + 3] == (
        "      called from app.py:3 in main",
        "      called from app.py:1 in test",
    )


@EACH_RULE
def test_no_line_of_a_message_is_too_long_to_be_read(rule: str, app: Site) -> None:
    assert max(map(len, str(BROKEN[rule](app)).splitlines())) <= 170


@pytest.mark.parametrize("limits", [LIMITS, LIMITS.replace(connections=4, subrequests=9, cpu_ms=5, memory="9 MB")])
@EACH_RULE
def test_prose_fits_a_terminal_of_eighty_columns(
    rule: str, limits: Limits, app: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code, addresses and the lines that name files may be longer: they are looked at, copied and clicked on."""
    monkeypatch.setitem(globals(), "LIMITS", limits)
    violation = BROKEN[rule](app)
    head, _, rest = str(violation).partition("\n")
    prose = [line for line in rest.splitlines() if not re.match(r"\s*https:|\s{6}|.*(app\.py|pytest\.mark)", line)]
    assert max(map(len, [head, *prose])) <= 79


def test_a_word_that_is_too_long_for_a_line_stays_whole() -> None:
    word = "w" * 90
    assert lines.prose(f"see {word} here\nhttps://a.example/{word}", indent=4) == [
        "see",
        word,
        "here",
        f"https://a.example/{word}",
    ]


@pytest.mark.parametrize("model", ["body", "headers"])
def test_the_fix_goes_by_the_limit_in_force(app: Site, model: str) -> None:
    """A Worker that is held to three connections must not be told to use six."""
    limits = Limits.plan().replace(connections=3, connection_model=model)
    for violation in (too_many_connections(app, limits), timed_out_in_the_queue(app, limits)):
        assert "asyncio.Semaphore(3)" in violation.remedy
        assert violation.remedy.startswith("Your limit allows 3 at a time, where a Worker has 6")


@pytest.mark.parametrize("limits", [Limits.plan(), Limits.plan().replace(connections=6)])
def test_the_platforms_own_number_is_called_so_whoever_gave_it(app: Site, limits: Limits) -> None:
    for violation in (too_many_connections(app, limits), timed_out_in_the_queue(app, limits)):
        assert violation.remedy.startswith("A Worker has 6 connections at a time")


def remedy_of(rule: str, limits: Limits) -> str:
    """The remedy of a rule on one line."""
    violation = {
        "subrequests": lambda: requests.subrequests(spent(NOWHERE, limits.subrequests), limits),
        "internal-subrequests": lambda: requests.internal_subrequests(
            spent(NOWHERE, limits.internal_subrequests), limits
        ),
        "cpu-time": lambda: time.cpu_time(1e9, 0.0, limits),
        "wall-time": lambda: time.wall_time(1e9, limits),
        "memory": lambda: memory.memory(Measurement(peak=2**40, low=2**40, high=2**40, engine="tracemalloc"), limits),
    }[rule]()
    return " ".join(violation.remedy.split())


OWN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "subrequests": ({"subrequests": 20}, {"subrequests": 10_000}),
    "internal-subrequests": ({"internal_subrequests": 20}, {"internal_subrequests": 10_000}),
    "cpu-time": ({"cpu_ms": 20}, {"cpu_ms": 30_000}),
    "wall-time": ({"wall_ms": 20}, {"wall_ms": "wait_until"}),
    "memory": ({"memory": "20 MB"}, {"memory": "128 MB"}),
}


@pytest.mark.parametrize("rule", OWN)
def test_what_the_platform_does_is_not_told_of_a_limit_of_ones_own(rule: str) -> None:
    own, platform = OWN[rule]
    assert "The limit is your own. " in remedy_of(rule, Limits.plan().replace(**own))
    assert "your own" not in remedy_of(rule, Limits.plan().replace(**platform)).partition("Fix:")[0]


def test_what_the_platform_refuses_goes_by_the_plan_and_the_wrangler_file() -> None:
    own = Limits.plan().replace(subrequests=20)
    assert "The platform refuses what is beyond 10,000:" in remedy_of("subrequests", own)
    assert "The platform refuses what is beyond 300:" in remedy_of("subrequests", own.configure(subrequests=300))
    configured = Limits.plan().configure(subrequests=300)
    assert "The platform refuses the next one:" in remedy_of("subrequests", configured)


def test_cpu_time_that_a_test_gave_is_not_raised_in_the_wrangler_file() -> None:
    given, plans = Limits.plan().replace(cpu_ms=20), Limits.plan()
    assert ("wrangler" in remedy_of("cpu-time", given), "raise your own" in remedy_of("cpu-time", given)) == (
        False,
        True,
    )
    assert ("wrangler" in remedy_of("cpu-time", plans), "raise your own" in remedy_of("cpu-time", plans)) == (
        True,
        False,
    )


# the way out


def way_out(violation: Violation) -> str:
    return violation.remedy.partition("On purpose? ")[2]


@pytest.mark.parametrize(
    ("violation", "key"),
    [
        (lambda limits: time.cpu_time(99, 0.0, limits), "cpu_ms"),
        (lambda limits: time.wall_time(99, limits), "wall_ms"),
        (lambda limits: time.slow_percentile("p95_ms", 99, [("a", 99)], limits), "p95_ms"),
    ],
)
def test_where_only_times_are_limited_the_way_out_guards_nothing_else(
    violation: Callable[[Limits], Violation], key: str
) -> None:
    times = timed(Limits.plan().only(), cpu_ms=20, wall_ms=20, p95_ms=20)
    assert way_out(violation(times)) == f"@pytest.mark.cf_timing({key}=...) on the test gives it more time."
    every = timed(Limits.plan(), cpu_ms=20, wall_ms=20, p95_ms=20)
    assert way_out(violation(every)).startswith("@pytest.mark.cf_limits(allow=")


def test_where_a_fixture_limits_something_the_way_out_says_what_else_it_does() -> None:
    limits = Limits.plan().only("unread_bodies")
    assert way_out(requests.unread_bodies(Counter({NOWHERE: 1}), limits)).splitlines() == [
        '@pytest.mark.cf_limits(allow={"unread-body": "the reason"})',
        "The mark guards every other limit, too.",
    ]


def test_the_connections_say_how_long_they_waited_and_whom_they_cost_the_body(app: Site) -> None:
    violation = too_many_connections(app, LIMITS)
    assert violation.evidence[:2] == ("open at that moment:", "  7 × app.py:2 in fetch: response = get(url)")
    assert "in the whole invocation 1 connection waited in the queue, 500.0 ms in all" in violation.evidence
    assert 'cancelled to make room, with "Response closed due to connection limit":' in violation.evidence


def test_of_several_peaks_each_that_waited_is_told_once_and_of_no_single_moment(app: Site) -> None:
    """Three times twenty: what waited in all is more than was open at any moment."""
    guard = ConnectionGuard(6, "body")
    for now in (0.0, 1.0, 2.0):
        for connection in [guard.open("GET", app, now, 0) for _ in range(20)]:
            guard.headers(connection, now + 0.5, body=False)
    violation = requests.connections(guard, LIMITS)
    assert violation.headline == "20 connections at once, the limit is 6"
    assert any(line.startswith("in the whole invocation 42 connections waited in the") for line in violation.evidence)


def test_connections_that_did_not_wait_say_nothing_of_a_queue(app: Site) -> None:
    guard = ConnectionGuard(6, "body", queueing=False)
    for _ in range(8):
        guard.open("GET", app, 0.0, thread=1)
    evidence = requests.connections(guard, LIMITS).evidence
    assert not any("queue" in line or "cancelled" in line for line in evidence)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("body", "A connection counts here until its body is read or closed: the platform's rule until 2026-04-09"),
        ("headers", "A connection counts until its headers arrive: the platform's rule since 2026-04-09."),
    ],
)
def test_the_connections_say_which_rule_counts_and_since_when(app: Site, model: str, expected: str) -> None:
    violation = too_many_connections(app, LIMITS.replace(connection_model=model))
    assert expected in violation.remedy.replace("\n", " ")


def test_a_number_that_was_given_is_not_called_the_plans(app: Site) -> None:
    limits = Limits.plan("free").replace(subrequests=5)
    assert requests.subrequests(spent(app, 5), limits).headline == "6 subrequests, the limit is 5"


def test_the_lines_are_ranked_and_the_rest_is_counted() -> None:
    sites = {number: Site((Frame(f"/elsewhere/f{number}.py", 1, "f"),)) for number in range(1, 12)}
    violation = requests.unread_bodies(Counter({site: number for number, site in sites.items()}), LIMITS)
    shown = violation.evidence[1:]
    assert shown[0] == "  11 × /elsewhere/f11.py:1 in f"
    assert shown[7] == "  4 × /elsewhere/f4.py:1 in f"
    assert shown[8:] == ("  6 more from 3 other lines",)
    assert violation.headline == "66 response bodies neither read nor closed, the limit is 0"


def test_a_single_time_is_not_counted_and_a_place_without_a_line_is_told() -> None:
    violation = requests.unread_bodies(Counter({NOWHERE: 1}), LIMITS)
    assert violation.evidence == ("opened at:", "  a place outside of your code")
    assert violation.frames == ()


def test_an_unread_body_names_the_request_where_one_line_sends_them_all(app: Site) -> None:
    """A library or a transport sends everything from one line; it alone would not tell which request it was."""

    def first(label: str) -> Connection:
        return Connection(label, NOWHERE, 0, 0.0)

    once = requests.unread_bodies(Counter({app: 1}), LIMITS, {app: first("GET https://a.example/one")})
    firsts = {app: first("GET /one"), NOWHERE: first("GET /two")}
    often = requests.unread_bodies(Counter({app: 2, NOWHERE: 3}), LIMITS, firsts)
    assert once.evidence[-1] == "      for GET https://a.example/one"
    assert [line for line in often.evidence if "for" in line] == [
        "      the first for GET /two",
        "      the first for GET /one",
    ]


def test_a_path_outside_of_the_current_folder_is_whole(app: Site) -> None:
    assert lines.place(app.frames[0]) == "app.py:2 in fetch"
    assert lines.place(Frame("/elsewhere/lib.py", 4, "f")) == "/elsewhere/lib.py:4 in f"


def test_a_violation_of_a_request_names_the_request_and_its_likes(app: Site) -> None:
    violation = requests.subrequests(spent(app, 50), LIMITS)
    within = requests.within(violation, "GET /orders")
    assert within.evidence == ("while the app handled GET /orders", *violation.evidence)
    assert requests.repeated(within, 1) == within
    assert requests.repeated(within, 2).evidence[0] == "while the app handled GET /orders, and 1 more request like it"
    assert requests.repeated(within, 1_001).evidence == (
        "while the app handled GET /orders, and 1,000 more requests like it",
        *violation.evidence,
    )
