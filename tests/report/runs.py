"""Runs for the tests of reports: made by hypothesis, and one that a person could have had."""

from typing import Final

from hypothesis import strategies as st

from pytest_cfworkers.callsite import Frame
from pytest_cfworkers.limits import RULES
from pytest_cfworkers.report.model import TestRecord, Usage
from pytest_cfworkers.report.run import Bundle, GateResult, Run
from pytest_cfworkers.report.timeline import Span, Timeline
from pytest_cfworkers.violation import Violation

text = st.text(max_size=8)
number = st.floats(0, 1e6)
moment = st.none() | number
frames = st.lists(st.builds(Frame, text, st.integers(1, 999), text), max_size=2).map(tuple)
violations = st.builds(
    Violation,
    rule=st.sampled_from(RULES),
    observed=number,
    limit=number,
    unit=text,
    headline=text,
    evidence=st.lists(text, max_size=2).map(tuple),
    remedy=text,
    source=text,
    frames=frames,
)
few_violations = st.lists(violations, max_size=2).map(tuple)
spans = st.builds(
    Span,
    label=text,
    internal=st.booleans(),
    beyond=st.booleans(),
    opened_ms=number,
    admitted_ms=moment,
    headers_ms=moment,
    closed_ms=moment,
    outcome=st.sampled_from(["", "consumed", "evicted"]),
    frames=frames,
)
timelines = st.builds(
    Timeline,
    name=text,
    slots=st.none() | st.integers(1, 9),
    connection_model=st.sampled_from(["body", "headers"]),
    wall_ms=number,
    cpu_ms=number,
    spans=st.lists(spans, max_size=2).map(tuple),
    dropped=st.integers(0, 9),
    memory=st.lists(st.tuples(number, st.integers(0, 2**40)), max_size=2).map(tuple),
    checkpoints=st.lists(st.tuples(text, number), max_size=2).map(tuple),
)
records = st.builds(
    TestRecord,
    nodeid=st.sampled_from(["a", "b", "c"]),
    plan=st.sampled_from(["free", "paid"]),
    usage=st.dictionaries(
        st.sampled_from(["connections", "cpu_ms"]),
        st.builds(Usage, used=number, limit=number, other=moment),
    ),
    violations=few_violations,
    known=few_violations,
    expected=few_violations,
    allowed=few_violations,
    advice=few_violations,
    unused=st.dictionaries(text, text, max_size=2),
    dropped=st.integers(0, 9),
    path=text,
    line=st.integers(0, 99),
    outcome=st.sampled_from(["passed", "failed", "skipped"]),
    duration_ms=number,
    timelines=st.lists(timelines, max_size=1).map(tuple),
    walls_ms=st.lists(number, max_size=2).map(tuple),
)
gates = st.builds(
    GateResult,
    expression=st.sampled_from(["violations==0", "p95_ms<=5"]),
    observed=text,
    bound=text,
    passed=st.booleans(),
    level=st.sampled_from(["warning", "critical"]),
)
bundles = st.builds(
    Bundle,
    path=text,
    size=st.integers(0, 2**30),
    gzip_size=st.integers(0, 2**30),
    files=st.integers(0, 99),
    packages=st.lists(st.tuples(text, st.integers(0, 99)), max_size=2).map(tuple),
    startup_ms=moment,
    imports=st.lists(st.tuples(text, number), max_size=2).map(tuple),
)
runs = st.builds(
    Run,
    version=st.sampled_from(["1.0", "1.1"]),
    started=st.sampled_from(["2026-11-24T10:00:00.000+00:00", "2026-11-24T11:00:00.000+00:00"]),
    duration_s=st.integers(0, 99).map(float),
    settings=st.dictionaries(st.sampled_from(["cf_plan", "cf_d1"]), st.sampled_from(["x", "y"])),
    tests=st.lists(records, max_size=3, unique_by=lambda record: record.nodeid).map(
        lambda found: tuple(sorted(found, key=lambda record: record.nodeid))
    ),
    complete=st.booleans(),
    problems=st.lists(text, max_size=2, unique=True).map(tuple),
    gates=st.lists(gates, max_size=2, unique_by=lambda gate: gate.expression).map(
        lambda found: tuple(sorted(found, key=lambda gate: gate.expression))
    ),
    bundle=st.none() | bundles,
)

SEVEN: Final = Violation(
    rule="connections",
    observed=7,
    limit=6,
    unit="connections",
    headline="7 connections at once, the limit is 6",
    evidence=("open at that moment:", "  7 × app/sync.py:3 in refresh: await client.get(url)"),
    remedy="A Worker has 6 connections at a time.\nFix:\n    slots = asyncio.Semaphore(6)",
    source="https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections",
    frames=(Frame("app/sync.py", 3, "refresh"), Frame("tests/test_sync.py", 9, "test_all")),
)


def record(nodeid: str = "tests/test_sync.py::test_all", **changes: object) -> TestRecord:
    """Make the record of a test that had seven connections open."""
    known: dict[str, object] = {
        "nodeid": nodeid,
        "plan": "paid",
        "usage": {
            "connections": Usage(used=7, limit=6, other=6),
            "subrequests": Usage(used=70, limit=10_000, other=50),
        },
        "violations": (SEVEN,),
        "path": "tests/test_sync.py",
        "line": 5,
        "outcome": "failed",
        "duration_ms": 12.5,
    }
    return TestRecord(**{**known, **changes})  # type: ignore[arg-type]


def run(*tests: TestRecord, **changes: object) -> Run:
    """Make a run of tests."""
    known: dict[str, object] = {
        "version": "0.1.0",
        "started": "2026-11-24T10:00:00.000+00:00",
        "duration_s": 2.0,
        "settings": {"cf_limits": "enforce", "cf_plan": "paid"},
        "tests": tests,
    }
    return Run(**{**known, **changes})  # type: ignore[arg-type]
