"""What a user reads: each message says what happened, where, what the platform does, the fix and the way out."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_cfworkers.callsite import NOWHERE, Frame, Site
from pytest_cfworkers.guards.connections import ConnectionGuard
from pytest_cfworkers.guards.subrequests import SubrequestGuard
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.limits import BY_RULE, RULES
from pytest_cfworkers.violation import Violation
from pytest_cfworkers.wording import d1, lines, requests, time


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
    "queued-timeout": "1 request timed out in the queue for a connection, the limit is 0",
    "unread-body": "1 response body neither read nor closed, the limit is 0",
    "subrequests": "51 subrequests, the limit is 50 (free plan)",
    "internal-subrequests": "1,001 subrequests to Cloudflare services, the limit is 1,000 (free plan)",
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


@pytest.mark.parametrize("model", ["body", "headers"])
def test_the_fix_goes_by_the_limit_in_force(app: Site, model: str) -> None:
    """A Worker that is held to three connections must not be told to use six."""
    limits = Limits.plan().replace(connections=3, connection_model=model)
    for violation in (too_many_connections(app, limits), timed_out_in_the_queue(app, limits)):
        assert "asyncio.Semaphore(3)" in violation.remedy
        assert "A Worker has 3 connections at a time" in violation.remedy


def test_the_connections_say_how_long_they_waited_and_whom_they_cost_the_body(app: Site) -> None:
    violation = too_many_connections(app, LIMITS)
    assert violation.evidence[:2] == ("open at that moment:", "  7 × app.py:2 in fetch: response = get(url)")
    assert "1 of them waited in the queue, 500.0 ms in all" in violation.evidence
    assert 'cancelled unread to make room, with "Response closed due to connection limit":' in violation.evidence


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
    assert expected in violation.remedy


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
    once = requests.unread_bodies(Counter({app: 1}), LIMITS, {app: "GET https://a.example/one"})
    often = requests.unread_bodies(Counter({app: 2, NOWHERE: 3}), LIMITS, {app: "GET /one", NOWHERE: "GET /two"})
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
