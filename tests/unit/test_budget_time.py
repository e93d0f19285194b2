"""How times are judged: by a scale, and not where something disturbed them."""

import re
import sys
import tracemalloc
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from pytest_cfworkers import Invocation, Limits, tracers
from pytest_cfworkers.memory.sizes import Sizes
from pytest_cfworkers.timing_keys import timed
from tests.unit.turning import Clock


def used(limits: Limits, *, cpu_s: float = 0.0, wall_s: float = 0.0, certificates_s: float = 0.0) -> Invocation:
    """Return an invocation that has used some time and ended."""
    clock, cpu = Clock(), Clock()
    invocation = Invocation(limits, clock=clock, cpu_clock=cpu)
    invocation.start()
    cpu.now, clock.now = cpu_s, wall_s
    invocation.account.certificates = certificates_s
    invocation.finish()
    return invocation


GIVEN = Limits.none().replace(cpu_ms=50)


# the scale


@pytest.mark.parametrize(("scale", "broken"), [(1.0, False), (2.0, False), (2.1, True)])
def test_cpu_time_is_multiplied_before_it_is_judged(scale: float, *, broken: bool) -> None:
    invocation = used(GIVEN.scaled(scale), cpu_s=0.025)
    assert bool(invocation.violations) is broken
    assert invocation.statistics().cpu_ms == pytest.approx(25 * scale)


def test_the_message_gives_what_was_measured_and_the_factor() -> None:
    (violation,) = used(GIVEN.scaled(2.5), cpu_s=0.04).violations
    assert violation.headline == "100.0 ms of CPU time, the limit is 50 ms"
    assert violation.evidence == ("measured as 40.0 ms on CPython here, times 2.5: cf_cpu_scale, an estimate",)


def test_without_a_scale_the_message_gives_the_factor_of_pyodide() -> None:
    (violation,) = used(GIVEN, cpu_s=0.06).violations
    told = " ".join(line.strip() for line in violation.evidence)
    assert re.fullmatch(
        r"measured on CPython here, times 1; .* takes about \S+ times as long \(.*\): cf_cpu_scale", told
    )


def test_the_plans_own_number_warns_by_the_same_scale() -> None:
    invocation = used(Limits.plan("free").scaled(3), cpu_s=0.004)
    assert invocation.violations == ()
    assert [advice.headline for advice in invocation.advice] == ["12.0 ms of CPU time, the limit is 10 ms (free plan)"]


# certificates


def test_certificates_that_make_the_difference_are_named_with_the_fix() -> None:
    (violation,) = used(GIVEN.scaled(2), cpu_s=0.04, certificates_s=0.03).violations
    assert violation.evidence[1:] == (
        "60.0 ms of it went into certificates for SSL contexts, which no Worker",
        "  reads; without it the limit is kept",
    )
    assert "make the client in a fixture" in violation.remedy


def test_certificates_that_are_not_all_are_named_alone() -> None:
    (violation,) = used(GIVEN, cpu_s=0.2, certificates_s=0.03).violations
    assert " ".join(violation.evidence).endswith(
        " 30.0 ms of it went into certificates for SSL contexts, which no Worker   reads"
    )
    assert "make the client in a fixture" not in violation.remedy


def test_certificates_that_took_next_to_nothing_are_not_named() -> None:
    (violation,) = used(GIVEN, cpu_s=0.2, certificates_s=0.001).violations
    assert "certificates" not in " ".join(violation.evidence)


# what disturbs


EVERY = timed(Limits.none(), cpu_ms=50, wall_ms=100)


@pytest.fixture
def no_tracer() -> Iterator[None]:
    """Take away whoever traces the run outside, such as coverage, for the while."""
    trace = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(trace)


def tracer_of(module: str) -> Any:
    def trace(_: FrameType, __: str, ___: object) -> None: ...

    trace.__module__ = module
    return trace


