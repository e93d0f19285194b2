"""Gates are read by their grammar and by nothing looser, and judged against the model of a run."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cfworkers.gates.expression import Gate, GateError
from pytest_cfworkers.gates.metrics import BY_NAME, METRICS
from pytest_cfworkers.report.model import TestRecord, Usage
from pytest_cfworkers.report.run import Bundle, GateResult
from tests.report.runs import record, run


def judged(text: str, *tests: TestRecord, bundle: Bundle | None = None) -> GateResult:
    result = Gate.parse(text).judge(run(*tests, bundle=bundle))
    assert result is not None
    return result


def used(key: str, amount: float, nodeid: str = "test_it") -> TestRecord:
    usage = {key: Usage(used=amount, limit=1_000, other=None)}
    return record(nodeid, violations=(), outcome="passed", usage=usage, walls_ms=())


@pytest.mark.parametrize(
    ("text", "name", "comparison", "bound"),
    [
        ("p95_ms<=5000", "p95_ms", "<=", 5_000),
        ("p95_ms<=5000ms", "p95_ms", "<=", 5_000),
        ("p95_ms <= 5 s", "p95_ms", "<=", 5_000),
        ("cron_ms<14min", "cron_ms", "<", 840_000),
        ("peak_memory<=100MB", "peak_memory", "<=", 100 * 2**20),
        ("peak_memory<=100MiB", "peak_memory", "<=", 100 * 2**20),
        ("bundle_size<=1.5KB", "bundle_size", "<=", 1_536),
        ("bundle_size<=4096", "bundle_size", "<=", 4_096),
        ("error_rate<=0.01", "error_rate", "<=", 0.01),
        ("error_rate<=1%", "error_rate", "<=", 0.01),
        ("connections<=5", "connections", "<=", 5),
        ("violations==0", "violations", "==", 0),
        ("headroom>=20%", "headroom", ">=", 0.2),
        ("tests>0", "tests", ">", 0),
    ],
)
def test_a_gate_is_read(text: str, name: str, comparison: str, bound: float) -> None:
    gate = Gate.parse(text)
    assert (gate.metric.name, gate.comparison, gate.bound) == (name, comparison, bound)
    assert gate.expression == text.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a figure, a comparison and a number, such as p95_ms<=5000; figures: p50_ms, p95_ms"),
        ("p95_ms", "a figure, a comparison and a number"),
        ("<=5", "a figure, a comparison and a number"),
        ("connections<=5<=6", "a number without a unit in the place of '5<=6'"),
        ("connections<=5 6", "a number without a unit in the place of '56'"),
        ("connections<=5 or more", "a figure, a comparison and a number"),
        ("p95<=5000", "perhaps p95_ms in the place of 'p95'; figures: p50_ms, p95_ms"),
        ("memory<=1", "perhaps peak_memory in the place of"),
        ("CONNECTIONS<=1", "perhaps connections in the place of"),
        ("zzz<=1", "another figure in the place of 'zzz'; figures: "),
        ("connections=5", "one of <= < == >= > in the place of '='"),
        ("connections=<5", "one of <= < == >= > in the place of '=<'"),
        ("connections!=5", "one of <= < == >= > in the place of '!='"),
        ("connections<=", "a number behind connections<=, such as 5"),
        ("connections<=five", "a number behind connections<="),
        ("connections<=-5", "digits, and a dot before decimals, in the place of '-5'"),
        ("connections<=1e3", "digits, and a dot before decimals, in the place of '1e3'"),
        ("connections<=1,000", "in the place of '1,000'"),
        ("connections<=1_000", "in the place of '1_000'"),
        ("connections<=.5", "in the place of '.5'"),
        ("connections<=5%", "a number without a unit in the place of '5%', such as connections<=5"),
        ("p95_ms<=5MB", "ms (or no unit), s or min in the place of 'MB', such as p95_ms<=5000 or 5s"),
        ("p95_ms<=5S", "ms (or no unit), s or min in the place of 'S'"),
        ("peak_memory<=2KBanana", "B (or no unit), KB, MB, GB, KiB, MiB or GiB in the place of 'KBanana'"),
        ("peak_memory<=2ms", "KiB, MiB or GiB in the place of 'ms'"),
        ("error_rate<=5", "at most 100%, or 1 without a unit, in the place of '5', such as error_rate<=20% or 0.2"),
        ("headroom>=120%", "in the place of '120%'"),
        ("headroom>=20percent", "% (or no unit, for a share of 1) in the place of 'percent'"),
        ("connections<=५", "a number behind connections<="),
    ],
)
def test_what_is_no_gate_is_refused_with_what_is_valid(text: str, said: str) -> None:
    with pytest.raises(GateError, match=re.escape(said)):
        Gate.parse(text)


@given(text=st.text(max_size=30) | st.from_regex(r"[a-z0-9_]+[<>=]{1,2}[0-9.]+[A-Za-z%]*", fullmatch=True))
def test_any_text_is_a_gate_or_refused(text: str) -> None:
    try:
        gate = Gate.parse(text)
    except GateError:
        return
    assert Gate.parse(gate.expression) == gate


@given(
    name=st.sampled_from(sorted(BY_NAME)),
    comparison=st.sampled_from(["<=", "<", "==", ">=", ">"]),
    number=st.decimals(0, 1, places=3),
)
def test_every_figure_takes_every_comparison(name: str, comparison: str, number: object) -> None:
    assert Gate.parse(f"{name}{comparison}{number}").bound == pytest.approx(float(str(number)), abs=1)


@pytest.mark.parametrize(
    ("comparison", "holds_for"), [("<=", {4, 5}), ("<", {4}), ("==", {5}), (">=", {5, 6}), (">", {6})]
)
def test_comparisons_hold_as_they_read(comparison: str, holds_for: set[int]) -> None:
    gates = {amount: judged(f"connections{comparison}5", used("connections", amount)) for amount in (4, 5, 6)}
    assert {amount for amount, gate in gates.items() if gate.passed} == holds_for


def test_a_result_tells_what_was_observed_where_and_its_bound() -> None:
    tests = used("memory", 50 * 2**20, "a"), used("memory", 120 * 2**20, "b")
    assert judged("peak_memory<=100MB", *tests) == GateResult(
        expression="peak_memory<=100MB", observed="120 MB (b)", bound="at most 100 MB", passed=False
    )


def test_a_size_that_rounds_to_its_bound_is_told_in_bytes() -> None:
    result = judged("peak_memory<=100MB", used("memory", 100 * 2**20 + 1))
    assert (result.observed, result.passed) == ("100 MB (104,857,601 B) (test_it)", False)


@pytest.mark.parametrize("name", sorted({metric.name for metric in METRICS} - {"tests"}))
def test_a_figure_that_nothing_measured_fails_and_says_so(name: str) -> None:
    result = judged(f"{name}>=0")
    assert not result.passed
    assert result.level == "critical"
    assert result.observed.startswith("nothing measured: ")


def test_no_guarded_test_can_be_refused() -> None:
    assert not judged("tests>=1").passed
    assert judged("tests>=1", used("connections", 1)).passed


def test_what_is_unmeasured_can_warn_or_be_left_out() -> None:
    gate = Gate.parse("cron_ms<=14min")
    warned = gate.at("critical", "warn").judge(run())
    assert warned is not None
    assert (warned.level, warned.passed) == ("warning", False)
    assert gate.at("critical", "leave out").judge(run()) is None


def timed(*walls: float, nodeid: str = "test_it", wall_limit: float | None = None) -> TestRecord:
    usage = {} if wall_limit is None else {"wall_ms": Usage(used=max(walls), limit=wall_limit, other=None)}
    return record(nodeid, usage=usage, violations=(), outcome="passed", walls_ms=walls)


@pytest.mark.parametrize(("name", "observed"), [("p50_ms", "50 ms"), ("p95_ms", "95 ms"), ("p99_ms", "99 ms")])
def test_percentiles_are_over_all_invocations_of_the_run(name: str, observed: str) -> None:
    tests = timed(*map(float, range(1, 61))), timed(*map(float, range(61, 101)), nodeid="test_more")
    assert judged(f"{name}<=1s", *tests).observed == observed


def test_percentiles_of_one_are_that_one() -> None:
    assert judged("p95_ms<=1s", timed(12.5)).observed == "12.5 ms"


def test_requests_and_crons_are_told_apart_by_their_wall_time() -> None:
    tests = timed(31_000.0, nodeid="a"), timed(800_000.0, nodeid="b", wall_limit=15 * 60 * 1_000)
    assert judged("request_ms<=30s", *tests).observed == "31,000 ms (a)"
    assert judged("cron_ms<=14min", *tests).observed == "800,000 ms (b)"


def test_errors_are_the_share_of_guarded_tests_that_failed() -> None:
    tests = [used("connections", 1, f"test_{number}") for number in range(99)]
    result = judged("error_rate<=0.5%", *tests, replace(tests[0], nodeid="x", outcome="failed"))
    assert (result.observed, result.passed) == ("1 % (1 of 100 tests)", False)


def test_violations_count_but_not_of_tests_that_are_expected_to_fail() -> None:
    result = judged("violations==0", record("a"), record("b").ended("skipped", 1.0, excused=True))
    assert result.observed == "1 (1 of 2 tests)"


def test_headroom_is_the_least_that_is_left_and_negative_beyond_a_limit() -> None:
    assert judged("headroom>=20%", used("connections", 900)).observed == "10 % (connections of test_it)"
    assert judged("headroom>=20%", record("a")).observed == "-16.67 % (connections of a)"


@pytest.mark.parametrize("kind", ["known", "expected", "allowed"])
def test_headroom_leaves_out_what_fails_nothing(kind: str) -> None:
    left = record("a", violations=(), **{kind: record("a").violations})
    assert judged("headroom>=20%", left).observed == "99.3 % (subrequests of a)"


def test_headroom_leaves_out_cpu_time() -> None:
    assert judged("headroom>=20%", used("cpu_ms", 2_000)).observed.startswith("nothing measured")


def test_figures_of_the_bundle() -> None:
    bundle = Bundle(path="dist", size=2**20, gzip_size=2**10, files=7, startup_ms=12.0)
    assert judged("bundle_size<=10MB", bundle=bundle).observed == "1 MB"
    assert judged("bundle_gzip<=10MB", bundle=bundle).observed == "1 KB"
    assert judged("bundle_files<=10", bundle=bundle).observed == "7"
    assert judged("startup_ms<=10", bundle=bundle).passed is False
