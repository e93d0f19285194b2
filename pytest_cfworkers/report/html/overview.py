"""The first screen: did it pass, how much of each limit is left, and how the figures are spread."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, final

from pytest_cfworkers.counted import counted
from pytest_cfworkers.limits import Limit
from pytest_cfworkers.percentile import percentile
from pytest_cfworkers.report.excess import Excess
from pytest_cfworkers.report.html.figures import ALL, amount, milliseconds, share
from pytest_cfworkers.report.model import TestRecord, Usage
from pytest_cfworkers.report.run import Run

BINS: Final = 36
"""Bars of one histogram."""

PERCENTILES: Final = (50.0, 95.0, 99.0)

TIGHT: Final = 20.0
"""Percent of a limit left below which a test is worth a look."""

Standing = Literal["over", "allowed", "warns", "tight", "plenty"]

STANDING: Final[Mapping[Excess, Standing]] = {
    "broken": "over",
    "known": "allowed",
    "expected": "allowed",
    "allowed": "allowed",
    "refused": "warns",
    "warned": "warns",
}
"""The sign and the colour of a figure beyond its limit."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the run came to.

    Attributes:
        kind: "broken", "kept" or "empty".
        title: In one line.
        detail: What stands behind it, in one more.
    """

    kind: Literal["broken", "kept", "empty"]
    title: str
    detail: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """How much of one limit the test that used most of it left.

    Attributes:
        limit: The limit.
        used: What it used, in words.
        allowed: What it may use, in words.
        left: How much is left, in words.
        standing: How that is to be taken.
        within: How far the bar is filled, in percent of its length.
        beyond: How much of it is over the limit, in percent of its length.
        mark: Where the limit is, in percent of its length.
        test: The number of that test.
        nodeid: Its id.
    """

    limit: Limit
    used: str
    allowed: str
    left: str
    standing: Standing
    within: float
    beyond: float
    mark: float
    test: int
    nodeid: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How one figure is spread over the tests.

    Attributes:
        title: What is measured.
        count: How many values there are.
        figures: P50, P95, P99 and the largest, in words, by name.
        bars: Of the histogram: place, height and count, the first two in percent.
        bar: How wide each bar is, in percent.
        marks: Where P50, P95 and P99 are, in percent.
    """

    title: str
    count: int
    figures: dict[str, str]
    bars: tuple[tuple[float, float, int], ...]
    bar: float
    marks: dict[str, float]


def verdict(run: Run) -> Verdict:
    """Say in two lines what a run came to."""
    broken = sum(bool(record.violations) for record in run.tests)
    gates = [gate for gate in run.gates if not gate.passed and gate.level == "critical"]
    tests = counted(len(run.tests), "test")
    titles = []
    if broken:
        titles.append(f"{broken:,} of {tests} {'breaks' if broken == 1 else 'break'} a limit")
    if gates:
        titles.append(f"{counted(len(gates), 'gate')} {'fails' if len(gates) == 1 else 'fail'}")
    if titles:
        return Verdict(kind="broken", title=", ".join(titles), detail=_rules(run))
    if not run.tests:
        detail = "Mark tests with @pytest.mark.cf_limits, or measure every test with --cf-limits=report."
        return Verdict(kind="empty", title="No test was guarded", detail=detail)
    known = sum(len(record.known) for record in run.tests)
    if known:
        detail = f"{tests} measured, {counted(known, 'violation')} known to the baseline"
        return Verdict(kind="kept", title="No limit is newly broken", detail=detail)
    return Verdict(kind="kept", title="Every limit is kept", detail=f"{tests} measured")


def headroom(tests: Sequence[TestRecord]) -> Iterator[Headroom]:
    """Yield, for each limit of which something was measured, the test that left least; the tightest limit first."""
    worst = []
    for limit in ALL:
        measured = [
            (usage.headroom, index) for index, record in enumerate(tests) if (usage := record.usage.get(limit.key))
        ]
        if measured:
            worst.append((*min(measured), limit))
    for _, index, limit in sorted(worst, key=lambda one: one[0]):
        yield _headroom(limit, tests[index].usage[limit.key], index, tests[index])


def spreads(tests: Sequence[TestRecord]) -> Iterator[Spread]:
    """Yield how times, connections, memory and the rest are spread over the tests."""
    yield from _spread("time of a test", [record.duration_ms for record in tests], milliseconds)
    timelines = [timeline for record in tests for timeline in record.timelines]
    yield from _spread("time of an invocation", [timeline.wall_ms for timeline in timelines], milliseconds)
    for limit in ALL:
        values = [usage.used for record in tests if (usage := record.usage.get(limit.key))]
        if limit.key != "wall_ms" or not timelines:
            yield from _spread(limit.title, values, partial(amount, limit))


def _rules(run: Run) -> str:
    counts: dict[str, int] = {}
    for record in run.tests:
        for rule in dict.fromkeys(found.rule for found in record.violations):
            counts[rule] = counts.get(rule, 0) + 1
    ranked = sorted(counts.items(), key=lambda pair: -pair[1])
    words = [f"{rule} in {counted(count, 'test')}" for rule, count in ranked]
    return ", ".join(words) if words else f"{counted(len(run.tests), 'test')} measured, none newly breaks a limit"


def _headroom(limit: Limit, usage: Usage, index: int, record: TestRecord) -> Headroom:
    whole = max(usage.used, usage.limit)
    standing: Standing = "plenty" if usage.headroom >= TIGHT else "tight"
    excess = record.excess(limit)
    if excess:
        standing = STANDING[excess]
    return Headroom(
        limit=limit,
        used=amount(limit, usage.used),
        allowed=amount(limit, usage.limit),
        left=record.left(limit),
        standing=standing,
        within=share(min(usage.used, usage.limit), whole),
        beyond=share(max(0.0, usage.used - usage.limit), whole),
        mark=share(usage.limit, whole) if whole else 100.0,
        test=index,
        nodeid=record.nodeid,
    )


def _spread(title: str, values: list[float], words: Callable[[float], str]) -> Iterator[Spread]:
    if not any(values):
        return
    ordered = sorted(values)
    points = {f"P{percent:.0f}": percentile(ordered, percent) for percent in PERCENTILES}
    # A single slow test must not press all others into one bar: what is far beyond P99 falls into the last one.
    end = min(ordered[-1], 1.5 * points["P99"]) or ordered[-1]
    # A bar for each number where they are few and whole, as the numbers of connections are.
    whole = end < BINS and all(float(value).is_integer() for value in ordered)
    width = end + 1 if whole else end
    bins = [0] * (int(width) if whole else BINS)
    for value in ordered:
        bins[min(len(bins) - 1, int(len(bins) * value / width))] += 1
    most = max(bins)
    yield Spread(
        title=title,
        count=len(ordered),
        figures={**{name: words(value) for name, value in points.items()}, "Max": words(ordered[-1])},
        bars=tuple(
            # At least a pixel for a single test beside thousands.
            (share(place, len(bins)), max(4.0, share(count, most)), count)
            for place, count in enumerate(bins)
            if count
        ),
        bar=share(0.9, len(bins)),
        marks={name: share(min(value, end) + 0.5 * whole, width) for name, value in points.items()},
    )