@pytest.mark.usefixtures("no_tracer")
@pytest.mark.parametrize("debugger", ["pdb", "bdb", "pydevd"])
def test_under_a_debugger_no_time_is_judged_and_the_advice_says_so(debugger: str) -> None:
    sys.settrace(tracer_of(debugger))
    invocation = used(EVERY, cpu_s=1, wall_s=1)
    sys.settrace(None)
    assert invocation.violations == ()
    assert [advice.headline for advice in invocation.advice] == [
        "not judged: 1,000.0 ms of CPU time, the limit is 50 ms",
        "not judged: 1,000.0 ms from start to end, the limit is 100 ms",
    ]
    assert {advice.remedy.replace("\n", " ") for advice in invocation.advice} == {
        f"the debugger {debugger} may have stopped the test meanwhile. Run it without one to have it judged."
    }


@pytest.mark.usefixtures("no_tracer")
def test_under_coverage_cpu_time_over_the_limit_is_not_judged_and_wall_time_is() -> None:
    sys.settrace(tracer_of("coverage.tracer"))
    invocation = used(EVERY, cpu_s=1, wall_s=1)
    sys.settrace(None)
    assert [violation.rule for violation in invocation.violations] == ["wall-time"]
    (advice,) = invocation.advice
    assert advice.rule == "cpu-time"
    assert advice.remedy.startswith("coverage traced the test meanwhile, which takes CPU time of its own.")


@pytest.mark.usefixtures("no_tracer")
def test_a_limit_that_is_kept_under_a_tracer_needs_no_word() -> None:
    sys.settrace(tracer_of("coverage.tracer"))
    invocation = used(EVERY, cpu_s=0.01, wall_s=0.01)
    sys.settrace(None)
    assert invocation.violations == invocation.advice == ()


@pytest.mark.skipif(tracemalloc.is_tracing(), reason="tracemalloc is on in this whole run")
@pytest.mark.usefixtures("no_tracer")
def test_a_look_of_a_moment_at_what_is_allocated_leaves_cpu_time_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it goes on at the start and at the end."""
    made: list[Invocation] = []
    monkeypatch.setattr("pytest_cfworkers.memory.sizes._MOMENTS", 1)
    monkeypatch.setattr("pytest_cfworkers.memory.sizes.sleep", lambda _: made.append(used(GIVEN, cpu_s=1)))
    Sizes().look()
    (invocation,) = made
    assert [violation.rule for violation in invocation.violations] == ["cpu-time"]


@pytest.mark.skipif(tracemalloc.is_tracing(), reason="tracemalloc is on in this whole run")
@pytest.mark.usefixtures("no_tracer")
def test_what_is_allocated_is_traced_by_whoever_begun_before_the_start() -> None:
    invocation = Invocation(GIVEN, clock=Clock(), cpu_clock=(cpu := Clock()))
    tracemalloc.start()
    invocation.start()
    tracemalloc.stop()
    cpu.now = 1.0
    invocation.finish()
    assert invocation.violations == ()
    (advice,) = invocation.advice
    assert advice.remedy.startswith("tracemalloc traced the test meanwhile, which takes CPU time of its own.")


def test_what_stopped_the_program_is_told_also_after_it_went_on() -> None:
    invocation = Invocation(EVERY, clock=(clock := Clock()), cpu_clock=Clock())
    invocation.start()
    invocation.times.stopped_by = "a breakpoint"
    clock.now = 60.0
    invocation.finish()
    assert invocation.violations == ()
    (advice,) = invocation.advice
    assert advice.remedy == ("a breakpoint may have stopped the test meanwhile. Run it without one to have\nit judged.")


@pytest.mark.usefixtures("no_tracer")
def test_a_profiler_is_a_tracer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "getprofile", lambda: tracer_of("cProfile"))
    assert (tracers.tracer(), tracers.debugger()) == ("cProfile", None)


@pytest.mark.usefixtures("no_tracer")
@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in 3.12")
def test_tools_that_monitor_are_told_by_their_name(monkeypatch: pytest.MonkeyPatch) -> None:
    tools: dict[int, str] = {}
    monitoring: Any = vars(sys)["monitoring"]
    monkeypatch.setattr(monitoring, "get_tool", tools.get)
    assert (tracers.tracer(), tracers.debugger()) == (None, None)
    tools[monitoring.COVERAGE_ID] = "coverage.py"
    assert (tracers.tracer(), tracers.debugger()) == ("coverage.py", None)
    tools[monitoring.DEBUGGER_ID] = "pydevd"
    assert tracers.debugger() == "pydevd"
