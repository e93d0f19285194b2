"""Runs that never happened, of any size and malice, for tests of reports and for their benchmark."""

from __future__ import annotations

import random
from dataclasses import replace

from pytest_cfworkers.callsite import Frame
from pytest_cfworkers.limits import BY_KEY, D1_PARAMETERS, LIMITS, Rule
from pytest_cfworkers.report.model import TestRecord, Usage
from pytest_cfworkers.report.run import Bundle, GateResult, Run
from pytest_cfworkers.report.timeline import Span, Timeline
from pytest_cfworkers.violation import Violation

SLOTS = 6
MB = 2**20
SITES: tuple[tuple[Frame, ...], ...] = (
    (Frame("app/refresh.py", 9, "refresh"), Frame("tests/test_refresh.py", 21, "test_refresh")),
    (Frame("app/github.py", 114, "fetch_page"), Frame("app/github.py", 80, "fetch_all")),
    (Frame("app/store.py", 33, "save"),),
    (),
)


def run(tests: int, *, connections: int = 20, broken: float = 0.05, seed: int = 1) -> Run:
    """Make a run.

    Args:
        tests: How many tests.
        connections: How many connections each of them opens.
        broken: The share of tests that break a limit.
        seed: Two runs of one seed are the same.
    """
    dice = random.Random(seed)  # noqa: S311 - nobody's secret
    return Run(
        version="0.1.0",
        started="2026-11-24T10:15:00Z",
        duration_s=tests * 0.02,
        settings={"limits": "enforce", "plan": "paid", "connections": "body"},
        tests=tuple(record(number, connections, broken=dice.random() < broken, dice=dice) for number in range(tests)),
    )


