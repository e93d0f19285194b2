"""Percentiles, and the keys of `cf_timing`."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cfworkers import Invocation, Limits, LimitsError
from pytest_cfworkers.percentile import percentile
from pytest_cfworkers.timing_keys import PERCENTILES, timed
from tests.unit.turning import Clock

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=60)


@given(values=VALUES, percent=st.floats(0.1, 100))
def test_a_percentile_is_the_least_of_the_values_that_is_enough(values: list[float], percent: float) -> None:
    found = percentile(values, percent)
    enough = len(values) * percent / 100
    assert found in values
    assert sum(value <= found for value in values) >= math.floor(enough)
    assert sum(value < found for value in values) < max(enough, 1)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([7.0], (7, 7, 7)), ([3.0, 1.0], (1, 3, 3)), ([*map(float, range(100, 0, -1))], (50, 95, 99))],
)
def test_percentiles_by_nearest_rank(values: list[float], expected: tuple[float, ...]) -> None:
    assert tuple(percentile(values, share) for share in PERCENTILES.values()) == expected


def test_times_that_are_given_change_nothing_else() -> None:
    limits = timed(Limits.plan("free"), cpu_ms=50, wall_ms="cron", p95_ms=800, p50_ms=100)
    assert (limits.cpu_ms, limits.wall_ms, limits.subrequests) == (50, 900_000, 50)
    assert list(limits.percentiles.items()) == [("p50_ms", 100), ("p95_ms", 800)]
    assert limits.given == {"cpu_ms", "wall_ms"}


def test_none_turns_a_percentile_off_and_leaves_the_others() -> None:
    limits = timed(timed(Limits.plan(), p50_ms=100, p95_ms=800), p50_ms=None)
    assert dict(limits.percentiles) == {"p95_ms": 800}


@pytest.mark.parametrize("value", [0, -1, True, "800", float("nan")])
@pytest.mark.parametrize("key", list(PERCENTILES))
def test_a_percentile_that_is_no_time_is_refused(key: str, value: object) -> None:
    with pytest.raises(LimitsError) as caught:
        timed(Limits.plan(), **{key: value})
    assert str(caught.value) == f"{key}={value!r} is not a time; valid: a positive number of milliseconds, or None"


def test_an_unknown_key_is_refused_with_those_of_the_mark() -> None:
    with pytest.raises(LimitsError) as caught:
        timed(Limits.plan(), p90_ms=5)
    assert str(caught.value) == "cf_timing has no key 'p90_ms'; valid keys: cpu_ms, wall_ms, p50_ms, p95_ms, p99_ms"


# judged over the invocations that one opens


def judged(durations: tuple[float, ...], **bounds: float) -> Invocation:
    """Return an invocation that opened others, which took some seconds each."""
    clock = Clock()
    invocation = Invocation(timed(Limits.none(), **bounds), clock=clock, cpu_clock=Clock())
    with invocation.paused():
        invocation.start()
    for number, seconds in enumerate(durations):
        child = invocation.child(f"GET /{number}")
        child.start()
        clock.now += seconds
        child.finish()
    invocation.finish()
    return invocation


def test_too_many_slow_invocations_break_wall_time_and_the_slowest_are_named() -> None:
    invocation = judged((0.125, 0.25, 1.0, 0.5, 0.75), p50_ms=250, p95_ms=800, p99_ms=1_000)
    middle, high = invocation.violations
    assert (middle.rule, middle.observed, middle.limit, middle.unit) == ("wall-time", 500, 250, "ms")
    assert middle.headline == "500.0 ms is the P50 of 5 invocations, the limit is 250 ms"
    assert high.headline == "1,000.0 ms is the P95 of 5 invocations, the limit is 800 ms"
    assert high.evidence == (
        "the slowest of them:",
        "  1,000.0 ms  GET /2",
        "  750.0 ms  GET /4",
        "  500.0 ms  GET /3",
        "of fewer than 20 invocations the P95 is the slowest",
    )
    assert len(middle.evidence) == 4


def test_a_percentile_of_enough_invocations_needs_no_word_of_how_few_they_are() -> None:
    (violation,) = judged((1.0,) * 20, p95_ms=800).violations
    assert violation.headline == "1,000.0 ms is the P95 of 20 invocations, the limit is 800 ms"
    assert len(violation.evidence) == 4


def test_percentiles_that_are_kept_break_nothing() -> None:
    assert judged((0.125, 0.25, 0.5), p50_ms=250, p99_ms=500).violations == ()


def test_those_that_are_opened_in_an_opened_one_count_for_the_test() -> None:
    clock = Clock()
    limits = timed(Limits.none(), p50_ms=100)
    with Invocation(limits, clock=clock, cpu_clock=Clock(), enforce=False) as test:  # noqa: SIM117 - one in the other
        with Invocation(limits, clock=clock, cpu_clock=Clock(), enforce=False, opener=test) as opened:
            child = opened.child("GET /")
            child.start()
            clock.now += 1
            child.finish()
    assert [name for name, _ in test.times.opened] == ["GET /", ""]
    assert opened.violations == opened.advice == ()
    assert [violation.headline for violation in test.violations] == [
        "1,000.0 ms is the P50 of 2 invocations, the limit is 100 ms"
    ]


def test_where_none_was_opened_that_is_said_and_fails_nothing() -> None:
    invocation = judged((), p50_ms=100, p95_ms=800)
    assert invocation.violations == ()
    (advice,) = invocation.advice
    assert advice.headline == "not judged: p50_ms and p95_ms: the test opened no invocation"
    assert "For the time of the test itself give wall_ms." in advice.remedy