def record(number: int, connections: int, *, broken: bool, dice: random.Random) -> TestRecord:
    """Make a test, which opens its connections six at a time, or all at once where it is to break the limit."""
    spans = fan_out(connections, dice) if broken else in_turn(connections, dice)
    wall = max((span.closed_ms or 0.0 for span in spans), default=0.0) + dice.uniform(1, 20)
    peak = connections if broken else min(connections, dice.randint(1, SLOTS))
    memory = dice.lognormvariate(17, 0.4)
    held = tuple((wall * step / 24, int(memory * (0.4 + 0.6 * min(1.0, step / 15)))) for step in range(25))
    folder = ("api", "d1", "cron", "sync")[number % 4]
    return TestRecord(
        nodeid=f"tests/{folder}/test_module_{number // 40:03}.py::TestWorker::test_case_{number:05}[plan-{number % 7}]",
        plan="paid",
        path=f"tests/{folder}/test_module_{number // 40:03}.py",
        line=10 + number % 400,
        outcome="failed" if broken else "skipped" if number % 97 == 96 else "passed",
        duration_ms=wall + dice.uniform(0.2, 3),
        usage={
            "connections": Usage(used=peak, limit=SLOTS, other=SLOTS),
            "unread_bodies": Usage(used=0, limit=0, other=0),
            "subrequests": Usage(used=connections, limit=10_000, other=50),
            "internal_subrequests": Usage(used=connections // 4, limit=10_000, other=1_000),
            "d1_queries": Usage(used=connections // 4, limit=10_000, other=1_000),
            "memory": Usage(used=int(memory), limit=128 * MB, other=128 * MB),
            "cpu_ms": Usage(used=round(dice.lognormvariate(1.6, 0.7), 2), limit=30_000, other=10),
        },
        violations=(violation(connections, number),) if broken else (),
        timelines=(
            Timeline(
                name=f"test_case_{number:05}",
                slots=SLOTS,
                connection_model="body",
                wall_ms=wall,
                cpu_ms=3.0,
                spans=spans,
                memory=held,
                checkpoints=(("loaded", wall * 0.2), ("saved", wall * 0.8)) if number % 5 == 0 else (),
            ),
        ),
    )


def violation(connections: int, number: int = 0, rule: Rule = "connections") -> Violation:
    """Make a violation as the guard of connections does."""
    site = SITES[number % 2]
    return Violation(
        rule=rule,
        observed=connections,
        limit=SLOTS,
        unit="connections",
        headline=f"{connections} connections at once, the limit is {SLOTS}",
        evidence=(
            "open at that moment:",
            f"  {connections} × {site[0].path}:{site[0].line} in {site[0].function}: await asyncio.gather(*tasks)",
            f"      called from {site[1].path}:{site[1].line} in {site[1].function}",
            f"in the whole invocation {connections - SLOTS} connections waited in the queue, {number % 90}.5 ms in all",
        ),
        remedy=(
            f"A Worker has {SLOTS} connections at a time; the next one waits until one is free.\n"
            "https://developers.cloudflare.com/changelog/2026-04-09-relaxed-connection-limiting\n"
            "Fix:\n"
            f"    slots = asyncio.Semaphore({SLOTS})  # one for the whole invocation\n"
            "    async with slots: response = await client.get(url)\n"
            'On purpose? @pytest.mark.cf_limits(allow={"connections": "the reason"})'
        ),
        source=BY_KEY["connections"].source,
        frames=site,
    )


def fan_out(connections: int, dice: random.Random) -> tuple[Span, ...]:
    """Open all connections at once: what is beyond the slots waits for one, first in first out."""
    free = [0.0] * SLOTS
    spans = []
    for number in range(connections):
        opened = 0.4 + number * 0.03
        admitted = max(opened, free[0])
        ended = replace(span(number, opened, dice), admitted_ms=admitted, beyond=number >= SLOTS)
        headers = admitted + dice.uniform(2, 14)
        closed = headers + dice.uniform(1, 9)
        outcome = "evicted" if number == SLOTS - 1 else ended.outcome
        spans.append(replace(ended, headers_ms=round(headers, 3), closed_ms=round(closed, 3), outcome=outcome))
        free = sorted([*free[1:], closed])
    return tuple(spans)


def in_turn(connections: int, dice: random.Random) -> tuple[Span, ...]:
    """Open connections as one after another becomes free."""
    moment, spans = 0.5, []
    for number in range(connections):
        headers = round(moment + dice.uniform(1, 8), 3)
        closed = round(headers + dice.uniform(0.5, 6), 3)
        one = span(number, round(moment, 3), dice)
        spans.append(replace(one, admitted_ms=one.opened_ms, headers_ms=headers, closed_ms=closed))
        moment += dice.uniform(1, 5)
    return tuple(spans)


def span(number: int, opened: float, dice: random.Random) -> Span:
    """Make a connection that was just opened."""
    internal = number % 4 == 3
    labels = ("D1 SELECT name FROM repos WHERE id = ?", "D1 batch of 12") if internal else LABELS
    return Span(
        label=labels[number % len(labels)],
        internal=internal,
        beyond=False,
        opened_ms=round(opened, 3),
        admitted_ms=None,
        headers_ms=None,
        closed_ms=None,
        outcome=dice.choices(("consumed", "cancelled", "failed", "abandoned"), (90, 5, 3, 2))[0],
        frames=SITES[number % len(SITES)],
    )


LABELS = tuple(f"GET https://api.example/repos/repo-{number}/releases" for number in range(50))

PAYLOADS = (
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 1</script>",
    "<!--<script>",
    "\"><img src=x onerror='window.hacked = 1'>",
    "javascript:window.hacked=1",
    "{{ 7 * 7 }}{% raw %}",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "quotes ' \" ` \\ &amp; &",
    "emoji \N{GRINNING FACE}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}",
    "line\u2028paragraph\u2029",
    "lone \ud800 and \udfff",
    "turned \u202e round",
    "nul \x00 and \ufeff",
    "tab\tand\nline",
    "x" * 100_000,
    "w" + " w" * 50_000,
    "",
)
"""What test ids, SQL, labels and reasons may hold, each of which has broken some report."""


def hostile() -> Run:
    """Make a run in which every text is a payload."""
    dice = random.Random(1)  # noqa: S311 - nobody's secret
    tests = []
    for number, payload in enumerate(PAYLOADS):
        plain = record(number, 8, broken=True, dice=dice)
        frames = (Frame(payload, 1, payload),)
        found = replace(
            violation(8),
            headline=payload,
            evidence=(payload, payload),
            remedy=f"{payload}\n    {payload}",
            source=payload,
            frames=frames,
        )
        timeline = plain.timelines[0]
        spans = tuple(replace(one, label=payload, frames=frames) for one in timeline.spans)
        tests.append(
            replace(
                plain,
                nodeid=f"{number:02} {payload}",
                path=payload,
                outcome="failed",
                violations=(found,),
                known=(found,),
                allowed=(found,),
                advice=(found,),
                unused={"memory": payload},
                timelines=(replace(timeline, name=payload, spans=spans, checkpoints=((payload, 1.0),)),),
            )
        )
    return replace(
        run(0),
        settings={payload: payload for payload in PAYLOADS},
        tests=tuple(tests),
        complete=False,
        problems=PAYLOADS,
        gates=tuple(GateResult(expression=text, observed=text, bound=text, passed=False) for text in PAYLOADS),
        bundle=Bundle(
            path=PAYLOADS[0],
            size=1,
            gzip_size=1,
            files=1,
            packages=tuple((text, 1) for text in PAYLOADS),
            imports=tuple((text, 1.0) for text in PAYLOADS),
        ),
    )


def wide() -> Run:
    """Make a run with a figure of every limit, many of them beyond it, and with a test of hundreds of connections."""
    base = record(0, 400, broken=True, dice=random.Random(5))  # noqa: S311 - nobody's secret
    usage = {limit.key: Usage(used=10_400, limit=10_000, other=None) for limit in (*LIMITS, D1_PARAMETERS)}
    return replace(run(0), tests=(base, replace(base, nodeid="tests/test_wide.py::test_everything", usage=usage)))


def eventful() -> Run:
    """Make a small run that has a bit of everything: gates, a bundle, advice, allowances, several invocations."""
    base = run(3, broken=0.0)
    first, second, third = base.tests
    broken = record(7, 20, broken=True, dice=random.Random(7))  # noqa: S311 - nobody's secret
    unread = replace(
        violation(2, 1, rule="unread-body"), headline="2 response bodies neither read nor closed, the limit is 0"
    )
    advice = replace(violation(12, rule="d1-queries"), headline="the same statement in 12 round trips")
    first = replace(
        first,
        usage={
            **first.usage,
            "connections": Usage(used=9, limit=6, other=6),
            "subrequests": Usage(used=8_900, limit=10_000, other=50),
        },
        expected=(replace(violation(7, 3), headline="7 connections at once, the limit is 6"),),
        allowed=(replace(violation(9, 1), headline="9 connections at once, the limit is 6"),),
        known=(replace(violation(8, 2), headline="8 connections at once, the limit is 6"),),
        advice=(advice,),
        unused={"memory": "the import is large, see #12"},
    )
    third = replace(third, timelines=(third.timelines[0], broken.timelines[0]))
    return replace(
        base,
        tests=(first, second, third, replace(broken, violations=(*broken.violations, unread))),
        complete=False,
        problems=("interrupted by Ctrl-C after 4 of 60 tests",),
        gates=(
            GateResult(expression="p95_ms<=5000", observed="41 ms", bound="5,000 ms", passed=True),
            GateResult(expression="violations==0", observed="2", bound="0", passed=False),
            GateResult(expression="connections<=5", observed="20", bound="5", passed=False, level="warning"),
        ),
        bundle=Bundle(
            path="src/entry.py",
            size=9_400_000,
            gzip_size=2_100_000,
            files=412,
            packages=(("pydantic_core", 4_700_000), ("httpx", 610_000)),
            startup_ms=212.4,
            imports=(("pydantic", 120.5), ("httpx", 44.1)),
        ),
    )
